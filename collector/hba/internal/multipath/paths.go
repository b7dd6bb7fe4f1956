package multipath

import (
	"path"
	"slices"

	"github.com/hostexporter/host_exporter/collector/hba/internal/attr"
	"github.com/hostexporter/host_exporter/collector/hba/internal/multipath/dmtable"
	"github.com/hostexporter/host_exporter/collector/hba/internal/san"
	"github.com/hostexporter/host_exporter/collector/internal/dm"
	"github.com/hostexporter/host_exporter/collector/internal/host"
)

// A mapPath is a path of a map: a device that sysfs lists below it, or one that is
// only in the table of the map because the device is gone.
type mapPath struct {
	san.Path
	name  string // label value: of the device, or its number where there is no name
	known bool   // whether the health is
	bare  bool   // whether its number is not known, because it is gone
	table int    // index among the paths of the table; -1: not there
}

// A tablePath is a path in the table of a map, as the current source knows it.
type tablePath struct {
	number string // major:minor; empty where multipathd does not say
	name   string // empty where the kernel is the source, or the device is gone
	status pathStatus
	taken  bool // by a mapPath

	group, index int // where the source has it
}

// is reports whether a path of the table is a device. Names are compared only
// where a number is not known: the name of a device that is gone can be that of
// another.
func (t *tablePath) is(number, name string) bool {
	if t.number != "" && number != "" {
		return t.number == number
	}
	return t.name == name && name != ""
}

// findPaths finds the paths of a map, into f.pathsOf. A path without a device has
// failed, whatever the source says: multipath finds that out by its next I/O.
func (f *Maps) findPaths(a attr.Reader, m *dm.Multipath) {
	f.table = f.sources.paths(f.table[:0], m)
	numbered := slices.ContainsFunc(f.table, func(t tablePath) bool { return t.number != "" })
	f.pathsOf = f.pathsOf[:0]
	left := len(f.table)
	for _, e := range m.Paths {
		p := mapPath{name: e.Name, table: -1}
		there := true
		if p.Path, there = f.device(a, m, e); !there {
			if _, err := a.Sys.Link("block", m.SysfsName, "slaves", e.Name); host.Gone(err) {
				continue // the map let go of it meanwhile
			}
			p.Health, p.StateKnown, p.bare = san.PathFailed, true, true
		}
		number := ""
		if numbered && there {
			number = f.numbers.of(a, m, e)
			p.bare = number == ""
		}
		for i := range f.table {
			if t := &f.table[i]; !t.taken && t.is(number, e.Name) {
				t.taken, p.table = true, i
				left--
				break
			}
		}
		f.pathsOf = append(f.pathsOf, p)
	}
	if left > 0 {
		f.findLost(a, m)
	}
	for i := range f.pathsOf {
		p := &f.pathsOf[i]
		p.known = p.StateKnown
		if p.table >= 0 {
			p.apply(f.table[p.table].status)
		}
	}
}

// apply sets the health of a path by what multipath does with it.
func (p *mapPath) apply(status pathStatus) {
	switch {
	case status.failed:
		p.Health = san.PathFailed
	case status.marginal:
		p.Health = min(p.Health, san.PathMarginal)
	}
	p.known = p.known || status.known
}

// device returns a device as a path, and whether it is there.
func (f *Maps) device(a attr.Reader, m *dm.Multipath, e host.DirEntry) (p san.Path, there bool) {
	p = f.devicePath(a, e)
	return p, p.StateKnown || a.Sys.Exists("block", m.SysfsName, "slaves", e.Name)
}

// devicePath returns a device as a path of the first kind that it is of.
func (f *Maps) devicePath(a attr.Reader, e host.DirEntry) san.Path {
	for _, kind := range f.kinds {
		if p, ok := kind.Path(a, e); ok {
			return p
		}
	}
	return san.Path{Health: san.PathOptimized}
}

// findLost finds the paths of the table that are none of the devices below the
// map. Some of them are devices that are lost, whose numbers went with them.
func (f *Maps) findLost(a attr.Reader, m *dm.Multipath) {
	for i := range f.table {
		t := &f.table[i]
		if t.taken || !t.status.known || f.tableHas(t.number, i) {
			continue // one whose state is not known is not in the kernel's table
		}
		p := mapPath{Path: san.Path{Health: san.PathFailed, StateKnown: true}, name: t.name, table: i}
		if link, err := a.Sys.Link("dev/block", t.number); err == nil && t.number != "" {
			p.name = path.Base(link)
			p.Path = f.devicePath(a, host.DirEntry{Name: p.name})
		} else if bare := f.firstBare(); bare >= 0 {
			f.pathsOf[bare].table = i
			continue
		} else if p.name == "" || f.hasPath(p.name) {
			p.name = t.number
		}
		// An older answer has paths that the map let go of.
		if p.name != "" && !f.hasPath(p.name) && f.sources.isAsNewAs(f.state.changed) {
			f.pathsOf = append(f.pathsOf, p)
		}
	}
}

// tableHas reports whether the first n paths of the table have one of a number.
func (f *Maps) tableHas(number string, n int) bool {
	return number != "" && slices.ContainsFunc(f.table[:n], func(t tablePath) bool { return t.number == number })
}

func (f *Maps) hasPath(name string) bool {
	return slices.ContainsFunc(f.pathsOf, func(p mapPath) bool { return p.name == name })
}

// firstBare returns the index of the first device that may be any path of the table,
// and is none yet; -1 where there is none.
func (f *Maps) firstBare() int {
	return slices.IndexFunc(f.pathsOf, func(p mapPath) bool { return p.bare && p.table < 0 })
}

// numbers are the device numbers of paths, major:minor, by their names.
type numbers struct {
	known map[string]pathNumber
	round uint64
}

// A pathNumber is a number that stays for as long as the link to the device does.
type pathNumber struct {
	inode  uint64
	number string
	round  uint64
}

// of returns the number of a path, or "" where there is none.
func (n *numbers) of(a attr.Reader, m *dm.Multipath, p host.DirEntry) string {
	of, ok := n.known[p.Name]
	if !ok || of.inode != p.Inode {
		text, ok := attr.Parsed(a, "a device number such as 8:16", deviceNumber, "block", m.SysfsName, "slaves", p.Name, "dev")
		if !ok {
			return ""
		}
		of = pathNumber{inode: p.Inode, number: text}
	}
	of.round = n.round
	n.known[p.Name] = of
	return of.number
}

// forget forgets the numbers that were not used since it was last called.
func (n *numbers) forget() {
	for name, of := range n.known {
		if of.round != n.round {
			delete(n.known, name)
		}
	}
	n.round++
}

func deviceNumber(b []byte) (string, bool) {
	number := string(b)
	return number, dmtable.IsDevice(number)
}
