// Package capability reads the capabilities of the process, the parts of root's
// privilege that capabilities(7) describes.
package capability

import (
	"fmt"

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

func (c Capability) String() string {
	switch c {
	case Chown:
		return "CAP_CHOWN"
	case DACOverride:
		return "CAP_DAC_OVERRIDE"
	case DACReadSearch:
		return "CAP_DAC_READ_SEARCH"
	case FOwner:
		return "CAP_FOWNER"
	case Kill:
		return "CAP_KILL"
	case SetGID:
		return "CAP_SETGID"
	case SetUID:
		return "CAP_SETUID"
	case SetPCap:
		return "CAP_SETPCAP"
	case NetAdmin:
		return "CAP_NET_ADMIN"
	case SysRawIO:
		return "CAP_SYS_RAWIO"
	case SysPtrace:
		return "CAP_SYS_PTRACE"
	case SysAdmin:
		return "CAP_SYS_ADMIN"
	case Perfmon:
		return "CAP_PERFMON"
	}
	return fmt.Sprintf("capability %d", uint(c))
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
