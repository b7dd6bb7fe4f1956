package network

import (
	"errors"
	"io/fs"
	"math"

	"golang.org/x/sys/unix"

	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

// The indices of netclassNumbers.
const (
	addressAssignType = iota
	carrier
	carrierChanges
	carrierUpChanges
	carrierDownChanges
	deviceID
	dormant
	deviceFlags
	ifaceID
	ifaceLink
	ifaceLinkMode
	mtu
	nameAssignType
	netDevGroup
	transmitQueueLength
	protocolType
	numNetclass
)

// A netclassNumber is an attribute of a device with its family.
type netclassNumber struct {
	file    string
	name    string
	help    string
	counter bool
	signed  bool // whether sysfs prints an unsigned number as signed
	onlyUp  bool // only an interface that is up has the attribute
	family  *metric.Family
}

func netclassNumbers() []netclassNumber {
	return []netclassNumber{
		addressAssignType:   {file: "addr_assign_type", name: "address_assign_type", help: "Origin of the hardware address: 0 device, 1 random, 2 another device, 3 user."},
		carrier:             {file: "carrier", name: "carrier", help: "Whether the interface has a physical link.", onlyUp: true},
		carrierChanges:      {file: "carrier_changes", name: "carrier_changes_total", help: "Number of times that the physical link came or went.", counter: true, signed: true},
		carrierUpChanges:    {file: "carrier_up_count", name: "carrier_up_changes_total", help: "Number of times that the physical link came.", counter: true, signed: true},
		carrierDownChanges:  {file: "carrier_down_count", name: "carrier_down_changes_total", help: "Number of times that the physical link went.", counter: true, signed: true},
		deviceID:            {file: "dev_id", name: "device_id", help: "Number that distinguishes interfaces of one device, from dev_id."},
		dormant:             {file: "dormant", name: "dormant", help: "Whether the interface waits for an external event such as 802.1X.", onlyUp: true},
		deviceFlags:         {file: "flags", name: "flags", help: "Flags of the interface as a number, the IFF_ bits of netdevice(7)."},
		ifaceID:             {file: "ifindex", name: "iface_id", help: "Index of the interface in the kernel, from ifindex."},
		ifaceLink:           {file: "iflink", name: "iface_link", help: "Index of the interface below this one, or its own, from iflink."},
		ifaceLinkMode:       {file: "link_mode", name: "iface_link_mode", help: "Link mode of the interface: 0 default, 1 dormant until a program enables it."},
		mtu:                 {file: "mtu", name: "mtu_bytes", help: "Maximum packet size of the interface in bytes.", signed: true},
		nameAssignType:      {file: "name_assign_type", name: "name_assign_type", help: "Origin of the name: 1 kernel by order, 2 kernel by location, 3 user, 4 renamed by user."},
		netDevGroup:         {file: "netdev_group", name: "net_dev_group", help: "Group of the interface, from netdev_group."},
		transmitQueueLength: {file: "tx_queue_len", name: "transmit_queue_length", help: "Maximum number of packets in the transmit queue.", signed: true},
		protocolType:        {file: "type", name: "protocol_type", help: "Type of the interface, an ARPHRD_ number of the kernel."},
	}
}

func (n *netclassNumber) declare(m *metric.Set) {
	declare := m.Gauge
	if n.counter {
		declare = m.Counter
	}
	n.family = declare("node_network_"+n.name, n.help, "device")
}

// A netclassDevice has the attributes of one device.
type netclassDevice struct {
	name, address, broadcast, duplex, operState, alias string

	operStateKnown bool
	hasSpeed       bool
	speed          int64 // Mbit/s; -1 or 0 if the driver does not know it

	has    [numNetclass]bool
	values [numNetclass]int64
}

func (d *netclassDevice) set(i int, v int64) { d.values[i], d.has[i] = v, true }

func (d *netclassDevice) number(i int) (int64, bool) { return d.values[i], d.has[i] }

func (d *netclassDevice) adminState() string {
	flags, ok := d.number(deviceFlags)
	switch {
	case !ok:
		return "unknown"
	case flags&unix.IFF_UP != 0:
		return "up"
	}
	return "down"
}

// fromFiles reads a device from sysfs. It reports false for an entry that is no
// device, such as bonding_masters, and for a device that is gone.
func (c *netclassCollector) fromFiles(d *netclassDevice, out *metric.Sink) bool {
	operState, err := c.sys.Text(netDir, d.name, "operstate")
	deviceExists := errors.Is(err, fs.ErrNotExist) && c.sys.Exists(netDir, d.name, "ifindex")
	if errors.Is(err, unix.ENOTDIR) || isUnavailable(err) && !deviceExists {
		return false // every attribute of a device that is being removed fails with EINVAL or ENODEV
	}
	d.operState, d.operStateKnown = string(operState), err == nil
	reportUnlessUnavailable(err, out)
	c.number(d, deviceFlags, out)
	up := d.adminState() != "down"
	for i := range c.numbers {
		if i != deviceFlags && (up || !c.numbers[i].onlyUp) {
			c.number(d, i, out)
		}
	}
	d.address = c.text(d.name, "address", out)
	d.broadcast = c.text(d.name, "broadcast", out)
	d.alias = c.text(d.name, "ifalias", out)
	if up {
		d.readSpeed(c, out)
	}
	return true
}

// readSpeed reads speed and duplex, which the kernel gets from the driver. It
// reports false when the device does not have them.
func (d *netclassDevice) readSpeed(c *netclassCollector, out *metric.Sink) bool {
	b, err := c.sys.Text(netDir, d.name, "speed")
	if isUnavailable(err) {
		return false
	}
	if err == nil {
		if d.speed, d.hasSpeed = parseLinkSpeed(b); !d.hasSpeed {
			err = c.sys.At(host.Bad(1, "a whole number", b))
		}
	}
	reportUnlessUnavailable(err, out)
	d.duplex = c.text(d.name, "duplex", out)
	return true
}

// parseLinkSpeed parses a speed in Mbit/s. A driver that does not know it has 0, or
// -1 in an unsigned type of 16 or 32 bits, all of which ethtool(8) prints as
// unknown.
func parseLinkSpeed(b []byte) (speed int64, ok bool) {
	speed, ok = scan.Int(b)
	if !ok {
		_, ok = scan.Uint(b)
		return -1, ok
	}
	if speed < 0 || speed == math.MaxUint16 || speed > math.MaxInt32 {
		return -1, true
	}
	return speed, true
}

func (c *netclassCollector) text(device, file string, out *metric.Sink) string {
	b, err := c.sys.Text(netDir, device, file)
	reportUnlessUnavailable(err, out)
	return string(b)
}

func (c *netclassCollector) number(d *netclassDevice, i int, out *metric.Sink) {
	v, err := c.readNumber(d.name, i)
	if err == nil {
		d.set(i, v)
	}
	reportUnlessUnavailable(err, out)
}

// readNumber reads an attribute that is a decimal number, or a hexadecimal one
// with 0x.
func (c *netclassCollector) readNumber(device string, i int) (int64, error) {
	b, err := c.sys.Text(netDir, device, c.numbers[i].file)
	if err != nil {
		return 0, err
	}
	if v, ok := scan.Counter(b); c.numbers[i].signed && ok && v <= math.MaxInt64 {
		return int64(v), nil
	}
	if len(b) > 2 && b[0] == '0' && b[1] == 'x' {
		if v, ok := scan.Hex(b); ok {
			return int64(v), nil
		}
	} else if v, ok := scan.Int(b); ok {
		return v, nil
	}
	return 0, c.sys.At(host.Bad(1, "a number", b))
}

// reportUnlessUnavailable reports an error, unless it is nil or says that the
// device does not have the attribute.
func reportUnlessUnavailable(err error, out *metric.Sink) {
	if err != nil && !isUnavailable(err) {
		out.Error(err)
	}
}

// isUnavailable reports whether an error says that a device does not have an
// attribute: sysfs returns EINVAL for the speed of a virtual device.
func isUnavailable(err error) bool {
	return host.Gone(err) || errors.Is(err, unix.EINVAL) || errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.ENODATA)
}
