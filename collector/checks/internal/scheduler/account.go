package scheduler

import (
	"strings"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"

	"github.com/hostexporter/host_exporter/collector/checks/internal/merge"
)

const (
	// patience is how many runs in a row may hang before a check is suspended.
	patience = 5
	// longestPause is the longest that a check is suspended for.
	longestPause = time.Hour
	// loggedStderr is how much of what a command complains of is logged.
	loggedStderr = 512
)

// account notes what became of a run.
func (s *Scheduler) account(c *check, r *run, out Outcome) {
	st := &c.state
	was, ran := st.Up(), st.Ran
	st.Runs++
	if out.Reason != "" {
		st.Failures = st.Failures.Plus(string(out.Reason), 1)
	} else {
		st.LastSuccess = r.wall
		if c.def.Serves() {
			c.publish(r, out)
		}
	}
	st.Dropped = st.Dropped.Add(out.Dropped)
	if out.Measured {
		st.CPU, st.Measured = st.CPU+out.CPU, true
	}
	out.Families = nil
	st.Ran, st.Last, st.LastRun = true, out, r.wall
	suspended := s.suspend(c, out.Reason)
	s.logChange(c, ran, was, suspended)
}

// publish has what a run printed served from now on.
func (c *check) publish(r *run, out Outcome) {
	p := publication{source: &merge.Source{Name: c.def.Name, Families: out.Families}}
	for _, f := range out.Families {
		p.series += len(f.GetMetric())
	}
	if ttl := c.ttl(); ttl > 0 {
		p.expires = r.started.Add(ttl)
	}
	c.published = p
	c.state.Ever = true
}

// suspend has a check pause that hung too often in a row: longer each time it
// hangs again. It reports whether this is the beginning of it.
func (s *Scheduler) suspend(c *check, reason Reason) bool {
	if !reason.hung() {
		c.hung, c.resumes = 0, time.Time{}
		return false
	}
	if c.hung++; reason == Stuck {
		c.hung = max(c.hung, patience) // each more would be one more that nobody can end
	}
	if c.hung < patience {
		return false
	}
	pause := c.interval
	for i := patience; i <= c.hung && pause < longestPause; i++ {
		pause *= 2
	}
	if pause = min(pause, longestPause); pause <= c.interval {
		return false // it runs rarely enough as it is
	}
	first := c.resumes.IsZero()
	c.resumes = time.Now().Add(pause)
	return first
}

// logChange logs what changed: what stays as it was is told once.
func (s *Scheduler) logChange(c *check, ran, was, suspended bool) {
	logger := log.With(s.o.Log, "check", c.def.Name)
	last := c.state.Last
	switch up := c.state.Up(); {
	case !up && (was || !ran):
		s.logAfterUnlock(level.Error(logger), "msg", "Check fails", "reason", last.Reason, "err", last.Err, "stderr", tail(last.Stderr))
	case up && ran && !was:
		s.logAfterUnlock(level.Info(logger), "msg", "Check is well again")
	}
	if suspended {
		s.logAfterUnlock(level.Error(logger), "msg", "Check is suspended, as it hangs",
			"reason", last.Reason, "next", time.Until(c.resumes).Round(time.Second))
	}
}

// tail returns the end of a text.
func tail(s string) string {
	s = strings.TrimSpace(s)
	if len(s) > loggedStderr {
		s = "..." + strings.ToValidUTF8(s[len(s)-loggedStderr:], "")
	}
	return s
}
