// Package seccomp denies system calls to the process, or to one thread and what it
// starts. It assembles a list of what is denied, not of what is allowed: a new
// release of Go or of the C library may use calls that no list has, and must
// work. It knows nothing of why a call is denied.
//
// https://docs.kernel.org/userspace-api/seccomp_filter.html
package seccomp

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"unsafe"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// ErrUnsupported means that there are no numbers of system calls for this
// architecture, or that the kernel has no system call filters.
var ErrUnsupported = errors.New("system call filters are not supported")

// A Filter is an assembled list of rules.
type Filter []unix.SockFilter

// New assembles rules for this architecture, and for the programs of other
// architectures that its kernels run. What no rule denies is allowed.
func New(rules []Rule) (Filter, error) { return newFilter(abis(runtime.GOARCH), rules) }

// NewNative assembles rules for this architecture, and denies all calls of others.
func NewNative(rules []Rule) (Filter, error) {
	return newFilter(abis(runtime.GOARCH)[:min(1, len(abis(runtime.GOARCH)))], rules)
}

func newFilter(all []abi, rules []Rule) (Filter, error) {
	code, err := assemble(all, rules)
	if err != nil {
		return nil, err
	}
	raw, err := bpf.Assemble(code)
	if err != nil {
		return nil, err
	}
	filter := make(Filter, len(raw))
	for i, ins := range raw {
		filter[i] = unix.SockFilter{Code: ins.Op, Jt: ins.Jt, Jf: ins.Jf, K: ins.K}
	}
	return filter, nil
}

// InstallThread installs the filter on the calling thread, which must be locked, and
// on whatever the thread starts. The thread needs no_new_privs or CAP_SYS_ADMIN.
func (f Filter) InstallThread() error { return f.install(0) }

// InstallProcess installs the filter on all threads of the process, and gives all
// of them no_new_privs, which the calling thread needs.
func (f Filter) InstallProcess() error { return f.install(unix.SECCOMP_FILTER_FLAG_TSYNC) }

func (f Filter) install(flags uintptr) error {
	if len(f) == 0 {
		return errors.New("empty system call filter")
	}
	prog := unix.SockFprog{Len: uint16(len(f)), Filter: &f[0]}
	// Kernels before 5.16 disable speculation for threads with a filter, which
	// costs several percent, unless they are asked not to. Kernels before 4.17 do
	// not know the flag.
	r, errno := setFilter(flags|unix.SECCOMP_FILTER_FLAG_SPEC_ALLOW, &prog)
	if errno == unix.EINVAL {
		r, errno = setFilter(flags, &prog)
	}
	switch {
	case errno == unix.ENOSYS, errno == unix.EINVAL:
		return fmt.Errorf("seccomp: %w: %w", ErrUnsupported, errno)
	case errno != 0:
		return os.NewSyscallError("seccomp", errno)
	case r != 0:
		return fmt.Errorf("seccomp: thread %d has another system call filter", r)
	}
	return nil
}

func setFilter(flags uintptr, prog *unix.SockFprog) (uintptr, unix.Errno) {
	r, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, flags, uintptr(unsafe.Pointer(prog)))
	return r, errno
}
