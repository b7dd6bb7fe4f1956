// Package scheduler runs checks at their times and keeps what they published.
//
// One goroutine looks at the clock; each run has its own. Nobody who reads the
// state waits for a run.
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

// A Runner runs a check once. It ends the run when ctx is done, and returns
// when nothing of it is left or nothing can be done about it.
type Runner func(ctx context.Context, def definition.Definition) Outcome

// Options are what a Scheduler is made of. Only Run is necessary.
type Options struct {
	Run             Runner
	Hostname        string // so that not all hosts run a check at the same moment
	Concurrency     int    // runs at the same time [4]
	SlowConcurrency int    // runs at the same time of checks that are slow [2]
	Log             log.Logger

	// Sandbox tells what becomes of a sandbox that is asked for; nil: just that.
	Sandbox func(sandbox.Mode) sandbox.Mode

	// WallClock is the clock on the wall, for times of day and timestamps. All
	// distances are measured by the monotonic clock, which nobody sets.
	WallClock func() time.Time
}

// A Scheduler runs checks. It is safe for concurrent use.
type Scheduler struct {
	o Options

	mu      sync.Mutex
	checks  []*check // sorted by name
	slots   [2]slots // by class: others, slow
	running sync.WaitGroup
	closed  bool
	wakeup  chan struct{} // has the timing goroutine look at once
	stop    chan struct{}
	looping sync.WaitGroup

	pendingLogs []func() // once the lock is given back

	lastNow, lastWall time.Time // when step was called last, by both clocks
}

// slots is how many runs of one class there may be, and who waits for one.
type slots struct {
	free  int
	queue []*check
}

// New returns a scheduler without checks, which does nothing before Start.
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
		o.Sandbox = func(asked sandbox.Mode) sandbox.Mode { return asked }
	}
	return &Scheduler{
		o:      o,
		slots:  [2]slots{{free: o.Concurrency}, {free: o.SlowConcurrency}},
		wakeup: make(chan struct{}, 1),
		stop:   make(chan struct{}),
	}
}

// Start begins to run what Apply gave, and what it will give.
func (s *Scheduler) Start() {
	s.looping.Add(1)
	go func() {
		defer s.looping.Done()
		s.loop()
	}()
}

// Close ends all runs and waits until they are over or ctx is done. The
// scheduler is of no use afterwards.
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

	over := make(chan struct{})
	go func() {
		s.running.Wait()
		close(over)
	}()
	select {
	case <-over:
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

// find returns where the check of a name is, or belongs.
func (s *Scheduler) find(name string) (int, bool) {
	return slices.BinarySearchFunc(s.checks, name, func(c *check, name string) int {
		return strings.Compare(c.def.Name, name)
	})
}

// logAfterUnlock has something logged when the lock is given back: a log that blocks, as
// a pipe does that nobody reads, must not hold up those who scrape.
func (s *Scheduler) logAfterUnlock(logger log.Logger, keyvals ...any) {
	s.pendingLogs = append(s.pendingLogs, func() { _ = logger.Log(keyvals...) })
}

// unlockAndLog gives the lock back, and logs what there is to log.
func (s *Scheduler) unlockAndLog() {
	tell := s.pendingLogs
	s.pendingLogs = nil
	s.mu.Unlock()
	for _, one := range tell {
		one()
	}
}

// wake has the timing goroutine look at the clock again.
func (s *Scheduler) wake() {
	select {
	case s.wakeup <- struct{}{}:
	default: // it is about to
	}
}
