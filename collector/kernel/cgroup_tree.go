package kernel

import (
	"path"

	"golang.org/x/sys/unix"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

// A controlGroup is one directory of the tree. It is kept from one scrape to the
// next.
type controlGroup struct {
	path      string // below the root of the tree, which has ""
	label     string
	inode     uint64
	level     int
	excluded  bool // by a filter
	duplicate bool // a sibling has the same label
	ambiguous bool // this or a group above it is a duplicate
	listing   host.Listing
	children  []*controlGroup
	absent    [maxCgroupFiles]bool // files that did not exist at the last reading
}

// A cgroupTree is the tree of groups to some depth.
type cgroupTree struct {
	sys    *host.Reader
	root   string
	depth  int
	paths  collect.Filter
	top    *controlGroup
	groups []*controlGroup
}

// refresh returns the groups level by level, each level in natural order. It
// lists all directories above the depth, and looks closer at those that changed
// only.
func (t *cgroupTree) refresh(out *metric.Sink) []*controlGroup {
	if t.top == nil {
		t.top = t.newGroup("", "/", 0)
	}
	clear(t.groups)
	t.groups = append(t.groups[:0], t.top)
	for i := 0; i < len(t.groups); i++ {
		g := t.groups[i]
		if g.level == t.depth {
			continue
		}
		if changed, err := t.sys.List(&g.listing, t.root, g.path); err != nil {
			g.children = nil
			host.ReportUnlessGone(err, out.Error)
		} else if changed {
			t.setChildren(g, out)
		}
		for _, child := range g.children {
			child.ambiguous = child.duplicate || g.ambiguous
			t.groups = append(t.groups, child)
		}
	}
	return t.groups
}

func (t *cgroupTree) newGroup(path, label string, level int) *controlGroup {
	return &controlGroup{path: path, label: label, level: level, excluded: t.paths.Ignores(label)}
}

// setChildren finds the groups among the names in a group's directory, most of
// which are files.
func (t *cgroupTree) setChildren(g *controlGroup, out *metric.Sink) {
	known := map[string]*controlGroup{}
	for _, child := range g.children {
		known[child.path] = child
	}
	g.children = nil
	labels := map[string]bool{}
	for _, e := range g.listing.Entries {
		name := path.Join(g.path, e.Name)
		child := known[name]
		if child == nil || child.inode != e.Inode {
			st, err := t.sys.Stat(t.root, name)
			if err != nil {
				host.ReportUnlessGone(err, out.Error)
				g.listing = host.Listing{} // look again at the next scrape
				continue
			}
			if st.Mode&unix.S_IFMT != unix.S_IFDIR {
				continue
			}
			child = t.newGroup(name, name, g.level+1)
			child.inode = e.Inode
		}
		// A user may give names to groups of their own. The exposition drops
		// control characters, and two series must not become one.
		label := metric.Clean(e.Name)
		child.duplicate = labels[label]
		labels[label] = true
		g.children = append(g.children, child)
	}
}
