package host

import (
	"errors"
	"io/fs"
	"slices"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

// A Reader reads files of one tree into a buffer that it reuses. It makes bare
// open, read and close calls: package os would stat each file and register it
// with Go's poller, which doubles the number of system calls, and a sysfs file
// that answers EAGAIN would block the goroutine for ever.
//
// Paths are given in elements, which are joined with slashes. A Reader must not
// be used by two goroutines at once. The bytes that it returns are valid until
// the next call.
type Reader struct {
	tree   Tree
	path   []byte // of the last call, NUL-terminated
	buf    []byte
	kept   *keptFiles    // nil without KeepOpen
	whole  bool          // see WholeReads
	record int           // see Records
	err    *fs.PathError // the last one
	shares []sharedPath
	since  time.Time // see BeginRun
}

// maxFileSize bounds a file that never ends, in bytes. It is far above the size
// of any kernel file.
const maxFileSize = 64 << 20

// Read returns the content of a file. Errors are *fs.PathError, for errors.Is
// with fs.ErrNotExist and fs.ErrPermission.
func (r *Reader) Read(elem ...string) ([]byte, error) {
	r.setPath(elem)
	if c := r.sharedContent(); c != nil {
		return r.takeFile(c)
	}
	return r.readFile()
}

// readFile returns the content of the last path.
func (r *Reader) readFile() ([]byte, error) {
	if r.tree.source != nil {
		return r.readSource()
	}
	fd, kept, err := r.openFile()
	if err != nil {
		return nil, err
	}
	b, err := r.readAll(fd, kept)
	if err != nil && kept {
		if fd, err = r.openat(unix.O_RDONLY); err != nil {
			return nil, err
		}
		b, err = r.readAll(fd, false)
	}
	return b, err
}

// readSource reads the last path of a tree that has a source.
func (r *Reader) readSource() ([]byte, error) {
	b, err := r.tree.source.Read(r.lastPath())
	if err != nil {
		return nil, err
	}
	r.buf = append(r.buf[:0], b...)
	return r.buf, nil
}

// readAll reads an open file from its start, and closes it unless it is kept
// open.
func (r *Reader) readAll(fd int, kept bool) (content []byte, err error) {
	ok := false
	defer r.closeFile(fd, kept, &ok)
	b := r.buf[:0]
	for {
		if len(b) == cap(b) {
			b = slices.Grow(b, max(cap(b), pageSize))
		}
		space := b[len(b):cap(b)]
		n, err := r.readAt(fd, space, len(b))
		if err != nil {
			return nil, r.pathError("read", err)
		}
		b = b[:len(b)+n]
		r.buf = b
		if n == 0 || r.tree.attributes && n < pageSize || r.whole && n < len(space) {
			ok = true
			return b, nil
		}
		if len(b) > maxFileSize {
			return nil, r.pathError("read", syscall.EFBIG)
		}
	}
}

// Text returns the content of a file without the blanks, newlines and NUL
// bytes around it.
func (r *Reader) Text(elem ...string) ([]byte, error) {
	b, err := r.Read(elem...)
	return scan.Trim(b), err
}

// Uint returns the unsigned number that is the only content of a file.
func (r *Reader) Uint(elem ...string) (uint64, error) {
	b, err := r.Text(elem...)
	v, ok := scan.Uint(b)
	return v, r.checkNumber(b, err, ok, "an unsigned number")
}

// Int returns the number that is the only content of a file.
func (r *Reader) Int(elem ...string) (int64, error) {
	b, err := r.Text(elem...)
	v, ok := scan.Int(b)
	return v, r.checkNumber(b, err, ok, "a whole number")
}

// Counter returns the counter that is the only content of a file, and that the
// kernel may print as a signed number; see scan.Counter.
func (r *Reader) Counter(elem ...string) (uint64, error) {
	b, err := r.Text(elem...)
	v, ok := scan.Counter(b)
	return v, r.checkNumber(b, err, ok, "a counter")
}

// Amount32 returns the amount of 32 bits that is the only content of a file, or 0
// if it is below zero; see scan.Amount32.
func (r *Reader) Amount32(elem ...string) (uint64, error) {
	b, err := r.Text(elem...)
	v, ok := scan.Amount32(b)
	return v, r.checkNumber(b, err, ok, "a whole number")
}

// Amount64 returns the amount of 64 bits that is the only content of a file, or 0
// if it is below zero; see scan.Amount64.
func (r *Reader) Amount64(elem ...string) (uint64, error) {
	b, err := r.Text(elem...)
	v, ok := scan.Amount64(b)
	return v, r.checkNumber(b, err, ok, "a whole number")
}

// Hex returns the hexadecimal number that is the only content of a file.
func (r *Reader) Hex(elem ...string) (uint64, error) {
	b, err := r.Text(elem...)
	v, ok := scan.Hex(b)
	return v, r.checkNumber(b, err, ok, "a hexadecimal number")
}

// checkNumber returns err, or a Malformed error if ok is false. It is not a
// generic function for all of the above, because the compiler would then put
// the elements of each path on the heap.
func (r *Reader) checkNumber(b []byte, err error, ok bool, want string) error {
	if err == nil && !ok {
		err = r.At(Bad(1, want, b))
	}
	return err
}

// Link returns the target of a symbolic link as written.
func (r *Reader) Link(elem ...string) (string, error) {
	r.setPath(elem)
	if err := r.fault(); err != nil {
		return "", r.pathError("readlink", err)
	}
	return r.readlink()
}

// readlink calls readlink(2) for the last path.
func (r *Reader) readlink() (string, error) {
	if r.tree.source != nil {
		return r.tree.source.Link(r.lastPath())
	}
	var buf [unix.PathMax]byte
	for {
		var n uintptr
		_, err := r.before(Readlink, 0)
		if err == nil {
			var errno syscall.Errno
			n, _, errno = syscall.Syscall6(unix.SYS_READLINKAT, atFDCWD, uintptr(unsafe.Pointer(&r.path[0])),
				uintptr(unsafe.Pointer(&buf[0])), uintptr(len(buf)), 0, 0)
			err = asError(errno)
		}
		switch err {
		case nil:
			return string(buf[:n]), nil
		case syscall.EINTR:
		default:
			return "", r.pathError("readlink", err)
		}
	}
}

// Names returns the names in a folder in natural order: cpu2 before cpu10.
func (r *Reader) Names(elem ...string) ([]string, error) {
	var names []string
	err := r.EachName(func(name []byte) { names = append(names, string(name)) }, elem...)
	slices.SortFunc(names, CompareNatural)
	return names, err
}

// Count returns the number of names in a folder.
func (r *Reader) Count(elem ...string) (int, error) {
	count := 0
	err := r.EachName(func([]byte) { count++ }, elem...)
	return count, err
}

// entries calls fn for each entry of a folder, in the order of the kernel.
func (r *Reader) entries(elem []string, fn func(inode uint64, name []byte)) error {
	r.setPath(elem)
	if c := r.sharedContent(); c != nil {
		return r.takeEntries(c, fn)
	}
	return r.readEntries(fn)
}

// readEntries is entries for the last path.
func (r *Reader) readEntries(fn func(inode uint64, name []byte)) error {
	if r.tree.source != nil {
		entries, err := r.tree.source.List(r.lastPath())
		if err != nil {
			return err
		}
		for _, e := range entries {
			fn(e.Inode, []byte(e.Name))
		}
		return nil
	}
	fd, err := r.open(unix.O_RDONLY | unix.O_DIRECTORY)
	if err != nil {
		return err
	}
	defer closeFD(fd)
	b := slices.Grow(r.buf[:0], 4096)
	b = b[:cap(b)]
	r.buf = b
	for {
		n, err := r.getdents(fd, b)
		switch {
		case err == unix.EINTR:
		case err != nil:
			return r.pathError("readdir", err)
		case n <= 0:
			return nil
		default:
			// A buffer that is not full is not the end: a signal, such as those of the Go
			// scheduler, ends a call after its first entry.
			eachDirent(b[:n], fn)
		}
	}
}

// Exists reports whether a path exists and can be reached. It is true if that cannot be
// found out, as without memory: who reads the file then gets the error.
func (r *Reader) Exists(elem ...string) bool {
	r.setPath(elem)
	_, err := r.before(Access, 0)
	switch {
	case err != nil:
	case r.tree.source != nil:
		_, err = r.tree.stat(r.lastPath())
	default:
		_, _, errno := syscall.Syscall6(unix.SYS_FACCESSAT, atFDCWD, uintptr(unsafe.Pointer(&r.path[0])), unix.F_OK, 0, 0, 0)
		err = asError(errno)
	}
	switch err {
	case syscall.ENOENT, syscall.ENOTDIR, syscall.ELOOP, syscall.ENAMETOOLONG, syscall.ENODEV, syscall.ENXIO, syscall.EACCES, syscall.EPERM:
		return false
	}
	return true
}

// Stat returns the result of stat(2), which follows symbolic links. Unlike Read
// it never waits for the other end of a pipe.
func (r *Reader) Stat(elem ...string) (unix.Stat_t, error) {
	r.setPath(elem)
	for {
		var st unix.Stat_t
		_, err := r.before(Stat, 0)
		if err == nil {
			st, err = r.tree.stat(r.lastPath())
		}
		switch err {
		case nil:
			return st, nil
		case unix.EINTR:
		default:
			return st, r.pathError("stat", err)
		}
	}
}

// Modified returns when a file was last written to, or when a name in a folder
// was last added, removed or replaced.
func (r *Reader) Modified(elem ...string) (time.Time, error) {
	st, err := r.Stat(elem...)
	if fault := r.fault(); fault != nil {
		return time.Time{}, r.pathError("stat", fault)
	}
	return time.Unix(st.Mtim.Unix()), err
}

// At adds the path of the last call to a Malformed error without one, and removes
// the content if not everybody may read that file. It returns other errors
// unchanged.
func (r *Reader) At(err error) error { return atPath(err, r.tree, r.lastPath) }

func atPath(err error, tree Tree, path func() string) error {
	var m *Malformed
	if errors.As(err, &m) && m.Path == "" {
		m.Path = path()
		if m.private = !tree.isPublic(m.Path); m.private {
			m.Have = ""
		}
	}
	return err
}

// stat calls stat(2), or asks the source.
func (t Tree) stat(path string) (st unix.Stat_t, err error) {
	if t.source == nil {
		err = unix.Stat(path, &st)
		return st, err
	}
	st, err = t.source.Stat(path)
	var errno syscall.Errno
	if errors.As(err, &errno) {
		err = errno
	}
	return st, err
}

// isPublic reports whether everybody may read a file. Of the tree itself the caller
// knows that.
func (t Tree) isPublic(path string) bool {
	st, err := t.stat(path)
	if err != nil || st.Mode&unix.S_IROTH == 0 {
		return false
	}
	for i := len(path) - 1; i > len(t.root); i-- {
		if path[i] != '/' {
			continue
		}
		if st, err = t.stat(path[:i]); err != nil || st.Mode&unix.S_IXOTH == 0 {
			return false
		}
	}
	return true
}

func (r *Reader) setPath(elem []string) {
	r.path = append(appendPath(r.path[:0], r.tree.root, elem), 0)
}

func (r *Reader) lastPath() string { return string(r.path[:len(r.path)-1]) }

const atFDCWD = ^uintptr(99) // unix.AT_FDCWD, -100

// pageSize is the smallest page size of Linux in bytes.
const pageSize = 4096

func (r *Reader) open(flags uintptr) (int, error) {
	if err := r.fault(); err != nil {
		return 0, r.pathError("read", err)
	}
	return r.openat(flags)
}

// openat opens the last path.
func (r *Reader) openat(flags uintptr) (int, error) {
	for {
		var fd uintptr
		_, err := r.before(Open, 0)
		if err == nil {
			var errno syscall.Errno
			fd, _, errno = syscall.Syscall6(unix.SYS_OPENAT, atFDCWD, uintptr(unsafe.Pointer(&r.path[0])), flags|unix.O_CLOEXEC, 0, 0, 0)
			err = asError(errno)
		}
		switch err {
		case nil:
			return int(fd), nil
		case syscall.EINTR:
		default:
			return 0, r.pathError("open", err)
		}
	}
}

// before calls the function that intercepts the tree's system calls, if there is one.
func (r *Reader) before(call Call, size int) (limit int, err error) {
	if r.tree.intercept == nil {
		return size, nil
	}
	limit, err = r.tree.intercept(call, r.lastPath(), size)
	if call == Read && (r.tree.attributes || r.whole || r.record > 0) {
		limit = size // a short read is the end of the file
	}
	return limit, err
}

// asError returns an errno as an error, or nil for 0.
func asError(errno syscall.Errno) error {
	if errno == 0 {
		return nil
	}
	return errno
}

// pathError returns an error of the last path. What a host does not have fails in
// the same way at every scrape, with the same error.
func (r *Reader) pathError(op string, err error) error {
	if _, ok := err.(syscall.Errno); ok && r.err != nil && r.err.Err == err && r.err.Op == op && r.err.Path == string(r.path[:len(r.path)-1]) {
		return r.err
	}
	r.err = &fs.PathError{Op: op, Path: r.lastPath(), Err: err}
	return r.err
}

// fault returns the fault that is injected for the path, or nil.
func (r *Reader) fault() error {
	if r.tree.fault == nil {
		return nil
	}
	return r.tree.fault(r.lastPath())
}

// readAt reads at an offset if the reader keeps files open, and otherwise at
// the current one, which is the same.
func (r *Reader) readAt(fd int, b []byte, offset int) (int, error) {
	for {
		limit, err := r.before(Read, len(b))
		n := 0
		switch {
		case err != nil:
		case r.kept != nil:
			n, err = unix.Pread(fd, b[:limit], int64(offset))
		default:
			n, err = read(fd, b[:limit])
		}
		if err != syscall.EINTR {
			return n, err
		}
	}
}

// read calls read(2) once. An interrupted call has read nothing.
func read(fd int, b []byte) (int, error) {
	n, _, errno := syscall.Syscall(unix.SYS_READ, uintptr(fd), uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)))
	return int(n), asError(errno)
}

func (r *Reader) getdents(fd int, b []byte) (int, error) {
	limit, err := r.before(Getdents, len(b))
	if err != nil {
		return 0, err
	}
	return unix.ReadDirent(fd, b[:limit])
}

func closeFD(fd int) { _, _, _ = syscall.Syscall(unix.SYS_CLOSE, uintptr(fd), 0, 0) }
