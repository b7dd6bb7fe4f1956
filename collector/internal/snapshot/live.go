package snapshot

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/hostexporter/host_exporter/collector/internal/host"
)

const (
	// maxFile is the maximum size of a recorded file, and maxRecorded that of all. A file
	// above them is recorded as one that is too large to be read.
	maxFile     = 8 << 20
	maxRecorded = 64 << 20
)

// liveFiles reads the files of a host for files, each once.
type liveFiles struct{ host *host.Host }

// ownView holds the links of procfs that lead each process to itself. They are
// recorded as their targets.
var ownView = map[string]bool{"proc/self": true, "proc/thread-self": true, "proc/net": true, "proc/mounts": true}

// tree returns the tree of a path, and the path in it.
func (l *liveFiles) tree(p string) (host.Tree, string) {
	for _, t := range []struct {
		usual string
		tree  host.Tree
	}{{"proc", l.host.Proc}, {"sys", l.host.Sys}, {"run/udev/data", l.host.Udev}} {
		if rest, ok := strings.CutPrefix(p+"/", t.usual+"/"); ok {
			return t.tree, strings.TrimSuffix(rest, "/")
		}
	}
	return l.host.Root, p
}

// look finds out what is at a path.
func (l *liveFiles) look(f *files, p string, n *node) {
	tree, rest := l.tree(p)
	var st unix.Stat_t
	var target string
	lstat := unix.Lstat
	if ownView[p] || rest == "" || p == "" {
		lstat = unix.Stat
	}
	err := lstat(tree.Path(rest), &st)
	if err == nil && st.Mode&unix.S_IFMT == unix.S_IFLNK {
		target, err = os.Readlink(tree.Path(rest))
		err = errnoIn(err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	n.busy = false
	switch {
	case isErrno(err, unix.ENOENT, unix.ENOTDIR, unix.ELOOP, unix.ENAMETOOLONG):
		n.absent = true
	case err != nil:
		n.kind, n.err = Fault, err
	default:
		n.mode = readableMode(st.Mode)
		switch st.Mode & unix.S_IFMT {
		case unix.S_IFDIR:
			n.kind, n.names = Folder, map[string]bool{}
		case unix.S_IFLNK:
			n.kind, n.target = Link, target
		case unix.S_IFREG:
			n.kind = File
			if !strings.HasPrefix(p, "proc/") && !strings.HasPrefix(p, "sys/") {
				sec, nsec := st.Mtim.Unix()
				n.mtime = time.Unix(sec, nsec)
			}
		case unix.S_IFIFO:
			n.kind = Fifo
		default: // a socket or a device
			n.kind, n.err = Fault, unix.ENXIO
		}
	}
}

// readableMode returns a mode that says whether everybody may read a file.
func readableMode(mode uint32) uint32 {
	if mode&unix.S_IROTH != 0 {
		return 0o644
	}
	return 0o400
}

// isKey reports whether a file of sysctl or of a session holds a key or a password.
func isKey(base string) bool {
	switch base {
	case "tcp_fastopen_key", "stable_secret", "password", "password_in", "username", "username_in":
		return true
	}
	return false
}

// read reads a file.
func (l *liveFiles) read(f *files, p string, n *node) {
	if n.kind != File {
		return
	}
	if isKey(path.Base(p)) {
		f.mu.Lock()
		defer f.mu.Unlock()
		n.err, n.loaded = unix.EACCES, true
		return
	}
	f.setBusy(n, true)
	tree, rest := l.tree(p)
	b, err := tree.Reader().Read(rest)
	f.mu.Lock()
	defer f.mu.Unlock()
	n.busy, n.loaded = false, true
	switch {
	case err != nil:
		n.err = errnoIn(err)
	case len(b) > maxFile || f.size+len(b) > maxRecorded:
		n.err = unix.EFBIG
	default:
		n.data = b // the reader is not used again
		f.size += len(b)
	}
}

// list lists a folder.
func (l *liveFiles) list(f *files, p string, n *node) {
	f.setBusy(n, true)
	tree, rest := l.tree(p)
	names, err := tree.Reader().Names(rest)
	f.mu.Lock()
	defer f.mu.Unlock()
	n.busy, n.loaded = false, true
	n.err = errnoIn(err)
	for _, name := range names {
		n.names[name] = true
	}
}

func (f *files) setBusy(n *node, busy bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	n.busy = busy
}

// errnoIn returns the errno in an error; nil for nil, EIO if it has none.
func errnoIn(err error) error {
	var errno syscall.Errno
	switch {
	case err == nil:
		return nil
	case errors.As(err, &errno):
		return errno
	case errors.Is(err, fs.ErrNotExist):
		return unix.ENOENT
	}
	return unix.EIO
}

// entries returns what is known of the files as entries of an archive.
func (f *files) entries() []Entry {
	f.mu.Lock()
	defer f.mu.Unlock()
	var all []Entry
	unread := map[string][]string{}
	occupied := map[string]bool{} // folders that entries imply
	put := func(p string, e Entry) {
		e.Path, e.Moment = p, 1
		if e.Kind != File {
			e.Mode = 0o644
		}
		all = append(all, e)
		for dir := parent(p); dir != "" && !occupied[dir]; dir = parent(dir) {
			occupied[dir] = true
		}
	}
	paths := slices.SortedFunc(maps.Keys(f.nodes), host.CompareNatural)
	for i := len(paths) - 1; i >= 0; i-- { // files before their folders
		p, n := paths[i], f.nodes[paths[i]]
		dir := f.nodes[parent(p)]
		listed := dir != nil && dir.names[path.Base(p)]
		switch {
		case p == "":
		case n.busy:
			put(p, Entry{Kind: Fifo})
		case n.absent && listed:
			put(p, Entry{Kind: Fault, Target: "ENOENT"})
		case n.absent:
		case n.kind == Link:
			put(p, Entry{Kind: Link, Target: n.target})
		case n.kind == Fifo:
			put(p, Entry{Kind: Fifo})
		case n.err != nil:
			put(p, Entry{Kind: Fault, Target: ErrnoName(n.err)})
		case n.kind == Folder:
			for name := range n.names {
				if f.nodes[path.Join(p, name)] == nil {
					unread[p] = append(unread[p], name)
				}
			}
			if !occupied[p] && len(unread[p]) == 0 {
				put(p, Entry{Kind: Folder})
			}
		case !n.loaded:
			unread[parent(p)] = append(unread[parent(p)], path.Base(p))
			occupied[parent(p)] = true
		default:
			put(p, Entry{Kind: File, Data: n.data, Mode: os.FileMode(n.mode), Mtime: n.mtime})
		}
	}
	for dir, names := range unread {
		if dir == "" {
			continue
		}
		slices.SortFunc(names, host.CompareNatural)
		var b []byte
		for _, name := range names {
			if quoted(name) != name {
				name = strconv.QuoteToASCII(name)
			}
			b = append(append(b, name...), '\n')
		}
		put(dir, Entry{Kind: Unread, Data: b})
	}
	slices.SortStableFunc(all, func(a, b Entry) int { return host.CompareNatural(a.Path, b.Path) })
	return all
}
