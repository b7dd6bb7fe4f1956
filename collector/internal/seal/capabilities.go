package seal

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/hostexporter/host_exporter/collector/internal/capability"
)

// A capabilityDrop is the capabilities of the process before and after.
type capabilityDrop struct{ before, after capability.Set }

// keep returns which of the permitted capabilities are kept for the needed ones. A
// stronger one is kept in place of one that the process does not have: root in a
// container usually has CAP_DAC_OVERRIDE but not CAP_DAC_READ_SEARCH.
func keep(permitted capability.Set, needed []capability.Capability) (kept capability.Set) {
	for _, c := range needed {
		switch {
		case permitted.Has(c):
			kept |= capability.SetOf(c)
		case c == capability.DACReadSearch:
			kept |= permitted & capability.SetOf(capability.DACOverride)
		}
	}
	return kept
}

// lacks returns the needed capabilities that were dropped. Those that the process
// never had are not among them: a new process would not have them either.
func (d capabilityDrop) lacks(needed []capability.Capability) (names []string) {
	for _, c := range needed {
		if want := keep(d.before, []capability.Capability{c}); want&^d.after != 0 {
			names = append(names, c.String())
		}
	}
	return names
}

// dropCapabilities keeps only the needed capabilities on all threads, and leaves
// nothing to programs that the process might start.
func dropCapabilities(needed []capability.Capability) (State, string, capabilityDrop) {
	have, err := capability.Read()
	if err != nil {
		return Unavailable, err.Error(), capabilityDrop{}
	}
	kept := keep(have.Permitted, needed)
	drop := capabilityDrop{have.Permitted, kept}
	if have.Permitted == kept && have.Inheritable == 0 && (kept == 0 || !hasAmbient()) {
		return Enforced, "", drop // as from a service manager: nothing to drop
	}
	if have.Effective.Has(capability.SetPCap) {
		// The bounding set matters only to programs that no_new_privs makes
		// harmless: no error.
		for c := uintptr(0); c < 64; c++ {
			if state, _ := onAllThreads(unix.SYS_PRCTL, unix.PR_CAPBSET_DROP, c, 0); state != Enforced {
				break // the kernel's last capability
			}
		}
	}
	if hasAmbient() {
		if state, detail := onAllThreads(unix.SYS_PRCTL, unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0); state != Enforced {
			return state, detail, drop
		}
	}
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	effective := have.Effective & kept
	data := [2]unix.CapUserData{
		{Effective: uint32(effective), Permitted: uint32(kept)},
		{Effective: uint32(effective >> 32), Permitted: uint32(kept >> 32)},
	}
	_, _, errno := syscall.AllThreadsSyscall(unix.SYS_CAPSET, uintptr(unsafe.Pointer(&header)), uintptr(unsafe.Pointer(&data[0])), 0)
	if errno != 0 && have.Permitted != kept { // otherwise it were the inheritable ones, for programs only
		return Unavailable, "capset: " + threadsError(errno), drop
	}
	return Enforced, "", drop
}

// hasAmbient reports whether the thread has an ambient capability, which programs
// that it starts get.
func hasAmbient() bool {
	for c := uintptr(0); c < 64; c++ {
		r, _, errno := unix.Syscall6(unix.SYS_PRCTL, unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_IS_SET, c, 0, 0, 0)
		if errno != 0 {
			return false // beyond the last one, or before Linux 4.3
		}
		if r != 0 {
			return true
		}
	}
	return false
}
