package scheduler

import (
	"time"

	"github.com/hostexporter/host_exporter/collector/checks/internal/schedule"
)

const (
	// maxSleep is how often step runs at least: no timer fires when the clock was
	// set or the host was suspended.
	maxSleep = 30 * time.Second

	// minClockJump is how far the wall clock must move away from the monotonic one
	// to count as set. Below that, it is being adjusted.
	minClockJump = 10 * time.Second
)

// loop calls step whenever there is something to do.
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

// step triggers the checks that are due, and returns how long to sleep. It goes
// through all checks: a few hundred take microseconds.
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
				s.touch(c)
			}
		}
		if c.nextSlot.IsZero() {
			continue
		}
		if !c.nextSlot.After(at) {
			// However many slots have passed, such as while the host was
			// suspended, it is one run.
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

// wall returns the wall time, without the monotonic clock.
func (s *Scheduler) wall() time.Time { return s.o.WallClock().Round(0) }

// clockJumped reports whether the wall clock and the monotonic clock moved apart
// since the last call: the clock was set, or the host was suspended.
func (s *Scheduler) clockJumped(now, wall time.Time) bool {
	moved := wall.Sub(s.lastWall) - now.Sub(s.lastNow)
	first := s.lastNow.IsZero()
	s.lastNow, s.lastWall = now, wall
	return !first && (moved > minClockJump || moved < -minClockJump)
}

// trigger runs a check now, or as soon as there is a slot. A check has at most one
// run at a time.
func (s *Scheduler) trigger(c *check, now time.Time) {
	s.touch(c)
	switch {
	case now.Before(c.suspendedUntil):
		s.countSkip(c, "suspended")
	case c.run != nil && c.run.cancelled:
		c.rerun = true // when it has ended
	case c.run != nil:
		s.countSkip(c, "running")
	case c.waiting:
		s.countSkip(c, "busy") // it keeps its place in the queue
	default:
		s.enqueue(c)
	}
}

func (s *Scheduler) countSkip(c *check, reason string) {
	c.state.Skips = c.state.Skips.With(reason, 1)
}

// enqueue queues a check for a slot, and starts it if one is free.
func (s *Scheduler) enqueue(c *check) {
	class := s.class(c.def)
	c.waiting = true
	class.queue = append(class.queue, c)
	s.dispatch(class)
}
