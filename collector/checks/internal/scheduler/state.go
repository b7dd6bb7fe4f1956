package scheduler

import "time"

// States appends what is known of all checks that are enabled, sorted by name.
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
		all[len(all)-1].Sandbox = s.o.Sandbox(c.def.Sandbox)
	}
	return all
}

// fill adds what a state does not keep.
func (c *check) fill(st *State, now, wall time.Time) {
	st.Definition = c.def
	st.Interval = c.interval
	st.Waiting = c.waiting
	st.Suspended = !c.suspendedUntil.IsZero()
	st.Published, st.Series = c.published.source, c.published.series
	if c.run != nil && !c.run.cancelled {
		st.Running, st.Started = true, c.run.wall
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

// CountDropped counts samples of a check that turn out not to go together with those
// of others, once they are put together to be served.
func (s *Scheduler) CountDropped(name, reason string, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i, ok := s.find(name); ok && n > 0 && !s.checks[i].removed {
		st := &s.checks[i].state
		st.Dropped = st.Dropped.With(reason, uint64(n))
	}
}
