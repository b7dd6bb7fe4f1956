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
	errTimeout     = errors.New("timeout")
	errOutput      = errors.New("too much output")
	errLost        = errors.New("the supervisor does not answer")
	errTooFewFiles = fmt.Errorf("an open files limit below %d", minOpenFiles)
)

// A run is one supervisor as the exporter sees it.
type run struct {
	command Command
	timeout time.Duration // to report, once it has been asked to end the run
	group   *cgroup.Group // or nil

	process  *os.Process
	control  *os.File // closed to end the run
	pipes    []*os.File
	stdout   headBuffer
	stderr   tailBuffer
	readers  sync.WaitGroup
	overflow chan struct{} // closed when there was too much output

	done          chan struct{} // closed when the supervisor has ended
	report        report
	supervisorErr error // without a report

	cause          error // why the run was ended, if it was
	supervisorLost bool  // the supervisor was given up
}

// startRun starts a supervisor and hands it the request.
func (r *Runner) startRun(c Command, req *request, group *cgroup.Group) (*run, error) {
	u := &run{
		command: c, timeout: c.KillGrace + r.SweepTimeout + r.SupervisorTimeout, group: group,
		stdout: headBuffer{max: c.Stdout}, stderr: tailBuffer{max: c.Stderr},
		overflow: make(chan struct{}), done: make(chan struct{}),
	}
	theirs, err := u.start(r.Executable)
	for _, f := range theirs {
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
	// A request that is larger than a pipe waits for the supervisor to read it.
	_ = u.control.SetWriteDeadline(time.Now().Add(c.Timeout))
	if err := json.NewEncoder(u.control).Encode(req); err != nil {
		u.cause = fmt.Errorf("handing over the request: %w", err)
	}
	return u, nil
}

// start starts the supervisor and returns the files that are its own.
func (u *run) start(executable string) (theirs []*os.File, err error) {
	null, err := os.Open(os.DevNull)
	if err != nil {
		return nil, err
	}
	theirs = append(theirs, null)
	for range 2 { // stdout and stderr
		ours, its, err := pipe(false)
		if err != nil {
			return theirs, err
		}
		u.pipes, theirs = append(u.pipes, ours), append(theirs, its)
	}
	ours, its, err := pipe(true)
	if err != nil {
		return theirs, err
	}
	u.control, theirs = ours, append(theirs, its)
	if ours, its, err = pipe(false); err != nil {
		return theirs, err
	}
	u.pipes, theirs = append(u.pipes, ours), append(theirs, its)
	if u.group != nil {
		dir, err := os.Open(u.group.Dir())
		if err != nil {
			return theirs, err
		}
		theirs = append(theirs, dir)
	}
	u.process, err = os.StartProcess(executable, []string{supervisorName, u.command.Name}, &os.ProcAttr{
		Env:   []string{"GOMAXPROCS=1", "GOGC=off"}, // it lives on one CPU and in a few hundred kilobytes
		Files: theirs,
		Sys:   &syscall.SysProcAttr{Setsid: true}, // Ctrl-C is for the exporter
	})
	return theirs, err
}

// pipe returns a pipe of which the exporter's end, the one to write to if so
// asked, knows deadlines. The other end blocks, as programs expect it to.
func pipe(write bool) (ours, theirs *os.File, err error) {
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

// await takes the report and waits for the supervisor to end.
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

// watch returns when the run is over, or nothing more can be done.
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

// abandon kills a supervisor that does not answer, after what is in its
// charge: with it gone the kernel would hand that to somebody else.
func (u *run) abandon() {
	u.supervisorLost = true
	if u.group != nil {
		_ = u.group.Kill()
	}
	for range 100 { // what is born meanwhile is found the next time
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
	select { // it may be stuck in the kernel itself
	case <-u.done:
	case <-time.After(time.Second):
	}
}

// result says what became of the run.
func (u *run) result() Result {
	// Whoever has the program's output open by now was handed it by the program
	// and cannot be killed, or is none of its children.
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

// failure looks for the first thing that went wrong.
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
		return OOM, u.errorf("killed for want of memory: more than %d bytes", u.command.Memory)
	case u.stdout.overflowed:
		return Output, u.errorf("more than %d bytes of output", u.command.Stdout)
	case rep.SentSIGTERM && errors.Is(u.cause, errTimeout):
		return Timeout, u.errorf("not done after %s", u.command.Timeout)
	case rep.SentSIGTERM:
		return Cancelled, u.errorf("cancelled: %w", u.cancelCause())
	case res.Signal == unix.SIGXCPU, res.Signal == unix.SIGKILL && u.command.CPU > 0 && res.CPU > u.command.CPU:
		return Timeout, u.errorf("not done after %s on the CPU", u.command.CPU)
	case res.Signal == unix.SIGXFSZ:
		return Signal, u.errorf("%v: more than %d bytes in a file", res.Signal, u.command.FileSize)
	case res.Signal != 0:
		return Signal, u.errorf("ended by signal %d: %v", int(res.Signal), res.Signal)
	case res.ExitCode != 0:
		return Exit, u.errorf("exit code %d", res.ExitCode)
	}
	return "", nil
}

// cancelCause says who ended the run. A supervisor may also be sent SIGTERM by
// somebody else, as by a service manager.
func (u *run) cancelCause() error {
	if u.cause == nil {
		return errors.New("the supervisor was told to stop")
	}
	return u.cause
}

func (u *run) errorf(format string, args ...any) error {
	return fmt.Errorf(u.command.Argv[0]+": "+format, args...)
}

// close lets go of what the run held.
func (u *run) close() {
	if u.control != nil {
		_ = u.control.Close()
	}
	for _, p := range u.pipes {
		_ = p.Close()
	}
}
