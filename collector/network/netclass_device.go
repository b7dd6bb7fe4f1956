package network

import (
	"errors"
	"io/fs"

	"golang.org/x/sys/unix"

	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

const netDir = "class/net"

// The numbers that netclass tells, as indices of netclassNumbers.
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

// A netclassNumber pairs an attribute of a device with the family it fills.
type netclassNumber struct {
	file    string
	name    string
	help    string
	counter bool
	running bool // only an interface that is up has it
	family  *metric.Family
}

func netclassNumbers() []netclassNumber {
	return []netclassNumber{
		addressAssignType:   {file: "addr_assign_type", name: "address_assign_type", help: "Where the hardware address comes from: 0 the device, 1 chance, 2 another device, 3 a user."},
		carrier:             {file: "carrier", name: "carrier", help: "Whether there is a physical link.", running: true},
		carrierChanges:      {file: "carrier_changes", name: "carrier_changes_total", help: "Times that the physical link came or went.", counter: true},
		carrierUpChanges:    {file: "carrier_up_count", name: "carrier_up_changes_total", help: "Times that the physical link came.", counter: true},
		carrierDownChanges:  {file: "carrier_down_count", name: "carrier_down_changes_total", help: "Times that the physical link went.", counter: true},
		deviceID:            {file: "dev_id", name: "device_id", help: "Number that tells apart interfaces which share a device."},
		dormant:             {file: "dormant", name: "dormant", help: "Whether the interface waits for something from outside, such as 802.1X.", running: true},
		deviceFlags:         {file: "flags", name: "flags", help: "Flags of the interface as a number, the IFF_ bits of the kernel."},
		ifaceID:             {file: "ifindex", name: "iface_id", help: "Index of the interface in the kernel."},
		ifaceLink:           {file: "iflink", name: "iface_link", help: "Index of the interface below this one, or its own."},
		ifaceLinkMode:       {file: "link_mode", name: "iface_link_mode", help: "How the interface becomes operational: 0 by itself, 1 by a program that lets it."},
		mtu:                 {file: "mtu", name: "mtu_bytes", help: "Largest packet that the interface takes, in bytes."},
		nameAssignType:      {file: "name_assign_type", name: "name_assign_type", help: "Where the name comes from: 1 the kernel by counting, 2 the kernel by place, 3 a user, 4 renamed by a user."},
		netDevGroup:         {file: "netdev_group", name: "net_dev_group", help: "Group that the interface is in."},
		transmitQueueLength: {file: "tx_queue_len", name: "transmit_queue_length", help: "Packets that the transmit queue takes."},
		protocolType:        {file: "type", name: "protocol_type", help: "Type of the interface, the ARPHRD_ number of the kernel."},
	}
}

func (n *netclassNumber) declare(m *metric.Set) {
	declare := m.Gauge
	if n.counter {
		declare = m.Counter
	}
	n.family = declare("node_network_"+n.name, n.help, "device")
}

// A netclassDevice is what is known of one device.
type netclassDevice struct {
	name, address, broadcast, duplex, operstate, alias string

	known    bool // whether operstate is
	hasSpeed bool
	speed    int64 // Mbit/s, -1 if the device does not know

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

// fromFiles reads a device from sysfs. It reports false when it is none, such
// as bonding_masters, or not there any longer.
func (c *netclassCollector) fromFiles(d *netclassDevice, out *metric.Sink) bool {
	operstate, err := c.sys.Text(netDir, d.name, "operstate")
	missing := errors.Is(err, fs.ErrNotExist) && c.sys.Exists(netDir, d.name, "ifindex")
	if errors.Is(err, unix.ENOTDIR) || unavailable(err) && !missing {
		return false // of a device that is on its way out, every attribute says EINVAL or ENODEV
	}
	d.operstate, d.known = string(operstate), err == nil
	c.tell(err, out)
	c.number(d, deviceFlags, out)
	running := d.adminState() != "down"
	for i := range c.numbers {
		if i != deviceFlags && (running || !c.numbers[i].running) {
			c.number(d, i, out)
		}
	}
	d.address = c.text(d.name, "address", out)
	d.broadcast = c.text(d.name, "broadcast", out)
	d.alias = c.text(d.name, "ifalias", out)
	if running {
		d.readSpeed(c, out)
	}
	return true
}

// readSpeed reads the two attributes for which the kernel asks the driver. It
// reports false when the device does not have them.
func (d *netclassDevice) readSpeed(c *netclassCollector, out *metric.Sink) bool {
	speed, err := c.sys.Int(netDir, d.name, "speed")
	if unavailable(err) {
		return false
	}
	c.tell(err, out)
	d.speed, d.hasSpeed = speed, err == nil
	d.duplex = c.text(d.name, "duplex", out)
	return true
}

func (c *netclassCollector) text(device, file string, out *metric.Sink) string {
	b, err := c.sys.Text(netDir, device, file)
	c.tell(err, out)
	return string(b)
}

func (c *netclassCollector) number(d *netclassDevice, i int, out *metric.Sink) {
	v, err := c.readNumber(d.name, c.numbers[i].file)
	if err == nil {
		d.set(i, v)
	}
	c.tell(err, out)
}

// readNumber reads an attribute that is a decimal number, or hexadecimal with
// 0x.
func (c *netclassCollector) readNumber(device, file string) (int64, error) {
	b, err := c.sys.Text(netDir, device, file)
	if err != nil {
		return 0, err
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

// tell notes errors, but for those by which a kernel says that a device does
// not have an attribute: EINVAL above all, for the speed of what has none.
func (c *netclassCollector) tell(err error, out *metric.Sink) {
	if err != nil && !unavailable(err) {
		out.Error(err)
	}
}

func unavailable(err error) bool {
	return host.Gone(err) || errors.Is(err, unix.EINVAL) || errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.ENODATA)
}
