// Package host is the machine that the collectors read: file trees, page size,
// clock ticks, architecture, the clock, and the few system calls that
// collectors make. A collector takes all of these from a Host, so that tests
// can run it on a recorded one. The package knows nothing of what the files
// mean.
package host

import (
	"context"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"time"

	"golang.org/x/sys/unix"

	"github.com/hostexporter/host_exporter/collector/internal/flight"
)

// A Host is one machine. It is immutable after construction and safe for
// concurrent use; Readers made from its trees are not.
type Host struct {
	Proc  Tree // procfs, usually /proc
	Sys   Tree // sysfs, usually /sys
	Root  Tree // the root file system, usually /
	Udev  Tree // udev's database, usually /run/udev/data
	Files Tree // paths in options: absolute, or relative to the working directory

	Arch     string // as in GOARCH
	PageSize int    // bytes
	Ticks    int    // USER_HZ: clock ticks per second in /proc/stat, 100 on all architectures

	Now      func() time.Time
	Uname    func() (Uname, error)
	Adjtimex func() (state int, tx unix.Timex, err error)
	Statfs   func(path string) (unix.Statfs_t, error)

	// Btrfs returns the btrfs file system at a mount point, with the error
	// counters of its devices if withErrors is true. It may never return. It is
	// nil on a recorded host without an answer.
	Btrfs func(mountPoint string, withErrors bool) (Btrfs, error)

	// DeviceMapper returns the targets of a device-mapper map by its name, with
	// their tables if table is true, otherwise with their status. It may never
	// return. It is nil on a recorded host without an answer.
	DeviceMapper func(name string, table bool) ([]Target, error)

	// Dial connects to a service of the machine on a local socket. It is nil on
	// a recorded host without an answer.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)

	// DialBus connects to the D-Bus system bus, or to the private socket of
	// systemd. It is nil on a host without a bus.
	DialBus func(ctx context.Context, private bool) (net.Conn, error)

	// Netlink sends one dump request and calls each for every message of the
	// answer, without its nlmsghdr; data is valid during the call only. It
	// returns ErrDumpInterrupted if the dump is complete but the listed objects
	// changed meanwhile. It is nil on a recorded host without an answer.
	Netlink func(request NetlinkRequest, each func(data []byte) error) error

	// Ethtool opens the ethtool interface of the network devices. It is nil on a
	// recorded host that has no answers.
	Ethtool func() (Ethtool, error)

	// OpenPerf opens a counter of an event on a CPU. Each holds a file
	// descriptor. It is nil on a recorded host without an answer.
	OpenPerf func(event PerfEvent, cpu int) (PerfCounter, error)

	// Calls bounds the reads and system calls of all collectors that are in
	// progress together. Nil means no bound.
	Calls *flight.Pool

	// MaxOpenFiles returns how many files the process may have open. It is nil
	// on a recorded host without an answer.
	MaxOpenFiles func() (uint64, error)

	// MemoryLimit returns the soft memory limit of the process in bytes. It is
	// nil on a recorded host without an answer.
	MemoryLimit func() int64
}

// Paths are the roots of the file trees of a host, as set by the --path.*
// flags.
type Paths struct{ Procfs, Sysfs, Rootfs, UdevData string }

// Live returns the machine on which this process runs.
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
		DialBus:      liveDialBus(NewTree(p.Rootfs)),

		Netlink: liveNetlink(),
		Ethtool: openEthtool,

		OpenPerf:     liveOpenPerf,
		MaxOpenFiles: MaxOpenFiles,
		MemoryLimit:  func() int64 { return debug.SetMemoryLimit(-1) },
	}
}

// A Uname is the result of uname(2).
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

// A Tree is a file tree of a host, such as procfs.
type Tree struct {
	root       string
	attributes bool
	fault      func(path string) error // see InjectFaults
	intercept  func(call Call, path string, size int) (limit int, err error)
	shared     *sharedFiles
	source     Source // nil: the files of this machine
}

// NewTree returns the tree below root. Without a root, paths are used as they
// are.
func NewTree(root string) Tree {
	if root != "" {
		root = filepath.Clean(root)
	}
	return Tree{root: root, shared: &sharedFiles{}}
}

// Attributes returns the tree with its files read as sysfs attributes: the
// kernel returns a whole attribute, up to a page of at least 4096 bytes, in the
// first read, so that a shorter one needs no second read to find the end. See
// https://docs.kernel.org/filesystems/sysfs.html.
func (t Tree) Attributes() Tree {
	t.attributes = true
	return t
}

// A Source has the files of a tree that are not those of this machine, such as those of
// a snapshot. Paths are those that Tree.Path returns; symbolic links are followed, but
// for Link. Errors are *fs.PathError, as those of a Reader.
type Source interface {
	Read(path string) ([]byte, error)
	List(path string) ([]DirEntry, error) // in natural order
	Link(path string) (target string, err error)
	Stat(path string) (unix.Stat_t, error)
}

// From returns the tree with the files of a source.
func (t Tree) From(s Source) Tree {
	t.source, t.shared = s, &sharedFiles{}
	return t
}

// InjectFaults returns the tree with reads that fail if fault returns an error
// for the path. Only tests call it, so the linker leaves it out of the program.
func InjectFaults(t Tree, fault func(path string) error) Tree {
	t.fault, t.shared = fault, &sharedFiles{}
	return t
}

// A Call is a system call of a Reader.
type Call string

// The system calls of a Reader.
const (
	Open     Call = "open"
	Read     Call = "read"
	Getdents Call = "getdents"
	Readlink Call = "readlink"
	Stat     Call = "stat"
	Access   Call = "access"
)

// InterceptCalls returns the tree with a function that is called before each system
// call of its readers. If it returns an error, the call is not made and fails with it.
// A read and a getdents are for at most size bytes, and read at most limit, unless the
// reader takes a short read for the end of the file. Only tests call it, as InjectFaults.
func InterceptCalls(t Tree, fn func(call Call, path string, size int) (limit int, err error)) Tree {
	t.intercept = fn
	return t
}

// Path returns the path of a file in the tree, for messages.
func (t Tree) Path(elem ...string) string {
	return string(appendPath(nil, t.root, elem))
}

// Locate returns the path of a file for package trust, which opens files that a
// Reader must not, or the fault that a test injects for it.
func (t Tree) Locate(elem ...string) (string, error) {
	p := t.Path(elem...)
	if t.source != nil {
		return "", &fs.PathError{Op: "open", Path: p, Err: unix.ENOENT}
	}
	if t.fault != nil {
		if err := t.fault(p); err != nil {
			return "", &fs.PathError{Op: "read", Path: p, Err: err}
		}
	}
	return p, nil
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
