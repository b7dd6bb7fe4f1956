// Package scheduler runs checks when they are due, and keeps the families that
// they publish. One goroutine triggers the checks, and each run has a goroutine of
// its own. Reading the state never waits for a run.
package scheduler

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-kit/log"

	"github.com/hostexporter/host_exporter/collector/checks/internal/definition"
	"github.com/hostexporter/host_exporter/collector/checks/internal/sandbox"
)

// A Runner runs a check once. It ends the run when ctx is done, and returns when
// all processes of the run have ended or are stuck.
type Runner func(ctx context.Context, def definition.Definition) Outcome

// Options configure a Scheduler. Only Run is required.
type Options struct {
	Run             Runner
	Hostname        string // spreads the runs of a check over hosts
	Concurrency     int    // maximum number of runs at once [4]
	SlowConcurrency int    // maximum number of runs of slow checks at once [2]
	Log             log.Logger

	// Sandbox returns what the kernel enforces of a mode [all of it].
	Sandbox func(sandbox.Mode) sandbox.Mode

	// User returns the user that runs a check with a configured user [the same].
	User func(string) string

	// Changed is called when the state of a check changes. It must not block, nor
	// call the scheduler.
	Changed func()

	// WallClock returns the time for schedules with a time of day and for
	// timestamps [time.Now]. Intervals follow the monotonic clock.
	WallClock func() time.Time
}

// A Scheduler runs checks. It is safe for concurrent use.
type Scheduler struct {
	o Options

	mu      sync.Mutex
	checks  []*check // sorted by name
	slots   [2]slots // for normal and for slow checks
	running sync.WaitGroup
	closed  bool
	wakeup  chan struct{} // makes loop call step
	stop    chan struct{}
	looping sync.WaitGroup

	revision uint64 // of the last change of a check

	pendingLogs []func() // to call after the lock is released

	lastNow, lastWall time.Time // of the last call of step
}

// slots are the run slots of a class of checks, and the checks that wait for one.
type slots struct {
	free  int
	queue []*check
}

// New returns a scheduler without checks. It runs none before Start.
func New(o Options) *Scheduler {
	if o.Concurrency <= 0 {
		o.Concurrency = 4
	}
	if o.SlowConcurrency <= 0 {
		o.SlowConcurrency = 2
	}
	if o.Log == nil {
		o.Log = log.NewNopLogger()
	}
	if o.WallClock == nil {
		o.WallClock = time.Now
	}
	if o.Sandbox == nil {
		o.Sandbox = func(m sandbox.Mode) sandbox.Mode { return m }
	}
	if o.User == nil {
		o.User = func(user string) string { return user }
	}
	if o.Changed == nil {
		o.Changed = func() {}
	}
	return &Scheduler{
		o:      o,
		slots:  [2]slots{{free: o.Concurrency}, {free: o.SlowConcurrency}},
		wakeup: make(chan struct{}, 1),
		stop:   make(chan struct{}),
	}
}

// Start starts to run the checks of Apply.
func (s *Scheduler) Start() {
	s.looping.Add(1)
	go func() {
		defer s.looping.Done()
		s.loop()
	}()
}

// Close cancels all runs, and waits until they have ended or ctx is done. The
// scheduler cannot be used again.
func (s *Scheduler) Close(ctx context.Context) error {
	s.mu.Lock()
	if !s.closed {
		s.closed = true
		close(s.stop)
	}
	for _, c := range s.checks {
		s.cancel(c)
	}
	s.mu.Unlock()
	s.looping.Wait()

	ended := make(chan struct{})
	go func() {
		s.running.Wait()
		close(ended)
	}()
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("checks still running: %s", strings.Join(s.stillRunning(), ", "))
	}
}

func (s *Scheduler) stillRunning() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var names []string
	for _, c := range s.checks {
		if c.run != nil {
			names = append(names, c.def.Name)
		}
	}
	return names
}

// find returns the index of a check, or where to insert it.
func (s *Scheduler) find(name string) (int, bool) {
	return slices.BinarySearchFunc(s.checks, name, func(c *check, name string) int {
		return strings.Compare(c.def.Name, name)
	})
}

// logAfterUnlock logs after the lock is released. Otherwise a log that blocks, such
// as a full pipe, would block scrapes.
func (s *Scheduler) logAfterUnlock(logger log.Logger, keyvals ...any) {
	s.pendingLogs = append(s.pendingLogs, func() { _ = logger.Log(keyvals...) })
}

// unlockAndLog releases the lock, and then writes the pending logs.
func (s *Scheduler) unlockAndLog() {
	pending := s.pendingLogs
	s.pendingLogs = nil
	s.mu.Unlock()
	for _, write := range pending {
		write()
	}
}

// touch notes that the state of a check has changed.
func (s *Scheduler) touch(c *check) {
	s.revision++
	c.revision = s.revision
	s.o.Changed()
}

// wake makes loop call step.
func (s *Scheduler) wake() {
	select {
	case s.wakeup <- struct{}{}:
	default: // it will
	}
}
