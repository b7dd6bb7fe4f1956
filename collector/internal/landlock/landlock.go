// Package landlock restricts access to files, TCP ports, signals and abstract
// sockets with Landlock, which needs no privileges. It makes the system calls
// itself: the libraries restrict all threads, but what starts a check restricts one
// thread only. It knows the versions of the interface, and nothing of what is to be
// allowed.
//
// https://docs.kernel.org/userspace-api/landlock.html
package landlock

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The versions of the interface that added something to the first, which is in Linux
// 5.13.
const (
	referVersion    = 2 // Linux 5.19: moving files between directories
	truncateVersion = 3 // 6.2
	networkVersion  = 4 // 6.7: TCP
	deviceVersion   = 5 // 6.10: ioctl on devices
	scopeVersion    = 6 // 6.12: signals and abstract sockets
	tsyncVersion    = 8 // restricts all threads at once
)

// FullVersion is the first version that can enforce all that this package knows.
const FullVersion = scopeVersion

// Groups of rights to files.
const (
	// WriteAccess has the rights to change files and directories.
	WriteAccess = unix.LANDLOCK_ACCESS_FS_WRITE_FILE |
		unix.LANDLOCK_ACCESS_FS_REMOVE_DIR | unix.LANDLOCK_ACCESS_FS_REMOVE_FILE |
		unix.LANDLOCK_ACCESS_FS_MAKE_CHAR | unix.LANDLOCK_ACCESS_FS_MAKE_DIR | unix.LANDLOCK_ACCESS_FS_MAKE_REG |
		unix.LANDLOCK_ACCESS_FS_MAKE_SOCK | unix.LANDLOCK_ACCESS_FS_MAKE_FIFO | unix.LANDLOCK_ACCESS_FS_MAKE_BLOCK |
		unix.LANDLOCK_ACCESS_FS_MAKE_SYM |
		unix.LANDLOCK_ACCESS_FS_REFER | unix.LANDLOCK_ACCESS_FS_TRUNCATE | unix.LANDLOCK_ACCESS_FS_IOCTL_DEV
	// ReadAccess has the rights to read files and directories, and to execute files.
	ReadAccess = unix.LANDLOCK_ACCESS_FS_EXECUTE | unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_READ_DIR

	// fileAccess has the rights that apply to something else than a directory.
	fileAccess = unix.LANDLOCK_ACCESS_FS_EXECUTE | unix.LANDLOCK_ACCESS_FS_READ_FILE |
		unix.LANDLOCK_ACCESS_FS_WRITE_FILE | unix.LANDLOCK_ACCESS_FS_TRUNCATE | unix.LANDLOCK_ACCESS_FS_IOCTL_DEV
)

// Version returns the version of the kernel's Landlock; 0 is none. It returns an
// error if the system call fails, for example because of a system call filter.
func Version() (int, error) {
	v, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	switch {
	case errno == 0:
		return int(v), nil
	case errors.Is(errno, unix.ENOSYS), errors.Is(errno, unix.EOPNOTSUPP): // not built in; not enabled at boot
		return 0, nil
	}
	return 0, os.NewSyscallError("landlock_create_ruleset", errno)
}

// CanScopeSignals reports whether the threads of a process may still signal each
// other after each of them was restricted on its own, as the Go runtime does all
// the time. The first kernels of version 6 forbid it: the correction is number 2 of
// their errata.
func CanScopeSignals(version int) bool {
	if version >= tsyncVersion {
		return true
	}
	errata, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_ERRATA)
	return errno == 0 && errata&(1<<1) != 0
}

// A Denial is what a domain denies unless a rule allows it.
type Denial struct {
	Files           uint64 // LANDLOCK_ACCESS_FS_*
	TCP             bool   // binding and connecting
	Signals         bool   // to processes outside of the domain
	AbstractSockets bool   // of processes outside of the domain
}

// Attributes returns the part of a denial that a version knows: a kernel rejects
// what it does not know.
func (d Denial) Attributes(version int) (a unix.LandlockRulesetAttr) {
	if version < 1 {
		return a
	}
	a.Handled_access_fs = d.Files
	for _, added := range []struct {
		version int
		right   uint64
	}{
		{referVersion, unix.LANDLOCK_ACCESS_FS_REFER},
		{truncateVersion, unix.LANDLOCK_ACCESS_FS_TRUNCATE},
		{deviceVersion, unix.LANDLOCK_ACCESS_FS_IOCTL_DEV},
	} {
		if version < added.version {
			a.Handled_access_fs &^= added.right
		}
	}
	if d.TCP && version >= networkVersion {
		a.Handled_access_net = unix.LANDLOCK_ACCESS_NET_BIND_TCP | unix.LANDLOCK_ACCESS_NET_CONNECT_TCP
	}
	if d.Signals && version >= scopeVersion {
		a.Scoped |= unix.LANDLOCK_SCOPE_SIGNAL
	}
	if d.AbstractSockets && version >= scopeVersion {
		a.Scoped |= unix.LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET
	}
	return a
}

// A Ruleset is a domain that nothing has entered yet. It holds a descriptor.
type Ruleset struct {
	fd         int
	files      uint64
	allThreads bool // whether the kernel restricts all threads at once
}

// NewRuleset makes a ruleset for a kernel with this version, which is at least 1.
func NewRuleset(d Denial, version int) (*Ruleset, error) {
	a := d.Attributes(version)
	// A kernel with a smaller struct accepts a larger one whose additional fields
	// are zero.
	fd, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, uintptr(unsafe.Pointer(&a)), unsafe.Sizeof(a), 0)
	if errno != 0 {
		return nil, fmt.Errorf("making a Landlock ruleset: %w", errno)
	}
	return &Ruleset{fd: int(fd), files: a.Handled_access_fs, allThreads: version >= tsyncVersion}, nil
}

// Close closes the descriptor. It does not end a domain.
func (r *Ruleset) Close() { _ = unix.Close(r.fd) }

// Allow allows rights to a file, or to all below a directory. Its errors are
// *fs.PathError.
func (r *Ruleset) Allow(path string, access uint64) error {
	fd, err := unix.Open(path, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return &fs.PathError{Op: "open", Path: path, Err: err}
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return &fs.PathError{Op: "stat", Path: path, Err: err}
	}
	access &= r.files
	if st.Mode&unix.S_IFMT != unix.S_IFDIR {
		access &= fileAccess
	}
	if access == 0 {
		return nil // there is nothing to except
	}
	rule := unix.LandlockPathBeneathAttr{Allowed_access: access, Parent_fd: int32(fd)}
	_, _, errno := unix.Syscall6(unix.SYS_LANDLOCK_ADD_RULE, uintptr(r.fd), unix.LANDLOCK_RULE_PATH_BENEATH, uintptr(unsafe.Pointer(&rule)), 0, 0, 0)
	if errno != 0 {
		return &fs.PathError{Op: "allow", Path: path, Err: errno}
	}
	return nil
}

// RestrictThread restricts the calling thread and what it starts. The thread must be
// locked, and have no_new_privs.
func (r *Ruleset) RestrictThread() error {
	_, _, errno := unix.Syscall(unix.SYS_LANDLOCK_RESTRICT_SELF, uintptr(r.fd), 0, 0)
	return enterError(errno)
}

// RestrictProcess restricts all threads, each of which must have no_new_privs. It
// returns syscall.ENOTSUP for a program with cgo, unless the kernel does it.
func (r *Ruleset) RestrictProcess() error {
	if r.allThreads {
		_, _, errno := unix.Syscall(unix.SYS_LANDLOCK_RESTRICT_SELF, uintptr(r.fd), unix.LANDLOCK_RESTRICT_SELF_TSYNC, 0)
		return enterError(errno)
	}
	_, _, errno := syscall.AllThreadsSyscall(unix.SYS_LANDLOCK_RESTRICT_SELF, uintptr(r.fd), 0, 0)
	return enterError(errno)
}

func enterError(errno syscall.Errno) error {
	if errno == 0 {
		return nil
	}
	return fmt.Errorf("entering the Landlock domain: %w", errno)
}
