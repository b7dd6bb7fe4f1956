package hba

import (
	"bytes"

	"github.com/hostexporter/host_exporter/collector/hba/internal/attr"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

const (
	sasPhys       = "class/sas_phy"
	sasPorts      = "class/sas_port"
	sasDevices    = "class/sas_device"
	sasEndDevices = "class/sas_end_device"
	sasExpanders  = "class/sas_expander"
)

// hbaSASTree are the families about SAS: phys, the ports that they form, and
// the expanders and end devices behind these. All that is read comes from
// memory. The error counters of a phy do not: some drivers reset the adapter
// when the firmware does not answer in time, others say nothing but zero.
type hbaSASTree struct {
	phyInfo    *metric.Family
	rate       *metric.Family
	maxRate    *metric.Family
	state      *attr.States
	enabled    *metric.Family
	portPhys   *metric.Family
	deviceInfo *metric.Family
	expander   *metric.Family

	phys, ports, devices, expanders host.Listing
	folders                         map[string]*sasFolder // of ports, by name
	known                           sasTopology
	settling                        bool // something came a moment ago, and more of it may
}

// A sasFolder is the folder of a port, which says what the port is made of and
// what is behind it.
type sasFolder struct {
	inode   uint64
	listing host.Listing
	there   bool
}

func newHBASASTree(m *metric.Set) hbaSASTree {
	return hbaSASTree{
		folders: map[string]*sasFolder{},
		phyInfo: m.Gauge("node_hba_sas_phy_info", "A phy of a SAS adapter or expander, as 1, with the port that it is part of and the device behind it.",
			"device", "device_type", "end_device", "expander", "phy", "phy_identifier", "sas_address", "sas_port", "scsi_host"),
		rate:    m.Gauge("node_hba_sas_phy_negotiated_link_rate_bits_per_second", "Speed of the link of the phy.", "phy", "scsi_host"),
		maxRate: m.Gauge("node_hba_sas_phy_max_link_rate_bits_per_second", "Highest speed that the phy can have.", "phy", "scsi_host"),
		state: attr.RenamedStates(m.Gauge("node_hba_sas_phy_state", "Whether the phy is in this state. Without a device it is unknown.", "phy", "scsi_host", "state"),
			map[string]string{"Phy disabled": "disabled", "Link Rate failed": "link_rate_failed", "Spin-up hold": "spinup_hold"},
			"up", "Phy disabled", "Link Rate failed", "Spin-up hold"),
		enabled:    m.Gauge("node_hba_sas_phy_enabled", "Whether the phy is switched on.", "phy", "scsi_host"),
		portPhys:   m.Gauge("node_hba_sas_port_phys", "Phys that form the port. One that has fewer than its peers has lost a lane of its cable.", "sas_port", "scsi_host"),
		deviceInfo: m.Gauge("node_hba_sas_end_device_info", "A device at the end of a SAS link, as 1, with the enclosure and bay that it is in.", "bay", "device", "enclosure", "end_device", "sas_address", "scsi_host"),
		expander:   m.Gauge("node_hba_sas_expander_info", "A SAS expander, as 1.", "expander", "level", "product", "revision", "sas_address", "scsi_host", "vendor"),
	}
}

// sasReads returns the files that are read of SAS.
func sasReads() []string {
	return []string{
		"/sys/class/sas_phy/phy-*/device_type", "/sys/class/sas_phy/phy-*/enable", "/sys/class/sas_phy/phy-*/maximum_linkrate_hw",
		"/sys/class/sas_phy/phy-*/negotiated_linkrate", "/sys/class/sas_phy/phy-*/phy_identifier", "/sys/class/sas_phy/phy-*/sas_address",
		"/sys/class/sas_port/port-*/num_phys", "/sys/class/sas_port/port-*/device/*-*",
		"/sys/class/sas_device/*/bay_identifier", "/sys/class/sas_device/*/enclosure_identifier", "/sys/class/sas_device/*/sas_address",
		"/sys/class/sas_end_device/end_device-*/device/target*/*:*:*:*",
		"/sys/class/sas_expander/expander-*/level", "/sys/class/sas_expander/expander-*/product_id",
		"/sys/class/sas_expander/expander-*/product_rev", "/sys/class/sas_expander/expander-*/vendor_id",
		"/sys/class/scsi_device/*:*:*:*/device/block/sd*", "/sys/class/scsi_disk/*:*:*:*",
	}
}

func (f *hbaSASTree) update(a attr.Reader, chosen *hbaChosen, disks *hbaDisks) {
	changed := a.List(&f.phys, sasPhys)
	changed = a.List(&f.ports, sasPorts) || changed
	changed = a.List(&f.devices, sasEndDevices) || changed
	changed = a.List(&f.expanders, sasExpanders) || changed
	if len(f.phys.Entries)+len(f.ports.Entries)+len(f.devices.Entries)+len(f.expanders.Entries) == 0 {
		return
	}
	changed = f.listPorts(a) || changed
	if changed = disks.look(a) || changed; changed || f.settling || f.known.failed {
		f.known.read(a, f, disks)
	}
	f.settling = changed
	for i := range f.known.phys {
		f.updatePhy(a, chosen, &f.known.phys[i])
	}
	for _, e := range f.ports.Entries {
		if h := chosen.of(e.Name); h != nil {
			if n, ok := a.Uint(sasPorts, e.Name, "num_phys"); ok {
				a.Out.Emit(f.portPhys, float64(n), e.Name, h.Name)
			}
		}
	}
	for i := range f.known.devices {
		d := &f.known.devices[i]
		if h := chosen.of(d.name); h != nil {
			a.Out.Emit(f.deviceInfo, 1, d.bay, d.disk, d.enclosure, d.name, d.address, h.Name)
		}
	}
	for i := range f.known.expanders {
		x := &f.known.expanders[i]
		if h := chosen.of(x.name); h != nil {
			a.Out.Emit(f.expander, 1, x.name, x.level, x.product, x.revision, x.address, h.Name, x.vendor)
		}
	}
}

// listPorts lists the folders of the ports, and reports whether anything in
// them changed.
func (f *hbaSASTree) listPorts(a attr.Reader) (changed bool) {
	for _, d := range f.folders {
		d.there = false
	}
	for _, e := range f.ports.Entries {
		d := f.folders[e.Name]
		if d == nil || d.inode != e.Inode {
			d = &sasFolder{inode: e.Inode}
			f.folders[e.Name] = d
		}
		d.there = true
		changed = a.List(&d.listing, sasPorts, e.Name, "device") || changed
	}
	for name, d := range f.folders {
		if !d.there {
			delete(f.folders, name)
		}
	}
	return changed
}

func (f *hbaSASTree) updatePhy(a attr.Reader, chosen *hbaChosen, p *sasPhy) {
	h := chosen.of(p.name)
	if h == nil {
		return
	}
	word, err := a.Sys.Text(sasPhys, p.name, "negotiated_linkrate")
	switch {
	case err == nil:
		f.updateRate(a, h.Name, p, word)
	case !host.Gone(err):
		a.Out.Error(err)
	case !a.Sys.Exists(sasPhys, p.name):
		return
	}
	if on, ok := a.Uint(sasPhys, p.name, "enable"); ok {
		a.Out.Bool(f.enabled, on != 0, p.name, h.Name)
	}
	if p.maxRate > 0 {
		a.Out.Emit(f.maxRate, p.maxRate, p.name, h.Name)
	}
	a.Out.Emit(f.phyInfo, 1, p.disk, p.kind, p.device, p.expander, p.name, p.identifier, p.address, p.port, h.Name)
}

// updateRate emits the speed of a phy, or why it has none.
func (f *hbaSASTree) updateRate(a attr.Reader, scsiHost string, p *sasPhy, word []byte) {
	rate, ok := linkRate(word)
	switch {
	case !ok && !f.state.Known(word):
		a.Out.Error(a.Sys.At(host.Bad(1, "a link rate", word)))
	case rate > 0:
		a.Out.Emit(f.rate, rate, p.name, scsiHost)
		word = []byte("up")
	}
	labels := [...]string{p.name, scsiHost, ""}
	f.state.Emit(a.Out, word, labels[:])
	if rate != p.rate { // plugged in or out: it may say something else of itself now
		p.rate = rate
		p.read(a)
	}
}

// linkRate reads the speed of a phy, such as 12.0 Gbit, in bits per second. It
// is zero where the kernel has no word for what the phy does, and prints none.
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
