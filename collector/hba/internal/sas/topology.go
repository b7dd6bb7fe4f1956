package sas

import (
	"strings"

	"github.com/hostexporter/host_exporter/collector/hba/internal/attr"
)

// A topology is what there is on SAS, and what is behind what. It is read again
// when anything comes or goes.
type topology struct {
	phys      []Phy
	devices   []endDevice
	expanders []expander

	failed bool // something could not be read
}

// A Phy is one end of a SAS link.
type Phy struct {
	Name string // such as phy-0:0:3

	address, identifier, kind string
	maxRate                   float64
	rate                      float64 // when the above was read

	expander string // that it is a part of; empty for one of the adapter
	port     string // that it is a part of
	device   string // the end device behind that port
	disk     string // the block device of that
}

type endDevice struct {
	name, address, enclosure, bay, disk string
}

type expander struct {
	name, address, vendor, product, revision, level string
}

// read reads everything that the tree lists.
func (t *topology) read(a attr.Reader, f *Tree) {
	t.phys, t.devices, t.expanders = t.phys[:0], t.devices[:0], t.expanders[:0]
	errorCount := a.ErrorCount()
	found := map[string]string{} // disks by end device
	for _, e := range f.devices.Entries {
		d := endDevice{name: e.Name}
		d.address = a.WWN(deviceClass, e.Name, "sas_address")
		d.enclosure = a.WWN(deviceClass, e.Name, "enclosure_identifier")
		d.bay = a.Label(deviceClass, e.Name, "bay_identifier")
		d.disk = f.disks.ofEndDevice(a, e.Name)
		found[d.name] = d.disk
		t.devices = append(t.devices, d)
	}
	for _, e := range f.expanders.Entries {
		own := func(file string) string { return a.Label(expanderClass, e.Name, file) }
		x := expander{e.Name, a.WWN(deviceClass, e.Name, "sas_address"), own("vendor_id"), own("product_id"), own("product_rev"), own("level")}
		t.expanders = append(t.expanders, x)
	}
	ports := portsOf(f)
	for _, e := range f.phys.Entries {
		p := Phy{Name: e.Name, expander: expanderOf(e.Name)}
		p.read(a)
		if port, ok := ports[e.Name]; ok {
			p.port, p.device = port.name, port.device
			p.disk = found[p.device]
		}
		t.phys = append(t.phys, p)
	}
	t.failed = a.ErrorCount() > errorCount
}

// read reads the attributes of a phy.
func (p *Phy) read(a attr.Reader) {
	p.address = a.WWN(phyClass, p.Name, "sas_address")
	p.identifier = a.Label(phyClass, p.Name, "phy_identifier")
	p.kind = a.Label(phyClass, p.Name, "device_type")
	p.maxRate, _ = attr.Parsed(a, "a link rate", maxLinkRate, phyClass, p.Name, "maximum_linkrate_hw")
}

// maxLinkRate parses the maximum speed of a phy. It is zero for a word.
func maxLinkRate(b []byte) (float64, bool) {
	switch string(b) {
	case "Unknown", "Phy disabled", "Link Rate failed", "Spin-up hold":
		return 0, true
	}
	return linkRate(b)
}

// A port is a port with the end device behind it.
type port struct{ name, device string }

// portsOf returns the ports by their phys, which are links in their folders.
func portsOf(f *Tree) map[string]*port {
	ports := map[string]*port{}
	for _, e := range f.ports.Entries {
		p := &port{name: e.Name}
		for _, child := range f.folders[e.Name].listing.Entries {
			switch {
			case strings.HasPrefix(child.Name, "phy-"):
				ports[child.Name] = p
			case strings.HasPrefix(child.Name, "end_device-"):
				p.device = child.Name
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
