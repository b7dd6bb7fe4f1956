// Package dm reads device-mapper's multipath maps and their paths from sysfs.
//
// It only reads: what is made of the facts is the business of the collectors,
// of which more than one needs them.
//
// What sysfs tells of a path is the state of its SCSI device or NVMe
// controller, not whether multipath has failed it: the kernel tells that by
// ioctl only.
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

// A Path is one of the block devices below a map.
type Path struct {
	Device string // such as sda
	State  string // from device/state, as the kernel has it; empty when not known
}

// Usable reports whether the state is one in which a device takes I/O: running
// (SCSI) or live (NVMe).
func (p Path) Usable() bool { return p.State == "running" || p.State == "live" }

const (
	blockDir   = "block"
	namePrefix = "dm-"
	uuidPrefix = "mpath-"
)

// Maps returns the multipath maps in natural order of their kernel names. What
// cannot be read is told to skip and costs itself: a map without a name or
// UUID is left out, other facts are not known. What went away meanwhile is not
// told.
func Maps(sys *host.Reader, skip func(error)) ([]Map, error) {
	names, err := sys.Names(blockDir)
	if err != nil {
		return nil, err
	}
	var maps []Map
	for _, name := range names {
		if !strings.HasPrefix(name, namePrefix) {
			continue
		}
		if m, ok := readMap(sys, name, skip); ok {
			maps = append(maps, m)
		}
	}
	return maps, nil
}

func readMap(sys *host.Reader, sysfsName string, skip func(error)) (Map, bool) {
	m := Map{SysfsName: sysfsName}
	uuid, err := sys.Text(blockDir, sysfsName, "dm", "uuid")
	if err == nil && !printable(uuid) {
		err = sys.At(host.Bad(1, "a UUID", uuid))
	}
	if err != nil {
		told(err, skip)
		return m, false
	}
	if !strings.HasPrefix(string(uuid), uuidPrefix) {
		return m, false
	}
	m.UUID = string(uuid)
	name, err := sys.Text(blockDir, sysfsName, "dm", "name")
	if err == nil && len(name) == 0 {
		err = sys.At(host.Bad(1, "the name of a map", name))
	}
	if err != nil {
		told(err, skip)
		return m, false
	}
	m.Name = string(name)
	suspended, err := sys.Uint(blockDir, sysfsName, "dm", "suspended")
	m.Suspended, m.SuspendedKnown = suspended != 0, told(err, skip)
	m.Sectors, err = sys.Uint(blockDir, sysfsName, "size")
	m.SectorsKnown = told(err, skip)
	m.Paths, m.PathsKnown = readPaths(sys, sysfsName, skip)
	return m, true
}

// readPaths returns the paths of a map. One whose state cannot be read, or
// that has none because it is neither SCSI nor NVMe, still is a path.
func readPaths(sys *host.Reader, sysfsName string, skip func(error)) ([]Path, bool) {
	names, err := sys.Names(blockDir, sysfsName, "slaves")
	if !told(err, skip) {
		return nil, false
	}
	paths := make([]Path, 0, len(names))
	for _, name := range names {
		state, err := sys.Text(blockDir, sysfsName, "slaves", name, "device/state")
		if err == nil && len(state) == 0 {
			err = sys.At(host.Bad(1, "the state of a device", state))
		}
		word := stateWord(state)
		if !told(err, skip) {
			word = ""
			if host.Gone(err) && !sys.Exists(blockDir, sysfsName, "slaves", name) {
				continue
			}
		}
		paths = append(paths, Path{Device: name, State: word})
	}
	return paths, true
}

// stateWord returns a state as a string, without a new one for those that
// nearly all paths are in.
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

// told reports whether there is no error, and tells one that is not about
// something that went away.
func told(err error, skip func(error)) bool {
	if err != nil && !host.Gone(err) {
		skip(err)
	}
	return err == nil
}
