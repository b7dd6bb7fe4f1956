package fc

import (
	"math"
	"strings"

	"github.com/hostexporter/host_exporter/collector/hba/internal/fc/fpin"
	"github.com/hostexporter/host_exporter/collector/hba/internal/san"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

// A remoteState is the state of a remote port.
type remoteState uint8

const (
	online     remoteState = iota // logged in
	blocked                       // lost; its I/O waits until a timeout is over
	marginal                      // logged in, and set aside by multipathd or an operator
	notPresent                    // lost for so long that its devices were removed
	deleted                       // about to go
	unknown                       // any other word
	numRemoteStates
)

var (
	// remoteWords are the words of the kernel, remoteStates the label values.
	remoteWords  = [numRemoteStates]string{"Online", "Blocked", "Marginal", "Not Present", "Deleted", "Unknown"}
	remoteStates = [numRemoteStates]string{"online", "blocked", "marginal", "not_present", "deleted", "unknown"}
)

// String returns the state as a label value.
func (s remoteState) String() string { return remoteStates[s] }

// way returns the state of the way over the port.
func (s remoteState) way() san.WayState {
	switch s {
	case online:
		return san.Open
	case marginal:
		return san.Marginal
	}
	return san.Blocked
}

func parseState(word []byte) (remoteState, bool) {
	for s, w := range remoteWords {
		if w == string(word) {
			return remoteState(s), true
		}
	}
	return unknown, false
}

// A role is what a remote port is to this host.
type role uint8

// The roles that remote ports are counted by. One that is a target for both
// SCSI and NVMe is the former.
const (
	fcpTarget role = iota
	nvmeTarget
	initiator
	otherRole // services of the fabric, or not known yet
	numRoles
)

var roleNames = [numRoles]string{"fcp_target", "nvme_target", "initiator", "other"}

// String returns the role as a label value.
func (r role) String() string { return roleNames[r] }

// parseRoles parses a list such as "FCP Target, NVMe Target". It returns the list
// in lower case, with underscores for the spaces in names and none between them.
func parseRoles(b []byte) (list string, r role) {
	list = strings.ReplaceAll(strings.ToLower(string(b)), ", ", ",")
	list = strings.ReplaceAll(list, " ", "_")
	r = otherRole
	for one := range strings.SplitSeq(list, ",") {
		switch one {
		case "fcp_target":
			r = fcpTarget
		case "nvme_target":
			r = min(r, nvmeTarget)
		case "fcp_initiator", "nvme_initiator", "fcp_dummy_initiator":
			r = min(r, initiator)
		}
	}
	return list, r
}

// A remotePort is a port of the fabric that a port of the host is logged in to,
// or was. All of its strings are label values.
type remotePort struct {
	name    string // such as rport-3:0-2
	host    string // of the port that sees it, such as host3
	channel string

	state      remoteState
	stateKnown bool
	roles      string
	role       role
	isTarget   bool // or was, before it went away

	portName string // 16 digits
	nodeName string
	id       string // address in the fabric, 6 digits; empty when it has none
	target   string // such as 3:0:1; empty when it is no SCSI target

	devLoss     timeout // until its devices are removed
	fastIOFail  timeout // until its I/O fails
	encryption  encryption
	fpin        notifications
	luns        int
	lunsCounted bool

	inode uint64
	round uint64 // of the finder, when it was last read
	dir   string // below sysfs
	named bool   // nameOf has read the name
	last  facts
}

// A timeout is a time that something may take.
type timeout struct {
	seconds float64 // +Inf for ever
	known   bool
	off     bool // there is no such timeout
}

// forever is the kernel's number for a timeout that never ends.
const forever = math.MaxUint32

// parseTimeout parses seconds or off.
func parseTimeout(b []byte) (timeout, bool) {
	if string(b) == "off" {
		return timeout{known: true, off: true}, true
	}
	v, ok := scan.Uint(b)
	if !ok {
		return timeout{}, false
	}
	if v >= forever {
		return timeout{known: true, seconds: math.Inf(1)}, true
	}
	return timeout{known: true, seconds: float64(v)}, true
}

// An encryption says whether frames to and from a port are encrypted.
type encryption uint8

const (
	encryptionUnknown encryption = iota // as with drivers that cannot encrypt
	unencrypted
	encrypted
)

func parseEncryption(word []byte) (encryption, bool) {
	switch string(word) {
	case "Encrypted":
		return encrypted, true
	case "Unencrypted":
		return unencrypted, true
	}
	return encryptionUnknown, false
}

// notifications are the notifications of the fabric about a port.
type notifications struct {
	totals [fpin.NumNotifications]uint64
	events [fpin.NumEvents]uint64

	known   [fpin.NumNotifications]bool
	seen    [fpin.NumEvents]bool        // at least once, since the port is known
	changed [fpin.NumNotifications]bool // in the last reading
	none    bool                        // the kernel counts none of them
}
