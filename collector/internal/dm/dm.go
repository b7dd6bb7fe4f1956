// Package dm reads device-mapper's multipath maps and their paths from sysfs.
// It only reads facts, which more than one collector needs, and knows no
// metrics. The state of a path in sysfs is that of its SCSI device or NVMe
// controller, not whether multipath has failed the path: the kernel reports
// that by ioctl only.
package dm

import (
	"strings"

	"github.com/hostexporter/host_exporter/collector/internal/host"
)

// A Map is a multipath map, /sys/block/dm-N.
type Map struct {
	Name      string // as in /dev/mapper, from dm/name
	SysfsName string // dm-N
	UUID      string // from dm/uuid, with its prefix mpath-

	Suspended      bool // from dm/suspended
	SuspendedKnown bool
	Sectors        uint64 // of 512 bytes, from size
	SectorsKnown   bool
	Paths          []Path // from slaves
	PathsKnown     bool
}

// A Path is a block device below a map.
type Path struct {
	Device string // such as sda
	State  string // from device/state, as the kernel prints it; empty if not known
}

// Usable reports whether a device in this state takes I/O: running (SCSI) or
// live (NVMe).
func (p Path) Usable() bool { return p.State == "running" || p.State == "live" }

const (
	blockDir   = "block"
	namePrefix = "dm-"
	uuidPrefix = "mpath-"
)

// SharedPaths returns what Maps and Topology both read in sysfs.
func SharedPaths() []string {
	const maps = blockDir + "/" + namePrefix + "*/"
	return []string{blockDir, blockDir + "/*/device/state", maps + "dm/name", maps + "dm/uuid", maps + "size", maps + "slaves"}
}

// Maps returns the multipath maps in natural order of their kernel names. It
// reports a file that cannot be read, unless its device is gone. A map without a
// name or UUID is left out; any other fact that cannot be read is not known.
func Maps(sys *host.Reader, report func(error)) ([]Map, error) {
	names, err := sys.Names(blockDir)
	if err != nil {
		return nil, err
	}
	var maps []Map
	for _, name := range names {
		if !strings.HasPrefix(name, namePrefix) {
			continue
		}
		if m, ok := readMap(sys, name, report); ok {
			maps = append(maps, m)
		}
	}
	return maps, nil
}

func readMap(sys *host.Reader, sysfsName string, report func(error)) (Map, bool) {
	m := Map{SysfsName: sysfsName}
	uuid, err := readUUID(sys, sysfsName)
	if !host.ReportUnlessGone(err, report) || !strings.HasPrefix(string(uuid), uuidPrefix) {
		return m, false
	}
	m.UUID = string(uuid)
	name, err := readName(sys, sysfsName)
	if !host.ReportUnlessGone(err, report) {
		return m, false
	}
	m.Name = string(name)
	suspended, err := sys.Uint(blockDir, sysfsName, "dm", "suspended")
	m.Suspended, m.SuspendedKnown = suspended != 0, host.ReportUnlessGone(err, report)
	m.Sectors, err = sys.Uint(blockDir, sysfsName, "size")
	m.SectorsKnown = host.ReportUnlessGone(err, report)
	m.Paths, m.PathsKnown = readPaths(sys, sysfsName, report)
	return m, true
}

// readUUID returns the UUID of a device-mapper device, or nothing if it has
// none.
func readUUID(sys *host.Reader, sysfsName string) ([]byte, error) {
	uuid, err := sys.Text(blockDir, sysfsName, "dm", "uuid")
	if err == nil && !printable(uuid) {
		err = sys.At(host.Bad(1, "a UUID", uuid))
	}
	return uuid, err
}

func readName(sys *host.Reader, sysfsName string) ([]byte, error) {
	name, err := sys.Text(blockDir, sysfsName, "dm", "name")
	if err == nil && len(name) == 0 {
		err = sys.At(host.Bad(1, "the name of a map", name))
	}
	return name, err
}

// readPaths returns the paths of a map. A path without a readable state is still
// a path; one that is neither SCSI nor NVMe has no state.
func readPaths(sys *host.Reader, sysfsName string, report func(error)) ([]Path, bool) {
	names, err := sys.Names(blockDir, sysfsName, "slaves")
	if !host.ReportUnlessGone(err, report) {
		return nil, false
	}
	paths := make([]Path, 0, len(names))
	for _, name := range names {
		state, err := sys.Text(blockDir, name, "device/state")
		if err == nil && len(state) == 0 {
			err = sys.At(host.Bad(1, "the state of a device", state))
		}
		word := stateWord(state)
		if !host.ReportUnlessGone(err, report) {
			word = ""
			if host.Gone(err) && !sys.Exists(blockDir, sysfsName, "slaves", name) {
				continue
			}
		}
		paths = append(paths, Path{Device: name, State: word})
	}
	return paths, true
}

// stateWord returns a state as a string, without an allocation for the two
// usable states.
func stateWord(b []byte) string {
	switch string(b) {
	case "running":
		return "running"
	case "live":
		return "live"
	}
	return string(b)
}

func printable(b []byte) bool {
	for _, c := range b {
		if c < ' ' || c == 0x7f {
			return false
		}
	}
	return true
}
