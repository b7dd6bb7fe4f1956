// Package schedule says when a check runs next.
//
// A schedule keeps no state and reads no clock: who runs the checks tells it
// the time. So a run that took too long, a suspended host and a test are all
// the same question.
package schedule

import (
	"hash/fnv"
	"time"
)

// A Schedule is a series of slots, moments at which a check is due. It is
// immutable and safe for concurrent use.
type Schedule interface {
	// First is the first slot of a check that starts to be scheduled at start.
	First(start time.Time) time.Time
	// Next is the slot that follows after, never after itself, and the zero
	// time when there is none. An interval counts on from after, which has to
	// be a slot of its; Advance is for all other moments.
	Next(after time.Time) time.Time
	// Period is the longest time between two slots to expect from a moment on,
	// and zero when the check does not run twice.
	Period(from time.Time) time.Duration
}

// maxMissed bounds the work of counting the slots that passed while a host
// slept for a month.
const maxMissed = 10_000

// maxClockChange is how far a clock may be off from one moment to the next and
// still count as the same clock, as cron has it. What is larger is a clock
// that was set, and then there is nothing to catch up with.
const maxClockChange = 3 * time.Hour

// Advance is the first slot later than now, for a check whose slot was the
// last one served, and the number of slots between them that passed unused.
// More than 10,000 of those are not counted.
func Advance(s Schedule, slot, now time.Time) (next time.Time, missed int) {
	if e, ok := s.(intervalSchedule); ok {
		return e.advance(slot, now)
	}
	if slot.Round(0).Sub(now.Round(0)) >= maxClockChange {
		return s.Next(now), 0 // the clock was set back: waiting for it to catch up could take for ever
	}
	for next = s.Next(slot); !next.IsZero() && !next.After(now); next = s.Next(next) {
		if missed++; missed == maxMissed {
			return s.Next(now), missed
		}
	}
	return next, missed
}

// intervalSchedule is a grid of slots at the same distance.
type intervalSchedule struct {
	interval time.Duration
	jitter   time.Duration
}

// maxJitter is the longest a check waits for its first run.
const maxJitter = time.Minute

// Every is a schedule of one slot each interval, which must be positive. The
// first is a little after the start. How much is worked out from the names of
// host and check: so neither all checks of a host nor the same check of all
// hosts run at the same moment, and it is the same moment after a restart.
func Every(interval time.Duration, host, check string) Schedule {
	if interval <= 0 {
		panic("schedule: the interval must be positive")
	}
	return intervalSchedule{interval, jitter(min(interval, maxJitter), host, check)}
}

// jitter is a time of less than limit that depends on the names alone.
func jitter(limit time.Duration, host, check string) time.Duration {
	h := fnv.New64a()
	h.Write([]byte(host + "\x00" + check))
	return time.Duration(h.Sum64() % uint64(limit))
}

func (e intervalSchedule) First(start time.Time) time.Time { return start.Add(e.jitter) }

func (e intervalSchedule) Next(after time.Time) time.Time { return after.Add(e.interval) }

func (e intervalSchedule) Period(time.Time) time.Duration { return e.interval }

// advance does at once what would be a loop over the slots missed.
func (e intervalSchedule) advance(slot, now time.Time) (time.Time, int) {
	passed := now.Sub(slot) / e.interval
	if passed < 0 || now.Before(slot) {
		return slot.Add(e.interval), 0
	}
	return slot.Add((passed + 1) * e.interval), int(min(passed, maxMissed))
}

// rebootSchedule is @reboot: a check that runs when its scheduling begins.
type rebootSchedule struct{}

func (rebootSchedule) First(start time.Time) time.Time { return start }

func (rebootSchedule) Next(time.Time) time.Time { return time.Time{} }

func (rebootSchedule) Period(time.Time) time.Duration { return 0 }
