package storage

import (
	"bytes"
	"cmp"
	"errors"
	"io/fs"
	"strings"
	"syscall"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
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
	probe          *mountProbe

	id, parent int // of the mount and of the mount below it; 0 if the table does not have them
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
	mountPoints collect.Filter
	fsTypes     collect.Filter
	sources     []mountSource

	text   []byte // that mounts was parsed from
	source int    // of text, index of sources
	mounts []*mount
	probes map[probeKey]*mountProbe
}

// A probeKey identifies a mount. A mount that replaces a hung one has another
// ID: the kernel does not reuse an ID before the last call to its mount has
// returned.
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

// mountSources returns the files that list mounts, in order of preference.
func mountSources() []mountSource {
	return []mountSource{
		{"1/mountinfo", parseMountInfo},
		{"self/mountinfo", parseMountInfo},
		{"mounts", parseMounts},
	}
}

// read returns the mounts that the options include.
func (t *mountTable) read(out *metric.Sink) ([]*mount, error) {
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

// update parses the content of a source if it has changed.
func (t *mountTable) update(source int, b []byte, out *metric.Sink) {
	if source != t.source || !bytes.Equal(b, t.text) {
		t.source, t.text = source, append(t.text[:0], b...)
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
	t.mounts = t.mounts[:0]
	byPoint := map[string]int{}
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
		m := t.newMount(l)
		if i, found := byPoint[m.point]; !found {
			byPoint[m.point] = len(t.mounts)
			t.mounts = append(t.mounts, m)
		} else if other := t.mounts[i]; other.id == 0 || other.parent != m.id {
			// Only the topmost mount can be reached. It is the last one in the table,
			// unless it is the parent of the other one.
			t.mounts[i] = m
		}
	}
	t.selectMounts()
	return ok
}

// newMount returns the mount of a line.
func (t *mountTable) newMount(l mountLine) *mount {
	path := stripRoot(unescapeMount(l.point), t.root.Path())
	return &mount{
		device: string(l.device), fsType: string(l.fsType), point: metric.Clean(path),
		major: string(l.major), minor: string(l.minor),
		readOnly: l.readOnly,
		id:       l.id, parent: l.parent,
		path: t.root.Path(path),
	}
}

// selectMounts drops the mounts that the options exclude, and gives each of the
// others its probe.
func (t *mountTable) selectMounts() {
	for _, p := range t.probes {
		p.inTable = false
	}
	mounts := t.mounts[:0]
	for _, m := range t.mounts {
		if t.mountPoints.Ignores(m.point) || t.fsTypes.Ignores(m.fsType) {
			continue
		}
		key := probeKey{m.id, m.path}
		if m.probe = t.probes[key]; m.probe == nil {
			m.probe = newMountProbe(m.path, t.statfs)
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
	if len(t.probes) == len(t.mounts) {
		return
	}
	for key, p := range t.probes {
		if !p.inTable && p.flight.Current() == nil {
			delete(t.probes, key)
		}
	}
}

// removedHungCalls returns the number of hung calls to mounts that are gone.
func (t *mountTable) removedHungCalls() int { return len(t.probes) - len(t.mounts) }

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
