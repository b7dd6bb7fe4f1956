package scsi

import (
	"errors"
	"io/fs"
	"syscall"

	"github.com/hostexporter/host_exporter/collector/hba/internal/attr"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/scsicount"
)

// A state is what the kernel does with a device.
type state int

const (
	noState state = iota // could not be read
	running
	offline
	transportOffline
	blocked
	created
	cancel
	deleted
	quiesce
	createdBlocked
	otherState // any other word
	numStates
)

var states = [numStates]struct{ word, label string }{
	{}, {"running", "running"}, {"offline", "offline"}, {"transport-offline", "transport_offline"}, {"blocked", "blocked"},
	{"created", "created"}, {"cancel", "cancel"}, {"deleted", "deleted"}, {"quiesce", "quiesce"},
	{"created-blocked", "created_blocked"}, {"", "unknown"},
}

// String returns the state as a label value.
func (s state) String() string { return states[s].label }

// An access is the asymmetric access state (ALUA) of the target port group that
// a device is reached through.
type access int

const (
	noAccess access = iota // no device handler is attached
	optimized
	nonOptimized
	standby
	unavailable
	lbaDependent
	accessOffline
	transitioning
	otherAccess // any other word
	numAccess
)

var accesses = [numAccess]struct{ word, label string }{
	{}, {"active/optimized", "optimized"}, {"active/non-optimized", "non_optimized"}, {"standby", "standby"},
	{"unavailable", "unavailable"}, {"lba-dependent", "lba_dependent"}, {"offline", "offline"},
	{"transitioning", "transitioning"}, {"unknown", "unknown"},
}

// String returns the access state as a label value.
func (a access) String() string { return accesses[a].label }

// A detail is how much of a device is read.
type detail int

// The details; each includes those before it.
const (
	onlyHealth   detail = iota // state and access
	withErrors                 // and the counters of errors
	withRequests               // and those of requests
)

// refresh reads the values of a device. It reports false for a device that is
// no longer there.
func (l *device) refresh(a attr.Reader, detail detail) bool {
	b, err := a.Sys.Text(class, l.hctl, "device/state")
	switch {
	case err == nil:
		l.state = stateOf(b)
		if l.state == otherState {
			a.Out.Error(a.Sys.At(host.Bad(1, "a state of a SCSI device", b)))
		}
	case host.Gone(err):
		return false
	case errors.Is(err, syscall.EINVAL): // the kernel has no word for it
		l.state = otherState
	default:
		l.state = noState
		a.Out.Error(err)
	}
	l.refreshAccess(a)
	if detail < withErrors {
		return true
	}
	failed, late := l.counter(a, "device/ioerr_cnt"), l.counter(a, "device/iotmo_cnt")
	l.newErrors = l.errors.Known && failed.Known && failed != l.errors || l.timeouts.Known && late.Known && late != l.timeouts
	l.errors, l.timeouts = failed, late
	if detail >= withRequests {
		l.requests = l.steady[0].Next(l.counter(a, "device/iorequest_cnt"), l.mask)
		l.done = l.steady[1].Next(l.counter(a, "device/iodone_cnt"), l.mask)
	}
	return true
}

func (l *device) refreshAccess(a attr.Reader) {
	l.access = noAccess
	if l.noHandler {
		return
	}
	b, err := a.Sys.Text(class, l.hctl, "device/access_state")
	switch {
	case err == nil:
		if l.access = accessOf(b); l.access == otherAccess && string(b) != "unknown" {
			a.Out.Error(a.Sys.At(host.Bad(1, "an access state", b)))
		}
	case errors.Is(err, fs.ErrNotExist):
		// The kernel decides that when it creates the device, and each further
		// attempt costs an allocation for the error.
		l.noHandler = true
	case !absent(err):
		a.Out.Error(err)
	}
}

func stateOf(b []byte) state {
	for s := running; s < otherState; s++ {
		if string(b) == states[s].word {
			return s
		}
	}
	return otherState
}

func accessOf(b []byte) access {
	for a := optimized; a < otherAccess; a++ {
		if string(b) == accesses[a].word {
			return a
		}
	}
	return otherAccess
}

// counter reads a counter of commands.
func (l *device) counter(a attr.Reader, file string) scsicount.Counter {
	v, ok := a.Hex(class, l.hctl, file)
	return scsicount.Counter{Value: v & l.mask, Known: ok}
}

// absent reports whether an error says that there is no such attribute, or that
// it has no value on this device.
func absent(err error) bool { return host.Gone(err) || errors.Is(err, syscall.EINVAL) }
