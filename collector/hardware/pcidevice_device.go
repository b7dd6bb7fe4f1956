package hardware

import (
	"fmt"
	"path"
	"strings"

	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

// A pciDevice is a function of a PCI device, for as long as it stays.
type pciDevice struct {
	host.DirEntry
	known bool // whether all of what follows is

	location pciLocation
	parent   pciLocation
	ids      [len(pciIDFiles)]uint64
	labels   [len(pciIDFiles)]string // of the ids; empty for a file that is absent
	names    pciNames

	absent       [pciAttributes]bool // that the device does not have
	noPowerState bool
}

// A pciLocation has segment, bus, device and function as labels.
type pciLocation [4]string

// pciIDFiles are the files that identify a device, with their width in digits.
var pciIDFiles = [...]struct {
	name   string
	digits int
}{
	pciClass:           {"class", 6},
	pciVendor:          {"vendor", 4},
	pciDeviceID:        {"device", 4},
	pciSubsystemVendor: {"subsystem_vendor", 4},
	pciSubsystemDevice: {"subsystem_device", 4},
	pciRevision:        {"revision", 2},
}

// The indexes of pciIDFiles.
const (
	pciClass = iota
	pciVendor
	pciDeviceID
	pciSubsystemVendor
	pciSubsystemDevice
	pciRevision
)

// setLocation sets the location of a device and of its parent from the target of
// its link. A parent such as pci0000:00 is not a device.
func (d *pciDevice) setLocation(link string) error {
	var ok bool
	if d.location, ok = parsePCILocation(d.Name); !ok {
		return host.Bad(1, "a PCI device, such as 0000:00:1f.2", []byte(d.Name))
	}
	if d.parent, ok = parsePCILocation(path.Base(path.Dir(link))); !ok {
		d.parent = pciLocation{pciNoParent, pciNoParent, pciNoParent, pciNoParent}
	}
	return nil
}

// parsePCILocation parses a name such as 0000:00:1f.2, whose numbers are
// hexadecimal. A segment can have more than four digits.
func parsePCILocation(name string) (l pciLocation, ok bool) {
	segment, rest, _ := strings.Cut(name, ":")
	bus, rest, _ := strings.Cut(rest, ":")
	device, function, _ := strings.Cut(rest, ".")
	l = pciLocation{segment, bus, device, function}
	for _, part := range l {
		if _, ok := scan.Hex([]byte(part)); !ok || strings.HasPrefix(part, "0x") {
			return l, false
		}
	}
	return l, len(segment) >= 4 && len(bus) == 2 && len(device) == 2 && len(function) == 1
}

func (d *pciDevice) setID(file int, id uint64) {
	d.ids[file] = id
	d.labels[file] = fmt.Sprintf("0x%0*x", pciIDFiles[file].digits, id)
}
