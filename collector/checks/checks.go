// Package checks has the collectors of metrics that others measure: textfile exports
// files that jobs write, and check exports the families of custom checks, which are
// commands that the exporter runs.
package checks

import (
	"cmp"
	"context"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/go-kit/log"

	"github.com/hostexporter/host_exporter/collector/checks/internal/cgroup"
	"github.com/hostexporter/host_exporter/collector/checks/internal/command"
	"github.com/hostexporter/host_exporter/collector/checks/internal/definition"
	"github.com/hostexporter/host_exporter/collector/checks/internal/scheduler"
	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/document"
)

type (
	// A Definition is one custom check as configured.
	Definition = definition.Definition
	// A Status is the state of a check at one moment.
	Status = scheduler.State
	// A Report is the outcome of a run.
	Report = scheduler.Outcome
	// Counts are numbers by reason.
	Counts = scheduler.Counts
	// Groups are control groups, one for each run.
	Groups = cgroup.Tree
)

// Options configure Checks. All are optional.
type Options struct {
	Hostname        string // spreads the runs of a check over hosts
	Concurrency     int    // maximum number of runs at once
	SlowConcurrency int    // maximum number of runs of slow checks at once
	DefaultUser     string // of checks without one, if the exporter may change users; empty: its own
	ScratchDir      string // directory of the exporter's own for temporary directories; empty: one in TMPDIR
	Changed         func() // called when a state changes; must not block
	Log             log.Logger
	Now             func() time.Time                         // the wall clock
	Groups          func() *Groups                           // control groups for the runs; called at the first run
	Landlock        func() (int, error)                      // version of Landlock [the kernel's]; called at the first check with a sandbox
	Run             func(context.Context, Definition) Report // replaces processes in tests
}

// Checks runs custom checks and collects what they publish. An exporter has one, and
// each reload applies new definitions to it. It is safe for concurrent use.
type Checks struct {
	source        source
	run           scheduler.Runner
	landlock      *landlock
	log           log.Logger
	exportedNames exportedNames
}

// A source has the checks: a scheduler, or a mirror of that of another process.
type source interface {
	stateSource
	Apply([]Definition) error
	Start()
	Close(context.Context) error
}

// New returns a Checks without definitions, which runs no checks before Start.
func New(o Options) *Checks {
	l, user := newLandlock(o.Landlock), newUser(o.DefaultUser)
	if o.Run == nil {
		o.Run = newRunnerOnDemand(o, l)
	}
	return &Checks{
		run:      o.Run,
		landlock: l,
		log:      o.Log,
		source: scheduler.New(scheduler.Options{
			Run:             o.Run,
			Hostname:        o.Hostname,
			Concurrency:     o.Concurrency,
			SlowConcurrency: o.SlowConcurrency,
			Log:             o.Log,
			WallClock:       o.Now,
			Sandbox:         l.effective,
			User:            user,
			Changed:         o.Changed,
		}),
	}
}

// newUser returns a function that returns the user of a check with a configured user.
func newUser(byDefault string) func(string) string {
	if byDefault == "" || !command.CanChangeUsers() {
		byDefault = ""
	}
	return func(user string) string { return cmp.Or(user, byDefault) }
}

// newRunnerOnDemand returns a runner that is made at the first run, so that an
// exporter without checks makes no control groups.
func newRunnerOnDemand(o Options, l *landlock) scheduler.Runner {
	runner := sync.OnceValue(func() scheduler.Runner {
		c := command.Options{Landlock: l.version, DefaultUser: o.DefaultUser, ScratchDir: o.ScratchDir}
		if o.Groups != nil {
			c.Groups = o.Groups()
		}
		return newRunner(command.NewRunner(c))
	})
	return func(ctx context.Context, d Definition) Report { return runner()(ctx, d) }
}

// Specs returns the data sheets of the domain, with the collector of these checks.
func (c *Checks) Specs() []collect.Spec { return specs(c.source, &c.exportedNames) }

// NewDefinition returns a check with the default of every option.
func NewDefinition(name string) Definition { return definition.New(name) }

// ReadDefinitions reads the mapping of names to checks in a configuration file.
// Errors are findings of the document.
func ReadDefinitions(node document.Node) []Definition { return definition.Read(node) }

// Apply replaces the checks. Those that do not change continue undisturbed.
func (c *Checks) Apply(definitions []Definition) error {
	err := c.source.Apply(definitions)
	if err == nil && c.landlock != nil {
		c.landlock.warn(c.log, definitions)
	}
	return err
}

// Start starts to run the checks.
func (c *Checks) Start() { c.source.Start() }

// Close cancels all runs, and waits until they have ended or ctx is done.
func (c *Checks) Close(ctx context.Context) error { return c.source.Close(ctx) }

// Status returns the states of the enabled checks, sorted by name.
func (c *Checks) Status() []Status { return c.source.States(nil) }

// DelegatedGroups prepares the exporter's control group for groups below it, one for
// each run, and moves the exporter itself into one of them. It returns an error if no
// group is delegated to the exporter: then checks have resource limits only.
func DelegatedGroups() (*Groups, error) {
	self, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return nil, err
	}
	dir, err := cgroup.OwnDir(self, "/sys/fs/cgroup")
	if err != nil {
		return nil, err
	}
	return cgroup.Open(dir)
}

// CountDrops counts series of a check that were dropped after it published them.
func (c *Checks) CountDrops(check, reason string, n int) { c.source.CountDrops(check, reason, n) }

// A Credential is the user and the groups of a process.
type Credential = syscall.Credential

// NewCredential returns the credential of a user, a name or a number. It is nil for the
// user of this process. It is an error if this process may not change users.
func NewCredential(user string) (*Credential, error) { return command.NewCredential(user) }

// CanChangeUsers reports whether this process may run checks as other users.
func CanChangeUsers() bool { return command.CanChangeUsers() }

// RunOnce runs a check now, with its limits but apart from its schedule, and publishes
// nothing. Its report quotes the output: it is for the operator.
func (c *Checks) RunOnce(ctx context.Context, d Definition) Report {
	d.Output.Quote = true
	return c.run(ctx, d)
}
