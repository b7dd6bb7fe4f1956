package scheduler

import (
	"context"
	"time"

	"github.com/hostexporter/host_exporter/collector/checks/internal/definition"
	"github.com/hostexporter/host_exporter/collector/checks/internal/merge"
	"github.com/hostexporter/host_exporter/collector/checks/internal/sandbox"
	"github.com/hostexporter/host_exporter/collector/checks/internal/schedule"
)

// A check is one definition with all that is known of it. It lives as long as
// there is a definition of its name, and a run of it. It is guarded by the
// scheduler's lock.
type check struct {
	def     definition.Definition
	removed bool // there is no definition any more; only a run that is being ended

	schedule schedule.Schedule
	lastSlot time.Time     // the one served last, by the clock of the schedule
	nextSlot time.Time     // zero: never
	interval time.Duration // the longest time between two slots; 0: runs once
	rerun    bool          // run as soon as the run that is being ended is over

	waiting bool // in the queue
	run     *run // in progress, or being ended

	hangs          int       // runs in a row that hung
	suspendedUntil time.Time // slots before are left out, on the monotonic clock

	state     State
	published publication
}

// A run is one in progress.
type run struct {
	check      *check
	def        definition.Definition
	started    time.Time // on the monotonic clock
	wall       time.Time
	cancel     context.CancelFunc
	stuckTimer *time.Timer
	cancelled  bool // nobody wants to know the outcome
	stuck      bool // it was told so, and gave its slot back
}

// A publication is what a run left to be served.
type publication struct {
	source  *merge.Source // nil: nothing
	series  int
	expires time.Time // on the monotonic clock; zero: never
}

// usesWallClock reports whether slots are times of day, and not a distance apart.
func (c *check) usesWallClock() bool { return c.def.At != "" }

// ttl returns how long values are served; zero is for ever.
func (c *check) ttl() time.Duration {
	if c.def.TTL > 0 {
		return c.def.TTL
	}
	return 3 * c.interval
}

// dropExpired drops values that are too old.
func (c *check) dropExpired(now time.Time) {
	if p := &c.published; p.source != nil && !p.expires.IsZero() && !now.Before(p.expires) {
		*p = publication{}
	}
}

// A State is what is known of a check at one moment.
type State struct {
	Definition definition.Definition
	Interval   time.Duration // the longest time between two slots; 0 if it runs once
	Sandbox    sandbox.Mode  // in effect, on this host

	Runs     uint64
	Failures Counts
	Skipped  Counts
	Dropped  Counts
	CPU      time.Duration
	Measured bool // CPU is known

	Running     bool
	Waiting     bool      // for a slot
	Suspended   bool      // since it hung too often
	Started     time.Time // of the run in progress
	Next        time.Time // when it is due, by the clock on the wall
	HasRun      bool      // it ran to some end
	LastOutcome Outcome   // of the last run, without its families
	LastRun     time.Time // when that started
	LastSuccess time.Time // when the last one that succeeded started

	Published    *merge.Source // what is served; nil when there is nothing
	Series       int
	HasPublished bool // something was published before
}

// Up reports whether the last run succeeded.
func (s *State) Up() bool { return s.HasRun && s.LastOutcome.Reason == "" }
