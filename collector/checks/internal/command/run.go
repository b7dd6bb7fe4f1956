package command

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/hostexporter/host_exporter/collector/checks/internal/cgroup"
)

var (
	errTimeout = errors.New("timeout")
	errOutput  = errors.New("too much output")
	errLost    = errors.New("the supervisor did not report in time")
)

// A run is the exporter's side of one supervisor.
type run struct {
	command Command
	timeout time.Duration // of the report, after control was closed
	group   *cgroup.Group // or nil

	process  *os.Process
	control  *os.File // closed to end the run
	pipes    []*os.File
	stdout   headBuffer
	stderr   tailBuffer
	readers  sync.WaitGroup
	overflow chan struct{} // closed when stdout exceeds its limit

	done          chan struct{} // closed when the supervisor has ended
	report        report
	supervisorErr error // why there is no report

	cause          error // why the exporter ended the run, if it did
	supervisorLost bool  // it did not report in time
}

// startRun starts a supervisor and sends it the request.
func (r *Runner) startRun(c Command, req *request, group *cgroup.Group) (*run, error) {
	u := &run{
		command: c, timeout: c.KillGrace + r.SweepTimeout + r.SupervisorTimeout, group: group,
		stdout: headBuffer{max: c.Stdout}, stderr: tailBuffer{max: c.Stderr},
		overflow: make(chan struct{}), done: make(chan struct{}),
	}
	childFiles, err := u.start(r.Executable)
	for _, f := range childFiles {
		_ = f.Close()
	}
	if err != nil {
		u.close()
		return nil, fmt.Errorf("%s: starting a supervisor: %w", c.Argv[0], err)
	}
	u.readers.Go(func() {
		if u.stdout.readFrom(u.pipes[0]) {
			close(u.overflow)
		}
	})
	u.readers.Go(func() { u.stderr.readFrom(u.pipes[1]) })
	go u.await(u.pipes[2])
	// The write of a request that is larger than a pipe blocks until it is read.
	_ = u.control.SetWriteDeadline(time.Now().Add(c.Timeout))
	if err := json.NewEncoder(u.control).Encode(req); err != nil {
		u.cause = fmt.Errorf("sending the request: %w", err)
	}
	return u, nil
}

// start starts the supervisor and returns its ends of the pipes, to be closed.
func (u *run) start(executable string) (childFiles []*os.File, err error) {
	null, err := os.Open(os.DevNull)
	if err != nil {
		return nil, err
	}
	childFiles = append(childFiles, null)
	for range 2 { // stdout and stderr
		parent, child, err := pipe(false)
		if err != nil {
			return childFiles, err
		}
		u.pipes, childFiles = append(u.pipes, parent), append(childFiles, child)
	}
	parent, child, err := pipe(true)
	if err != nil {
		return childFiles, err
	}
	u.control, childFiles = parent, append(childFiles, child)
	if parent, child, err = pipe(false); err != nil {
		return childFiles, err
	}
	u.pipes, childFiles = append(u.pipes, parent), append(childFiles, child)
	if u.group != nil {
		dir, err := os.Open(u.group.Dir())
		if err != nil {
			return childFiles, err
		}
		childFiles = append(childFiles, dir)
	}
	u.process, err = os.StartProcess(executable, []string{supervisorName, u.command.Name}, &os.ProcAttr{
		Env:   []string{"GOMAXPROCS=1", "GOGC=off"}, // it needs one CPU and a few hundred kilobytes
		Files: childFiles,
		Sys:   &syscall.SysProcAttr{Setsid: true}, // Ctrl-C does not reach it
	})
	return childFiles, err
}

// pipe returns a pipe. The exporter's end, which is the one to write to if write
// is set, supports deadlines. The child's end blocks, as programs expect.
func pipe(write bool) (parent, child *os.File, err error) {
	var fds [2]int
	if err := unix.Pipe2(fds[:], unix.O_CLOEXEC); err != nil {
		return nil, nil, os.NewSyscallError("pipe2", err)
	}
	if write {
		fds[0], fds[1] = fds[1], fds[0]
	}
	if err := unix.SetNonblock(fds[0], true); err != nil {
		_, _ = unix.Close(fds[0]), unix.Close(fds[1])
		return nil, nil, os.NewSyscallError("fcntl", err)
	}
	return os.NewFile(uintptr(fds[0]), "|0"), os.NewFile(uintptr(fds[1]), "|1"), nil
}

// await reads the report and waits for the supervisor to end.
func (u *run) await(reply *os.File) {
	defer close(u.done)
	err := json.NewDecoder(reply).Decode(&u.report)
	state, waitErr := u.process.Wait()
	switch {
	case err == nil:
	case waitErr != nil:
		u.supervisorErr = waitErr
	default:
		u.supervisorErr = fmt.Errorf("the supervisor ended without a report: %s", state)
	}
}

// watch returns when the supervisor has ended. It asks the supervisor to end the
// run when the time or ctx is over, or there is too much output, and abandons a
// supervisor that then does not report in time.
func (u *run) watch(ctx context.Context, timeout *time.Timer) {
	defer timeout.Stop()
	if u.cause == nil {
		select {
		case <-u.done:
			return
		case <-timeout.C:
			u.cause = errTimeout
		case <-u.overflow:
			u.cause = errOutput
		case <-ctx.Done():
			u.cause = context.Cause(ctx)

		}
	}
	_ = u.control.Close()
	late := time.NewTimer(u.timeout)
	defer late.Stop()
	select {
	case <-u.done:
	case <-late.C:
		u.abandon()
	}
}

// abandon kills the processes of the run, and then the supervisor. In the other
// order, the kernel would give the processes another parent.
func (u *run) abandon() {
	u.supervisorLost = true
	if u.group != nil {
		_ = u.group.Kill()
	}
	for range 100 { // processes that start meanwhile are found in the next round
		alive := 0
		for _, p := range descendants(u.process.Pid) {
			if !p.isDead() && p.kill() == nil {
				alive++
			}
		}
		if alive == 0 {
			break
		}
	}
	_ = u.process.Kill()
	select { // it may be stuck in the kernel
	case <-u.done:
	case <-time.After(time.Second):
	}
}

// result returns the outcome of the run.
func (u *run) result() Result {
	// A process that still has the output open cannot be killed, or is no
	// descendant of the program.
	for _, p := range u.pipes[:2] {
		_ = p.SetReadDeadline(time.Now().Add(time.Second))
	}
	u.readers.Wait()
	res := Result{Stdout: u.stdout.bytes(), Stderr: u.stderr.bytes(), ExitCode: -1}
	if u.supervisorLost {
		res.Reason, res.Err = Stuck, u.errorf("%w", errLost)
		return res
	}
	rep := &u.report
	res.CPU, res.MaxRSS, res.Orphans = rep.CPU, rep.MaxRSS, rep.Orphans
	if rep.HasStatus && rep.Status.Exited() {
		res.ExitCode = rep.Status.ExitStatus()
	}
	if rep.HasStatus && rep.Status.Signaled() {
		res.Signal = rep.Status.Signal()
	}
	res.Reason, res.Err = u.failure(res)
	return res
}

// failure returns why the run failed: the first reason that applies.
func (u *run) failure(res Result) (Reason, error) {
	rep := &u.report
	switch {
	case u.supervisorErr != nil:
		return Stuck, u.errorf("%w", u.supervisorErr)
	case rep.SandboxFailed:
		return Sandbox, errors.New(rep.SpawnError)
	case rep.SpawnError != "":
		return Spawn, errors.New(rep.SpawnError)
	case len(rep.Survivors) > 0:
		return Stuck, u.errorf("cannot be killed: %s", strings.Join(rep.Survivors, ", "))
	case u.group != nil && u.group.OOMKilled():
		return OOM, u.errorf("killed: more than %d bytes of memory", u.command.Memory)
	case u.stdout.overflowed:
		return Output, u.errorf("more than %d bytes of output", u.command.Stdout)
	case rep.SentSIGTERM && errors.Is(u.cause, errTimeout):
		return Timeout, u.errorf("timed out after %s", u.command.Timeout)
	case rep.SentSIGTERM:
		return Cancelled, u.errorf("cancelled: %w", u.cancelCause())
	case res.Signal == unix.SIGXCPU, res.Signal == unix.SIGKILL && u.command.CPU > 0 && res.CPU > u.command.CPU:
		return Timeout, u.errorf("more than %s of CPU time", u.command.CPU)
	case res.Signal == unix.SIGXFSZ:
		return Signal, u.errorf("%v: more than %d bytes written to a file", res.Signal, u.command.FileSize)
	case res.Signal != 0:
		return Signal, u.errorf("ended by signal %d: %v", int(res.Signal), res.Signal)
	case res.ExitCode != 0:
		return Exit, u.errorf("exit code %d", res.ExitCode)
	}
	return "", nil
}

// cancelCause returns why the run was cancelled. A service manager may also send
// SIGTERM to the supervisor.
func (u *run) cancelCause() error {
	if u.cause == nil {
		return errors.New("the supervisor received SIGTERM")
	}
	return u.cause
}

func (u *run) errorf(format string, args ...any) error {
	return fmt.Errorf(u.command.Argv[0]+": "+format, args...)
}

// close closes the exporter's ends of the pipes.
func (u *run) close() {
	if u.control != nil {
		_ = u.control.Close()
	}
	for _, p := range u.pipes {
		_ = p.Close()
	}
}
