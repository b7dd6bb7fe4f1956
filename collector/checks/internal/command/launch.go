package command

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"os"
	"runtime"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/hostexporter/host_exporter/collector/checks/internal/cgroup"
)

// kernelTimerSlack is the timer slack of a process that sets none.
const kernelTimerSlack = 50 * time.Microsecond

// A launchResult is a started program, or why there is none.
type launchResult struct {
	pid     int
	limited bool // it has the memory limit of the supervisor as its soft limit
	err     error
}

// launch starts the program from a thread of its own. The attributes that it sets
// (nice, I/O class, no_new_privs, the sandbox) are those of this thread and of
// what it starts, but not of the supervisor's other threads.
func (r *request) launch(stdout, stderr uintptr, started chan<- launchResult) {
	runtime.LockOSThread()
	started <- r.startProgram(stdout, stderr)
	// The kernel sends SIGKILL to the program when this thread ends (Pdeathsig).
	select {}
}

func (r *request) startProgram(stdout, stderr uintptr) (l launchResult) {
	if l.err = r.prepare(); l.err != nil {
		return l
	}
	restore, applied, err := r.applyLimit()
	if err != nil {
		return launchResult{err: err}
	}
	if r.Memory >= 0 && !applied {
		l.pid, l.err = r.startStage(stdout, stderr)
		return l
	}
	l.pid, l.err = r.forkExec(r.Argv[0], r.Argv, 0, stdout, stderr)
	restore()
	l.limited = l.err == nil && applied
	return l
}

// limitHard sets the hard memory limit of the program. The thread that started it
// must not: its filter denies it. For a program of another user this needs
// CAP_SYS_RESOURCE; without it the program can raise its soft limit.
func (r *request) limitHard(pid int) {
	_ = unix.Prlimit(pid, unix.RLIMIT_DATA, &unix.Rlimit{Cur: uint64(r.Memory), Max: uint64(r.Memory)}, nil)
}

// applyLimit sets the memory limit on the supervisor itself, so that the program
// has it from its first instruction, until restore is called. It does not apply
// a limit that the supervisor itself would exceed: the runtime would fail to map
// memory, so such a limit needs the second stage. A limit that is set on a running
// program comes milliseconds late, when a shell already has children.
func (r *request) applyLimit() (restore func(), applied bool, err error) {
	if r.Memory < 0 {
		return func() {}, false, nil
	}
	if mapped, err := mappedData(); err != nil || mapped >= r.Memory-headroom {
		return func() {}, false, nil
	}
	var before unix.Rlimit
	if err := unix.Prlimit(0, unix.RLIMIT_DATA, nil, &before); err != nil {
		return nil, false, fmt.Errorf("reading the memory limit: %w", err)
	}
	within := unix.Rlimit{Cur: min(uint64(r.Memory), before.Max), Max: before.Max}
	if err := unix.Prlimit(0, unix.RLIMIT_DATA, &within, nil); err != nil {
		return nil, false, fmt.Errorf("setting the memory limit: %w", err)
	}
	return func() { _ = unix.Prlimit(0, unix.RLIMIT_DATA, &before, nil) }, true, nil
}

// prepare sets the attributes that the program inherits.
func (r *request) prepare() error {
	unix.Umask(0o077)
	if err := setCloseOnExec(); err != nil {
		return fmt.Errorf("setting close-on-exec: %w", err)
	}
	if err := r.setLimits(); err != nil {
		return err
	}
	// A low priority is a courtesy: that a kernel refuses it is no error.
	if raw, err := unix.Getpriority(unix.PRIO_PROCESS, 0); err == nil {
		_ = unix.Setpriority(unix.PRIO_PROCESS, 0, min(20-raw+10, 19)) // the system call returns 20 - nice
	}
	const whoProcess, classIdle = 1, 3 << 13
	_, _, _ = unix.Syscall(unix.SYS_IOPRIO_SET, whoProcess, 0, classIdle)
	// The exporter's own is larger.
	_ = unix.Prctl(unix.PR_SET_TIMERSLACK, uintptr(kernelTimerSlack), 0, 0, 0)
	return r.restrict()
}

// setLimits sets the limits that the supervisor shares with its program.
func (r *request) setLimits() error {
	for _, l := range []struct {
		what      string
		resource  int
		soft      int64
		overshoot uint64 // of the hard limit over the soft one
	}{
		{"core size", unix.RLIMIT_CORE, 0, 0},
		{"CPU", unix.RLIMIT_CPU, r.CPUSeconds, 1}, // SIGXCPU, then SIGKILL a second later
		{"open files", unix.RLIMIT_NOFILE, r.OpenFiles, 0},
		{"file size", unix.RLIMIT_FSIZE, r.FileSize, 0},
		{"processes", unix.RLIMIT_NPROC, r.Processes, 0},
	} {
		if l.soft < 0 {
			continue
		}
		var have unix.Rlimit
		if err := unix.Prlimit(0, l.resource, nil, &have); err != nil {
			return fmt.Errorf("reading the %s limit: %w", l.what, err)
		}
		hard := min(uint64(l.soft)+l.overshoot, have.Max)
		if err := unix.Prlimit(0, l.resource, &unix.Rlimit{Cur: min(uint64(l.soft), hard), Max: hard}, nil); err != nil {
			return fmt.Errorf("setting the %s limit: %w", l.what, err)
		}
	}
	return nil
}

// forkExec starts a program with the request's environment and attributes.
func (r *request) forkExec(path string, argv []string, files ...uintptr) (int, error) {
	attr := &syscall.ProcAttr{
		Dir:   "/",
		Env:   r.Env,
		Files: files,
		Sys: &syscall.SysProcAttr{
			Setsid:     true,
			Pdeathsig:  unix.SIGKILL,
			Credential: r.Credential,
		},
	}
	for _, c := range r.Capabilities {
		attr.Sys.AmbientCaps = append(attr.Sys.AmbientCaps, uintptr(c))
	}
	if r.GroupDir == "" {
		pid, err := syscall.ForkExec(path, argv, attr)
		return pid, execError(path, err)
	}
	// The supervisor enters the group for a moment: the program starts in it.
	if err := cgroup.Enter(r.GroupDir); err != nil {
		return 0, err
	}
	pid, err := syscall.ForkExec(path, argv, attr)
	if homeErr := cgroup.Enter(r.HomeDir); homeErr != nil {
		return pid, homeErr
	}
	return pid, execError(path, err)
}

func execError(path string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, unix.ENOENT):
		return fmt.Errorf("%s: %w: want the interpreter of its first line", path, err)
	case errors.Is(err, unix.ENOEXEC):
		return fmt.Errorf("%s: %w: want a program for this machine, or a script whose first line is #! and an interpreter", path, err)
	}
	return fmt.Errorf("%s: %w", path, err)
}

// setCloseOnExec marks all descriptors from 3 on, including those that the
// exporter inherited.
func setCloseOnExec() error {
	if err := unix.CloseRange(controlFD, math.MaxUint32, unix.CLOSE_RANGE_CLOEXEC); err == nil {
		return nil
	}
	entries, err := os.ReadDir("/proc/self/fd") // before Linux 5.11
	for _, e := range entries {
		if fd, err := strconv.Atoi(e.Name()); err == nil && fd >= controlFD {
			unix.CloseOnExec(fd)
		}
	}
	return err
}

// mappedData returns how many bytes of the memory that RLIMIT_DATA counts the
// supervisor has mapped.
func mappedData() (int64, error) {
	b, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0, err
	}
	const dataField = 5 // data and stack, in pages
	fields := bytes.Fields(b)
	if len(fields) <= dataField {
		return 0, fmt.Errorf("/proc/self/statm: want %d fields, have %q", dataField+1, b)
	}
	pages, err := strconv.ParseInt(string(fields[dataField]), 10, 64)
	return pages * int64(os.Getpagesize()), err
}
