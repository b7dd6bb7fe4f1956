package hardware

import (
	"context"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/pcie"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

var pcidevice = collect.Spec{
	Name: "pcidevice",
	Help: "PCI devices with their links, power states and virtual functions.",
	Reads: []string{
		"/sys/bus/pci/devices/*/class",
		"/sys/bus/pci/devices/*/current_link_speed",
		"/sys/bus/pci/devices/*/current_link_width",
		"/sys/bus/pci/devices/*/d3cold_allowed",
		"/sys/bus/pci/devices/*/device",
		"/sys/bus/pci/devices/*/max_link_speed",
		"/sys/bus/pci/devices/*/max_link_width",
		"/sys/bus/pci/devices/*/numa_node",
		"/sys/bus/pci/devices/*/power_state",
		"/sys/bus/pci/devices/*/revision",
		"/sys/bus/pci/devices/*/sriov_drivers_autoprobe",
		"/sys/bus/pci/devices/*/sriov_numvfs",
		"/sys/bus/pci/devices/*/sriov_totalvfs",
		"/sys/bus/pci/devices/*/sriov_vf_total_msix",
		"/sys/bus/pci/devices/*/subsystem_device",
		"/sys/bus/pci/devices/*/subsystem_vendor",
		"/sys/bus/pci/devices/*/vendor",
	},
	OptionalReads:     pciIDsFiles(),
	DisabledByDefault: true,
	Build:             collect.With(pcideviceOptions{}, newPcidevice),
}

type pcideviceOptions struct {
	Names   collect.Bool
	IDsFile collect.String
}

func (o *pcideviceOptions) Fields() []collect.Field {
	return []collect.Field{
		{Name: "names", Help: "Add the names of device, vendor, subsystem and class to node_pcidevice_info, from a pci.ids file.", Value: &o.Names},
		{Name: "idsfile", Help: "Path of the pci.ids file for --collector.pcidevice.names, instead of those of the distributions.", Value: &o.IDsFile, IsPath: true},
	}
}

// pcideviceCollector reads /sys/bus/pci/devices, a link for each function of a
// device with a number or a word in each file:
//
//	/sys/bus/pci/devices/0000:01:00.0 -> ../../../devices/pci0000:00/0000:00:06.0/0000:01:00.0
//
// The parent is the bridge above it in that path. What a device is does not
// change as long as it stays. See https://docs.kernel.org/PCI/sysfs-pci.html and
// https://www.kernel.org/doc/Documentation/ABI/testing/sysfs-bus-pci.
type pcideviceCollector struct {
	sys     *host.Reader
	dir     host.Listing
	devices []*pciDevice
	ids     *pciIDs // nil without names

	info       *metric.Family
	powerState *metric.Family
	attributes [pciAttributes]pciAttribute
}

const pciDir = "bus/pci/devices"

// pciNoParent is the label of a device that is below no bridge.
const pciNoParent = "*"

func newPcidevice(env *collect.Env, o pcideviceOptions) (*pcideviceCollector, error) {
	m := env.Metrics
	location := []string{"segment", "bus", "device", "function"}
	info := append(location[:4:4], "parent_segment", "parent_bus", "parent_device", "parent_function",
		"class_id", "vendor_id", "device_id", "subsystem_vendor_id", "subsystem_device_id", "revision")
	c := &pcideviceCollector{sys: env.Host.Sys.Reader()}
	if o.Names {
		c.ids = newPCIIDs(env.Host, string(o.IDsFile))
		info = append(info, "class_name", "vendor_name", "device_name", "subsystem_vendor_name", "subsystem_device_name")
	}
	gauge := func(name, help string) *metric.Family {
		return m.Gauge("node_pcidevice_"+name, help, location...)
	}
	c.info = m.Gauge("node_pcidevice_info", "Identity of the PCI device and the bridge above it, in the labels; always 1.", info...)
	c.powerState = m.Gauge("node_pcidevice_power_state", "Whether the device is in the power state, from power_state.", append(location[:4:4], "state")...)
	c.attributes = [pciAttributes]pciAttribute{
		{attribute{"max_link_speed", gauge("max_link_transfers_per_second", "Highest speed of the device's link, for each lane.")}, pciSpeed},
		{attribute{"max_link_width", gauge("max_link_width", "Largest number of lanes of the device's link.")}, pciWidth},
		{attribute{"current_link_speed", gauge("current_link_transfers_per_second", "Speed of the device's link, for each lane.")}, pciSpeed},
		{attribute{"current_link_width", gauge("current_link_width", "Lanes of the device's link in use.")}, pciWidth},
		{attribute{"numa_node", gauge("numa_node", "NUMA node of the device, -1 if it has none.")}, pciInt},
		{attribute{"sriov_drivers_autoprobe", gauge("sriov_drivers_autoprobe", "Whether drivers take the virtual functions that are made.")}, pciInt},
		{attribute{"sriov_numvfs", gauge("sriov_numvfs", "Virtual functions of the device in use.")}, pciInt},
		{attribute{"sriov_totalvfs", gauge("sriov_totalvfs", "Largest number of virtual functions of the device.")}, pciInt},
		{attribute{"sriov_vf_total_msix", gauge("sriov_vf_total_msix", "MSI-X vectors for all virtual functions of the device.")}, pciInt},
		{attribute{"d3cold_allowed", gauge("d3cold_allowed", "Whether the device may be put into the power state D3cold.")}, pciInt},
	}
	return c, nil
}

func (c *pcideviceCollector) Update(_ context.Context, out *metric.Sink) error {
	changed, err := c.sys.List(&c.dir, pciDir)
	if err != nil {
		return collect.OrNoData(err)
	}
	if changed {
		c.findDevices()
	}
	described := false
	for _, d := range c.devices {
		described = c.describe(d, out) || described
	}
	if c.ids != nil {
		c.ids.update(c.devices, described || changed, out)
	}
	for _, d := range c.devices {
		c.emit(d, out)
	}
	return nil
}

// findDevices keeps the devices that are still the same.
func (c *pcideviceCollector) findDevices() {
	known := map[host.DirEntry]*pciDevice{}
	for _, d := range c.devices {
		known[d.DirEntry] = d
	}
	c.devices = c.devices[:0]
	for _, entry := range c.dir.Entries {
		d := known[entry]
		if d == nil {
			d = &pciDevice{DirEntry: entry}
		}
		c.devices = append(c.devices, d)
	}
}

// describe finds out what a device is, unless that is known. It reports whether
// it has found out.
func (c *pcideviceCollector) describe(d *pciDevice, out *metric.Sink) bool {
	if d.known {
		return false
	}
	link, err := c.sys.Link(pciDir, d.Name)
	if !host.ReportUnlessGone(err, out.Error) {
		return false
	}
	if err := d.setLocation(link); err != nil {
		out.Error(c.sys.At(err))
		return false
	}
	for i, file := range pciIDFiles {
		id, err := c.sys.Hex(pciDir, d.Name, file.name)
		if !host.ReportUnlessGone(err, out.Error) {
			if host.Gone(err) {
				continue // its label stays empty
			}
			return false
		}
		d.setID(i, id)
	}
	d.known = true
	return true
}

func (c *pcideviceCollector) emit(d *pciDevice, out *metric.Sink) {
	if d.location[0] == "" || !c.sys.Exists(pciDir, d.Name) { // it may be removed by now
		return
	}
	if d.known {
		c.emitInfo(d, out)
	}
	isAsleep := c.emitPowerState(d, out)
	for i, a := range c.attributes {
		if d.absent[i] || isAsleep && a.parse != pciInt {
			continue
		}
		b, err := c.sys.Text(pciDir, d.Name, a.name)
		if !reportUnlessNoReading(err, out.Error) {
			d.absent[i] = host.Gone(err)
			continue
		}
		c.emitAttribute(d, a, b, out)
	}
}

func (c *pcideviceCollector) emitInfo(d *pciDevice, out *metric.Sink) {
	l, p, id := &d.location, &d.parent, &d.labels
	if c.ids == nil {
		out.Emit(c.info, 1, l[0], l[1], l[2], l[3], p[0], p[1], p[2], p[3], id[0], id[1], id[2], id[3], id[4], id[5])
		return
	}
	n := &d.names
	out.Emit(c.info, 1, l[0], l[1], l[2], l[3], p[0], p[1], p[2], p[3], id[0], id[1], id[2], id[3], id[4], id[5],
		n.class, n.vendor, n.device, n.subsystemVendor, n.subsystemDevice)
}

// emitPowerState emits the power state of a device. It reports whether its
// registers cannot be read without waking it up.
func (c *pcideviceCollector) emitPowerState(d *pciDevice, out *metric.Sink) (isAsleep bool) {
	if d.noPowerState {
		return false
	}
	b, err := c.sys.Text(pciDir, d.Name, "power_state")
	if !reportUnlessNoReading(err, out.Error) {
		d.noPowerState = host.Gone(err)
		return false
	}
	if !isPCIPowerState(b) {
		out.Error(c.sys.At(host.Bad(1, "a power state, such as D0", b)))
		return false
	}
	l := &d.location
	for _, state := range pciPowerStates {
		out.Bool(c.powerState, string(b) == state, l[0], l[1], l[2], l[3], state)
	}
	return string(b) == "D3cold"
}

// emitAttribute emits the value of an attribute, which may be unknown.
func (c *pcideviceCollector) emitAttribute(d *pciDevice, a pciAttribute, b []byte, out *metric.Sink) {
	v, known, want := a.parse.value(b)
	switch l := &d.location; {
	case want != "":
		out.Error(c.sys.At(host.Bad(1, want, b)))
	case known:
		out.Emit(a.family, v, l[0], l[1], l[2], l[3])
	}
}

// pciAttributes is the number of attributes.
const pciAttributes = 10

// A pciAttribute is a file of a device with the kind of its content.
type pciAttribute struct {
	attribute
	parse pciKind
}

// A pciKind is a kind of content.
type pciKind int

const (
	pciInt   pciKind = iota // a whole number
	pciSpeed                // a speed, such as 8.0 GT/s PCIe
	pciWidth                // a number of lanes
)

// value parses the content of a file. It reports whether the device has the
// value, or what was wanted if the content is malformed.
func (k pciKind) value(b []byte) (v float64, known bool, want string) {
	switch k {
	case pciSpeed:
		v, ok := pcie.ParseSpeed(b)
		if !ok {
			want = "a speed in GT/s"
		}
		return v, v > 0, want
	case pciWidth:
		lanes, ok := scan.Uint(b)
		if !ok {
			want = "a number of lanes"
		}
		return float64(lanes), pcie.IsWidth(lanes), want
	}
	n, ok := scan.Int(b)
	if !ok {
		want = "a whole number"
	}
	return float64(n), true, want
}

// pciPowerStates are the words of pci_power_name in include/linux/pci.h.
var pciPowerStates = [...]string{"D0", "D1", "D2", "D3hot", "D3cold", "unknown", "error"}

func isPCIPowerState(b []byte) bool {
	for _, state := range pciPowerStates {
		if string(b) == state {
			return true
		}
	}
	return false
}
