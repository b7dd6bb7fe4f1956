package lun

import (
	"errors"
	"io/fs"
	"syscall"

	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

// A State is what the kernel does with a device.
type State int

// The states that matter here; see states for all of them.
const (
	NoState State = iota // could not be read
	Running
	Offline
	TransportOffline
	Blocked
	Created
	Cancel
	Deleted
	Quiesce
	CreatedBlocked
	OtherState // one that the kernel did not have when this was written
	NumStates
)

var states = [NumStates]struct{ word, label string }{
	{}, {"running", "running"}, {"offline", "offline"}, {"transport-offline", "transport_offline"}, {"blocked", "blocked"},
	{"created", "created"}, {"cancel", "cancel"}, {"deleted", "deleted"}, {"quiesce", "quiesce"},
	{"created-blocked", "created_blocked"}, {"", "unknown"},
}

func (s State) String() string { return states[s].label }

// An Access is the asymmetric access state (ALUA) of the target port group
// that a device is reached through.
type Access int

// The access states.
const (
	NoAccess Access = iota // no device handler is attached
	Optimized
	NonOptimized
	Standby
	Unavailable
	LBADependent
	AccessOffline
	Transitioning
	OtherAccess
	numAccess
)

var accesses = [numAccess]struct{ word, label string }{
	{}, {"active/optimized", "optimized"}, {"active/non-optimized", "non_optimized"}, {"standby", "standby"},
	{"unavailable", "unavailable"}, {"lba-dependent", "lba_dependent"}, {"offline", "offline"},
	{"transitioning", "transitioning"}, {"unknown", "unknown"},
}

func (a Access) String() string { return accesses[a].label }

// A Counter is a counter that a device may not have.
type Counter struct {
	Value uint64
	Known bool
}

// A Want is how much of a device is to be read.
type Want int

// What can be wanted; each includes what stands before it.
const (
	Health Want = iota // state and access
	Errors             // and the counters of what went wrong
	All                // and those of what was asked for
)

// Refresh reads the values of a device. It reports false for a device that is
// no longer there.
func (f *Finder) Refresh(l *LUN, want Want, skip func(error)) bool {
	b, err := f.sys.Text(class, l.HCTL, "device/state")
	switch {
	case err == nil:
		l.State = stateOf(b)
		if l.State == OtherState {
			skip(f.sys.At(host.Bad(1, "a state of a SCSI device", b)))
		}
	case host.Gone(err):
		return false
	case errors.Is(err, syscall.EINVAL): // the kernel has no word for it
		l.State = OtherState
	default:
		l.State = NoState
		skip(err)
	}
	f.refreshAccess(l, skip)
	if want < Errors {
		return true
	}
	failed, late := f.counter(l, "device/ioerr_cnt", skip), f.counter(l, "device/iotmo_cnt", skip)
	l.Moved = l.Errors.Known && failed.Known && failed != l.Errors || l.Timeouts.Known && late.Known && late != l.Timeouts
	l.Errors, l.Timeouts = failed, late
	if want >= All {
		l.Requests = l.jitter[0].next(f.counter(l, "device/iorequest_cnt", skip), l.mask)
		l.Done = l.jitter[1].next(f.counter(l, "device/iodone_cnt", skip), l.mask)
	}
	return true
}

func (f *Finder) refreshAccess(l *LUN, skip func(error)) {
	l.Access = NoAccess
	if l.noHandler {
		return
	}
	b, err := f.sys.Text(class, l.HCTL, "device/access_state")
	switch {
	case err == nil:
		if l.Access = accessOf(b); l.Access == OtherAccess && string(b) != "unknown" {
			skip(f.sys.At(host.Bad(1, "an access state", b)))
		}
	case errors.Is(err, fs.ErrNotExist):
		// The kernel decides when it makes the device, and asking costs an error.
		l.noHandler = true
	case !absent(err):
		skip(err)
	}
}

func stateOf(b []byte) State {
	for s := Running; s < OtherState; s++ {
		if string(b) == states[s].word {
			return s
		}
	}
	return OtherState
}

func accessOf(b []byte) Access {
	for a := Optimized; a < OtherAccess; a++ {
		if string(b) == accesses[a].word {
			return a
		}
	}
	return OtherAccess
}

// counter reads a counter such as 0xffffffff80000010: the kernel keeps 32 bits
// with a sign and shows 64 of them.
func (f *Finder) counter(l *LUN, file string, skip func(error)) (c Counter) {
	b, err := f.sys.Text(class, l.HCTL, file)
	if err != nil {
		if !absent(err) {
			skip(err)
		}
		return c
	}
	v, ok := scan.Hex(b)
	if !ok {
		skip(f.sys.At(host.Bad(1, "a hexadecimal number", b)))
		return c
	}
	return Counter{v & l.mask, true}
}

// A jitter steadies a counter that the kernel takes back by a few: a request
// that the driver was too busy to take has not been one.
type jitter struct{ last Counter }

// maxJitter is the largest step back that is taken for one. A device has no
// more requests under way than that.
const maxJitter = 4096

func (j *jitter) next(now Counter, mask uint64) Counter {
	if j.last.Known && now.Known && (j.last.Value-now.Value)&mask <= maxJitter {
		return j.last
	}
	j.last = now
	return now
}

// absent reports whether an error says that there is no such attribute, or
// that it has no value on this device.
func absent(err error) bool { return host.Gone(err) || errors.Is(err, syscall.EINVAL) }
