package scheduler

import (
	"strings"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"

	"github.com/hostexporter/host_exporter/collector/checks/internal/merge"
)

const (
	maxHangs        = 5         // runs that hang in a row, after which a check is suspended
	maxPause        = time.Hour // of a suspended check
	maxLoggedStderr = 512       // bytes
)

// record records the outcome of a run.
func (s *Scheduler) record(c *check, r *run, out Outcome) {
	st := &c.state
	was, ran := st.Up(), st.HasRun
	st.Runs++
	if out.Reason != "" {
		st.Failures = st.Failures.With(string(out.Reason), 1)
	} else {
		st.LastSuccess = r.startTime
		if c.def.Publishes() {
			c.publish(r, out)
		}
	}
	st.Drops = st.Drops.Plus(out.Drops)
	if out.CPUKnown {
		st.CPU, st.CPUKnown = st.CPU+out.CPU, true
	}
	out.Families = nil
	st.HasRun, st.LastOutcome, st.LastRun = true, out, r.startTime
	last := Run{r.startTime, out.Duration, out.Reason, out.HasExitCode, out.ExitCode}
	st.Recent = append([]Run{last}, st.Recent[:min(len(st.Recent), maxRecent-1)]...)
	suspended := s.updateSuspension(c, out.Reason)
	s.logChange(c, ran, was, suspended)
}

// publish replaces the families that the check publishes.
func (c *check) publish(r *run, out Outcome) {
	p := publication{source: &merge.Source{Name: c.def.Name, Families: out.Families}}
	for _, f := range out.Families {
		p.series += len(f.GetMetric())
	}
	if ttl := c.ttl(); ttl > 0 {
		p.expires = r.startMonotonic.Add(ttl)
	}
	c.publication = p
	c.state.HasPublished = true
}

// updateSuspension suspends a check that hung maxHangs times in a row, and doubles
// the pause each time it hangs again. It reports whether the check was running
// normally before.
func (s *Scheduler) updateSuspension(c *check, reason Reason) bool {
	if !reason.isHang() {
		c.hangs, c.suspendedUntil = 0, time.Time{}
		return false
	}
	if c.hangs++; reason == Stuck {
		c.hangs = max(c.hangs, maxHangs) // every run would leave one more process
	}
	if c.hangs < maxHangs {
		return false
	}
	pause := c.interval
	for i := maxHangs; i <= c.hangs && pause < maxPause; i++ {
		pause *= 2
	}
	if pause = min(pause, maxPause); pause <= c.interval {
		return false // its interval is as long as the longest pause
	}
	first := c.suspendedUntil.IsZero()
	c.suspendedUntil = time.Now().Add(pause)
	return first
}

// logChange logs a failure, a recovery or a suspension, but not its repetition.
func (s *Scheduler) logChange(c *check, ran, was, suspended bool) {
	logger := log.With(s.o.Log, "check", c.def.Name)
	last := c.state.LastOutcome
	switch up := c.state.Up(); {
	case !up && (was || !ran):
		s.logAfterUnlock(level.Error(logger), "msg", "Check failed", "reason", last.Reason, "err", last.Err, "stderr", lastBytes(last.Stderr))
	case up && ran && !was:
		s.logAfterUnlock(level.Info(logger), "msg", "Check recovered")
	}
	if suspended {
		s.logAfterUnlock(level.Error(logger), "msg", "Check suspended",
			"reason", last.Reason, "next", time.Until(c.suspendedUntil).Round(time.Second))
	}
}

// lastBytes returns the last maxLoggedStderr bytes of a text.
func lastBytes(s string) string {
	s = strings.TrimSpace(s)
	if len(s) > maxLoggedStderr {
		s = "..." + strings.ToValidUTF8(s[len(s)-maxLoggedStderr:], "")
	}
	return s
}
