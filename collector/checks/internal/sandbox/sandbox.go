// Package sandbox restricts what a program may write to, with Landlock, which
// needs no privileges.
//
// It makes the system calls itself, because the libraries restrict all threads of
// a process. A restricted supervisor could neither kill a control group nor remove
// files, and one more process for each run would double the cost of a run. A
// Landlock domain belongs to a thread and to the processes that the thread starts.
//
// https://docs.kernel.org/userspace-api/landlock.html
package sandbox

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// A Mode is how much a sandbox restricts.
type Mode string

const (
	// None: no restrictions. The empty Mode is the same.
	None Mode = "none"
	// Net: writes only to allowed paths, and no signals to processes outside.
	Net Mode = "net"
	// Strict: as Net, and no TCP.
	Strict Mode = "strict"
	// Partial: a part of Net or Strict, where the kernel's Landlock lacks the rest.
	// It cannot be configured.
	Partial Mode = "partial"
)

// Modes returns the modes that can be configured.
func Modes() []string { return []string{string(None), string(Net), string(Strict)} }

// Enabled reports whether the mode restricts anything.
func (m Mode) Enabled() bool { return m != "" && m != None }

// fullVersion is the first version of Landlock that can enforce every mode; it is
// in Linux 6.12. Version 2 added moving files, 3 truncating them, 4 TCP, 5 device
// ioctls, and 6 signals.
const fullVersion = 6

// Effective returns what a kernel with this version of Landlock enforces of a
// mode.
func (m Mode) Effective(version int) Mode {
	switch {
	case !m.Enabled() || version <= 0:
		return None
	case version < fullVersion:
		return Partial
	}
	return m
}

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
