package trust

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

// A Rule allows the files that only root and the exporter's user can change: programs
// to run, and the configuration, which names them. Whoever can change one, or a
// directory of its path, can run programs as that user.
type Rule struct {
	uid      uint32
	lstat    func(path string) (mode fs.FileMode, owner uint32, err error)
	readlink func(path string) (string, error)
	isVolume func(dir string) bool
}

// NewRule returns the rule for the user of the process.
func NewRule() Rule {
	return Rule{uid: uint32(os.Geteuid()), lstat: lstat, readlink: os.Readlink, isVolume: isVolume}
}

func lstat(path string) (fs.FileMode, uint32, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return 0, 0, err
	}
	return modeAndOwner(path, info)
}

func modeAndOwner(path string, info fs.FileInfo) (fs.FileMode, uint32, error) {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, 0, fmt.Errorf("%s: want the owner of a file, have none", path)
	}
	return info.Mode(), st.Uid, nil
}

// CheckProgram returns an error if the program at path must not be run. With
// allowUnsafe, others may change it.
func (r Rule) CheckProgram(path string, allowUnsafe bool) error {
	if !filepath.IsAbs(path) {
		return fmt.Errorf("want an absolute path, have %q", path)
	}
	at, mode, err := r.resolve(path, allowUnsafe)
	if err != nil {
		return err
	}
	return executable(at, mode)
}

// Open opens a regular file for reading. It never waits for the other end of a pipe.
func (r Rule) Open(path string) (*os.File, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	at, mode, err := r.resolve(path, false)
	if err != nil {
		return nil, err
	}
	if err := regular(at, mode); err != nil {
		return nil, err
	}
	f, err := openNoLinks(at)
	if err != nil {
		return nil, pathError(at, err)
	}
	if err := r.checkOpen(at, f); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// checkOpen checks an open file: it may be another one than that of the path.
func (r Rule) checkOpen(at string, f *os.File) error {
	info, err := f.Stat()
	if err != nil {
		return pathError(at, err)
	}
	mode, owner, err := modeAndOwner(at, info)
	if err != nil {
		return err
	}
	if err := r.checkOwner(at, mode, owner); err != nil {
		return err
	}
	return regular(at, mode)
}

// resolve returns the path without symbolic links, and the mode of its file. It
// follows links one by one, and checks every directory on the way.
func (r Rule) resolve(path string, allowUnsafe bool) (at string, mode fs.FileMode, err error) {
	at, rest := "/", path
	sticky := error(nil) // the error of the directory before, if it is sticky
	for links := 0; ; {
		mode, owner, err := r.lstat(at)
		if err != nil {
			return "", 0, pathError(at, err)
		}
		if sticky != nil && !mode.IsDir() {
			return "", 0, sticky
		}
		sticky = nil
		if mode&fs.ModeSymlink != 0 {
			if links++; links > maxLinks {
				return "", 0, fmt.Errorf("%s: more than %d symbolic links", path, maxLinks)
			}
			target, err := r.readlink(at)
			if err != nil {
				return "", 0, pathError(at, err)
			}
			if filepath.IsAbs(target) {
				at, rest = "/", target+"/"+rest
			} else {
				at, rest = filepath.Dir(at), target+"/"+rest
			}
			continue
		}
		rest = strings.TrimLeft(rest, "/")
		if !allowUnsafe {
			switch err := r.checkOwner(at, mode, owner); {
			case err != nil && (owner == 0 || owner == r.uid) && mode&fs.ModeSticky != 0 && rest != "":
				sticky = err
			case err != nil:
				return "", 0, err
			}
		}
		if rest == "" {
			return at, mode, nil
		}
		if !mode.IsDir() {
			return "", 0, fmt.Errorf("%s: want a directory, have a file", at)
		}
		var name string
		name, rest, _ = strings.Cut(rest, "/")
		at = filepath.Join(at, name)
	}
}

// checkOwner checks one file or directory of a path. In a sticky directory, such as
// /tmp, others cannot move or replace a directory of root or of the exporter's user,
// nor make one with that owner: resolve allows it. They can make a file with that
// owner, as a hard link.
func (r Rule) checkOwner(at string, mode fs.FileMode, owner uint32) error {
	const othersWrite = 0o022
	switch {
	case owner != 0 && owner != r.uid:
		return fmt.Errorf("%s: want root or user %d as the owner, have user %d", at, r.uid, owner)
	case mode&othersWrite == 0, mode.IsDir() && r.isVolume(at):
		return nil
	}
	return fmt.Errorf("%s: writable by other users (mode %04o): chmod go-w %s", at, chmodMode(mode), at)
}

func regular(at string, mode fs.FileMode) error {
	if !mode.IsRegular() {
		return fmt.Errorf("%s: want a regular file, have mode %v", at, mode)
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
