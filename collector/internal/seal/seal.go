// Package seal takes from the running process what it does not need: privileges,
// files, TCP, and the system calls that start programs or change other processes.
// What a process gave away it cannot get back. The package knows nothing of
// collectors: Needs says what they read.
package seal

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/hostexporter/host_exporter/collector/internal/seccomp"
)

// A Mode is what to do about a layer that cannot be enforced.
type Mode string

const (
	Auto     Mode = "auto"     // go on without it
	Required Mode = "required" // return an error
	Off      Mode = "off"      // enforce none
)

// A Layer is one of the mechanisms that confine the process.
type Layer string

// The layers, in the order in which they are enforced.
const (
	NoNewPrivs   Layer = "no_new_privs" // setuid programs give no privileges
	Dumpable     Layer = "dumpable"     // no other process of the user reads the memory
	Capabilities Layer = "capabilities" // only those that are needed
	Landlock     Layer = "landlock"     // only the files that are needed, to read; no TCP
	Seccomp      Layer = "seccomp"      // no system calls that change other processes
)

// Layers returns all layers.
func Layers() []Layer { return []Layer{NoNewPrivs, Dumpable, Capabilities, Landlock, Seccomp} }

// A State is how much of a layer is in effect.
type State string

const (
	Enforced    State = "enforced"
	Partial     State = "partial"     // as much as the kernel can
	Unavailable State = "unavailable" // the kernel lacks it, or forbids it
	Disabled    State = "off"         // the mode, or something that is needed
)

// A LayerState is the state of one layer.
type LayerState struct {
	Layer  Layer
	State  State
	Detail string // why it is not enforced; empty if it is
}

// A Report is what Enforce did.
type Report struct {
	Layers []LayerState

	granted Needs
	dropped capabilityDrop
}

// Enforce takes from all threads of the process what the needs do not have. With
// Required, the error names what could not be enforced; the rest is in effect then.
func Enforce(n Needs, mode Mode) (Report, error) {
	r := Report{granted: n}
	if mode == Off {
		for _, l := range Layers() {
			r.add(l, Disabled, "--sandbox=off")
		}
		return r, nil
	}
	// no_new_privs of this thread is what the filter gives all threads.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	enforce := func(l Layer, layer func() (State, string)) {
		if reason, ok := n.Exceptions[l]; ok {
			r.add(l, Disabled, reason)
			return
		}
		r.add(l, Unavailable, "")
		last := &r.Layers[len(r.Layers)-1]
		last.State, last.Detail = layer()
	}
	enforce(NoNewPrivs, setNoNewPrivs)
	enforce(Dumpable, clearDumpable)
	enforce(Capabilities, func() (state State, detail string) {
		state, detail, r.dropped = dropCapabilities(n.Capabilities)
		return state, detail
	})
	enforce(Landlock, n.enterLandlock)
	enforce(Seccomp, installFilter)
	if i := slices.IndexFunc(r.Layers, func(l LayerState) bool { return l.Layer == NoNewPrivs }); r.state(Seccomp) == Enforced && r.Layers[i].State == Unavailable {
		r.Layers[i] = LayerState{NoNewPrivs, Enforced, ""} // the filter gave it to all threads
	}
	if mode == Required && !r.Complete() {
		return r, fmt.Errorf("--sandbox=required: %s", r)
	}
	return r, nil
}

func (r *Report) add(l Layer, s State, detail string) {
	r.Layers = append(r.Layers, LayerState{l, s, detail})
}

func (r Report) state(layer Layer) State {
	for _, l := range r.Layers {
		if l.Layer == layer {
			return l.State
		}
	}
	return Disabled
}

// inEffect reports whether a layer denies anything.
func (r Report) inEffect(layer Layer) bool {
	s := r.state(layer)
	return s == Enforced || s == Partial
}

// Has reports whether a layer is in a state.
func (r Report) Has(s State) bool {
	return slices.ContainsFunc(r.Layers, func(l LayerState) bool { return l.State == s })
}

// Complete reports whether all layers are enforced.
func (r Report) Complete() bool {
	return len(r.Layers) > 0 && !slices.ContainsFunc(r.Layers, func(l LayerState) bool { return l.State != Enforced })
}

// String returns the states of the layers in one line, each with what it lacks.
func (r Report) String() string {
	var parts []string
	for _, l := range r.Layers {
		part := string(l.Layer) + " " + string(l.State)
		if l.Detail != "" {
			part += " (" + l.Detail + ")"
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, ", ")
}

// Lacks returns what the process would need and gave away.
func (r Report) Lacks(n Needs) (lacks []string) {
	for _, l := range Layers() {
		if reason, ok := n.Exceptions[l]; ok && r.inEffect(l) {
			lacks = append(lacks, fmt.Sprintf("%s off: %s", l, reason))
		}
	}
	if r.inEffect(Capabilities) {
		lacks = append(lacks, r.dropped.lacks(n.Capabilities)...)
	}
	if r.inEffect(Landlock) {
		lacks = append(lacks, n.pathsBeyond(r.granted)...)
	}
	return lacks
}

// setNoNewPrivs sets it on this thread, and on all others if this program can.
func setNoNewPrivs() (State, string) {
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return Unavailable, err.Error()
	}
	return onAllThreads(unix.SYS_PRCTL, unix.PR_SET_NO_NEW_PRIVS, 1, 0)
}

// clearDumpable makes the process unreadable for others of its user: memory,
// environment, descriptors. It also leaves no core dump.
func clearDumpable() (State, string) {
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return Unavailable, err.Error()
	}
	return Enforced, ""
}

func installFilter() (State, string) {
	filter, err := seccomp.NewNative(seccomp.Exporter(syscall.Getpid()))
	if err == nil {
		err = filter.InstallProcess()
	}
	if err != nil {
		return Unavailable, err.Error()
	}
	return Enforced, ""
}

// onAllThreads makes a system call on every thread.
func onAllThreads(trap, a1, a2, a3 uintptr) (State, string) {
	_, _, errno := syscall.AllThreadsSyscall6(trap, a1, a2, a3, 0, 0, 0)
	if errno != 0 {
		return Unavailable, threadsError(errno)
	}
	return Enforced, ""
}

// threadsError returns the text of an error of a call on all threads.
func threadsError(err error) string {
	if errors.Is(err, syscall.ENOTSUP) {
		return "the program was built with cgo, and cannot change all its threads: build it with CGO_ENABLED=0"
	}
	return err.Error()
}
