package scheduler

import (
	"slices"
	"strings"
	"time"

	dto "github.com/prometheus/client_model/go"
)

// A Reason says in one word why a run failed. It is empty for a success.
type Reason string

// Every run that fails does so for one of these.
const (
	Timeout Reason = "timeout" // it took too long, and was ended
	Exit    Reason = "exit"    // it exited with a code other than 0
	Signal  Reason = "signal"  // it was ended by a signal of others
	OOM     Reason = "oom"     // it wanted more memory than it may have
	Parse   Reason = "parse"   // what it printed is not what it should
	Output  Reason = "output"  // it printed more than it may
	Spawn   Reason = "spawn"   // it could not be started
	Sandbox Reason = "sandbox" // it could not be kept from what it should be
	Stuck   Reason = "stuck"   // it cannot be ended, such as one that waits for a dead disk
)

// isHang reports whether the reason is one that a check is suspended for.
func (r Reason) isHang() bool { return r == Timeout || r == Stuck }

// An Outcome is what became of a run.
type Outcome struct {
	Reason   Reason
	Err      error // says more about the reason
	Duration time.Duration

	Exited   bool // by itself, with ExitCode
	ExitCode int

	Measured bool // CPU is known
	CPU      time.Duration
	MaxRSS   int64 // in bytes; 0 when it is not known

	Families []*dto.MetricFamily // to publish, if the run is a success
	Dropped  Counts              // samples that are left out, by reason
	Problems []string            // what is left out and why, in words
	Stderr   string              // the end of it
}

// Counts are numbers by a reason, sorted by it; only those above zero. A Counts
// that was handed out is never changed.
type Counts []Count

// A Count is one of them.
type Count struct {
	Reason string
	N      uint64
}

// With returns the counts with n more of one reason.
func (c Counts) With(reason string, n uint64) Counts {
	if n == 0 {
		return c
	}
	i, found := slices.BinarySearchFunc(c, reason, func(c Count, r string) int { return strings.Compare(c.Reason, r) })
	if !found {
		return slices.Insert(slices.Clip(c), i, Count{reason, n})
	}
	c = slices.Clone(c)
	c[i].N += n
	return c
}

// Plus returns the sums of two counts.
func (c Counts) Plus(more Counts) Counts {
	for _, m := range more {
		c = c.With(m.Reason, m.N)
	}
	return c
}
