package storage

import (
	"bytes"
	"errors"
	"io/fs"
	"strings"
	"syscall"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

// A mount is what the kernel's table says of one mount point.
type mount struct {
	device, fsType string
	point          string // as label
	major, minor   string // as labels; empty where the table does not have them
	readOnly       bool
	probe          *mountProbe

	id, parent int // of the mount and of that below it; 0 where the table does not have them
}

// A mountTable holds the mounts of the host: of process 1, since this one may
// have a view of its own.
//
// The table is read in full at every scrape. Its pollable change events cannot
// save that: a file system that turns read-only after an error raises none.
// But while its bytes are the same, nothing is parsed.
type mountTable struct {
	proc        *host.Reader
	root        host.Tree
	statfs      statfsFunc
	mountPoints collect.Filter
	fsTypes     collect.Filter
	sources     []mountSource

	text   []byte // what mounts was parsed from
	source int    // in sources, of text
	mounts []*mount
	probes map[probeKey]*mountProbe
}

// A probeKey tells mounts apart, also one that was mounted in place of another
// that still hangs: the kernel gives its number to no other mount until the
// last call to it has returned.
type probeKey struct {
	id   int
	path string
}

func newMountTable(h *host.Host, mountPoints, fsTypes collect.Filter) *mountTable {
	return &mountTable{
		proc: h.Proc.Reader(), root: h.Root, statfs: h.Statfs,
		mountPoints: mountPoints, fsTypes: fsTypes,
		sources: mountSources(),
		probes:  map[probeKey]*mountProbe{},
	}
}

// A mountSource is a file that lists mounts.
type mountSource struct {
	file  string
	parse func(line []byte) (mountLine, error)
}

// mountSources returns the files that list mounts, best first.
func mountSources() []mountSource {
	return []mountSource{
		{"1/mountinfo", parseMountInfo},
		{"self/mountinfo", parseMountInfo},
		{"mounts", parseMounts},
	}
}

// read returns the mounts that are wanted.
func (t *mountTable) read(out *metric.Sink) ([]*mount, error) {
	var missing, broken error // the first of each
	for i, source := range t.sources {
		b, err := t.proc.Read(source.file)
		switch {
		case err == nil && len(b) > 0:
			if broken != nil && !hidden(broken) {
				out.Error(broken)
			}
			t.update(i, b, out)
			return t.mounts, nil
		case err == nil: // no process is without mounts, but for a sandbox's
		case host.Gone(err):
			missing = first(missing, err)
		default:
			broken = first(broken, err)
		}
	}
	if broken != nil {
		return nil, broken
	}
	return nil, collect.OrNoData(first(missing, collect.ErrNoData))
}

func first(a, b error) error {
	if a != nil {
		return a
	}
	return b
}

// update takes the content of a source.
func (t *mountTable) update(source int, b []byte, out *metric.Sink) {
	if source != t.source || !bytes.Equal(b, t.text) {
		t.source, t.text = source, append(t.text[:0], b...)
		if !t.parse(out) {
			t.text = t.text[:0] // so that what is wrong is told again
		}
	}
	t.forget()
}

// hidden reports whether an error says that a process may not be looked at:
// process 1 is not for everyone where procfs is mounted with hidepid, and in
// some containers.
func hidden(err error) bool {
	return errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.ESRCH)
}

// parse makes mounts of text, and reports whether all of it was understood.
func (t *mountTable) parse(out *metric.Sink) bool {
	good := true
	t.mounts = t.mounts[:0]
	byPoint := map[string]int{}
	number := 0
	for b := t.text; len(b) > 0; {
		var line []byte
		line, b = scan.Line(b)
		number++
		l, err := t.sources[t.source].parse(line)
		if err != nil {
			good = false
			out.Error(t.proc.At(host.Bad(number, err.Error(), line)))
			continue
		}
		m := t.mount(l)
		if i, ok := byPoint[m.point]; !ok {
			byPoint[m.point] = len(t.mounts)
			t.mounts = append(t.mounts, m)
		} else if under := t.mounts[i]; under.id == 0 || under.parent != m.id {
			// Only the mount on top can be reached. It is the last one, unless
			// the table says that it lies below.
			t.mounts[i] = m
		}
	}
	t.choose()
	return good
}

// mount makes a mount of a line.
func (t *mountTable) mount(l mountLine) *mount {
	path, point := unescapeMount(l.point)
	root := t.root.Path()
	path, point = stripRoot(path, root), stripRoot(point, root)
	return &mount{
		device: string(l.device), fsType: string(l.fsType), point: point,
		major: string(l.major), minor: string(l.minor),
		readOnly: l.readOnly,
		id:       l.id, parent: l.parent,
		probe: &mountProbe{path: t.root.Path(path)},
	}
}

// choose drops the mounts that are not wanted, and gives the others the probe
// that they had before.
func (t *mountTable) choose() {
	for _, p := range t.probes {
		p.listed = false
	}
	wanted := t.mounts[:0]
	for _, m := range t.mounts {
		if t.mountPoints.Ignores(m.point) || t.fsTypes.Ignores(m.fsType) {
			continue
		}
		key := probeKey{m.id, m.probe.path}
		if p := t.probes[key]; p != nil {
			m.probe = p
		} else {
			t.probes[key] = m.probe
			m.probe.use(t.statfs)
		}
		m.probe.listed = true
		wanted = append(wanted, m)
	}
	clear(t.mounts[len(wanted):])
	t.mounts = wanted
}

// forget drops the probes of mounts that are gone, but for those that hang: as
// long as they do they hold a thread, and count.
func (t *mountTable) forget() {
	if len(t.probes) == len(t.mounts) {
		return
	}
	for key, p := range t.probes {
		if !p.listed && p.flight.Current() == nil {
			delete(t.probes, key)
		}
	}
}

// unlisted returns how many mounts hang that are in the table no longer.
func (t *mountTable) unlisted() int { return len(t.probes) - len(t.mounts) }

// stripRoot returns a mount point as the host sees it, whose root file system
// this process may have mounted elsewhere.
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
