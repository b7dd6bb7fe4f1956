package scheduler

import (
	"strings"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"

	"github.com/hostexporter/host_exporter/collector/checks/internal/merge"
)

const (
	// maxHangs is how many runs in a row may hang before a check is suspended.
	maxHangs = 5
	// maxPause is the longest that a check is suspended for.
	maxPause = time.Hour
	// maxLoggedStderr is how much of what a command complains of is logged.
	maxLoggedStderr = 512
)

// record notes what became of a run.
func (s *Scheduler) record(c *check, r *run, out Outcome) {
	st := &c.state
	was, ran := st.Up(), st.HasRun
	st.Runs++
	if out.Reason != "" {
		st.Failures = st.Failures.With(string(out.Reason), 1)
	} else {
		st.LastSuccess = r.wall
		if c.def.Publishes() {
			c.publish(r, out)
		}
	}
	st.Dropped = st.Dropped.Plus(out.Dropped)
	if out.Measured {
		st.CPU, st.Measured = st.CPU+out.CPU, true
	}
	out.Families = nil
	st.HasRun, st.LastOutcome, st.LastRun = true, out, r.wall
	suspended := s.updateSuspension(c, out.Reason)
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
	c.state.HasPublished = true
}

// updateSuspension has a check pause that hung too often in a row: longer each time it
// hangs again. It reports whether this is the beginning of it.
func (s *Scheduler) updateSuspension(c *check, reason Reason) bool {
	if !reason.isHang() {
		c.hangs, c.suspendedUntil = 0, time.Time{}
		return false
	}
	if c.hangs++; reason == Stuck {
		c.hangs = max(c.hangs, maxHangs) // each more would be one more that nobody can end
	}
	if c.hangs < maxHangs {
		return false
	}
	pause := c.interval
	for i := maxHangs; i <= c.hangs && pause < maxPause; i++ {
		pause *= 2
	}
	if pause = min(pause, maxPause); pause <= c.interval {
		return false // it runs rarely enough as it is
	}
	first := c.suspendedUntil.IsZero()
	c.suspendedUntil = time.Now().Add(pause)
	return first
}

// logChange logs what changed: what stays as it was is told once.
func (s *Scheduler) logChange(c *check, ran, was, suspended bool) {
	logger := log.With(s.o.Log, "check", c.def.Name)
	last := c.state.LastOutcome
	switch up := c.state.Up(); {
	case !up && (was || !ran):
		s.logAfterUnlock(level.Error(logger), "msg", "Check fails", "reason", last.Reason, "err", last.Err, "stderr", lastBytes(last.Stderr))
	case up && ran && !was:
		s.logAfterUnlock(level.Info(logger), "msg", "Check is well again")
	}
	if suspended {
		s.logAfterUnlock(level.Error(logger), "msg", "Check is suspended, as it hangs",
			"reason", last.Reason, "next", time.Until(c.suspendedUntil).Round(time.Second))
	}
}

// lastBytes returns the end of a text.
func lastBytes(s string) string {
	s = strings.TrimSpace(s)
	if len(s) > maxLoggedStderr {
		s = "..." + strings.ToValidUTF8(s[len(s)-maxLoggedStderr:], "")
	}
	return s
}
