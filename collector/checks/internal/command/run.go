package command

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/hostexporter/host_exporter/collector/checks/internal/cgroup"
	"github.com/hostexporter/host_exporter/collector/internal/frame"
)

var (
	errTimeout = errors.New("timeout")
	errLost    = errors.New("the supervisor did not report in time")
)

// maxLastWords is how much is kept of what a supervisor prints that crashes.
const maxLastWords = 512

// A run is the exporter's side of one supervisor.
type run struct {
	command Command
	timeout time.Duration // of the report, after control was closed
	group   *cgroup.Group // or nil

	process   *os.Process
	control   *os.File // closed to end the run
	reply     *os.File
	crash     *os.File
	lastWords headBuffer

	reported      chan struct{} // closed when there is a report, or will be none
	done          chan struct{} // closed when the supervisor has ended
	report        report
	supervisorErr error // why there is no report
	parsed        []byte
	parseErr      error // why there is nothing parsed

	cause          error // why the exporter ended the run, if it did
	supervisorLost bool  // it did not report in time
}

// startRun starts a supervisor and sends it the request.
func (r *Runner) startRun(c Command, req *request, group *cgroup.Group, scratch *scratch) (*run, error) {
	u := &run{
		command: c, timeout: c.KillGrace + r.SweepTimeout + r.SupervisorTimeout, group: group,
		lastWords: headBuffer{max: maxLastWords},
		reported:  make(chan struct{}), done: make(chan struct{}),
	}
	childFiles, err := u.start(r.Executable, scratch)
	for _, f := range childFiles {
		_ = f.Close()
	}
	if err != nil {
		u.close()
		return nil, fmt.Errorf("%s: starting a supervisor: %w", c.Argv[0], err)
	}
	go u.await()
	// The write of a request that is larger than a pipe blocks until it is read.
	_ = u.control.SetWriteDeadline(time.Now().Add(c.Timeout))
	if err := frame.WriteJSON(u.control, req, maxRequest); err != nil {
		u.cause = fmt.Errorf("sending the request: %w", err)
	}
	return u, nil
}

// start starts the supervisor and returns its ends of the pipes, to be closed.
func (u *run) start(executable string, scratch *scratch) (childFiles []*os.File, err error) {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	childFiles = append(childFiles, null)
	add := func(write bool) (parent *os.File, child *os.File) {
		if err != nil {
			return nil, nil
		}
		if parent, child, err = pipe(write); err == nil {
			childFiles = append(childFiles, child)
		}
		return parent, child
	}
	var crash, control, reply *os.File
	u.crash, crash = add(false)
	u.control, control = add(true)
	u.reply, reply = add(false)
	if err != nil {
		return childFiles, err
	}
	files := []*os.File{0: null, 1: null, 2: crash, controlFD: control, reportFD: reply}
	if scratch != nil {
		files = append(files, scratch.parent, scratch.dir)
	}
	u.process, err = os.StartProcess(executable, []string{supervisorName, u.command.Name}, &os.ProcAttr{
		Env:   []string{"GOMAXPROCS=1", "GOGC=off"}, // it needs one CPU and a few hundred kilobytes
		Files: files,
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

// await reads the report and the parsed output, and waits for the supervisor to end.
func (u *run) await() {
	defer close(u.done)
	err := frame.ReadJSON(u.reply, &u.report, maxReport)
	if err == nil {
		close(u.reported)
		u.parsed, u.parseErr = frame.Read(u.reply, maxParsed)
	}
	u.lastWords.readFrom(u.crash)
	state, waitErr := u.process.Wait()
	if waitErr != nil {
		state = nil
	}
	if err != nil {
		u.supervisorErr = fmt.Errorf("the supervisor ended without a report: %s", u.end(state, waitErr))
		close(u.reported)
	} else if u.parseErr != nil {
		u.parseErr = errors.New(u.end(state, waitErr))
	}
}

// end returns how the supervisor ended, with the first line of what it printed.
func (u *run) end(state *os.ProcessState, err error) string {
	if err != nil {
		return err.Error()
	}
	line, _, _ := strings.Cut(string(u.lastWords.bytes()), "\n")
	if line == "" {
		return state.String()
	}
	return state.String() + ": " + line
}

// watch returns when the supervisor has reported. It asks the supervisor to end the
// run when the time or ctx is over, and abandons a supervisor that then does not
// report in time.
func (u *run) watch(ctx context.Context, timeout *time.Timer) {
	defer timeout.Stop()
	if u.cause == nil {
		select {
		case <-u.reported:
			return
		case <-timeout.C:
			u.cause = errTimeout
		case <-ctx.Done():
			u.cause = context.Cause(ctx)
		}
	}
	_ = u.control.Close()
	late := time.NewTimer(u.timeout)
	defer late.Stop()
	select {
	case <-u.reported:
	case <-late.C:
		u.abandon()
	}
}

// parse has the supervisor parse the output, and sets the result to a failure if that
// takes too long or too much memory.
func (u *run) parse(ctx context.Context, spec []byte, timeout time.Duration, res *Result) {
	fail := func(reason Reason, format string, args ...any) {
		res.Reason, res.Err = reason, u.errorf(format, args...)
	}
	_ = u.control.SetWriteDeadline(time.Now().Add(timeout))
	if err := frame.WriteJSON(u.control, parseRequest{Spec: spec, Memory: u.command.Memory}, maxRequest); err != nil {
		fail(Parse, "parsing the output: %w", err)
		return
	}
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	select {
	case <-u.done:
	case <-timer.C:
		u.kill()
		fail(Parse, "parsing the output took more than %s", timeout)
		return
	case <-ctx.Done():
		u.kill()
		fail(Cancelled, "cancelled: %w", context.Cause(ctx))
		return
	}
	if u.parseErr != nil {
		fail(Parse, "parsing the output, in at most %d bytes of memory: %w", max(u.command.Memory, minParseMemory), u.parseErr)
		return
	}
	res.Parsed = u.parsed
}

// isParseable reports whether the supervisor has the whole output, and waits for what
// to do with it.
func (u *run) isParseable() bool {
	return !u.supervisorLost && u.supervisorErr == nil && u.cause == nil && u.report.SpawnError == "" && len(u.report.Survivors) == 0
}

// kill kills the supervisor, and waits for its end.
func (u *run) kill() {
	_ = u.process.Kill()
	select { // it may be stuck in the kernel
	case <-u.done:
	case <-time.After(time.Second):
	}
}

// finish waits for a supervisor that has reported, and has nothing more to do.
func (u *run) finish(timeout time.Duration) {
	if u.supervisorLost {
		return
	}
	_ = u.control.Close()
	select {
	case <-u.done:
	case <-time.After(timeout):
		u.kill()
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
	u.kill()
}

// result returns the outcome of the run.
func (u *run) result() Result {
	res := Result{ExitCode: -1}
	if u.supervisorLost {
		res.Reason, res.Err = Stuck, u.errorf("%w", errLost)
		return res
	}
	rep := &u.report
	res.Stderr, res.CPU, res.MaxRSS, res.Orphans = rep.Stderr, rep.CPU, rep.MaxRSS, rep.Orphans
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
	case rep.Overflowed:
		return Output, u.errorf("more than %d bytes of output", u.command.Stdout)
	case errors.Is(u.cause, errTimeout):
		return Timeout, u.errorf("timed out after %s", u.command.Timeout)
	case rep.SentSIGTERM || u.cause != nil:
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
	for _, f := range []*os.File{u.control, u.reply, u.crash} {
		if f != nil {
			_ = f.Close()
		}
	}
}
