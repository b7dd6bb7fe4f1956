package scsi

import (
	"path"
	"strings"

	"github.com/hostexporter/host_exporter/collector/hba/internal/attr"
	"github.com/hostexporter/host_exporter/collector/internal/host"
)

// names are a class whose entries have the names of a driver's devices, and lie
// two folders below the SCSI device:
//
//	/sys/block/sdg -> ../devices/.../6:0:0:0/block/sdg
type names struct {
	listing host.Listing
	known   map[string]nameOwner
}

// A nameOwner is the device that has a name.
type nameOwner struct {
	inode uint64 // of the name
	hctl  string
}

const blockClass = "block"

// nameClasses are the classes that give devices their name. Of the many names of
// a tape drive it is the shortest: st0, not nst0 or st0a.
var nameClasses = [...]struct {
	dir      string
	prefixes [2]string
}{
	{blockClass, [2]string{"sd", "sr"}},
	{"class/scsi_tape", [2]string{"st"}},
	{"class/scsi_changer", [2]string{"sch"}},
}

// isBlockDevice reports whether a name in /sys/block is that of a SCSI device.
func isBlockDevice(name string) bool { return hasPrefix(name, nameClasses[0].prefixes) }

// giveNames gives the devices the names that they have in /dev. It resolves only
// links that are new.
func (f *finder) giveNames(a attr.Reader, changed bool) {
	changed, f.stale = changed || f.stale, false
	for i, c := range nameClasses {
		changed = a.List(&f.names[i].listing, c.dir) || changed
	}
	if !changed {
		return
	}
	f.generation++
	clear(f.byName)
	for _, l := range f.devices {
		l.name = ""
	}
	for i := range nameClasses {
		f.giveNamesOf(a, i)
	}
	for _, l := range f.devices {
		if l.described {
			l.giveGenericName(a)
		}
	}
}

// giveGenericName gives a device of a type that has no driver the name that all
// devices have, such as sg7.
func (l *device) giveGenericName(a attr.Reader) {
	if l.name != "" || hasDriver(l.kind) {
		return
	}
	if link, err := a.Sys.Link(class, l.hctl, "device/generic"); err == nil {
		l.name = path.Base(link)
	}
}

func (f *finder) giveNamesOf(a attr.Reader, class int) {
	c, n := nameClasses[class], &f.names[class]
	old := n.known
	n.known = make(map[string]nameOwner, len(n.listing.Entries))
	for _, e := range n.listing.Entries {
		if !hasPrefix(e.Name, c.prefixes) || class > 0 && !isNumber(e.Name[len(c.prefixes[0]):]) {
			continue
		}
		owner, ok := old[e.Name]
		if !ok || owner.inode != e.Inode {
			link, err := a.Sys.Link(c.dir, e.Name)
			if err != nil && !absent(err) {
				a.Out.Error(err)
				f.stale = true
				continue
			}
			owner = nameOwner{e.Inode, f.shared(path.Base(path.Dir(path.Dir(link))))}
		}
		n.known[e.Name] = owner
		if l := f.byHCTL[owner.hctl]; l != nil && l.name == "" {
			l.name = e.Name
			f.byName[e.Name] = l
		}
	}
}

// shared returns an address as a string that does not keep a link in memory.
func (f *finder) shared(hctl string) string {
	if l := f.byHCTL[hctl]; l != nil {
		return l.hctl
	}
	return strings.Clone(hctl)
}

func hasPrefix(name string, prefixes [2]string) bool {
	return strings.HasPrefix(name, prefixes[0]) || prefixes[1] != "" && strings.HasPrefix(name, prefixes[1])
}

// hasDriver reports whether devices of a kind get their name from a driver of
// that kind, and not from the generic one.
func hasDriver(kind string) bool {
	switch kind {
	case "disk", "zoned_disk", "simplified_disk", "optical", "worm", "cdrom", "tape", "changer", "unknown":
		return true
	}
	return false
}
