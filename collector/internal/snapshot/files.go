package snapshot

import (
	"hash/fnv"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/hostexporter/host_exporter/collector/internal/host"
)

// files are the files of a recorded host in memory. They implement host.Source and
// Sections, and are safe for concurrent use.
type files struct {
	clock time.Time
	live  *liveFiles // adds files when they are first used; nil: what is not there is absent

	mu    sync.Mutex // of nodes, and of the fields of each node
	nodes map[string]*node
	size  int // bytes of content
}

// A node is what is known of one path.
type node struct {
	kind   Kind
	absent bool
	loaded bool // a File has its data, a Folder has its names
	busy   bool // the live host has not answered yet
	data   []byte
	target string // of a Link
	err    error  // errno of a Fault
	mode   uint32
	mtime  time.Time
	names  map[string]bool // in a Folder

	look, load sync.Once // on the live host
}

// newFiles returns the files of the first moment of an archive.
func newFiles(a *Archive, clock time.Time) *files {
	f := &files{clock: clock, nodes: map[string]*node{}}
	f.folder("")
	for _, e := range a.Entries {
		if e.Moment > 1 || e.Kind == Deleted {
			continue
		}
		if e.Kind == Unread {
			folder := f.folder(e.Path)
			for _, name := range e.Names() {
				if p := path.Join(e.Path, name); f.nodes[p] == nil {
					folder.names[name] = true
					f.nodes[p] = &node{kind: Unread, err: unix.ENODATA, loaded: true}
				}
			}
			continue
		}
		n := &node{kind: e.Kind, data: e.Data, target: e.Target, mode: uint32(e.Mode.Perm()), mtime: e.Mtime, loaded: true}
		switch e.Kind {
		case Folder:
			f.folder(e.Path)
			continue
		case Fault:
			var unknown error
			if n.err, unknown = Errno(e.Target); unknown != nil {
				n.err = unix.EIO
			}
			if old := f.nodes[e.Path]; old != nil && old.kind == Folder { // whose files could be read
				old.err = n.err
				continue
			}
		}
		f.folder(parent(e.Path)).names[path.Base(e.Path)] = true
		f.nodes[e.Path] = n
	}
	return f
}

// Names returns the names in an Unread entry.
func (e *Entry) Names() (names []string) {
	for line := range strings.Lines(string(e.Data)) {
		name := strings.TrimSuffix(line, "\n")
		if text, err := strconv.Unquote(name); err == nil {
			name = text
		}
		if checkPath(name) == nil && !strings.Contains(name, "/") {
			names = append(names, name)
		}
	}
	return names
}

// parent returns the folder of a path, "" for that of the root.
func parent(p string) string { return strings.TrimSuffix(path.Dir("/" + p)[1:], "/") }

// folder returns the node of a folder, which it makes if there is none.
func (f *files) folder(p string) *node {
	n := f.nodes[p]
	if n == nil || n.kind == Unread {
		n = &node{kind: Folder, loaded: true, names: map[string]bool{}}
		f.nodes[p] = n
		if p != "" {
			f.folder(parent(p)).names[path.Base(p)] = true
		}
	}
	if n.kind == Fault { // it cannot be listed, but some of its files could be read
		n.kind = Folder
	}
	if n.names == nil {
		n.names = map[string]bool{}
	}
	return n
}

// node returns what is at a path whose folders have no links, or nil.
func (f *files) node(p string) *node {
	f.mu.Lock()
	n := f.nodes[p]
	if n == nil && f.live != nil {
		n = &node{busy: true}
		f.nodes[p] = n
	}
	f.mu.Unlock()
	if n == nil {
		return nil
	}
	if f.live != nil {
		n.look.Do(func() { f.live.look(f, p, n) })
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if n.absent {
		return nil
	}
	return n
}

const maxLinks = 40

// resolve follows the links of a path, the last one only if follow is true. It never
// leaves the root.
func (f *files) resolve(name string, follow bool) (string, *node, error) {
	at, rest := "", name
	n := f.node("")
	for links := 0; rest != ""; {
		var part string
		part, rest, _ = strings.Cut(rest, "/")
		switch part {
		case "", ".":
			continue
		case "..":
			at = parent(at)
			n = f.node(at)
			continue
		}
		if n == nil {
			return "", nil, unix.ENOENT
		}
		switch n.kind {
		case Folder:
		case Fault:
			return "", nil, n.err
		case Fifo:
			select {}
		default:
			return "", nil, unix.ENOTDIR
		}
		next := path.Join(at, part)
		if n = f.node(next); n == nil {
			return "", nil, unix.ENOENT
		}
		if n.kind != Link || !follow && strings.Trim(rest, "/") == "" {
			at = next
			continue
		}
		if links++; links > maxLinks {
			return "", nil, unix.ELOOP
		}
		if path.IsAbs(n.target) {
			at = ""
		}
		rest = n.target + "/" + rest
		n = f.node(at)
	}
	if n == nil {
		return "", nil, unix.ENOENT
	}
	return at, n, nil
}

// failed returns the error of a call.
func failed(op, name string, err error) error { return &fs.PathError{Op: op, Path: name, Err: err} }

// Read implements host.Source.
func (f *files) Read(name string) ([]byte, error) {
	p, n, err := f.resolve(name, true)
	if err != nil {
		return nil, failed("open", name, err)
	}
	switch n.kind {
	case Folder:
		return nil, failed("read", name, unix.EISDIR)
	case Fifo:
		select {}
	}
	if f.live != nil {
		n.load.Do(func() { f.live.read(f, p, n) })
	}
	if n.err != nil {
		return nil, failed("read", name, n.err)
	}
	return n.data, nil
}

// List implements host.Source.
func (f *files) List(name string) ([]host.DirEntry, error) {
	p, n, err := f.resolve(name, true)
	if err != nil {
		return nil, failed("open", name, err)
	}
	switch n.kind {
	case Folder:
	case Fifo:
		select {}
	case Fault:
		return nil, failed("read", name, n.err)
	default:
		return nil, failed("open", name, unix.ENOTDIR)
	}
	if f.live != nil {
		n.load.Do(func() { f.live.list(f, p, n) })
	}
	if n.err != nil {
		return nil, failed("read", name, n.err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	var all []host.DirEntry
	for name := range n.names {
		all = append(all, host.DirEntry{Name: name, Inode: inode(path.Join(p, name))})
	}
	slices.SortFunc(all, func(a, b host.DirEntry) int { return host.CompareNatural(a.Name, b.Name) })
	return all, nil
}

// inode returns the inode number of a path, which is the same in each run.
func inode(p string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(p))
	return h.Sum64()
}

// Link implements host.Source.
func (f *files) Link(name string) (string, error) {
	_, n, err := f.resolve(name, false)
	switch {
	case err != nil:
	case n.kind == Fault:
		err = n.err
	case n.kind != Link:
		err = unix.EINVAL
	}
	if err != nil {
		return "", failed("readlink", name, err)
	}
	return n.target, nil
}

// Stat implements host.Source. A file without a time has that of the host's clock.
func (f *files) Stat(name string) (st unix.Stat_t, err error) {
	p, n, err := f.resolve(name, true)
	if err != nil {
		return st, failed("stat", name, err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	st.Ino, st.Size, st.Nlink = inode(p), int64(len(n.data)), 1
	switch n.kind {
	case Folder:
		st.Mode = unix.S_IFDIR | 0o755
	case Fifo:
		st.Mode = unix.S_IFIFO | 0o644
	case Fault, Unread:
		st.Mode = unix.S_IFREG | 0o644
	default:
		st.Mode = unix.S_IFREG | n.mode
	}
	mtime := n.mtime
	if mtime.IsZero() {
		mtime = f.clock
	}
	st.Mtim = unix.NsecToTimespec(mtime.UnixNano())
	return st, nil
}

// Section implements Sections.
func (f *files) Section(name string) ([]byte, error) {
	_, n, err := f.resolve(callSections+name, true)
	switch {
	case err == unix.ENOENT || err == nil && n.kind == Folder:
		return nil, fs.ErrNotExist
	case err != nil:
		return nil, err
	case n.kind == Fifo:
		select {}
	}
	return n.data, n.err
}

// Names implements Sections.
func (f *files) Names(folder string) []string {
	entries, _ := f.List(callSections + folder)
	var names []string
	for _, e := range entries {
		names = append(names, e.Name)
	}
	return names
}

// Local implements Sections.
func (f *files) Local(p string) string { return p }

// isErrno reports whether an error is one of some errnos.
func isErrno(err error, errnos ...syscall.Errno) bool {
	errno, ok := err.(syscall.Errno)
	return ok && slices.Contains(errnos, errno)
}
