package command

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// maxLinks is how many symbolic links the kernel follows in a path.
const maxLinks = 40

// A pathPolicy says what may be run: what nobody can change but root and the user
// that the exporter runs as. Who can change a file, or a folder on the way to
// it, can run programs as that user.
type pathPolicy struct {
	uid      uint32
	lstat    func(path string) (mode fs.FileMode, owner uint32, err error)
	readlink func(path string) (string, error)
}

func newPathPolicy() pathPolicy {
	return pathPolicy{uid: uint32(os.Geteuid()), lstat: lstat, readlink: os.Readlink}
}

func lstat(path string) (fs.FileMode, uint32, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return 0, 0, err
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, 0, fmt.Errorf("%s: no owner", path)
	}
	return info.Mode(), st.Uid, nil
}

// check returns why the program at path is not to be run. Symbolic links are
// followed one by one, and every folder on both sides of them is looked at.
func (r pathPolicy) check(path string, allowUnsafe bool) error {
	if !filepath.IsAbs(path) {
		return fmt.Errorf("%s: not an absolute path", path)
	}
	at, rest := "/", path
	for links := 0; ; {
		mode, owner, err := r.lstat(at)
		if err != nil {
			return pathError(at, err)
		}
		if mode&fs.ModeSymlink != 0 {
			if links++; links > maxLinks {
				return fmt.Errorf("%s: too many symbolic links", path)
			}
			target, err := r.readlink(at)
			if err != nil {
				return pathError(at, err)
			}
			if filepath.IsAbs(target) {
				at, rest = "/", target+"/"+rest
			} else {
				at, rest = filepath.Dir(at), target+"/"+rest
			}
			continue
		}
		if !allowUnsafe {
			if err := r.checkOwner(at, mode, owner); err != nil {
				return err
			}
		}
		if rest = strings.TrimLeft(rest, "/"); rest == "" {
			return executable(at, mode)
		}
		if !mode.IsDir() {
			return fmt.Errorf("%s: not a folder", at)
		}
		var name string
		name, rest, _ = strings.Cut(rest, "/")
		at = filepath.Join(at, name)
	}
}

// checkOwner checks one step of the way. The sticky bit is no help: it keeps others
// from replacing a file, not from being first to make it.
func (r pathPolicy) checkOwner(at string, mode fs.FileMode, owner uint32) error {
	const othersWrite = 0o022
	switch {
	case owner != 0 && owner != r.uid:
		return fmt.Errorf("%s: belongs to user %d, want root or user %d", at, owner, r.uid)
	case mode&othersWrite != 0:
		return fmt.Errorf("%s: mode %04o lets others write", at, chmodMode(mode))
	}
	return nil
}

func executable(at string, mode fs.FileMode) error {
	switch {
	case mode.IsDir():
		return fmt.Errorf("%s: is a folder", at)
	case !mode.IsRegular():
		return fmt.Errorf("%s: not a regular file", at)
	case mode&0o111 == 0:
		return fmt.Errorf("%s: mode %04o: not executable", at, chmodMode(mode))
	}
	return nil
}

// chmodMode is mode as chmod takes it.
func chmodMode(mode fs.FileMode) uint32 {
	bits := uint32(mode.Perm())
	for flag, bit := range map[fs.FileMode]uint32{fs.ModeSetuid: 0o4000, fs.ModeSetgid: 0o2000, fs.ModeSticky: 0o1000} {
		if mode&flag != 0 {
			bits |= bit
		}
	}
	return bits
}

// pathError puts the path first.
func pathError(at string, err error) error {
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		err = pe.Err
	}
	return fmt.Errorf("%s: %w", at, err)
}
