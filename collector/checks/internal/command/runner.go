package command

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hostexporter/host_exporter/collector/checks/internal/cgroup"
	"github.com/hostexporter/host_exporter/collector/checks/internal/sandbox"
	"github.com/hostexporter/host_exporter/collector/internal/trust"
)

// Options configure a Runner. The zero value of each is its default.
type Options struct {
	// Groups holds a control group for each run; nil is resource limits alone.
	Groups *cgroup.Tree
	// Executable is a program that calls Main first: the running program.
	Executable string
	// SweepTimeout is how long a supervisor keeps killing the processes of a run
	// that do not die, 3 s.
	SweepTimeout time.Duration
	// SupervisorTimeout is how long a supervisor may take to report after that,
	// 5 s.
	SupervisorTimeout time.Duration
	// ParseTimeout is how long parsing the output may take, 5 s.
	ParseTimeout time.Duration
	// DefaultUser is the user of commands without one, if the exporter may change
	// users; empty is its own.
	DefaultUser string
	// ScratchDir is where to make temporary directories: a directory of the
	// exporter's own. Empty is one that it makes in TMPDIR.
	ScratchDir string
	// Landlock returns the version of Landlock: the kernel's.
	Landlock func() (int, error)
}

// A Runner runs commands. It is safe for concurrent use.
type Runner struct {
	Options
	path trust.Rule
}

// NewRunner returns a Runner. The program must call Main first.
func NewRunner(o Options) *Runner {
	if o.Executable == "" {
		// This link stays valid when an upgrade replaces the file.
		o.Executable = "/proc/self/exe"
	}
	o.SweepTimeout = orDefault(o.SweepTimeout, 3*time.Second)
	o.SupervisorTimeout = orDefault(o.SupervisorTimeout, 5*time.Second)
	o.ParseTimeout = orDefault(o.ParseTimeout, 5*time.Second)
	if o.Landlock == nil {
		o.Landlock = sandbox.Version
	}
	return &Runner{Options: o, path: trust.NewRule()}
}

// Run runs c and returns when all of its processes have ended, or one of them is
// stuck: after the timeout, the grace period, SweepTimeout and SupervisorTimeout
// at the latest, or ParseTimeout after a run that ended by itself.
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
	scratch, err := r.addSandbox(c, req)
	if err != nil {
		return startFailure(err)
	}
	defer func() { scratch.cleanUp(&result) }()
	group, err := r.group(c, req)
	if err != nil {
		return startFailure(err)
	}
	if group != nil {
		defer group.Close()
	}
	run, err := r.startRun(c, req, group, scratch)
	if err != nil {
		return startFailure(err)
	}
	defer run.close()
	run.watch(ctx, time.NewTimer(c.Timeout-time.Since(started)))
	result = run.result()
	if c.Parse != nil && run.isParseable() {
		if spec := c.Parse(result); spec != nil {
			run.parse(ctx, spec, r.ParseTimeout, &result)
		}
	}
	run.finish(r.SupervisorTimeout)
	return result
}

// startFailure returns the result of a run that could not be started.
func startFailure(err error) Result {
	reason := Spawn
	if errors.As(err, new(sandboxError)) {
		reason = Sandbox
	}
	return Result{ExitCode: -1, Reason: reason, Err: err}
}

// request validates c and returns it as a request to the supervisor.
func (r *Runner) request(c Command, deadline time.Time) (*request, error) {
	if len(c.Argv) == 0 {
		return nil, errors.New("want a command, have none")
	}
	if err := r.path.CheckProgram(c.Argv[0], c.AllowUnsafePath); err != nil {
		return nil, err
	}
	if c.Timeout < 0 {
		return nil, fmt.Errorf("%s: want a timeout, have none", c.Argv[0])
	}
	if c.OpenFiles >= 0 && c.OpenFiles < minOpenFiles {
		return nil, fmt.Errorf("%s: want an open files limit of at least %d, have %d", c.Argv[0], minOpenFiles, c.OpenFiles)
	}
	env, err := environment(c, deadline)
	if err != nil {
		return nil, err
	}
	cred, err := r.credential(c)
	if err != nil {
		return nil, err
	}
	if err := grantable(c); err != nil {
		return nil, err
	}
	req := &request{
		Argv: c.Argv, Env: env, Credential: cred, Capabilities: c.Capabilities, NewPrivileges: c.NewPrivileges, KillGrace: c.KillGrace, SweepTimeout: r.SweepTimeout,
		Memory: c.Memory, CPUSeconds: -1, OpenFiles: int64(c.OpenFiles), FileSize: c.FileSize, Processes: -1,
		MaxStdout: c.Stdout, MaxStderr: c.Stderr,
	}
	if c.CPU >= 0 {
		req.CPUSeconds = int64((c.CPU + time.Second - 1) / time.Second)
	}
	if canLimitProcesses(cred) {
		req.Processes = int64(c.Processes)
	}
	return req, nil
}

// group returns a control group for c, or nil where there are none. Its memory
// limit replaces that of the process.
func (r *Runner) group(c Command, req *request) (*cgroup.Group, error) {
	if r.Groups == nil {
		return nil, nil
	}
	group, err := r.Groups.Create("check-"+c.Name, cgroup.Limits{Memory: c.Memory, Processes: c.Processes})
	if err != nil {
		return nil, err
	}
	req.GroupDir, req.HomeDir, req.Memory = group.Dir(), group.Home(), -1
	return group, nil
}
