// Package sas reads SAS: phys, the ports that they form, the expanders and end
// devices behind these, and the enclosures (SES) with their bays. All that it
// reads comes from memory of the kernel: the error counters of phys and the
// status of bays, which cost commands, are read elsewhere.
package sas

import (
	"bytes"

	"github.com/hostexporter/host_exporter/collector/hba/internal/attr"
	"github.com/hostexporter/host_exporter/collector/hba/internal/san"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

const (
	phyClass       = "class/sas_phy"
	portClass      = "class/sas_port"
	deviceClass    = "class/sas_device"
	endDeviceClass = "class/sas_end_device"
	expanderClass  = "class/sas_expander"
)

// Tree are the families of SAS.
type Tree struct {
	phyInfo    *metric.Family
	rate       *metric.Family
	maxRate    *metric.Family
	state      *attr.States
	enabled    *metric.Family
	portPhys   *metric.Family
	deviceInfo *metric.Family
	expander   *metric.Family

	phys, ports, devices, expanders host.Listing
	folders                         map[string]*portFolder // by name of the port
	topology                        topology
	changed                         bool // in the last scrape: more may follow

	enclosures enclosures
	disks      disks
}

// A portFolder is the folder of a port, which lists the phys of the port and
// what is behind it.
type portFolder struct {
	inode   uint64
	listing host.Listing
	present bool
}

// New declares the families.
func New(m *metric.Set) *Tree {
	return &Tree{
		folders: map[string]*portFolder{},
		phyInfo: m.Gauge("node_hba_sas_phy_info", "A phy of a SAS adapter or expander, as 1, with its port and the device behind it.",
			"device", "device_type", "end_device", "expander", "phy", "phy_identifier", "sas_address", "sas_port", "scsi_host"),
		rate:    m.Gauge("node_hba_sas_phy_negotiated_link_rate_bits_per_second", "Speed of the link of the phy.", "phy", "scsi_host"),
		maxRate: m.Gauge("node_hba_sas_phy_max_link_rate_bits_per_second", "Maximum speed of the phy.", "phy", "scsi_host"),
		state: attr.RenamedStates(m.Gauge("node_hba_sas_phy_state", "Whether the phy is in this state; without a device it is unknown.", "phy", "scsi_host", "state"),
			map[string]string{"Phy disabled": "disabled", "Link Rate failed": "link_rate_failed", "Spin-up hold": "spinup_hold"},
			"up", "Phy disabled", "Link Rate failed", "Spin-up hold"),
		enabled:    m.Gauge("node_hba_sas_phy_enabled", "Whether the phy is switched on.", "phy", "scsi_host"),
		portPhys:   m.Gauge("node_hba_sas_port_phys", "Phys that form the port; one with fewer than its peers lost a lane of its cable.", "sas_port", "scsi_host"),
		deviceInfo: m.Gauge("node_hba_sas_end_device_info", "A device at the end of a SAS link, as 1, with its enclosure and bay.", "bay", "device", "enclosure", "end_device", "sas_address", "scsi_host"),
		expander:   m.Gauge("node_hba_sas_expander_info", "A SAS expander, as 1.", "expander", "level", "product", "revision", "sas_address", "scsi_host", "vendor"),
		enclosures: newEnclosures(m),
	}
}

// Reads returns the files that Update and Way read.
func Reads() []string {
	return []string{
		"/sys/class/sas_phy/phy-*/device_type", "/sys/class/sas_phy/phy-*/enable", "/sys/class/sas_phy/phy-*/maximum_linkrate_hw",
		"/sys/class/sas_phy/phy-*/negotiated_linkrate", "/sys/class/sas_phy/phy-*/phy_identifier", "/sys/class/sas_phy/phy-*/sas_address",
		"/sys/class/sas_port/port-*/num_phys", "/sys/class/sas_port/port-*/device/*-*",
		"/sys/class/sas_device/*/bay_identifier", "/sys/class/sas_device/*/enclosure_identifier", "/sys/class/sas_device/*/sas_address",
		"/sys/class/sas_end_device/end_device-*/device/target*/*:*:*:*",
		"/sys/class/sas_expander/expander-*/level", "/sys/class/sas_expander/expander-*/product_id",
		"/sys/class/sas_expander/expander-*/product_rev", "/sys/class/sas_expander/expander-*/vendor_id",
		"/sys/class/scsi_device/*:*:*:*/device/block/sd*", "/sys/class/scsi_disk/*:*:*:*",
		"/sys/class/enclosure/*/device/model", "/sys/class/enclosure/*/device/vendor", "/sys/class/enclosure/*/id",
		"/sys/class/enclosure/*/*/device", "/sys/class/enclosure/*/*/slot", "/sys/class/enclosure/*/*/type",
	}
}

// Update emits what is on the included hosts, and enclosures that are on no host.
func (f *Tree) Update(a attr.Reader, hosts *san.Hosts) {
	f.disks.begin()
	f.update(a, hosts)
	f.enclosures.update(a, hosts, &f.disks)
}

func (f *Tree) update(a attr.Reader, hosts *san.Hosts) {
	changed := a.List(&f.phys, phyClass)
	changed = a.List(&f.ports, portClass) || changed
	changed = a.List(&f.devices, endDeviceClass) || changed
	changed = a.List(&f.expanders, expanderClass) || changed
	if len(f.phys.Entries)+len(f.ports.Entries)+len(f.devices.Entries)+len(f.expanders.Entries) == 0 {
		return
	}
	changed = f.listPorts(a) || changed
	if changed = f.disks.refresh(a) || changed; changed || f.changed || f.topology.failed {
		f.topology.read(a, f)
	}
	f.changed = changed
	for i := range f.topology.phys {
		f.updatePhy(a, hosts, &f.topology.phys[i])
	}
	for _, e := range f.ports.Entries {
		if h := hosts.Of(e.Name); h != nil {
			if n, ok := a.Uint(portClass, e.Name, "num_phys"); ok {
				a.Out.Emit(f.portPhys, float64(n), e.Name, h.Name)
			}
		}
	}
	for i := range f.topology.devices {
		d := &f.topology.devices[i]
		if h := hosts.Of(d.name); h != nil {
			a.Out.Emit(f.deviceInfo, 1, d.bay, d.disk, d.enclosure, d.name, d.address, h.Name)
		}
	}
	for i := range f.topology.expanders {
		x := &f.topology.expanders[i]
		if h := hosts.Of(x.name); h != nil {
			a.Out.Emit(f.expander, 1, x.name, x.level, x.product, x.revision, x.address, h.Name, x.vendor)
		}
	}
}

// listPorts lists the folders of the ports, and reports whether anything in
// them changed.
func (f *Tree) listPorts(a attr.Reader) (changed bool) {
	for _, d := range f.folders {
		d.present = false
	}
	for _, e := range f.ports.Entries {
		d := f.folders[e.Name]
		if d == nil || d.inode != e.Inode {
			d = &portFolder{inode: e.Inode}
			f.folders[e.Name] = d
		}
		d.present = true
		changed = a.List(&d.listing, portClass, e.Name, "device") || changed
	}
	for name, d := range f.folders {
		if !d.present {
			delete(f.folders, name)
		}
	}
	return changed
}

func (f *Tree) updatePhy(a attr.Reader, hosts *san.Hosts, p *Phy) {
	h := hosts.Of(p.Name)
	if h == nil {
		return
	}
	word, err := a.Sys.Text(phyClass, p.Name, "negotiated_linkrate")
	if host.ReportUnlessGone(err, a.Out.Error) {
		f.updateRate(a, h.Name, p, word)
	} else if !a.Sys.Exists(phyClass, p.Name) {
		return
	}
	if on, ok := a.Uint(phyClass, p.Name, "enable"); ok {
		a.Out.Bool(f.enabled, on != 0, p.Name, h.Name)
	}
	if p.maxRate > 0 {
		a.Out.Emit(f.maxRate, p.maxRate, p.Name, h.Name)
	}
	a.Out.Emit(f.phyInfo, 1, p.disk, p.kind, p.device, p.expander, p.Name, p.identifier, p.address, p.port, h.Name)
}

// updateRate emits the speed of a phy, or the state that it has instead.
func (f *Tree) updateRate(a attr.Reader, scsiHost string, p *Phy, word []byte) {
	rate, ok := linkRate(word)
	switch {
	case !ok && !f.state.Known(word):
		a.Out.Error(a.Sys.At(host.Bad(1, "a link rate", word)))
	case rate > 0:
		a.Out.Emit(f.rate, rate, p.Name, scsiHost)
		word = []byte("up")
	}
	labels := [...]string{p.Name, scsiHost, ""}
	f.state.Emit(a.Out, word, labels[:])
	if rate != p.rate { // plugged in or out: its other attributes may have changed
		p.rate = rate
		p.read(a)
	}
}

// linkRate parses the speed of a phy, such as 12.0 Gbit, into bits per second. It
// is zero where the kernel has no word for the state of the phy.
func linkRate(b []byte) (float64, bool) {
	if len(b) == 0 {
		return 0, true
	}
	number, ok := bytes.CutSuffix(b, []byte(" Gbit"))
	if !ok {
		return 0, false
	}
	v, ok := scan.Float(number)
	if !ok || v <= 0 || v > 1e6 {
		return 0, false
	}
	return v * 1e9, true
}

// Phys returns the phys, as Update found them.
func (f *Tree) Phys() []Phy { return f.topology.phys }

// Way returns the far end of the way over an end device.
func Way(a attr.Reader, endDevice string) san.Way {
	return san.Way{TargetPort: a.WWN(deviceClass, endDevice, "sas_address")}
}
