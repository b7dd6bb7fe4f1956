package golden

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/snapshot"
	"github.com/hostexporter/host_exporter/collector/internal/test/fault"
)

// A recordedHost is an archive laid out below a folder.
type recordedHost struct {
	*host.Host
	root    string
	archive *Archive
	faults  fault.Files
	opened  openedPaths
	reached map[string]bool // see addReached
	timeout time.Duration
	clock   time.Time
}

// layOut writes the first moment of a host below root.
func layOut(a *Archive, root string) (*recordedHost, error) {
	root, err := filepath.EvalSymlinks(root)
	if err != nil {
		return nil, err
	}
	r := &recordedHost{root: root, archive: a}
	m, err := a.Machine()
	if err != nil {
		return nil, err
	}
	r.clock, r.timeout = m.Clock, m.Timeout
	for _, dir := range []string{"proc", "sys", "run/udev/data"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			return nil, err
		}
	}
	tree := func(path string) host.Tree { return host.InjectFaults(host.NewTree(root+path), r.open) }
	r.Host = &host.Host{
		Proc: tree("/proc"), Sys: tree("/sys").Attributes(), Root: tree(""), Udev: tree("/run/udev/data"),
		Files: r.faults.Inject(host.NewTree(root)), // of options, which no data sheet knows
		Arch:  m.Arch, PageSize: m.PageSize, Ticks: 100,
		Now: func() time.Time { return r.clock },
	}
	snapshot.Answer(r.Host, a, sections{r})
	return r, r.moment(1)
}

// open notes that a path is opened, and returns its fault.
func (r *recordedHost) open(path string) error {
	r.opened.add(path)
	return r.faults.At(path)
}

// moment writes the entries of one moment.
func (r *recordedHost) moment(n int) error {
	for _, e := range r.archive.Entries {
		if e.Moment != n {
			continue
		}
		path := filepath.Join(r.root, e.Path)
		if err := r.put(path, e); err != nil {
			return err
		}
	}
	return nil
}

func (r *recordedHost) put(path string, e Entry) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	r.faults.Set(path, nil)
	if e.Moment > 1 {
		if err := r.setAside(path); err != nil {
			return err
		}
	}
	switch e.Kind {
	case Link:
		// The target may come in a later section, or never.
		return os.Symlink(e.Target, path)
	case Folder:
		return os.MkdirAll(path, 0o755)
	case Fifo:
		return unix.Mkfifo(path, 0o644)
	case Fault:
		errno, err := snapshot.Errno(e.Target)
		if err != nil {
			return err
		}
		r.faults.Set(path, errno)
		if slices.ContainsFunc(r.archive.Entries, func(o Entry) bool { return strings.HasPrefix(o.Path, e.Path+"/") }) {
			return os.MkdirAll(path, 0o755) // a folder that cannot be listed
		}
		return os.WriteFile(path, nil, 0o644)
	case Unread:
		return r.putUnread(path, e)
	case Deleted:
		return nil
	}
	return r.write(path, e.Data, e)
}

// putUnread makes folders of the names that were not read: to read them is an error.
func (r *recordedHost) putUnread(path string, e Entry) error {
	for _, name := range e.Names() {
		if err := os.MkdirAll(filepath.Join(path, name), 0o755); err != nil {
			return err
		}
	}
	return nil
}

// write writes a file with the mode and the time of its entry.
func (r *recordedHost) write(path string, data []byte, e Entry) error {
	if err := os.WriteFile(path, data, e.Mode); err != nil {
		return err
	}
	mtime := e.Mtime
	if mtime.IsZero() {
		mtime = r.clock
	}
	return os.Chtimes(path, mtime, mtime)
}

// setAside moves an entry out of the way. If it was removed, what takes its
// place might get its inode number, as never happens in sysfs.
func (r *recordedHost) setAside(path string) error {
	gone, err := os.MkdirTemp(r.root, "gone")
	if err != nil {
		return err
	}
	if err := os.Rename(path, filepath.Join(gone, "entry")); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// sections are the files below syscall/.
type sections struct{ *recordedHost }

// Section implements snapshot.Sections.
func (s sections) Section(name string) ([]byte, error) {
	file := filepath.Join(s.root, "syscall", name)
	if err := s.faults.At(file); err != nil {
		return nil, err
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, fs.ErrNotExist
	}
	return b, nil
}

// Names implements snapshot.Sections.
func (s sections) Names(folder string) []string {
	entries, err := os.ReadDir(filepath.Join(s.root, "syscall", folder))
	if err != nil {
		return nil
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// Local implements snapshot.Sections.
func (s sections) Local(path string) string {
	return "/" + strings.TrimPrefix(strings.TrimPrefix(path, s.root), "/")
}

// withTimeout returns the data sheet with the timeout of the case.
func (r *recordedHost) withTimeout(spec collect.Spec) collect.Spec {
	if r.timeout > 0 {
		spec.Timeout = r.timeout
	}
	return spec
}
