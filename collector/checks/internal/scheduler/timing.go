package scheduler

import (
	"time"

	"github.com/hostexporter/host_exporter/collector/checks/internal/schedule"
)

const (
	// maxSleep bounds how late it is noticed that somebody set the clock or
	// that the host was suspended, which no timer tells.
	maxSleep = 30 * time.Second

	// minClockJump is how far the clock on the wall has to move away from the
	// monotonic one to count as set. Less is a clock that is being adjusted.
	minClockJump = 10 * time.Second
)

// loop triggers checks when they are due.
func (s *Scheduler) loop() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-s.stop:
			return
		case <-s.wakeup:
		case <-timer.C:
		}
		timer.Reset(s.step())
	}
}

// step triggers what is due, and returns how long there is nothing to do. It
// looks at all checks: a few hundred take microseconds, and there are two
// clocks that they may go by.
func (s *Scheduler) step() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return maxSleep
	}
	now, wall := time.Now(), s.wall()
	set := s.clockJumped(now, wall)
	sleep := maxSleep
	for _, c := range s.checks {
		if c.removed || !c.def.Enabled {
			continue
		}
		at := now
		if c.usesWallClock() {
			at = wall
			if set && c.nextSlot.After(at) {
				c.nextSlot, _ = schedule.Advance(c.schedule, c.lastSlot, at)
			}
		}
		if c.nextSlot.IsZero() {
			continue
		}
		if !c.nextSlot.After(at) {
			// However many slots have passed, as while the host was suspended:
			// it is one run.
			c.lastSlot = c.nextSlot
			c.nextSlot, _ = schedule.Advance(c.schedule, c.lastSlot, at)
			s.trigger(c, now)
			if c.nextSlot.IsZero() {
				continue
			}
		}
		sleep = min(sleep, c.nextSlot.Sub(at))
	}
	return sleep
}

// wall returns the time on the wall, without the monotonic one.
func (s *Scheduler) wall() time.Time { return s.o.WallClock().Round(0) }

// clockJumped reports whether the clock on the wall moved otherwise than the
// monotonic one since the last call: somebody set it, or the host slept.
func (s *Scheduler) clockJumped(now, wall time.Time) bool {
	moved := wall.Sub(s.lastWall) - now.Sub(s.lastNow)
	first := s.lastNow.IsZero()
	s.lastNow, s.lastWall = now, wall
	return !first && (moved > minClockJump || moved < -minClockJump)
}

// trigger has a check run now, or as soon as there is a slot. One that is not
// over is not run a second time.
func (s *Scheduler) trigger(c *check, now time.Time) {
	switch {
	case now.Before(c.suspendedUntil):
		s.countSkipped(c, "suspended")
	case c.run != nil && c.run.cancelled:
		c.rerun = true // as soon as it is over
	case c.run != nil:
		s.countSkipped(c, "running")
	case c.waiting:
		s.countSkipped(c, "busy") // it keeps its place
	default:
		s.enqueue(c)
	}
}

func (s *Scheduler) countSkipped(c *check, reason string) {
	c.state.Skipped = c.state.Skipped.With(reason, 1)
}

// enqueue has a check wait for a slot, and starts it when there is one.
func (s *Scheduler) enqueue(c *check) {
	class := s.class(c.def)
	c.waiting = true
	class.queue = append(class.queue, c)
	s.dispatch(class)
}
