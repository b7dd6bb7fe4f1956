package hba

import (
	"strings"

	"github.com/hostexporter/host_exporter/collector/hba/internal/attr"
	"github.com/hostexporter/host_exporter/collector/internal/host"
)

// A sasTopology is what there is on SAS, and what hangs off what. It is read
// again when anything comes or goes.
type sasTopology struct {
	phys      []sasPhy
	devices   []sasDevice
	expanders []sasExpander

	failed bool // something could not be read
}

type sasPhy struct {
	name, address, identifier, kind string
	maxRate                         float64
	rate                            float64 // when the above was read

	expander string // that it is a part of; empty for one of the adapter
	port     string // that it is a part of
	device   string // the end device behind that port
	disk     string // the block device of that
}

type sasDevice struct {
	name, address, enclosure, bay, disk string
}

type sasExpander struct {
	name, address, vendor, product, revision, level string
}

// read reads everything.
func (t *sasTopology) read(a attr.Reader, f *hbaSASTree, disks *hbaDisks) {
	t.phys, t.devices, t.expanders = t.phys[:0], t.devices[:0], t.expanders[:0]
	before, _ := a.Out.Errors()
	found := map[string]string{} // disks by end device
	for _, e := range f.devices.Entries {
		d := sasDevice{name: e.Name}
		d.address = a.WWN(sasDevices, e.Name, "sas_address")
		d.enclosure = a.WWN(sasDevices, e.Name, "enclosure_identifier")
		d.bay = a.Label(sasDevices, e.Name, "bay_identifier")
		d.disk = t.diskOf(a, e.Name, disks)
		found[d.name] = d.disk
		t.devices = append(t.devices, d)
	}
	for _, e := range f.expanders.Entries {
		own := func(file string) string { return a.Label(sasExpanders, e.Name, file) }
		x := sasExpander{e.Name, a.WWN(sasDevices, e.Name, "sas_address"), own("vendor_id"), own("product_id"), own("product_rev"), own("level")}
		t.expanders = append(t.expanders, x)
	}
	ports := portsOf(f)
	for _, e := range f.phys.Entries {
		p := sasPhy{name: e.Name, expander: expanderOf(e.Name)}
		p.read(a)
		if port, ok := ports[e.Name]; ok {
			p.port, p.device = port.name, port.device
			p.disk = found[p.device]
		}
		t.phys = append(t.phys, p)
	}
	after, _ := a.Out.Errors()
	t.failed = len(after) > len(before)
}

// read reads what a phy says of itself.
func (p *sasPhy) read(a attr.Reader) {
	p.address = a.WWN(sasPhys, p.name, "sas_address")
	p.identifier = a.Label(sasPhys, p.name, "phy_identifier")
	p.kind = a.Label(sasPhys, p.name, "device_type")
	p.maxRate, _ = attr.Parsed(a, "a link rate", maxLinkRate, sasPhys, p.name, "maximum_linkrate_hw")
}

// maxLinkRate reads the highest speed of a phy, where a word is none.
func maxLinkRate(b []byte) (float64, bool) {
	switch string(b) {
	case "Unknown", "Phy disabled", "Link Rate failed", "Spin-up hold":
		return 0, true
	}
	return linkRate(b)
}

// A sasPort is a port with the end device behind it.
type sasPort struct{ name, device string }

// portsOf returns the ports by their phys, which are links in their folders.
func portsOf(f *hbaSASTree) map[string]*sasPort {
	ports := map[string]*sasPort{}
	for _, e := range f.ports.Entries {
		port := &sasPort{name: e.Name}
		for _, child := range f.folders[e.Name].listing.Entries {
			switch {
			case strings.HasPrefix(child.Name, "phy-"):
				ports[child.Name] = port
			case strings.HasPrefix(child.Name, "end_device-"):
				port.device = child.Name
			}
		}
	}
	return ports
}

// expanderOf returns the expander that a phy is a part of: expander-14:0 for
// phy-14:0:3, none for phy-14:3.
func expanderOf(phy string) string {
	place := strings.TrimPrefix(phy, "phy-")
	i := strings.LastIndexByte(place, ':')
	if i < 0 || strings.IndexByte(place[:i], ':') < 0 {
		return ""
	}
	return "expander-" + place[:i]
}

// diskOf returns the block device of an end device: that of its first unit.
func (t *sasTopology) diskOf(a attr.Reader, device string, disks *hbaDisks) string {
	for _, target := range t.names(a, sasEndDevices, device, "device") {
		if !strings.HasPrefix(target, "target") {
			continue
		}
		for _, unit := range t.names(a, sasEndDevices, device, "device", target) {
			if isSCSIDevice(unit) {
				if disk := disks.of(a, unit); disk != "" {
					return disk
				}
			}
		}
	}
	return ""
}

// names lists a folder, whose files are not read.
func (t *sasTopology) names(a attr.Reader, elem ...string) []string {
	names, err := a.Sys.Names(elem...)
	if err != nil && !host.Gone(err) {
		a.Out.Error(err)
	}
	return names
}
