package rport

import (
	"math"
	"strings"

	"github.com/hostexporter/host_exporter/collector/hba/internal/fpin"
)

// A State is the state of a remote port.
type State uint8

// The states that a remote port can have.
const (
	Online     State = iota // logged in
	Blocked                 // lost; what it is asked waits until a timeout is over
	Marginal                // logged in, and set aside by multipathd or an operator
	NotPresent              // lost for so long that its devices were removed
	Deleted                 // on its way out
	Unknown                 // any other word
	NumStates
)

// words are what the kernel calls the states, names what labels do.
var (
	words = [NumStates]string{"Online", "Blocked", "Marginal", "Not Present", "Deleted", "Unknown"}
	names = [NumStates]string{"online", "blocked", "marginal", "not_present", "deleted", "unknown"}
)

// String returns the state as a label value.
func (s State) String() string { return names[s] }

// state returns the state for the kernel's word, and whether it is known.
func state(word []byte) (State, bool) {
	for s, w := range words {
		if w == string(word) {
			return State(s), true
		}
	}
	return Unknown, false
}

// A Role is what a remote port is to this host.
type Role uint8

// The roles that remote ports are counted by. One that is a target for both
// SCSI and NVMe is the former.
const (
	FCPTarget Role = iota
	NVMeTarget
	Initiator
	Other // services of the fabric, and what has not said yet
	NumRoles
)

var roleNames = [NumRoles]string{"fcp_target", "nvme_target", "initiator", "other"}

// String returns the role as a label value.
func (r Role) String() string { return roleNames[r] }

// roles reads a list such as "FCP Target, NVMe Target". The list is returned in
// lower case, with underscores for blanks and no blanks between.
func roles(b []byte) (list string, role Role) {
	list = strings.ReplaceAll(strings.ToLower(string(b)), ", ", ",")
	list = strings.ReplaceAll(list, " ", "_")
	role = Other
	for one := range strings.SplitSeq(list, ",") {
		switch one {
		case "fcp_target":
			role = FCPTarget
		case "nvme_target":
			role = min(role, NVMeTarget)
		case "fcp_initiator", "nvme_initiator", "fcp_dummy_initiator":
			role = min(role, Initiator)
		}
	}
	return list, role
}

// A Port is a remote port: a port of the fabric that one of the host's own
// ports is logged in to, or was. All of its strings are label values.
type Port struct {
	Name    string // such as rport-3:0-2
	Host    string // of the port that sees it, such as host3
	Channel string

	State      State
	StateKnown bool // the kernel said something about its state
	Roles      string
	Role       Role
	IsTarget   bool // or was, before it went away

	PortName string // 16 digits
	NodeName string
	ID       string // address in the fabric, 6 digits; empty when it has none
	Target   string // such as 3:0:1; empty when it is no SCSI target

	DevLoss     Timeout // until its devices are removed
	FastIOFail  Timeout // until what it is asked fails
	Encryption  Encryption
	FPIN        FPIN
	LUNs        int
	LUNsCounted bool

	inode uint64
	round uint64 // of the finder, when it was last read
	dir   string // below sysfs
	facts facts
}

// A Timeout is a time that something may take.
type Timeout struct {
	Seconds float64 // +Inf for ever
	Known   bool
	Off     bool // there is no such timeout
}

// forever is what the kernel has for a timeout that never comes.
const forever = math.MaxUint32

// Encryption is whether frames to and from a port are encrypted.
type Encryption uint8

// The answers, of which drivers that cannot encrypt give none.
const (
	NoAnswer Encryption = iota
	Unencrypted
	Encrypted
)

func encryption(word []byte) (Encryption, bool) {
	switch string(word) {
	case "Encrypted":
		return Encrypted, true
	case "Unencrypted":
		return Unencrypted, true
	}
	return NoAnswer, false
}

// FPIN are the notifications of the fabric about a port.
type FPIN struct {
	Totals [fpin.NumNotifications]uint64
	Events [fpin.NumEvents]uint64

	known [fpin.NumNotifications]bool
	seen  [fpin.NumEvents]bool        // at least once, since the port is known
	moved [fpin.NumNotifications]bool // in the last reading
	none  bool                        // the kernel counts none of them
}

// Total returns how many notifications of a kind there were, if that is known.
func (f *FPIN) Total(kind int) (uint64, bool) { return f.Totals[kind], f.known[kind] }

// Event returns how often something happened, if it ever has.
func (f *FPIN) Event(event int) (uint64, bool) { return f.Events[event], f.seen[event] }
