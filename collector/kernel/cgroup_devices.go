package kernel

import (
	"path"
	"strings"

	"github.com/hostexporter/host_exporter/collector/internal/host"
)

// cgroupDevices are the names of block devices by number, from the symbolic
// links of /sys/dev/block:
//
//	8:16 -> ../../devices/pci0000:00/.../block/sdb
type cgroupDevices struct {
	sys     *host.Reader
	listing host.Listing
	names   map[string]string // those that were needed since the listing changed
}

const blockNumbers = "dev/block"

// refresh forgets the names if a device was added or removed: a number can be
// given to another device.
func (d *cgroupDevices) refresh() error {
	changed, err := d.sys.List(&d.listing, blockNumbers)
	if changed {
		clear(d.names)
	}
	return err
}

// name returns the name of a device as in /proc/diskstats, or its number if it
// has no name.
func (d *cgroupDevices) name(number []byte) string {
	if name, ok := d.names[string(number)]; ok {
		return name
	}
	name := string(number)
	target, err := d.sys.Link(blockNumbers, name)
	switch {
	case err == nil:
		name = strings.ReplaceAll(path.Base(target), "!", "/") // sysfs writes ! for a slash
	case !host.Gone(err):
		return name // the next run tries again
	}
	d.names[string(number)] = name
	return name
}
