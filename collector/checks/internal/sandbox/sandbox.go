// Package sandbox keeps a program from changing what is not its own, by means
// of Landlock, which takes no privilege.
//
// The few system calls are made here and not by a library: what there is
// restricts all threads of a process. A supervisor that is restricted itself
// can neither kill a control group nor tidy up, and one more process for each
// run, which would become the program, costs as much again as the supervisor.
// A domain belongs to a thread, and whatever a thread starts inherits it.
//
// https://docs.kernel.org/userspace-api/landlock.html
package sandbox

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// A Mode is how much of a sandbox there is.
type Mode string

const (
	// None: no sandbox. The empty Mode is the same.
	None Mode = "none"
	// Net: nothing is written but where it is allowed, and no process outside
	// is signalled.
	Net Mode = "net"
	// Strict: as Net, and no TCP.
	Strict Mode = "strict"
	// Partial is what a kernel has that knows Landlock, but not all of what was
	// asked for. Nobody asks for it.
	Partial Mode = "partial"
)

// Modes returns what can be asked for.
func Modes() []string { return []string{string(None), string(Net), string(Strict)} }

// Enabled reports whether m is any sandbox at all.
func (m Mode) Enabled() bool { return m != "" && m != None }

// fullVersion is the version of Landlock, Linux 6.12, from which all is there that
// is asked of it here. What came before: 2 to move files, 3 to truncate them, 4
// TCP, 5 device ioctls.
const fullVersion = 6

// Effective returns what becomes of a sandbox on a kernel with that version of
// Landlock.
func (m Mode) Effective(version int) Mode {
	switch {
	case !m.Enabled() || version <= 0:
		return None
	case version < fullVersion:
		return Partial
	}
	return m
}

// Version returns which version of Landlock the kernel has; 0 is none. An error
// is told when the kernel does not answer: a filter of system calls, perhaps.
func Version() (int, error) {
	v, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	switch {
	case errno == 0:
		return int(v), nil
	case errors.Is(errno, unix.ENOSYS), errors.Is(errno, unix.EOPNOTSUPP): // not built in; not switched on at boot
		return 0, nil
	}
	return 0, os.NewSyscallError("landlock_create_ruleset", errno)
}
