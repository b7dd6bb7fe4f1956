// Package host is the machine as the collectors see it. Everything that is
// not in a file enters here and nowhere else: the roots of the trees, page
// size, clock ticks, architecture, the clock, and the few system calls that
// collectors make. A test hands in a recorded host, and no collector can tell.
package host

import (
	"context"
	"maps"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// A Host is one machine. It is immutable after construction and safe for
// concurrent use; Readers made from its trees are not.
type Host struct {
	Proc  Tree // procfs, usually /proc
	Sys   Tree // sysfs, usually /sys
	Root  Tree // the root file system, usually /
	Udev  Tree // udev's database, usually /run/udev/data
	Files Tree // paths of options: absolute, or relative to the working directory

	Arch     string // as in GOARCH
	PageSize int    // bytes
	Ticks    int    // USER_HZ: clock ticks a second in /proc/stat, 100 everywhere

	Now      func() time.Time
	Uname    func() (Uname, error)
	Adjtimex func() (state int, tx unix.Timex, err error)
	Statfs   func(path string) (unix.Statfs_t, error)

	// Btrfs asks the btrfs file system at a mount point for its devices, and for
	// the errors of each if that is wanted. It may never return. It is nil on a
	// recorded host that has no answer.
	Btrfs func(mountPoint string, withErrors bool) (Btrfs, error)

	// DeviceMapper asks device-mapper for the targets of a map by its name: for
	// their states, or else for their tables. It may never return. It is nil on
	// a recorded host that has no answer.
	DeviceMapper func(name string, table bool) ([]Target, error)

	// Dial connects to a service of the machine on a local socket. It is nil on
	// a recorded host, where nobody answers.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)

	// Netlink sends one rtnetlink dump request and calls each for every
	// message of the answer; data is valid during the call only. A dump that is
	// complete but changed while it was made ends with ErrDumpInterrupted.
	// Netlink is nil on a recorded host, where files have to do.
	Netlink func(request NetlinkRequest, each func(data []byte) error) error
}

// Paths are the roots a host is read from, as the --path.* flags give them.
type Paths struct{ Procfs, Sysfs, Rootfs, UdevData string }

// Live returns the machine that this process runs on.
func Live(p Paths) *Host {
	return &Host{
		Proc:     NewTree(p.Procfs),
		Sys:      NewTree(p.Sysfs).Attributes(),
		Root:     NewTree(p.Rootfs),
		Udev:     NewTree(p.UdevData),
		Files:    NewTree(""),
		Arch:     runtime.GOARCH,
		PageSize: os.Getpagesize(),
		Ticks:    100,
		Now:      time.Now,
		Uname:    liveUname,
		Adjtimex: liveAdjtimex,
		Statfs:   liveStatfs,
		Btrfs:    liveBtrfs,

		DeviceMapper: liveDeviceMapper(),
		Dial:         new(net.Dialer).DialContext,

		Netlink: liveNetlink(),
	}
}

// A Uname is what uname(2) tells.
type Uname struct{ Sysname, Nodename, Release, Version, Machine, Domainname string }

func liveUname() (Uname, error) {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return Uname{}, os.NewSyscallError("uname", err)
	}
	return Uname{
		Sysname:    unix.ByteSliceToString(u.Sysname[:]),
		Nodename:   unix.ByteSliceToString(u.Nodename[:]),
		Release:    unix.ByteSliceToString(u.Release[:]),
		Version:    unix.ByteSliceToString(u.Version[:]),
		Machine:    unix.ByteSliceToString(u.Machine[:]),
		Domainname: unix.ByteSliceToString(u.Domainname[:]),
	}, nil
}

func liveAdjtimex() (int, unix.Timex, error) {
	var tx unix.Timex
	state, err := unix.Adjtimex(&tx)
	return state, tx, os.NewSyscallError("adjtimex", err)
}

func liveStatfs(path string) (unix.Statfs_t, error) {
	for {
		var st unix.Statfs_t
		err := unix.Statfs(path, &st)
		if err != unix.EINTR {
			return st, err
		}
	}
}

// A Tree is a folder of kernel files.
type Tree struct {
	root       string
	attributes bool
	hook       func(path string) error // nil on the live host
}

// NewTree returns the tree below root. Without a root, paths are taken as they
// are.
func NewTree(root string) Tree {
	if root != "" {
		root = filepath.Clean(root)
	}
	return Tree{root: root}
}

// Attributes returns the tree with its files taken for sysfs attributes: the
// kernel gives the whole of one in the first read, up to a page of at least
// 4096 bytes, so that a shorter answer needs no second read to see the end.
// See https://docs.kernel.org/filesystems/sysfs.html.
func (t Tree) Attributes() Tree {
	t.attributes = true
	return t
}

// WithFaults returns the tree with some files failing. Tests use it for errors
// that an ordinary file cannot have.
func (t Tree) WithFaults(faults *Faults) Tree { return t.WithHook(faults.At) }

// WithHook returns the tree with a function that is called with the path of
// each file before it is opened. A file for which it returns an error fails with
// that error. Tests use it.
func (t Tree) WithHook(hook func(path string) error) Tree {
	t.hook = hook
	return t
}

// Faults are files that fail, by their absolute paths. Paths that lead to the
// same file over symbolic links are the same. Faults may be changed while the
// tree is read.
type Faults struct {
	mu     sync.Mutex
	byPath map[string]error
}

// Set has the reading of a file fail with err, or not any longer if it is nil.
func (f *Faults) Set(path string, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	maps.DeleteFunc(f.byPath, func(p string, _ error) bool { return sameFile(p, path) })
	if err == nil {
		return
	}
	if f.byPath == nil {
		f.byPath = map[string]error{}
	}
	f.byPath[path] = err
}

// At returns the error of a file, or nil.
func (f *Faults) At(path string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for p, err := range f.byPath {
		if sameFile(p, path) {
			return err
		}
	}
	return nil
}

// sameFile reports whether two paths are one file, which may be absent, in one
// folder.
func sameFile(a, b string) bool {
	if filepath.Base(a) != filepath.Base(b) {
		return false
	}
	dirA, errA := os.Stat(filepath.Dir(a))
	dirB, errB := os.Stat(filepath.Dir(b))
	return errA == nil && errB == nil && os.SameFile(dirA, dirB)
}

// Len returns how many files fail.
func (f *Faults) Len() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.byPath)
}

// Path returns the path of a file in the tree, for messages.
func (t Tree) Path(elem ...string) string {
	return string(appendPath(nil, t.root, elem))
}

// Reader returns a reader of the tree's files.
func (t Tree) Reader() *Reader {
	return &Reader{tree: t}
}

func appendPath(dst []byte, root string, elem []string) []byte {
	dst = append(dst, root...)
	for _, e := range elem {
		if len(e) == 0 {
			continue
		}
		slash := len(dst) > 0 && dst[len(dst)-1] == '/'
		switch {
		case slash && e[0] == '/':
			e = e[1:]
		case !slash && e[0] != '/' && len(dst) > 0:
			dst = append(dst, '/')
		}
		dst = append(dst, e...)
	}
	if len(dst) == 0 {
		dst = append(dst, '/')
	}
	return dst
}
