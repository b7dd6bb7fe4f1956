// Package host is the machine as the collectors see it. Everything that is
// not in a file enters here and nowhere else: the roots of the trees, page
// size, clock ticks, architecture, the clock, and the few system calls that
// collectors make. A test hands in a recorded host, and no collector can tell.
package host

import (
	"context"
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

	// Netlink sends one netlink dump request and calls each for every message
	// of the answer, without its nlmsghdr; data is valid during the call only. A dump that is
	// complete but changed while it was made ends with ErrDumpInterrupted.
	// Netlink is nil on a recorded host, where files have to do.
	Netlink func(request NetlinkRequest, each func(data []byte) error) error

	// Ethtool opens the ethtool interface of the network devices. It is nil on a
	// recorded host that has no answers.
	Ethtool func() (Ethtool, error)
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
		Ethtool: openEthtool,
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
	faults     *Faults
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
func (t Tree) WithFaults(faults *Faults) Tree {
	t.faults = faults
	return t
}

// Faults are files that fail, by their absolute paths without symbolic links.
// They may be changed while the tree is read.
type Faults struct {
	mu     sync.Mutex
	byPath map[string]error
	names  map[string]int // how many there are by the last element of the path
}

// Set has the reading of a file fail with err, or not any longer if it is nil.
func (f *Faults) Set(path string, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.byPath == nil {
		f.byPath, f.names = map[string]error{}, map[string]int{}
	}
	if _, known := f.byPath[path]; known {
		delete(f.byPath, path)
		f.names[filepath.Base(path)]--
	}
	if err != nil {
		f.byPath[path] = err
		f.names[filepath.Base(path)]++
	}
}

// At returns the error of a file, or nil. The path may lead over symbolic
// links.
func (f *Faults) At(path string) error {
	base := filepath.Base(path)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.names[base] == 0 {
		return nil
	}
	if dir, err := filepath.EvalSymlinks(filepath.Dir(path)); err == nil {
		path = filepath.Join(dir, base)
	}
	return f.byPath[path]
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
