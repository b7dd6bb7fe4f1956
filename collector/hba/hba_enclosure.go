package hba

import (
	"path"
	"strings"

	"github.com/hostexporter/host_exporter/collector/hba/internal/attr"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

const enclosureClass = "class/enclosure"

// hbaEnclosures are the families about enclosures (SES): which disk is in which
// bay. How a bay is, is not read: each of its files is a command to the
// enclosure, of up to two minutes, during which nobody else can ask it.
type hbaEnclosures struct {
	info *metric.Family
	slot *metric.Family

	listing host.Listing
	known   []*enclosure
}

type enclosure struct {
	name    string
	inode   uint64
	folder  host.Listing
	failed  bool // something could not be read
	slots   []enclosureSlot
	id      string
	vendor  string
	product string
}

type enclosureSlot struct {
	name, label, number string
	link, disk          string // where the disk is, and what it is called as a block device
}

func newHBAEnclosures(m *metric.Set) hbaEnclosures {
	return hbaEnclosures{
		info: m.Gauge("node_hba_enclosure_info", "An enclosure for disks, as 1.", "enclosure", "id", "model", "scsi_host", "vendor"),
		slot: m.Gauge("node_hba_enclosure_slot_info", "A bay of an enclosure, as 1, with the disk in it.", "component", "device", "enclosure", "slot"),
	}
}

// enclosureReads returns the files that are read of enclosures.
func enclosureReads() []string {
	return []string{
		"/sys/class/enclosure/*/device/model", "/sys/class/enclosure/*/device/vendor", "/sys/class/enclosure/*/id",
		"/sys/class/enclosure/*/*/device", "/sys/class/enclosure/*/*/slot", "/sys/class/enclosure/*/*/type",
	}
}

func (f *hbaEnclosures) update(a attr.Reader, chosen *hbaChosen, disks *hbaDisks) {
	if a.List(&f.listing, enclosureClass) {
		f.enlist()
	}
	for _, e := range f.known {
		scsiHost := ""
		if isSCSIDevice(e.name) { // otherwise it is on no SCSI host
			h := chosen.of(e.name)
			if h == nil {
				continue
			}
			scsiHost = h.Name
		}
		if a.List(&e.folder, enclosureClass, e.name) || e.failed {
			e.read(a)
		}
		a.Out.Emit(f.info, 1, e.name, e.id, e.product, scsiHost, e.vendor)
		moved := disks.look(a)
		for i := range e.slots {
			s := &e.slots[i]
			s.find(a, e.name, disks, moved)
			a.Out.Emit(f.slot, 1, s.label, s.disk, e.name, s.number)
		}
	}
}

// enlist takes up the enclosures that there are now.
func (f *hbaEnclosures) enlist() {
	var all []*enclosure
next:
	for _, entry := range f.listing.Entries {
		for _, e := range f.known {
			if e.name == entry.Name && e.inode == entry.Inode {
				all = append(all, e)
				continue next
			}
		}
		all = append(all, &enclosure{name: entry.Name, inode: entry.Inode})
	}
	f.known = all
}

// read reads what an enclosure is and which bays it has. The enclosure itself
// gives the bays their names, so that they are told by what is in them.
func (e *enclosure) read(a attr.Reader) {
	before, _ := a.Out.Errors()
	e.id = a.WWN(enclosureClass, e.name, "id")
	e.vendor = a.Label(enclosureClass, e.name, "device", "vendor")
	e.product = a.Label(enclosureClass, e.name, "device", "model")
	e.slots = e.slots[:0]
	seen := map[string]bool{}
	for _, entry := range e.folder.Entries {
		switch entry.Name {
		case "components", "device", "id", "power", "subsystem", "uevent":
			continue
		}
		if !a.Sys.Exists(enclosureClass, e.name, entry.Name, "type") {
			continue
		}
		s := enclosureSlot{name: entry.Name, label: strings.TrimSpace(metric.Printable(entry.Name))}
		if seen[s.label] {
			s.label = metric.Printable(entry.Name)
		}
		if seen[s.label] {
			continue // two names that differ in bytes that are no text
		}
		seen[s.label] = true
		if number, ok := a.Int(enclosureClass, e.name, s.name, "slot"); ok && number >= 0 {
			s.number = a.Label(enclosureClass, e.name, s.name, "slot")
		}
		e.slots = append(e.slots, s)
	}
	after, _ := a.Out.Errors()
	e.failed = len(after) > len(before)
}

// find finds the disk in a bay.
func (s *enclosureSlot) find(a attr.Reader, enclosure string, disks *hbaDisks, moved bool) {
	link, err := a.Sys.Link(enclosureClass, enclosure, s.name, "device")
	if err != nil {
		if !host.Gone(err) {
			a.Out.Error(err)
		}
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
