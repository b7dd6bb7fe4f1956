package multipath

import (
	"time"

	"github.com/hostexporter/host_exporter/collector/hba/internal/attr"
	"github.com/hostexporter/host_exporter/collector/internal/dm"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

// rereadEvery is how many readings pass between two looks at what rarely changes:
// the sizes of a map and of its paths, and the identifiers behind it. The maps
// take turns, so that a reading costs about the same as the one before.
const rereadEvery = 16

// sectorSize is the unit of the attribute size.
const sectorSize = 512

// A mapState is what is known of a map from one reading to the next.
type mapState struct {
	*dm.Multipath
	round   uint64    // in which the map was last there
	turn    uint64    // in which the map is looked at again
	due     bool      // or at the next reading
	changed time.Time // when paths were last added or removed
	wwid    wwid

	sectors      uint64
	sectorsKnown bool
	sizes        agreement
	wwids        agreement

	missing      int // disks of the same LUN that are not its paths
	missingKnown bool
}

// An agreement says which paths of a map differ from it.
type agreement struct {
	compared bool // whether any path was
	differ   []different
}

// A different is a path with what differs.
type different struct {
	path    string
	sectors uint64
	wwid    string
}

// agreementFamilies are the families about maps and devices that should agree.
type agreementFamilies struct {
	size       *metric.Family
	mismatched *metric.Family
	pathSize   *metric.Family
	pathWWID   *metric.Family
	missing    *metric.Family
	unmapped   *metric.Family
}

func newAgreementFamilies(m *metric.Set) agreementFamilies {
	return agreementFamilies{
		size: m.Gauge("node_hba_multipath_size_bytes", "Size of a multipath map.", "device", "sysfs_name"),
		mismatched: m.Gauge("node_hba_multipath_mismatched_paths", "Paths of a multipath map that do not have its size, or lead to another LUN (wwid).",
			"attribute", "device", "sysfs_name"),
		pathSize: m.Gauge("node_hba_multipath_path_size_bytes", "Size of a path that does not have the size of its multipath map.", "device", "path"),
		pathWWID: m.Gauge("node_hba_multipath_path_wwid_info", "WWID of a path that leads to another LUN than its multipath map, as 1.", "device", "path", "wwid"),
		missing: m.Gauge("node_hba_multipath_missing_paths", "Disks with the WWID of a multipath map that are not among its paths.",
			"device", "sysfs_name"),
		unmapped: m.Gauge("node_hba_multipath_unmapped_luns", "LUNs with several paths that are in no multipath map."),
	}
}

// emit emits what is known of a map, and of its paths if paths is set.
func (f *agreementFamilies) emit(a attr.Reader, m *mapState, paths bool) {
	if m.sectorsKnown {
		a.Out.Emit(f.size, float64(m.sectors)*sectorSize, m.Name, m.SysfsName)
	}
	if m.sizes.compared {
		a.Out.Emit(f.mismatched, float64(len(m.sizes.differ)), "size", m.Name, m.SysfsName)
	}
	if m.wwids.compared {
		a.Out.Emit(f.mismatched, float64(len(m.wwids.differ)), "wwid", m.Name, m.SysfsName)
	}
	if m.missingKnown {
		a.Out.Emit(f.missing, float64(m.missing), m.Name, m.SysfsName)
	}
	if !paths {
		return
	}
	for _, d := range m.sizes.differ {
		a.Out.Emit(f.pathSize, float64(d.sectors)*sectorSize, m.Name, d.path)
	}
	for _, d := range m.wwids.differ {
		a.Out.Emit(f.pathWWID, 1, m.Name, d.path, d.wwid)
	}
}

// A seenWWID is the identifier of a path, which cannot be compared with that of its
// map.
type seenWWID struct {
	different
	wwid
}

// compare compares a map with its devices when it is its turn, after its paths
// changed, and as long as something differs or cannot be read.
func (f *Maps) compare(a attr.Reader, m *mapState) {
	if !m.due && !m.PathsChanged && (f.round+m.turn)%rereadEvery != 0 {
		return
	}
	before := a.ErrorCount()
	m.sectors, m.sectorsKnown = a.Uint("block", m.SysfsName, "size")
	m.sizes, m.wwids = agreement{differ: m.sizes.differ[:0]}, agreement{differ: m.wwids.differ[:0]}
	f.seen = f.seen[:0]
	for _, p := range m.Paths {
		if v, ok := a.Uint("block", m.SysfsName, "slaves", p.Name, "size"); ok && m.sectorsKnown {
			m.sizes.compared = true
			if v != m.sectors {
				m.sizes.differ = append(m.sizes.differ, different{path: p.Name, sectors: v})
			}
		}
		if text := f.wwidOf(a, p.Name); text != "" {
			f.compareWWID(m, seenWWID{different{path: p.Name, wwid: text}, parseWWID(text)})
		}
	}
	f.compareAmongPaths(m)
	m.due = a.ErrorCount() > before || len(m.sizes.differ)+len(m.wwids.differ) > 0
}

// wwidOf returns the identifier of a device, or "" where it has none.
func (f *Maps) wwidOf(a attr.Reader, block string) string {
	for _, kind := range f.kinds {
		if text, ok := kind.WWID(a, block); ok {
			return text
		}
	}
	return ""
}

func (f *Maps) compareWWID(m *mapState, s seenWWID) {
	equal, comparable := m.wwid.equals(s.wwid)
	switch {
	case !comparable:
		f.seen = append(f.seen, s)
	case !equal:
		m.wwids.differ = append(m.wwids.differ, s.different)
	}
	m.wwids.compared = m.wwids.compared || comparable
}

// compareAmongPaths compares the identifiers that say nothing about the map, as
// where it is named in some other way: those that differ from most are of another
// LUN.
func (f *Maps) compareAmongPaths(m *mapState) {
	if len(f.seen) < 2 {
		return
	}
	var most wwid
	best := 0
	for _, s := range f.seen {
		n := 0
		for _, other := range f.seen {
			if s.wwid == other.wwid {
				n++
			}
		}
		if n > best {
			most, best = s.wwid, n
		}
	}
	m.wwids.compared = true
	for _, s := range f.seen {
		if s.wwid != most && s.kind == most.kind {
			m.wwids.differ = append(m.wwids.differ, s.different)
		}
	}
}
