package command

import (
	"cmp"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/hostexporter/host_exporter/collector/internal/capability"
)

// A scratch is the temporary directory of one run, in a directory in which only
// the exporter's user can make or rename anything. Its owner can replace what is below
// it at any time: it is changed and removed only by descriptor. A nil scratch is none.
type scratch struct {
	parent  *os.File
	private bool // parent is for this run
	dir     *os.File
	name    string // in parent
	path    string // for TMPDIR
}

// openParent opens the directory for temporary directories. If there is none, it makes
// one in TMPDIR that others may enter, but not read: a check may have another user.
func openParent(path string) (*os.File, error) {
	if path != "" {
		dir, err := openDir(unix.AT_FDCWD, path)
		if err != nil {
			return nil, err
		}
		if err := checkPrivate(dir); err != nil {
			return nil, errors.Join(err, dir.Close())
		}
		return dir, nil
	}
	path, err := os.MkdirTemp("", "host_exporter-")
	if err != nil {
		return nil, err
	}
	dir, err := openDir(unix.AT_FDCWD, path)
	if err != nil {
		return nil, err
	}
	if err := dir.Chmod(0o711); err != nil {
		return nil, errors.Join(err, dir.Close(), unix.Rmdir(path))
	}
	return dir, nil
}

// checkPrivate returns an error if others can make files in a directory.
func checkPrivate(dir *os.File) error {
	info, err := dir.Stat()
	if err != nil {
		return err
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok || st.Uid != uint32(os.Geteuid()) && st.Uid != 0 || info.Mode().Perm()&0o022 != 0 {
		return fmt.Errorf("%s: want a directory that only the exporter's user can change", dir.Name())
	}
	return nil
}

// makeScratch makes a directory for the temporary files of one run, below a directory
// of the exporter's own; empty is one in TMPDIR.
func makeScratch(parent string, owner *syscall.Credential) (*scratch, error) {
	if owner != nil {
		have, err := capability.Effective()
		if err != nil {
			return nil, err
		}
		// To give a directory to another user, and to remove that user's files.
		if missing := have.Missing(capability.Chown, capability.DACOverride, capability.FOwner); missing != nil {
			return nil, fmt.Errorf("%s: a temporary directory for another user needs %s", cmp.Or(parent, os.TempDir()), strings.Join(missing, ", "))
		}
	}
	s := &scratch{private: parent == "", name: "host_exporter-check-" + rand.Text()}
	var err error
	if s.parent, err = openParent(parent); err != nil {
		return nil, withPathFirst(err)
	}
	if err := s.make(owner); err != nil {
		return nil, withPathFirst(errors.Join(err, s.remove()))
	}
	return s, nil
}

// make makes the directory below its parent.
func (s *scratch) make(owner *syscall.Credential) error {
	fd := int(s.parent.Fd())
	s.path = filepath.Join(s.parent.Name(), s.name)
	if err := unix.Mkdirat(fd, s.name, 0o700); err != nil {
		return &fs.PathError{Op: "mkdir", Path: s.path, Err: err}
	}
	var err error
	if s.dir, err = openDir(fd, s.name); err != nil || owner == nil {
		return err
	}
	return s.dir.Chown(int(owner.Uid), int(owner.Gid))
}

// cleanUp removes the temporary directory of a run. A successful run fails if that
// is not possible, because every run would leave one more.
func (s *scratch) cleanUp(result *Result) {
	if s == nil {
		return
	}
	if err := s.remove(); err != nil && result.Reason == "" {
		result.Reason, result.Err, result.Parsed = Sandbox, withPathFirst(err), nil
	}
}

// remove removes the directory with all that is below, including directories that
// their owner cannot read.
func (s *scratch) remove() error {
	defer s.parent.Close()
	var err error
	if s.dir != nil {
		defer s.dir.Close()
		// Its owner may have taken the right to change it. That it stays so is an error
		// below.
		_ = s.dir.Chmod(0o700)
		err = removeBelow(s.dir, s.path)
	}
	if err == nil {
		err = unlink(int(s.parent.Fd()), s.name, s.path)
	}
	if err == nil && s.private {
		_ = unix.Rmdir(s.parent.Name()) // whatever is at its path now: only if it is empty
	}
	return err
}

// removeScratch removes the temporary directory, for an exporter that is gone.
func (r *request) removeScratch() {
	if r.Scratch == "" {
		return
	}
	path, err := os.Readlink("/proc/self/fd/" + strconv.Itoa(parentFD))
	if err != nil {
		return
	}
	s := scratch{parent: os.NewFile(parentFD, path), private: r.PrivateScratch, dir: os.NewFile(scratchFD, path), name: r.Scratch, path: path}
	_ = s.remove() // no process is left to report to
}

// openDir opens a directory below another one for reading. It follows no link at its
// end.
func openDir(at int, path string) (*os.File, error) {
	fd, err := unix.Openat(at, path, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	return os.NewFile(uintptr(fd), path), nil
}

// removeBelow removes all that is below the directory of a descriptor, whose path is
// for errors. Names are single elements, and no link is followed: another process may
// rename and replace what it finds. However deep a tree is, it needs two descriptors:
// it moves directories up before it removes what they were in.
func removeBelow(root *os.File, path string) error {
	for {
		names, err := someNames(root)
		if err != nil {
			return &fs.PathError{Op: "read", Path: path, Err: err}
		}
		if len(names) == 0 {
			return nil
		}
		for _, name := range names {
			if err := removeFlattened(root, name, filepath.Join(path, name)); err != nil {
				return err
			}
		}
	}
}

// removeFlattened removes a file of root, or a directory whose directories it moves to
// root.
func removeFlattened(root *os.File, name, path string) error {
	at := int(root.Fd())
	if err := unlink(at, name, path); !isFull(err) {
		return err
	}
	dir, err := openUnreadable(at, name)
	if err != nil {
		return &fs.PathError{Op: "open", Path: path, Err: err}
	}
	defer dir.Close()
	for {
		names, err := someNames(dir)
		if err != nil {
			return &fs.PathError{Op: "read", Path: path, Err: err}
		}
		if len(names) == 0 {
			return unlink(at, name, path)
		}
		for _, name := range names {
			below := filepath.Join(path, name)
			err := unlink(int(dir.Fd()), name, below)
			if isFull(err) {
				err = moveUp(dir, name, at, below)
			}
			if err != nil {
				return err
			}
		}
	}
}

// isFull reports whether an error of unlink means that a directory is not empty.
func isFull(err error) bool { return errors.Is(err, unix.ENOTEMPTY) || errors.Is(err, unix.EEXIST) }

// moveUp moves a directory of dir to root, under a new name.
func moveUp(dir *os.File, name string, root int, path string) error {
	// To move a directory is to change its entry "..".
	moved, err := openUnreadable(int(dir.Fd()), name)
	if err == nil {
		_ = moved.Close()
		err = unix.Renameat(int(dir.Fd()), name, root, rand.Text())
	}
	if err != nil {
		return &fs.PathError{Op: "move", Path: path, Err: err}
	}
	return nil
}

// openUnreadable opens a directory, after it has made it readable.
func openUnreadable(parent int, name string) (*os.File, error) {
	fd, err := unix.Openat(parent, name, unix.O_PATH|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	// fchmod and openat do not take such a descriptor, but its link, which is the
	// directory whatever is at its path.
	link := "/proc/self/fd/" + strconv.Itoa(fd)
	if err := unix.Chmod(link, 0o700); err != nil {
		return nil, err
	}
	readable, err := unix.Open(link, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(readable), name), nil
}

// someNames returns some of the names in a directory; none if it is empty.
func someNames(dir *os.File) ([]string, error) {
	if _, err := dir.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	names, err := dir.Readdirnames(1024)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return names, err
}

// unlink removes a file, a link or an empty directory.
func unlink(parent int, name, path string) error {
	err := unix.Unlinkat(parent, name, 0)
	if errors.Is(err, unix.EISDIR) || errors.Is(err, unix.EPERM) {
		err = unix.Unlinkat(parent, name, unix.AT_REMOVEDIR)
	}
	if err == nil || errors.Is(err, unix.ENOENT) {
		return nil
	}
	return &fs.PathError{Op: "remove", Path: path, Err: err}
}
