package checks

import (
	"context"
	"os"
	"sync"
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
	// A Definition is one custom check, as it is configured.
	Definition = definition.Definition
	// A Status is what is known of a check at one moment.
	Status = scheduler.State
	// A Report is what became of one run.
	Report = scheduler.Outcome
	// Groups are control groups, one for each run.
	Groups = cgroup.Tree
)

// Options are what Checks are made of. All of them may be left out.
type Options struct {
	Hostname        string // spreads the runs of many hosts
	Concurrency     int    // runs at the same time
	SlowConcurrency int    // runs at the same time of checks that are slow
	Log             log.Logger
	Now             func() time.Time                         // the clock on the wall
	Groups          func() *Groups                           // control groups for the runs, asked for at the first; nil: none
	Landlock        func() (int, error)                      // version of it, asked for at the first check with a sandbox; nil: the kernel's
	Run             func(context.Context, Definition) Report // instead of starting processes, in tests
}

// Checks are custom checks: what runs them, and what serves what they
// published. There is one for the life of an exporter; each reload applies
// other definitions. It is safe for concurrent use.
type Checks struct {
	scheduler     *scheduler.Scheduler
	run           scheduler.Runner
	landlock      *landlock
	log           log.Logger
	exportedNames exportedNames
}

// New returns checks, of which there are none before Apply, and none run
// before Start.
func New(o Options) *Checks {
	l := newLandlock(o.Landlock)
	if o.Run == nil {
		o.Run = newRunnerOnDemand(o.Groups, l)
	}
	return &Checks{
		run:      o.Run,
		landlock: l,
		log:      o.Log,
		scheduler: scheduler.New(scheduler.Options{
			Run:             o.Run,
			Hostname:        o.Hostname,
			Concurrency:     o.Concurrency,
			SlowConcurrency: o.SlowConcurrency,
			Log:             o.Log,
			WallClock:       o.Now,
			Sandbox:         l.effective,
		}),
	}
}

// newRunnerOnDemand returns what runs checks, made when the first is run: an exporter
// without checks asks nobody for control groups.
func newRunnerOnDemand(groups func() *Groups, l *landlock) scheduler.Runner {
	runner := sync.OnceValue(func() scheduler.Runner {
		o := command.Options{Landlock: l.version}
		if groups != nil {
			o.Groups = groups()
		}
		return newRunner(command.NewRunner(o))
	})
	return func(ctx context.Context, d Definition) Report { return runner()(ctx, d) }
}

// Specs returns the data sheets of the domain, with the collector that serves
// these checks.
func (c *Checks) Specs() []collect.Spec { return specs(c.scheduler, &c.exportedNames) }

// ReadDefinitions reads the mapping of names to checks in a configuration. What
// is wrong becomes findings of the document; Definition.Warnings has what is
// allowed and better avoided.
func ReadDefinitions(node document.Node) []Definition { return definition.Read(node) }

// Apply has these checks run, and no others. Those that did not change go on
// as if nothing had happened.
func (c *Checks) Apply(definitions []Definition) error {
	err := c.scheduler.Apply(definitions)
	if err == nil {
		c.landlock.warn(c.log, definitions)
	}
	return err
}

// Start begins to run checks.
func (c *Checks) Start() { c.scheduler.Start() }

// Close ends all runs, and waits until they are over or ctx is done.
func (c *Checks) Close(ctx context.Context) error { return c.scheduler.Close(ctx) }

// Status returns what is known of the checks that are enabled, by name.
func (c *Checks) Status() []Status { return c.scheduler.States(nil) }

// DelegatedGroups makes the control group that the exporter is in ready to hold
// one for each run. The exporter itself moves into a group of its own below.
// Where the host does not delegate any, it returns an error that says so, and
// checks do with the limits of processes.
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

// RunOnce runs a check now, within its limits and apart from its schedule, and
// publishes nothing.
func (c *Checks) RunOnce(ctx context.Context, d Definition) Report { return c.run(ctx, d) }
