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

// maxLinks is how many symbolic links the kernel follows in a path (MAXSYMLINKS).
const maxLinks = 40

// A pathPolicy allows the programs that only root and the exporter's user can
// change. Whoever can change a program, or a directory of its path, can run
// programs as that user.
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
		return 0, 0, fmt.Errorf("%s: want the owner of a file, have none", path)
	}
	return info.Mode(), st.Uid, nil
}

// check returns an error if the program at path must not be run. It follows
// symbolic links one by one, and checks every directory on the way.
func (r pathPolicy) check(path string, allowUnsafe bool) error {
	if !filepath.IsAbs(path) {
		return fmt.Errorf("want an absolute path, have %q", path)
	}
	at, rest := "/", path
	for links := 0; ; {
		mode, owner, err := r.lstat(at)
		if err != nil {
			return pathError(at, err)
		}
		if mode&fs.ModeSymlink != 0 {
			if links++; links > maxLinks {
				return fmt.Errorf("%s: more than %d symbolic links", path, maxLinks)
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
			return fmt.Errorf("%s: want a directory, have a file", at)
		}
		var name string
		name, rest, _ = strings.Cut(rest, "/")
		at = filepath.Join(at, name)
	}
}

// checkOwner checks one file or directory of a path. The sticky bit does not
// help: it keeps other users from replacing a file, not from creating it first.
func (r pathPolicy) checkOwner(at string, mode fs.FileMode, owner uint32) error {
	const othersWrite = 0o022
	switch {
	case owner != 0 && owner != r.uid:
		return fmt.Errorf("%s: want root or user %d as the owner, have user %d", at, r.uid, owner)
	case mode&othersWrite != 0:
		return fmt.Errorf("%s: writable by other users (mode %04o)", at, chmodMode(mode))
	}
	return nil
}

func executable(at string, mode fs.FileMode) error {
	switch {
	case mode.IsDir():
		return fmt.Errorf("%s: want a file, have a directory", at)
	case !mode.IsRegular():
		return fmt.Errorf("%s: want a regular file, have %v", at, mode)
	case mode&0o111 == 0:
		return fmt.Errorf("%s: want an executable file, have mode %04o", at, chmodMode(mode))
	}
	return nil
}

// chmodMode returns the mode as chmod writes it.
func chmodMode(mode fs.FileMode) uint32 {
	bits := uint32(mode.Perm())
	for flag, bit := range map[fs.FileMode]uint32{fs.ModeSetuid: 0o4000, fs.ModeSetgid: 0o2000, fs.ModeSticky: 0o1000} {
		if mode&flag != 0 {
			bits |= bit
		}
	}
	return bits
}

// pathError returns err with the path in front.
func pathError(at string, err error) error {
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		err = pe.Err
	}
	return fmt.Errorf("%s: %w", at, err)
}
