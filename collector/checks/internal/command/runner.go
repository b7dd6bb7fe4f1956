package command

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hostexporter/host_exporter/collector/checks/internal/cgroup"
	"github.com/hostexporter/host_exporter/collector/checks/internal/sandbox"
)

// Options say how a Runner runs its commands.
type Options struct {
	// Groups holds a control group for each run; nil leaves it at resource limits.
	Groups *cgroup.Tree
	// Executable calls Main first; empty for the running program itself.
	Executable string
	// SweepTimeout is how long a supervisor keeps killing the processes of a run
	// that do not die, 3 s.
	SweepTimeout time.Duration
	// SupervisorTimeout is how long a supervisor may take to report after that,
	// 5 s.
	SupervisorTimeout time.Duration
	// Landlock tells which version of it to count on; nil asks the kernel.
	Landlock func() (int, error)
}

// A Runner runs commands, as many at a time as it is asked to.
type Runner struct {
	Options
	path pathPolicy // of what may be run
}

// NewRunner returns a Runner. The program it is in must call Main first.
func NewRunner(o Options) *Runner {
	if o.Executable == "" {
		// Also after an upgrade has replaced the file: the link is to the file
		// that is running.
		o.Executable = "/proc/self/exe"
	}
	o.SweepTimeout = orDefault(o.SweepTimeout, 3*time.Second)
	o.SupervisorTimeout = orDefault(o.SupervisorTimeout, 5*time.Second)
	if o.Landlock == nil {
		o.Landlock = sandbox.Version
	}
	return &Runner{Options: o, path: newPathPolicy()}
}

// Run runs c and returns when it is over: when c and all that descends from it
// have ended, or were found to be stuck. That is after the timeout, the grace
// period and eight seconds at the latest.
func (r *Runner) Run(ctx context.Context, c Command) (result Result) {
	started := time.Now()
	defer func() {
		result.Started, result.Duration = started, time.Since(started)
	}()

	c = c.withDefaults()
	req, err := r.request(c, started.Add(c.Timeout))
	if err != nil {
		return startFailure(err)
	}
	if err := r.addSandbox(c, req); err != nil {
		return startFailure(err)
	}
	defer cleanUp(req, &result)
	group, err := r.group(c, req)
	if err != nil {
		return startFailure(err)
	}
	if group != nil {
		defer group.Close()
	}
	run, err := r.startRun(c, req, group)
	if err != nil {
		return startFailure(err)
	}
	defer run.close()
	run.watch(ctx, time.NewTimer(c.Timeout-time.Since(started)))
	return run.result()
}

// startFailure is the result of a run that came to nothing.
func startFailure(err error) Result {
	reason := Spawn
	if errors.As(err, new(sandboxError)) {
		reason = Sandbox
	}
	return Result{ExitCode: -1, Reason: reason, Err: err}
}

// request checks c and puts it in the supervisor's terms.
func (r *Runner) request(c Command, deadline time.Time) (*request, error) {
	if len(c.Argv) == 0 {
		return nil, errors.New("no command")
	}
	if err := r.path.check(c.Argv[0], c.AllowUnsafePath); err != nil {
		return nil, err
	}
	if c.Timeout < 0 {
		return nil, fmt.Errorf("%s: no timeout", c.Argv[0])
	}
	if c.OpenFiles >= 0 && c.OpenFiles < minOpenFiles {
		return nil, errTooFewFiles
	}
	env, err := environment(c, deadline)
	if err != nil {
		return nil, err
	}
	cred, err := credential(c.User, c.Group)
	if err != nil {
		return nil, err
	}
	req := &request{
		Argv: c.Argv, Env: env, Credential: cred, NoNewPrivs: c.NoNewPrivs, KillGrace: c.KillGrace, SweepTimeout: r.SweepTimeout,
		Memory: c.Memory, CPUSeconds: -1, OpenFiles: int64(c.OpenFiles), FileSize: c.FileSize, Processes: -1,
	}
	if c.CPU >= 0 {
		req.CPUSeconds = int64((c.CPU + time.Second - 1) / time.Second)
	}
	if canLimitProcesses(cred) {
		req.Processes = int64(c.Processes)
	}
	return req, nil
}

// group makes a control group for c, when it can have one, whose limit of the
// memory replaces the process's.
func (r *Runner) group(c Command, req *request) (*cgroup.Group, error) {
	if r.Groups == nil {
		return nil, nil
	}
	group, err := r.Groups.Create("check-"+c.Name, cgroup.Limits{Memory: c.Memory, Processes: c.Processes})
	if err != nil {
		return nil, err
	}
	req.CgroupDir, req.Memory = group.Dir(), -1
	return group, nil
}
