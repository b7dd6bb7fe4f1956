package scheduler

import (
	"slices"
	"strings"
	"time"

	dto "github.com/prometheus/client_model/go"
)

// A Reason is why a run failed, as a label value. It is empty for a success.
type Reason string

// The reasons.
const (
	Timeout Reason = "timeout" // it ran for too long
	Exit    Reason = "exit"    // it exited with a code other than 0
	Signal  Reason = "signal"  // a signal ended it
	OOM     Reason = "oom"     // it exceeded its memory limit
	Parse   Reason = "parse"   // its output is not in the format of the check
	Output  Reason = "output"  // it printed too much
	Spawn   Reason = "spawn"   // it could not be started
	Sandbox Reason = "sandbox" // its sandbox could not be set up
	Stuck   Reason = "stuck"   // it cannot be killed, such as one that waits for a dead disk
)

// isHang reports whether runs that fail for this reason suspend a check.
func (r Reason) isHang() bool { return r == Timeout || r == Stuck }

// An Outcome is the outcome of a run.
type Outcome struct {
	Reason   Reason
	Err      error // the reason in words
	Duration time.Duration

	HasExitCode bool // the command exited
	ExitCode    int

	CPUKnown bool
	CPU      time.Duration
	MaxRSS   int64 // bytes; 0 if unknown

	Families []*dto.MetricFamily // to publish, if the run succeeded
	Drops    Counts              // samples that were dropped, by reason
	Problems []string            // what was dropped and why, in words
	Stderr   string              // its end
}

// Counts are numbers by reason, sorted; only those above zero. Counts are
// immutable: their methods return new ones.
type Counts []Count

// A Count is the number for one reason.
type Count struct {
	Reason string
	N      uint64
}

// With returns the counts with n added to a reason.
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
