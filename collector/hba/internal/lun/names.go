package lun

import (
	"path"
	"strings"

	"github.com/hostexporter/host_exporter/collector/internal/host"
)

// A names is a class whose entries are named after a driver's devices, and lie
// two folders below the SCSI device:
//
//	/sys/block/sdg -> ../devices/.../6:0:0:0/block/sdg
type names struct {
	listing host.Listing
	known   map[string]named
}

type named struct {
	inode uint64
	hctl  string
}

// nameClasses are the classes with the names that count. Of the many names of
// a tape drive it is the shortest: st0, not nst0 or st0a.
var nameClasses = [...]struct {
	dir      string
	prefixes [2]string
}{
	{"block", [2]string{"sd", "sr"}},
	{"class/scsi_tape", [2]string{"st"}},
	{"class/scsi_changer", [2]string{"sch"}},
}

// giveNames gives the devices the names that they have in /dev. Links are
// resolved only where there is a new one.
func (f *Finder) giveNames(changed bool, skip func(error)) {
	changed, f.stale = changed || f.stale, false
	for i, c := range nameClasses {
		fresh, err := f.sys.List(&f.names[i].listing, c.dir)
		if err != nil && !host.Gone(err) {
			skip(err)
		}
		// An absent class is a fresh one each time.
		changed = changed || fresh && (err == nil || len(f.names[i].known) > 0)
	}
	if !changed {
		return
	}
	clear(f.byDevice)
	for _, l := range f.luns {
		l.Device = ""
	}
	for i := range nameClasses {
		f.giveNamesOf(i, skip)
	}
	for _, l := range f.luns {
		if l.described {
			f.giveGenericName(l)
		}
	}
}

// giveGenericName gives a device of a type that no driver is for the name that
// all devices have, such as sg7.
func (f *Finder) giveGenericName(l *LUN) {
	if l.Device != "" || ownName(l.Type) {
		return
	}
	if link, err := f.sys.Link(class, l.HCTL, "device/generic"); err == nil {
		l.Device = path.Base(link)
	}
}

func (f *Finder) giveNamesOf(class int, skip func(error)) {
	c, n := nameClasses[class], &f.names[class]
	old := n.known
	n.known = make(map[string]named, len(n.listing.Entries))
	for _, e := range n.listing.Entries {
		if !hasName(e.Name, c.prefixes) || class > 0 && !isNumber(e.Name[len(c.prefixes[0]):]) {
			continue
		}
		have, ok := old[e.Name]
		if !ok || have.inode != e.Inode {
			link, err := f.sys.Link(c.dir, e.Name)
			if err != nil && !absent(err) {
				skip(err)
				f.stale = true
				continue
			}
			have = named{e.Inode, f.addressOf(path.Base(path.Dir(path.Dir(link))))}
		}
		n.known[e.Name] = have
		if l := f.byHCTL[have.hctl]; l != nil && l.Device == "" {
			l.Device = e.Name
			f.byDevice[e.Name] = l
		}
	}
}

// addressOf returns an address without the link that it is cut from.
func (f *Finder) addressOf(hctl string) string {
	if l := f.byHCTL[hctl]; l != nil {
		return l.HCTL
	}
	return strings.Clone(hctl)
}

func hasName(name string, prefixes [2]string) bool {
	return strings.HasPrefix(name, prefixes[0]) || prefixes[1] != "" && strings.HasPrefix(name, prefixes[1])
}

// ownName reports whether devices of a type get their name from a driver of
// that type, and not from the generic one.
func ownName(kind string) bool {
	switch kind {
	case "disk", "zoned_disk", "simplified_disk", "optical", "worm", "cdrom", "tape", "changer", "unknown":
		return true
	}
	return false
}
