package scheduler

import (
	"fmt"
	"slices"
	"time"

	"github.com/go-kit/log/level"

	"github.com/hostexporter/host_exporter/collector/checks/internal/definition"
	"github.com/hostexporter/host_exporter/collector/checks/internal/schedule"
)

// Apply replaces the checks of the scheduler. On an error it changes nothing.
//
// A check with the same definition continues undisturbed. A check with another
// definition keeps its counters, its run is cancelled, and it keeps its published
// families if they mean the same under the new definition.
func (s *Scheduler) Apply(defs []definition.Definition) error {
	schedules := make(map[string]schedule.Schedule, len(defs))
	for _, d := range defs {
		if schedules[d.Name] != nil {
			return fmt.Errorf("check %s: defined twice", d.Name)
		}
		var err error
		if schedules[d.Name], err = d.Schedule(s.o.Hostname); err != nil {
			return fmt.Errorf("check %s: %w", d.Name, err)
		}
	}
	s.mu.Lock()
	defer s.unlockAndLog()
	for _, c := range slices.Clone(s.checks) {
		if schedules[c.def.Name] == nil {
			s.remove(c)
		}
	}
	for _, d := range defs {
		i, known := s.find(d.Name)
		switch {
		case !known:
			s.checks = slices.Insert(s.checks, i, s.newCheck(d, schedules[d.Name]))
		case s.checks[i].removed:
			s.restore(s.checks[i], d, schedules[d.Name])
		case !s.checks[i].def.Equal(d):
			s.update(s.checks[i], d, schedules[d.Name])
		}
	}
	s.wake()
	return nil
}

// newCheck returns a check that has not run.
func (s *Scheduler) newCheck(d definition.Definition, times schedule.Schedule) *check {
	c := &check{def: d}
	s.reschedule(c, times)
	s.touch(c)
	return c
}

// reschedule starts a check's schedule from now.
func (s *Scheduler) reschedule(c *check, times schedule.Schedule) {
	c.schedule = times
	c.lastSlot = time.Now()
	if c.usesWallClock() {
		c.lastSlot = s.wall()
	}
	c.nextSlot = times.First(c.lastSlot)
	c.interval = times.Period(s.wall())
}

// remove cancels a check, and drops it when its run has ended.
func (s *Scheduler) remove(c *check) {
	s.cancel(c)
	c.removed, c.rerun = true, false
	c.publication, c.state = publication{}, State{}
	s.touch(c)
	if c.run == nil {
		s.drop(c)
	}
}

// drop deletes a check, unless another one has its name by now.
func (s *Scheduler) drop(c *check) {
	if i, ok := s.find(c.def.Name); ok && s.checks[i] == c {
		s.checks = slices.Delete(s.checks, i, i+1)
	}
}

// restore resets a check that was removed while its run was ending. It does not run
// again before that run has ended.
func (s *Scheduler) restore(c *check, d definition.Definition, times schedule.Schedule) {
	running := c.run
	*c = *s.newCheck(d, times)
	c.run = running
}

// update changes a check's definition.
func (s *Scheduler) update(c *check, d definition.Definition, times schedule.Schedule) {
	s.logAfterUnlock(level.Info(s.o.Log), "msg", "Check changed", "check", d.Name)
	s.touch(c)
	owed := c.waiting || c.run != nil && !c.run.cancelled
	s.cancel(c)
	old := c.def
	c.def = d
	c.hangs, c.suspendedUntil = 0, time.Time{}
	switch {
	case !d.Enabled || !old.SameMeaning(d):
		c.publication = publication{}
		owed = false // the new schedule has a first run
		s.reschedule(c, times)
	case !old.SameSchedule(d):
		s.reschedule(c, times)
	}
	switch {
	case owed && c.run != nil:
		c.rerun = true // the cancelled run may be the only one of the day
	case owed:
		s.enqueue(c)
	}
}
