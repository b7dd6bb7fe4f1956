package multipath

import (
	"slices"
	"strings"
)

// otherProducts are the prefixes of the devices of other multipath products: of
// PowerPath, VxDMP, HDLM and SDD. Where one of them is used, a LUN without a map
// is in order.
var otherProducts = [...]string{"emcpower", "VxDMP", "sddlm", "vpath"}

// luns are the LUNs of the host.
type luns struct {
	generations []uint64 // of the disks, when the LUNs were last counted
	known       bool     // whether it is known which are in no map
	unmapped    int
}

// A lun is the disks with one identifier.
type lun struct {
	disks   int
	outside int // of any map
	maps    []*mapState
}

// countLUNs counts the LUNs that are in no map, and the disks that are not in the
// map of their LUN, when disks or maps changed.
func (f *Maps) countLUNs() {
	changed := f.mapsChanged
	for i, d := range f.disks {
		if g := d.Generation(); g != f.luns.generations[i] {
			f.luns.generations[i], changed = g, true
		}
	}
	if !changed {
		return
	}
	above := map[string]*mapState{} // by path
	byWWID := map[wwid]*mapState{}
	for _, m := range f.states {
		m.missing, m.missingKnown = 0, false
		byWWID[m.wwid] = m
		for _, p := range m.Paths {
			above[p.Name] = m
		}
	}
	all := map[wwid]*lun{}
	for _, d := range f.disks {
		d.EachDisk(func(name, text string) {
			w := parseWWID(text)
			l := all[w]
			if l == nil {
				l = &lun{}
				all[w] = l
			}
			l.disks++
			if m := above[name]; m == nil {
				l.outside++
			} else if !slices.Contains(l.maps, m) {
				l.maps = append(l.maps, m)
			}
		})
	}
	f.luns.known, f.luns.unmapped = len(all) > 0 && !f.hasOtherProduct(), 0
	for w, l := range all {
		if m := byWWID[w]; m != nil && !slices.Contains(l.maps, m) {
			l.maps = append(l.maps, m)
		}
		f.luns.count(w, l)
	}
}

func (ls *luns) count(w wwid, l *lun) {
	if len(l.maps) == 0 && l.disks > 1 {
		ls.unmapped++
	}
	for _, m := range l.maps {
		if equal, comparable := m.wwid.equals(w); equal || !comparable {
			m.missing, m.missingKnown = m.missing+l.outside, true
		}
	}
}

// hasOtherProduct reports whether LUNs have several paths by other means than
// these maps.
func (f *Maps) hasOtherProduct() bool {
	for _, e := range f.block {
		for _, prefix := range otherProducts {
			if strings.HasPrefix(e.Name, prefix) {
				return true
			}
		}
	}
	return false
}
