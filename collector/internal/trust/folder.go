package trust

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/hostexporter/host_exporter/collector/internal/capability"
)

// ErrUnsafe is the error of a symbolic link or file with which a user would make the
// exporter read what that user may not read.
var ErrUnsafe = errors.New("not followed")

// ErrNotRegular is the error of what is no regular file, such as a pipe.
var ErrNotRegular = errors.New("want a regular file")

// A Folder is an open directory in which others may write. Of its files, it opens those
// that they could read:
//
//   - A symbolic link is followed if root made it, or the owner of what it leads to, or
//     the exporter's user if that has no privileges. The kernel has such a rule for links
//     in sticky directories, too; see
//     https://docs.kernel.org/admin-guide/sysctl/fs.html#protected-symlinks.
//   - While the exporter may read every file, it opens what the owner or the group of the
//     folder may read, by the mode of the file.
//   - Nothing but a regular file is opened, and no open waits: not for the other end of a
//     pipe, nor for who has a lease.
type Folder struct {
	fd           int
	path         string
	owner, group uint32
}

// OpenFolder opens a directory. The links of its path obey the rule above.
func OpenFolder(path string) (*Folder, error) {
	fd, st, err := lookup(unix.AT_FDCWD, path)
	if err != nil {
		return nil, pathErrorOf("open", path, err)
	}
	defer unix.Close(fd)
	if st.Mode&unix.S_IFMT != unix.S_IFDIR {
		return nil, pathErrorOf("open", path, unix.ENOTDIR)
	}
	listed, err := openat2(fd, ".", unix.O_RDONLY|unix.O_DIRECTORY, 0)
	if err != nil {
		return nil, pathErrorOf("open", path, err)
	}
	return &Folder{fd: listed, path: path, owner: st.Uid, group: st.Gid}, nil
}

// Close closes the folder.
func (f *Folder) Close() { _ = unix.Close(f.fd) }

// Names returns the names in the folder, in no order.
func (f *Folder) Names() ([]string, error) {
	var names []string
	buf := make([]byte, 8192)
	for {
		n, err := unix.ReadDirent(f.fd, buf)
		switch {
		case err == unix.EINTR:
		case err != nil:
			return nil, pathErrorOf("readdir", f.path, err)
		case n <= 0:
			return names, nil
		default:
			_, _, names = unix.ParseDirent(buf[:n], -1, names)
		}
	}
}

// Stat returns the status of a name in the folder, which may be that of a link.
func (f *Folder) Stat(name string) (unix.Stat_t, error) {
	var st unix.Stat_t
	for {
		err := unix.Fstatat(f.fd, name, &st, unix.AT_SYMLINK_NOFOLLOW)
		if err != unix.EINTR {
			return st, f.error("stat", name, err)
		}
	}
}

// Open opens a file of the folder.
func (f *Folder) Open(name string) (*File, error) {
	fd, err := openat2(f.fd, name, unix.O_RDONLY, unix.RESOLVE_BENEATH|unix.RESOLVE_NO_SYMLINKS|unix.RESOLVE_NO_MAGICLINKS)
	if err == unix.ELOOP {
		fd, err = f.follow(name)
	}
	if err != nil {
		return nil, f.error("open", name, err)
	}
	file := &File{fd: fd, path: f.path + "/" + name}
	err = unix.Fstat(fd, &file.Stat)
	if err == nil {
		err = f.check(&file.Stat)
	}
	if err != nil {
		file.Close()
		return nil, f.error("open", name, err)
	}
	return file, nil
}

// follow opens what a link leads to. It checks it before: opening some devices has an
// effect.
func (f *Folder) follow(name string) (int, error) {
	found, st, err := lookup(f.fd, name)
	if err != nil {
		return -1, err
	}
	defer unix.Close(found)
	if err := f.check(&st); err != nil {
		return -1, err
	}
	for {
		fd, err := unix.Open("/proc/self/fd/"+strconv.Itoa(found), openFlags|unix.O_RDONLY, 0)
		if err != unix.EINTR {
			return fd, err
		}
	}
}

// check returns an error for what must not be read.
func (f *Folder) check(st *unix.Stat_t) error {
	switch {
	case st.Mode&unix.S_IFMT != unix.S_IFREG:
		return ErrNotRegular
	case f.owner == 0 || f.mayRead(st) || !readsEverything():
		return nil
	}
	return fmt.Errorf("%w: user %d, who has the folder, may not read the file", ErrUnsafe, f.owner)
}

// mayRead reports whether the mode of a file lets the owner or the group of the folder
// read it.
func (f *Folder) mayRead(st *unix.Stat_t) bool {
	switch {
	case st.Uid == f.owner:
		return st.Mode&unix.S_IRUSR != 0
	case st.Gid == f.group:
		return st.Mode&unix.S_IRGRP != 0
	}
	return st.Mode&unix.S_IROTH != 0
}

// readsEverything reports whether the exporter is root or may read every file.
func readsEverything() bool {
	if os.Geteuid() == 0 {
		return true
	}
	effective, err := capability.Effective()
	return err != nil || effective.Has(capability.DACReadSearch) || effective.Has(capability.DACOverride)
}

func (f *Folder) error(op, name string, err error) error {
	return pathErrorOf(op, strings.TrimSuffix(f.path, "/")+"/"+name, err)
}

func pathErrorOf(op, path string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, ErrUnsafe), errors.Is(err, ErrNotRegular):
		return fmt.Errorf("%s: %w", path, err)
	}
	return &fs.PathError{Op: op, Path: path, Err: err}
}

// A File is an open file of a folder.
type File struct {
	Stat unix.Stat_t // when it was opened
	fd   int
	path string
}

// Close closes the file.
func (f *File) Close() { _ = unix.Close(f.fd) }

// Read returns the content, and whether it is all of it: at most max bytes.
func (f *File) Read(max int64) (b []byte, all bool, err error) {
	b = make([]byte, 0, min(f.Stat.Size, max)+1)
	for int64(len(b)) <= max {
		if len(b) == cap(b) {
			b = append(b, 0)[:len(b)]
		}
		n, err := unix.Read(f.fd, b[len(b):cap(b)])
		switch {
		case err == unix.EINTR:
		case err != nil:
			return nil, false, pathErrorOf("read", f.path, err)
		case n <= 0:
			return b, true, nil
		default:
			b = b[:len(b)+n]
		}
	}
	return b[:max], false, nil
}

// Restat returns the status of the file now.
func (f *File) Restat() (st unix.Stat_t, err error) {
	return st, pathErrorOf("stat", f.path, unix.Fstat(f.fd, &st))
}

// openFlags make an open that neither waits nor has an effect.
const openFlags = unix.O_NONBLOCK | unix.O_NOCTTY | unix.O_CLOEXEC

// openat2 opens a name. Before Linux 5.6, and where a filter forbids openat2(2), only
// the last element of the name must be no link.
func openat2(dir int, name string, flags, resolve uint64) (int, error) {
	for {
		fd, err := unix.Openat2(dir, name, &unix.OpenHow{Flags: flags | openFlags, Resolve: resolve})
		if err == unix.ENOSYS || err == unix.EPERM {
			fd, err = unix.Openat(dir, name, int(flags)|openFlags|unix.O_NOFOLLOW, 0)
		}
		if err != unix.EINTR {
			return fd, err
		}
	}
}

// lookup returns a descriptor and the status of what a path leads to, without opening it.
// Each link on the way obeys the rule of Folder.
func lookup(dir int, path string) (fd int, st unix.Stat_t, err error) {
	how := unix.OpenHow{Flags: unix.O_PATH | unix.O_CLOEXEC, Resolve: unix.RESOLVE_NO_SYMLINKS}
	if fd, err = unix.Openat2(dir, path, &how); err == nil { // most paths have no links
		return fd, st, closeOnError(fd, unix.Fstat(fd, &st))
	}
	if fd, err = start(dir, path); err != nil {
		return -1, st, err
	}
	var makers []uint32 // owners of links
	rest := strings.TrimLeft(path, "/")
	for err == nil && rest != "" {
		var name, target string
		name, rest, _ = strings.Cut(rest, "/")
		rest = strings.TrimLeft(rest, "/")
		var next int
		if next, err = openPath(fd, name); err != nil {
			break
		}
		if err = unix.Fstat(next, &st); err == nil && st.Mode&unix.S_IFMT == unix.S_IFLNK {
			makers = append(makers, st.Uid)
			if len(makers) > maxLinks {
				err = unix.ELOOP
			} else {
				target, err = readlink(next)
			}
			_ = unix.Close(next)
			next = -1
			if err == nil && strings.HasPrefix(target, "/") {
				next, err = start(dir, target)
			}
			rest = strings.TrimLeft(target, "/") + "/" + rest
			rest = strings.TrimLeft(rest, "/")
		}
		if next >= 0 {
			_ = unix.Close(fd)
			fd = next
		}
	}
	if err == nil {
		err = unix.Fstat(fd, &st)
	}
	for _, maker := range makers {
		if err == nil && maker != 0 && maker != st.Uid && !isUnprivilegedSelf(maker) {
			err = fmt.Errorf("%w: the symbolic link of user %d leads to what user %d has", ErrUnsafe, maker, st.Uid)
		}
	}
	return fd, st, closeOnError(fd, err)
}

// isUnprivilegedSelf reports whether a user is that of the exporter and may read what the
// exporter may read.
func isUnprivilegedSelf(uid uint32) bool { return int(uid) == os.Geteuid() && !readsEverything() }

func closeOnError(fd int, err error) error {
	if err != nil {
		_ = unix.Close(fd)
	}
	return err
}

// start returns a descriptor of the directory where a path starts.
func start(dir int, path string) (int, error) {
	if strings.HasPrefix(path, "/") {
		return openPath(unix.AT_FDCWD, "/")
	}
	return openPath(dir, ".")
}

// openPath returns a descriptor of a name that reads nothing, and that does not follow a
// link.
func openPath(dir int, name string) (int, error) {
	for {
		fd, err := unix.Openat(dir, name, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
		if err != unix.EINTR {
			return fd, err
		}
	}
}

// readlink returns the target of an open link.
func readlink(fd int) (string, error) {
	var buf [unix.PathMax]byte
	n, err := unix.Readlinkat(fd, "", buf[:])
	return string(buf[:max(n, 0)]), err
}
