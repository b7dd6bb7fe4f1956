package scheduler

import (
	"context"
	"time"

	"github.com/hostexporter/host_exporter/collector/checks/internal/definition"
	"github.com/hostexporter/host_exporter/collector/checks/internal/merge"
	"github.com/hostexporter/host_exporter/collector/checks/internal/sandbox"
	"github.com/hostexporter/host_exporter/collector/checks/internal/schedule"
)

// A check is a definition with its schedule, its state and its run. It exists while
// there is a definition or a run of its name. The scheduler's lock guards it.
type check struct {
	def     definition.Definition
	removed bool // has no definition, only a cancelled run

	schedule schedule.Schedule
	lastSlot time.Time     // of the last trigger, on the clock of the schedule
	nextSlot time.Time     // zero: never
	interval time.Duration // the longest time between two slots; 0: runs once
	rerun    bool          // when the cancelled run has ended

	waiting bool // in the queue
	run     *run // in progress, or cancelled

	hangs          int       // runs that hung in a row
	suspendedUntil time.Time // on the monotonic clock; slots before it are skipped

	revision    uint64 // grows with each change
	state       State
	publication publication
}

// A run is a run in progress.
type run struct {
	check          *check
	def            definition.Definition
	startMonotonic time.Time // on the monotonic clock
	startTime      time.Time
	cancel         context.CancelFunc
	stuckTimer     *time.Timer
	cancelled      bool // its outcome is not recorded
	stuck          bool // recorded as stuck, and its slot released
}

// A publication has the families that a check publishes.
type publication struct {
	source  *merge.Source // nil: nothing
	series  int
	expires time.Time // on the monotonic clock; zero: never
}

// usesWallClock reports whether slots are times of day, and not intervals.
func (c *check) usesWallClock() bool { return c.def.At != "" }

// ttl returns how long families are published; zero is for ever.
func (c *check) ttl() time.Duration {
	if c.def.TTL > 0 {
		return c.def.TTL
	}
	return 3 * c.interval
}

// dropExpired drops families that are older than the TTL.
func (c *check) dropExpired(now time.Time) {
	if p := &c.publication; p.source != nil && !p.expires.IsZero() && !now.Before(p.expires) {
		*p = publication{}
	}
}

// A State is the state of a check at one moment.
type State struct {
	Definition definition.Definition
	Revision   uint64        // grows with each change; unique among checks
	User       string        // that runs the command; empty for that of the exporter
	Interval   time.Duration // the longest time between two slots; 0 if it runs once
	Sandbox    sandbox.Mode  // that the kernel enforces

	Runs     uint64
	Failures Counts
	Skips    Counts
	Drops    Counts
	CPU      time.Duration
	CPUKnown bool

	Running     bool
	Waiting     bool      // for a slot
	Suspended   bool      // because it hung too often
	RunStarted  time.Time // start of the run in progress
	Next        time.Time // next slot, on the wall clock
	HasRun      bool      // a run has ended
	LastOutcome Outcome   // of the last run, without its families
	LastRun     time.Time // its start
	Recent      []Run     // the last runs, the latest first; immutable
	LastSuccess time.Time // start of the last run that succeeded

	Publication  *merge.Source // nil if there is nothing
	Series       int           // of Publication
	Expires      time.Time     // of Publication, on the monotonic clock; zero: never
	HasPublished bool          // at any time
}

// maxRecent is the maximum number of runs in State.Recent.
const maxRecent = 10

// A Run is a run that has ended.
type Run struct {
	Start       time.Time
	Duration    time.Duration
	Reason      Reason // empty for a success
	HasExitCode bool   `json:",omitempty"`
	ExitCode    int    `json:",omitempty"`
}

// Up reports whether the last run succeeded.
func (s *State) Up() bool { return s.HasRun && s.LastOutcome.Reason == "" }
