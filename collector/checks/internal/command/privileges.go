package command

import (
	"errors"
	"fmt"
	"os"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/hostexporter/host_exporter/collector/internal/capability"
)

// restrict takes privileges from the calling thread, and so from the program that it
// starts: capabilities, system calls, and whatever the sandbox denies. The thread keeps what it
// needs to start a program as another user, which a program loses when it is executed.
func (r *request) restrict() error {
	if !r.NewPrivileges {
		if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
			return fmt.Errorf("setting no_new_privs: %w", err)
		}
	}
	if err := r.dropCapabilities(); err != nil {
		return fmt.Errorf("%s: %w", r.Argv[0], err)
	}
	if err := r.enterSandbox(); err != nil {
		return err
	}
	if err := r.filter(); err != nil {
		return fmt.Errorf("%s: denying system calls: %w", r.Argv[0], err)
	}
	return nil
}

// dropCapabilities clears the sets of which a program gets capabilities when it is
// executed: those of a program of an ordinary user, the ambient ones, and those of
// root or of a program with capabilities of its own, all but the bounding ones.
// forkExec adds Capabilities to the ambient set.
func (r *request) dropCapabilities() error {
	if err := unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0); err != nil && !errors.Is(err, unix.EINVAL) { // before Linux 4.3
		return fmt.Errorf("clearing ambient capabilities: %w", err)
	}
	if !r.NewPrivileges { // setuid programs, such as sudo, have those that are left
		for c := capability.Capability(0); c <= 63; c++ {
			if slices.Contains(r.Capabilities, c) {
				continue
			}
			err := unix.Prctl(unix.PR_CAPBSET_DROP, uintptr(c), 0, 0, 0)
			if errors.Is(err, unix.EINVAL) {
				break // the kernel knows no more
			}
			// With no_new_privs the bounding set matters to root only.
			if err != nil && r.isRoot() {
				return fmt.Errorf("dropping %v: %w: a check of root needs an exporter with CAP_SETPCAP", c, err)
			}
		}
	}
	return capability.ClearInheritable()
}

// isRoot reports whether the program runs as root.
func (r *request) isRoot() bool {
	if r.Credential != nil {
		return r.Credential.Uid == 0
	}
	return os.Geteuid() == 0
}
