package storage

import (
	"bytes"
	"iter"

	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

// A mountTree resolves paths to mounts as the kernel does: from the root down,
// into each mount that is on the way. The kernel lists mounts that no path leads
// to, below a directory that a later mount covers.
type mountTree struct {
	mounts   []treeMount
	children map[treeKey]int // index of mounts
	orphans  map[string]int  // by mount point; those whose parent is not in the table, such as the root
}

// A treeMount is a mount of mountinfo.
type treeMount struct {
	id, parent int
	point      string
	device     string // major:minor of the file system
}

type treeKey struct {
	parent int // ID
	point  string
}

func newMountTree(mounts []treeMount) *mountTree {
	t := &mountTree{mounts: mounts, children: make(map[treeKey]int, len(mounts)), orphans: map[string]int{}}
	ids := make(map[int]bool, len(mounts))
	for i := range mounts {
		ids[mounts[i].id] = true
	}
	for i := range mounts {
		if m := &mounts[i]; m.parent != m.id && ids[m.parent] {
			t.children[treeKey{m.parent, m.point}] = i
		} else {
			t.orphans[m.point] = i
		}
	}
	return t
}

// lookup returns the index of the mount that an absolute path leads to, or -1 if
// the table has none.
func (t *mountTree) lookup(name string) int {
	current, steps := -1, 0
	for prefix := range pathPrefixes(name) {
		next, ok := t.child(current, prefix)
		if !ok {
			next, ok = t.orphans[prefix]
		}
		for ; ok && steps < len(t.mounts); steps++ { // a table with a cycle must not hold up the scrape
			current = next
			next, ok = t.child(current, prefix)
		}
	}
	return current
}

// child returns the mount at a mount point of another mount.
func (t *mountTree) child(parent int, point string) (int, bool) {
	if parent < 0 {
		return 0, false
	}
	i, ok := t.children[treeKey{t.mounts[parent].id, point}]
	return i, ok
}

// device returns the file system that a path leads to, or "".
func (t *mountTree) device(name string) string {
	if i := t.lookup(name); i >= 0 {
		return t.mounts[i].device
	}
	return ""
}

// pathPrefixes returns the root and each directory of an absolute path, and the
// path itself.
func pathPrefixes(name string) iter.Seq[string] {
	return func(yield func(string) bool) {
		if !yield("/") {
			return
		}
		for i := 2; i <= len(name); i++ {
			if (i == len(name) || name[i] == '/') && !yield(name[:i]) {
				return
			}
		}
	}
}

// An ownMounts are the mounts of the exporter, which may be in another mount
// namespace than process 1: in a container, or with ProtectHome=yes in the unit. A
// path that leads to a file system on the host may lead to another one there.
type ownMounts struct {
	proc    *host.Reader
	text    []byte // that tree was parsed from
	tree    *mountTree
	changed bool // whether this scrape has another tree than the one before
}

// read reads the mounts of the exporter. Without them, or if they are the mounts
// of process 1, whose text is given, there is no tree.
func (o *ownMounts) read(text []byte, out *metric.Sink) {
	o.changed = false
	b, err := o.proc.Read("self/mountinfo")
	host.ReportUnlessGone(err, out.Error)
	if bytes.Equal(b, text) {
		b = nil
	}
	if bytes.Equal(b, o.text) {
		return
	}
	o.text, o.tree, o.changed = append(o.text[:0], b...), nil, true
	var mounts []treeMount
	for n := 1; len(b) > 0; n++ {
		var line []byte
		line, b = scan.Line(b)
		l, err := parseMountInfo(line)
		if err != nil {
			out.Error(o.proc.At(host.Bad(n, err.Error(), line)))
			o.text = o.text[:0] // so that the next scrape reports the error again
			return
		}
		mounts = append(mounts, newTreeMount(&l))
	}
	if len(mounts) > 0 {
		o.tree = newMountTree(mounts)
	}
}

// hides returns a function that reports whether the exporter sees another file
// system than that of a mount in the table of the host, by its index and its path
// for the exporter, which has the host's root at a directory.
func (o *ownMounts) hides(table *mountTree, root string) func(i int, path string) bool {
	if o.tree == nil {
		return func(int, string) bool { return false }
	}
	inRoot := root == "/"
	if i := o.tree.lookup(root); i >= 0 && !inRoot {
		inRoot = o.tree.mounts[i].point == root && o.tree.mounts[i].device == table.device("/")
	}
	// A directory that is not a mount of the host's root may be a part of another
	// mount, or a copy. Then only an exporter that has the host's own root knows.
	if !inRoot && o.tree.device("/") != table.device("/") {
		return func(int, string) bool { return false }
	}
	return func(i int, path string) bool {
		if !inRoot {
			path = table.mounts[i].point
		}
		device := o.tree.device(path)
		return device != "" && device != table.mounts[i].device
	}
}

func newTreeMount(l *mountLine) treeMount {
	return treeMount{l.id, l.parent, unescapeMount(l.point), string(l.major) + ":" + string(l.minor)}
}
