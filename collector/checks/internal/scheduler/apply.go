package scheduler

import (
	"fmt"
	"slices"
	"time"

	"github.com/go-kit/log/level"

	"github.com/hostexporter/host_exporter/collector/checks/internal/definition"
	"github.com/hostexporter/host_exporter/collector/checks/internal/schedule"
)

// Apply has the scheduler run these checks, and no others. All are applied, or
// none if there is an error.
//
// A check whose definition is the same goes on as if nothing had happened. One
// whose definition changed has its run ended, and takes its counters along. It
// keeps its values unless they may mean something else now.
func (s *Scheduler) Apply(defs []definition.Definition) error {
	schedules := make(map[string]schedule.Schedule, len(defs))
	for _, d := range defs {
		if schedules[d.Name] != nil {
			return fmt.Errorf("check %s is there twice", d.Name)
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

// newCheck returns a check that never ran.
func (s *Scheduler) newCheck(d definition.Definition, times schedule.Schedule) *check {
	c := &check{def: d}
	s.reschedule(c, times)
	return c
}

// reschedule has a check begin with its schedule anew.
func (s *Scheduler) reschedule(c *check, times schedule.Schedule) {
	c.schedule = times
	c.lastSlot = time.Now()
	if c.usesWallClock() {
		c.lastSlot = s.wall()
	}
	c.nextSlot = times.First(c.lastSlot)
	c.interval = times.Period(s.wall())
}

// remove ends a check and forgets it, as soon as its run is over.
func (s *Scheduler) remove(c *check) {
	s.cancel(c)
	c.removed, c.rerun = true, false
	c.published, c.state = publication{}, State{}
	if c.run == nil {
		s.drop(c)
	}
}

func (s *Scheduler) drop(c *check) {
	if i, ok := s.find(c.def.Name); ok && s.checks[i] == c {
		s.checks = slices.Delete(s.checks, i, i+1)
	}
}

// restore has a check that was removed begin anew. The run that is being ended
// still keeps it from running.
func (s *Scheduler) restore(c *check, d definition.Definition, times schedule.Schedule) {
	running := c.run
	*c = *s.newCheck(d, times)
	c.run = running
}

// update gives a check another definition.
func (s *Scheduler) update(c *check, d definition.Definition, times schedule.Schedule) {
	s.logAfterUnlock(level.Info(s.o.Log), "msg", "Check changed", "check", d.Name)
	cut := c.waiting || c.run != nil && !c.run.cancelled
	s.cancel(c)
	old := c.def
	c.def = d
	c.hangs, c.suspendedUntil = 0, time.Time{}
	switch {
	case !d.Enabled || !old.SameMeaning(d):
		c.published = publication{}
		cut = false // it begins anew
		s.reschedule(c, times)
	case !old.SameSchedule(d):
		s.reschedule(c, times)
	}
	switch {
	case cut && c.run != nil:
		c.rerun = true // the run that was ended is owed, were it that of a whole day
	case cut:
		s.enqueue(c)
	}
}
