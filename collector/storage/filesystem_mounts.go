package storage

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io/fs"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/flight"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

// A mount is a mount point of the mount table.
type mount struct {
	device, fsType string
	point          string // as label
	path           string // below the root of the host, unescaped
	major, minor   string // as labels; empty if the table does not have them
	readOnly       bool
	isForced       bool        // whether it is read-only and was mounted writable
	isHidden       bool        // whether the exporter sees another file system there
	probe          *mountProbe // nil if isHidden

	id int // 0 if the table does not have it
}

// result returns the result of the last call of statfs.
func (m *mount) result() (*unix.Statfs_t, error) {
	if m.isHidden {
		return nil, errMountHidden
	}
	return m.probe.result()
}

// isRemote reports whether the file system is that of a server or a daemon: its
// device is server:/path or //server/share, or its type is one of FUSE.
func (m *mount) isRemote() bool {
	return strings.Contains(m.device, ":") || strings.HasPrefix(m.device, "//") || strings.HasPrefix(m.fsType, "fuse")
}

// A mountTable holds the mounts of the host, those of process 1, because the
// exporter may run in a mount namespace of its own.
//
// Every scrape reads the whole table, and parses it only if it has changed. Its
// poll events could not replace that: a file system that turns read-only after
// an error causes none.
type mountTable struct {
	proc        *host.Reader
	root        host.Tree
	statfs      statfsFunc
	calls       *flight.Source // of places for statfs
	mountPoints collect.Filter
	fsTypes     collect.Filter
	sources     []mountSource

	text   []byte // that mounts was parsed from
	source int    // of text, index of sources
	own    ownMounts
	mounts []*mount
	probed int // mounts with a probe
	probes map[probeKey]*mountProbe
}

// A probeKey identifies a mount. A mount that replaces a hung one has another
// ID: the kernel does not reuse an ID before the last call to its mount has
// returned.
type probeKey struct {
	id   int
	path string
}

func newMountTable(h *host.Host, calls *flight.Source, mountPoints, fsTypes collect.Filter) *mountTable {
	return &mountTable{
		proc: h.Proc.Reader().Share(mountTables()...), root: h.Root, statfs: h.Statfs, calls: calls,
		mountPoints: mountPoints, fsTypes: fsTypes,
		sources: mountSources(),
		own:     ownMounts{proc: h.Proc.Reader().Share(mountTables()...)},
		probes:  map[probeKey]*mountProbe{},
	}
}

// A mountSource is a file that lists mounts.
type mountSource struct {
	file     string
	parse    func(line []byte) (mountLine, error)
	ofOthers bool // whether the exporter may be in another mount namespace
}

// mountSources returns the files that list mounts, in order of preference.
func mountSources() []mountSource {
	return []mountSource{
		{"1/mountinfo", parseMountInfo, true},
		{"self/mountinfo", parseMountInfo, false},
		{"mounts", parseMounts, false},
	}
}

// mountTables returns the tables that several collectors read.
func mountTables() []string { return []string{"1/mountinfo", "self/mountinfo", "mounts"} }

// read returns the mounts that the options include.
func (t *mountTable) read(ctx context.Context, out *metric.Sink) ([]*mount, error) {
	t.proc.BeginRun(ctx)
	t.own.proc.BeginRun(ctx)
	var goneErr, readErr error // the first of each kind
	for i, source := range t.sources {
		b, err := t.proc.Read(source.file)
		switch {
		case err == nil && len(b) > 0:
			if readErr != nil && !isHidden(readErr) {
				out.Error(readErr)
			}
			t.update(i, b, out)
			return t.mounts, nil
		case err == nil: // empty, as in some sandboxes
		case host.Gone(err):
			goneErr = cmp.Or(goneErr, err)
		default:
			readErr = cmp.Or(readErr, err)
		}
	}
	if readErr != nil {
		return nil, readErr
	}
	return nil, collect.OrNoData(cmp.Or(goneErr, collect.ErrNoData))
}

// update parses the content of a source if it has changed, or if the mounts of
// the exporter have.
func (t *mountTable) update(source int, b []byte, out *metric.Sink) {
	changed := source != t.source || !bytes.Equal(b, t.text)
	if changed {
		t.source, t.text = source, append(t.text[:0], b...)
	}
	if t.sources[source].ofOthers {
		t.own.read(t.text, out)
		changed = changed || t.own.changed
	} else {
		t.own.tree = nil
	}
	if changed {
		if !t.parse(out) {
			t.text = t.text[:0] // so that the next scrape reports the errors again
		}
	}
	t.dropRemoved()
}

// isHidden reports whether an error says that process 1 is hidden, as in a
// procfs that is mounted with hidepid, and in some containers.
func isHidden(err error) bool {
	return errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.ESRCH)
}

// parse parses text into mounts. It reports malformed lines, and whether there
// are none.
func (t *mountTable) parse(out *metric.Sink) (ok bool) {
	ok = true
	var lines []mountLine
	number := 0
	for b := t.text; len(b) > 0; {
		var line []byte
		line, b = scan.Line(b)
		number++
		l, err := t.sources[t.source].parse(line)
		if err != nil {
			ok = false
			out.Error(t.proc.At(host.Bad(number, err.Error(), line)))
			continue
		}
		lines = append(lines, l)
	}
	t.mounts = t.mounts[:0]
	byPoint := map[string]int{}
	isReachable, hides := t.reachable(lines)
	for i := range lines {
		if !isReachable(i) {
			continue
		}
		m := t.newMount(lines[i])
		m.isHidden = hides(i, m.path)
		// A container may see the root of the host at two places.
		if at, found := byPoint[m.point]; found {
			t.mounts[at] = m
			continue
		}
		byPoint[m.point] = len(t.mounts)
		t.mounts = append(t.mounts, m)
	}
	t.selectMounts()
	return ok
}

// reachable returns two functions of the index of a line: whether a path on the
// host leads to the mount, and whether the exporter sees another file system at the
// path that it has for the mount.
func (t *mountTable) reachable(lines []mountLine) (isReachable func(i int) bool, hides func(i int, path string) bool) {
	mounts := make([]treeMount, len(lines))
	for i := range lines {
		mounts[i] = newTreeMount(&lines[i])
	}
	if len(lines) > 0 && lines[0].major == nil { // without IDs
		last := map[string]int{}
		for i := range mounts {
			last[mounts[i].point] = i
		}
		return func(i int) bool { return !isCovered(mounts[i].point, i, last) }, func(int, string) bool { return false }
	}
	tree := newMountTree(mounts)
	return func(i int) bool { return tree.lookup(mounts[i].point) == i }, t.own.hides(tree, t.root.Path())
}

// isCovered reports whether a line of a table without IDs is followed by a mount
// at the same mount point, or at a directory above it other than the root: an
// initial RAM disk makes mounts for the root before it moves that to its place.
func isCovered(point string, line int, last map[string]int) bool {
	for prefix := range pathPrefixes(point) {
		if i, ok := last[prefix]; ok && i > line && (prefix != "/" || point == "/") {
			return true
		}
	}
	return false
}

// newMount returns the mount of a line.
func (t *mountTable) newMount(l mountLine) *mount {
	path := stripRoot(unescapeMount(l.point), t.root.Path())
	return &mount{
		device: string(l.device), fsType: string(l.fsType), point: metric.Clean(path),
		major: string(l.major), minor: string(l.minor),
		readOnly: l.readOnly, isForced: l.isForced,
		id:   l.id,
		path: t.root.Path(path),
	}
}

// selectMounts drops the mounts that the options exclude, and gives each of the
// others its probe, unless it is hidden.
func (t *mountTable) selectMounts() {
	for _, p := range t.probes {
		p.inTable = false
	}
	mounts := t.mounts[:0]
	t.probed = 0
	for _, m := range t.mounts {
		if t.mountPoints.Ignores(m.point) || t.fsTypes.Ignores(m.fsType) {
			continue
		}
		if m.isHidden {
			mounts = append(mounts, m)
			continue
		}
		t.probed++
		key := probeKey{m.id, m.path}
		if m.probe = t.probes[key]; m.probe == nil {
			m.probe = newMountProbe(m.path, t.statfs, t.calls)
			t.probes[key] = m.probe
		}
		m.probe.inTable = true
		mounts = append(mounts, m)
	}
	clear(t.mounts[len(mounts):])
	t.mounts = mounts
}

// dropRemoved drops the probes of mounts that are gone. It keeps those with a
// call in progress, which occupies a thread.
func (t *mountTable) dropRemoved() {
	if len(t.probes) == t.probed {
		return
	}
	for key, p := range t.probes {
		if !p.inTable && p.flight.Current() == nil {
			delete(t.probes, key)
		}
	}
}

// stripRoot returns the path of a mount point in the host, whose root file
// system the exporter may see below root.
func stripRoot(point, root string) string {
	if root == "/" {
		return point
	}
	rest, ok := strings.CutPrefix(point, root)
	switch {
	case !ok || rest != "" && rest[0] != '/':
		return point
	case rest == "":
		return "/"
	}
	return rest
}
