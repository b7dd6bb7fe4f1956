package sas

import (
	"path"
	"strings"

	"github.com/hostexporter/host_exporter/collector/hba/internal/attr"
	"github.com/hostexporter/host_exporter/collector/hba/internal/san"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

const enclosureClass = "class/enclosure"

// enclosures are the families of enclosures (SES): which disk is in which bay.
type enclosures struct {
	info *metric.Family
	slot *metric.Family

	listing host.Listing
	known   []*Enclosure
}

// An Enclosure is one of /sys/class/enclosure.
type Enclosure struct {
	Name  string
	Slots []Slot

	inode   uint64
	folder  host.Listing
	failed  bool // something could not be read
	id      string
	vendor  string
	product string
}

// A Slot is a bay, in a folder of the enclosure.
type Slot struct {
	Name  string // of the folder
	Label string // Name as a label value

	number string
	link   string // of the device in the bay
	disk   string // its block device
}

func newEnclosures(m *metric.Set) enclosures {
	return enclosures{
		info: m.Gauge("node_hba_enclosure_info", "An enclosure for disks, as 1.", "enclosure", "id", "model", "scsi_host", "vendor"),
		slot: m.Gauge("node_hba_enclosure_slot_info", "A bay of an enclosure, as 1, with the disk in it.", "component", "device", "enclosure", "slot"),
	}
}

// Enclosures returns the enclosures, as Update found them.
func (f *Tree) Enclosures() []*Enclosure { return f.enclosures.known }

// OnSCSIHost reports whether the enclosure is on a SCSI host, whose number is then
// in its name.
func (e *Enclosure) OnSCSIHost() bool { return isSCSIDevice(e.Name) }

func (f *enclosures) update(a attr.Reader, hosts *san.Hosts, disks *disks) {
	if a.List(&f.listing, enclosureClass) {
		f.match()
	}
	for _, e := range f.known {
		scsiHost := ""
		if e.OnSCSIHost() {
			h := hosts.Of(e.Name)
			if h == nil {
				continue
			}
			scsiHost = h.Name
		}
		if a.List(&e.folder, enclosureClass, e.Name) || e.failed {
			e.read(a)
		}
		a.Out.Emit(f.info, 1, e.Name, e.id, e.product, scsiHost, e.vendor)
		moved := disks.refresh(a)
		for i := range e.Slots {
			s := &e.Slots[i]
			s.find(a, e.Name, disks, moved)
			a.Out.Emit(f.slot, 1, s.Label, s.disk, e.Name, s.number)
		}
	}
}

// match keeps the enclosures that are still the same.
func (f *enclosures) match() {
	var all []*Enclosure
next:
	for _, entry := range f.listing.Entries {
		for _, e := range f.known {
			if e.Name == entry.Name && e.inode == entry.Inode {
				all = append(all, e)
				continue next
			}
		}
		all = append(all, &Enclosure{Name: entry.Name, inode: entry.Inode})
	}
	f.known = all
}

// read reads what an enclosure is and which bays it has. The enclosure gives the
// bays their names, so that a bay is recognized by the files in its folder.
func (e *Enclosure) read(a attr.Reader) {
	errorCount := a.ErrorCount()
	e.id = a.WWN(enclosureClass, e.Name, "id")
	e.vendor = a.Label(enclosureClass, e.Name, "device", "vendor")
	e.product = a.Label(enclosureClass, e.Name, "device", "model")
	e.Slots = e.Slots[:0]
	seen := map[string]bool{}
	for _, entry := range e.folder.Entries {
		switch entry.Name {
		case "components", "device", "id", "power", "subsystem", "uevent":
			continue
		}
		if !a.Sys.Exists(enclosureClass, e.Name, entry.Name, "type") {
			continue
		}
		s := Slot{Name: entry.Name, Label: strings.TrimSpace(metric.Clean(entry.Name))}
		if seen[s.Label] {
			s.Label = metric.Clean(entry.Name)
		}
		if seen[s.Label] {
			continue // two names that differ only in bytes that are not text
		}
		seen[s.Label] = true
		if number, ok := a.Int(enclosureClass, e.Name, s.Name, "slot"); ok && number >= 0 {
			s.number = a.Label(enclosureClass, e.Name, s.Name, "slot")
		}
		e.Slots = append(e.Slots, s)
	}
	e.failed = a.ErrorCount() > errorCount
}

// find finds the disk in a bay.
func (s *Slot) find(a attr.Reader, enclosure string, disks *disks, moved bool) {
	link, err := a.Sys.Link(enclosureClass, enclosure, s.Name, "device")
	if !host.ReportUnlessGone(err, a.Out.Error) {
		s.link, s.disk = "", ""
		return
	}
	if link != s.link || moved || s.disk == "" {
		s.link, s.disk = link, ""
		if device := path.Base(link); isSCSIDevice(device) {
			s.disk = disks.of(a, device)
		}
	}
}
