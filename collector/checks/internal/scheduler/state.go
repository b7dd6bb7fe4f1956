package scheduler

import "time"

// States appends the states of the enabled checks to all, sorted by name.
func (s *Scheduler) States(all []State) []State {
	s.mu.Lock()
	defer s.mu.Unlock()
	now, wall := time.Now(), s.wall()
	for _, c := range s.checks {
		if c.removed || !c.def.Enabled {
			continue
		}
		c.dropExpired(now)
		all = append(all, c.state)
		c.fill(&all[len(all)-1], now, wall)
		all[len(all)-1].Sandbox, all[len(all)-1].User = s.o.Sandbox(c.def.Sandbox), s.o.User(c.def.User)
	}
	return all
}

// fill sets the fields that are not kept in a check's state.
func (c *check) fill(st *State, now, wall time.Time) {
	st.Definition, st.Revision = c.def, c.revision
	st.Interval = c.interval
	st.Waiting = c.waiting
	st.Suspended = !c.suspendedUntil.IsZero()
	st.Publication, st.Series, st.Expires = c.publication.source, c.publication.series, c.publication.expires
	if c.run != nil && !c.run.cancelled {
		st.Running, st.RunStarted = true, c.run.startTime
	}
	switch {
	case c.nextSlot.IsZero():
	case c.usesWallClock():
		st.Next = c.nextSlot
	default:
		st.Next = wall.Add(c.nextSlot.Sub(now))
	}
	if !st.Next.IsZero() && now.Before(c.suspendedUntil) {
		if resumes := wall.Add(c.suspendedUntil.Sub(now)); resumes.After(st.Next) {
			st.Next = resumes
		}
	}
}

// CountDrops counts samples of a check that were dropped after it published
// them, because they conflict with others.
func (s *Scheduler) CountDrops(name, reason string, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i, ok := s.find(name); ok && n > 0 && !s.checks[i].removed {
		st := &s.checks[i].state
		st.Drops = st.Drops.With(reason, uint64(n))
		st.LastOutcome.Drops = st.LastOutcome.Drops.With(reason, uint64(n))
		s.touch(s.checks[i])
	}
}
