// Package schedule computes when a check is due. A schedule has no state and reads
// no clock: it knows nothing of runs, and the time is an argument.
package schedule

import (
	"hash/fnv"
	"time"
)

// A Schedule is a sequence of slots, the times at which a check is due. It is
// immutable and safe for concurrent use.
type Schedule interface {
	// First returns the first slot of a check that is scheduled from start on.
	First(start time.Time) time.Time
	// Next returns the first slot after a time, or the zero time if there is none.
	// For an interval, after must be a slot; Advance takes any time.
	Next(after time.Time) time.Time
	// Period returns the longest time between two slots after from, or zero for a
	// check that runs once.
	Period(from time.Time) time.Duration
}

// maxMissed limits the work of counting missed slots.
const maxMissed = 10_000

// maxClockChange is how far the clock may jump before the change counts as a new
// time, with nothing to catch up, as in Debian's cron.
const maxClockChange = 3 * time.Hour

// Advance returns the first slot after now, and the number of slots between slot,
// the one of the last run, and now. It counts up to 10,000 of them.
func Advance(s Schedule, slot, now time.Time) (next time.Time, missed int) {
	if e, ok := s.(intervalSchedule); ok {
		return e.advance(slot, now)
	}
	if slot.Round(0).Sub(now.Round(0)) >= maxClockChange {
		return s.Next(now), 0 // the clock was set back, perhaps by years
	}
	for next = s.Next(slot); !next.IsZero() && !next.After(now); next = s.Next(next) {
		if missed++; missed == maxMissed {
			return s.Next(now), missed
		}
	}
	return next, missed
}

// An intervalSchedule has slots at equal distances.
type intervalSchedule struct {
	interval time.Duration
	jitter   time.Duration
}

// maxJitter is the longest delay of a check's first run.
const maxJitter = time.Minute

// NewInterval returns a schedule with a slot in each interval, which must be positive.
// The first slot is up to a minute after the start. The delay is a hash of the
// names of host and check: it spreads the checks of a host, and a check of many
// hosts, and is the same after a restart.
func NewInterval(interval time.Duration, host, check string) Schedule {
	if interval <= 0 {
		panic("schedule: the interval must be positive")
	}
	return intervalSchedule{interval, jitter(min(interval, maxJitter), host, check)}
}

// jitter returns a time below limit that depends on the names alone.
func jitter(limit time.Duration, host, check string) time.Duration {
	h := fnv.New64a()
	h.Write([]byte(host + "\x00" + check))
	return time.Duration(h.Sum64() % uint64(limit))
}

func (e intervalSchedule) First(start time.Time) time.Time { return start.Add(e.jitter) }

func (e intervalSchedule) Next(after time.Time) time.Time { return after.Add(e.interval) }

func (e intervalSchedule) Period(time.Time) time.Duration { return e.interval }

// advance is Advance without a loop over the missed slots.
func (e intervalSchedule) advance(slot, now time.Time) (time.Time, int) {
	passed := now.Sub(slot) / e.interval
	if passed < 0 || now.Before(slot) {
		return slot.Add(e.interval), 0
	}
	return slot.Add((passed + 1) * e.interval), int(min(passed, maxMissed))
}

// A rebootSchedule is @reboot: one slot, when scheduling starts.
type rebootSchedule struct{}

func (rebootSchedule) First(start time.Time) time.Time { return start }

func (rebootSchedule) Next(time.Time) time.Time { return time.Time{} }

func (rebootSchedule) Period(time.Time) time.Duration { return 0 }
