// Package capability reads the capabilities of the process, the parts of root's
// privilege that capabilities(7) describes.
package capability

import (
	"fmt"
	"slices"

	"golang.org/x/sys/unix"
)

// A Capability is one of them, by its number in linux/capability.h.
type Capability uint

// The capabilities that collectors and checks need.
const (
	Chown         = Capability(unix.CAP_CHOWN)
	DACOverride   = Capability(unix.CAP_DAC_OVERRIDE)
	DACReadSearch = Capability(unix.CAP_DAC_READ_SEARCH)
	FOwner        = Capability(unix.CAP_FOWNER)
	Kill          = Capability(unix.CAP_KILL)
	SetGID        = Capability(unix.CAP_SETGID)
	SetUID        = Capability(unix.CAP_SETUID)
	SetPCap       = Capability(unix.CAP_SETPCAP)
	NetAdmin      = Capability(unix.CAP_NET_ADMIN)
	SysRawIO      = Capability(unix.CAP_SYS_RAWIO)
	SysPtrace     = Capability(unix.CAP_SYS_PTRACE)
	SysAdmin      = Capability(unix.CAP_SYS_ADMIN)
	Perfmon       = Capability(unix.CAP_PERFMON)
)

// names returns the names of all capabilities, in the order of their numbers.
func names() []string {
	return []string{
		"CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL", "CAP_SETGID", "CAP_SETUID",
		"CAP_SETPCAP", "CAP_LINUX_IMMUTABLE", "CAP_NET_BIND_SERVICE", "CAP_NET_BROADCAST", "CAP_NET_ADMIN", "CAP_NET_RAW", "CAP_IPC_LOCK", "CAP_IPC_OWNER",
		"CAP_SYS_MODULE", "CAP_SYS_RAWIO", "CAP_SYS_CHROOT", "CAP_SYS_PTRACE", "CAP_SYS_PACCT", "CAP_SYS_ADMIN", "CAP_SYS_BOOT", "CAP_SYS_NICE",
		"CAP_SYS_RESOURCE", "CAP_SYS_TIME", "CAP_SYS_TTY_CONFIG", "CAP_MKNOD", "CAP_LEASE", "CAP_AUDIT_WRITE", "CAP_AUDIT_CONTROL", "CAP_SETFCAP",
		"CAP_MAC_OVERRIDE", "CAP_MAC_ADMIN", "CAP_SYSLOG", "CAP_WAKE_ALARM", "CAP_BLOCK_SUSPEND", "CAP_AUDIT_READ", "CAP_PERFMON", "CAP_BPF",
		"CAP_CHECKPOINT_RESTORE",
	}
}

func (c Capability) String() string {
	if all := names(); int(c) < len(all) {
		return all[c]
	}
	return fmt.Sprintf("capability %d", uint(c))
}

// Parse returns the capability with a name, such as CAP_KILL.
func Parse(name string) (Capability, bool) {
	i := slices.Index(names(), name)
	return Capability(max(i, 0)), i >= 0
}

// A Set is a set of capabilities, one bit each.
type Set uint64

// A State is the capabilities of a thread.
type State struct {
	Effective   Set // that the kernel grants now
	Permitted   Set // that the thread may make effective
	Inheritable Set // that a program it starts may get
}

// Read returns the capabilities of the calling thread.
func Read() (State, error) {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&header, &data[0]); err != nil {
		return State{}, fmt.Errorf("capget: %w", err)
	}
	set := func(low, high uint32) Set { return Set(high)<<32 | Set(low) }
	return State{
		Effective:   set(data[0].Effective, data[1].Effective),
		Permitted:   set(data[0].Permitted, data[1].Permitted),
		Inheritable: set(data[0].Inheritable, data[1].Inheritable),
	}, nil
}

// Effective returns the capabilities that the kernel grants the process now.
func Effective() (Set, error) {
	s, err := Read()
	return s.Effective, err
}

// SetOf returns the set with these capabilities.
func SetOf(capabilities ...Capability) (s Set) {
	for _, c := range capabilities {
		s |= 1 << c
	}
	return s
}

// ClearInheritable clears the inheritable set of the calling thread, which must be
// locked.
func ClearInheritable() error {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&header, &data[0]); err != nil {
		return fmt.Errorf("capget: %w", err)
	}
	data[0].Inheritable, data[1].Inheritable = 0, 0
	if err := unix.Capset(&header, &data[0]); err != nil {
		return fmt.Errorf("capset: %w", err)
	}
	return nil
}

// Has reports whether a capability is in the set.
func (s Set) Has(c Capability) bool { return s&(1<<c) != 0 }

// Missing returns the names of the capabilities that the set lacks.
func (s Set) Missing(need ...Capability) (names []string) {
	for _, c := range need {
		if !s.Has(c) {
			names = append(names, c.String())
		}
	}
	return names
}
