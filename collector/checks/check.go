package checks

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/hostexporter/host_exporter/collector/checks/internal/merge"
	"github.com/hostexporter/host_exporter/collector/checks/internal/scheduler"
	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

// states is where the collector has from what it serves: a scheduler.
type states interface {
	States([]scheduler.State) []scheduler.State
	Drop(check, reason string, n int)
}

// check returns the data sheet of the collector that serves what custom checks
// published. It is off until checks are configured; from is nil where there are
// none, as for the docs.
func check(from states, names *servedNames) collect.Spec {
	return collect.Spec{
		Name:              "check",
		Help:              "What custom checks published, and how their runs went.",
		DisabledByDefault: true,
		Native:            true,
		Build: collect.Plain(func(env *collect.Env) *checkCollector {
			return newCheck(env, from, names)
		}),
	}
}

// checkCollector serves what the scheduler has. It never waits for a run: a
// scrape reads what was published before, and what is known of the last run.
//
// Families are put together when a check published something else than at the
// scrape before, in the order of the checks' names. See docs/checks.md.
type checkCollector struct {
	from     states
	names    *servedNames
	reserved func(name string) bool

	up          *metric.Family
	lastRun     *metric.Family
	lastSuccess *metric.Family
	duration    *metric.Family
	exitCode    *metric.Family
	runs        *metric.Family
	failures    *metric.Family
	skipped     *metric.Family
	cpu         *metric.Family
	maxRSS      *metric.Family
	series      *metric.Family
	dropped     *metric.Family
	interval    *metric.Family
	suspended   *metric.Family
	info        *metric.Family

	states   []scheduler.State // kept for its memory
	sources  []*merge.Source   // what the families were made of
	listed   []*merge.Source   // those of this run; kept for its memory
	merger   merge.Merger
	families []*merge.Family
	counted  map[loss]bool // of the sources there are
}

// A loss is what a source lost of one of its families. It is counted once for
// each time that the check publishes, however often that is served.
type loss struct {
	source *merge.Source
	family string
}

func newCheck(env *collect.Env, from states, names *servedNames) *checkCollector {
	m := env.Metrics
	m.AllowDynamic() // to families that only the checks know
	return &checkCollector{
		from:        from,
		names:       names,
		reserved:    env.Reserved,
		merger:      merge.Merger{TellHelp: true},
		counted:     map[loss]bool{},
		up:          m.Gauge("host_check_up", "Whether the last run of the check succeeded; absent before the first.", "check"),
		lastRun:     m.Gauge("host_check_last_run_timestamp_seconds", "When the last run of the check began that came to some end, as a Unix time.", "check"),
		lastSuccess: m.Gauge("host_check_last_success_timestamp_seconds", "When the last run of the check began that succeeded, as a Unix time; absent before there is one.", "check"),
		duration:    m.Gauge("host_check_duration_seconds", "How long the last run of the check took.", "check"),
		exitCode:    m.Gauge("host_check_exit_code", "What the command of the last run exited with; absent when it was killed or did not start.", "check"),
		runs:        m.Counter("host_check_runs_total", "Runs of the check that came to some end.", "check"),
		failures:    m.Counter("host_check_failures_total", "Runs of the check that failed, by reason: timeout, exit, signal, oom, parse, output, spawn, sandbox or stuck.", "check", "reason"),
		skipped:     m.Counter("host_check_skipped_total", "Times at which the check was due and was not run: it was running, waited for a slot (busy) or was suspended.", "check", "reason"),
		cpu:         m.Counter("host_check_cpu_seconds_total", "Processor time that runs of the check have used.", "check"),
		maxRSS:      m.Gauge("host_check_max_rss_bytes", "The most memory that a process of the last run held.", "check"),
		series:      m.Gauge("host_check_series", "Series that the check has published, 0 when they expired; absent before it published any.", "check"),
		dropped:     m.Counter("host_check_samples_dropped_total", "Samples that the check printed and that are not served, by reason.", "check", "reason"),
		interval:    m.Gauge("host_check_interval_seconds", "The longest time between two moments at which the check is due; absent for one that runs once.", "check"),
		suspended:   m.Gauge("host_check_suspended", "Whether the check pauses because it hung too often in a row.", "check"),
		info:        m.Gauge("host_check_info", "How the check is defined: its format, its account (empty: that of the exporter), whether a shell runs it and the sandbox that is in effect (none, partial, net or strict); always 1.", "check", "format", "user", "shell", "sandbox"),
	}
}

func (c *checkCollector) Update(_ context.Context, out *metric.Sink) error {
	if c.from == nil {
		return nil
	}
	clear(c.states)
	c.states = c.from.States(c.states[:0])
	clear(c.listed)
	c.listed = c.listed[:0]
	for i := range c.states {
		c.tell(out, &c.states[i])
		if s := c.states[i].Published; s != nil {
			c.listed = append(c.listed, s)
		}
	}
	if !slices.Equal(c.sources, c.listed) {
		c.sources = slices.Clone(c.listed)
		c.families = c.merger.Merge(c.sources)
		c.keepCounted()
		c.names.set(c.families)
	}
	for _, f := range c.families {
		c.serve(out, f)
	}
	return nil
}

// serve emits a family and tells what is left out of it.
func (c *checkCollector) serve(out *metric.Sink, f *merge.Family) {
	for _, err := range f.Errs {
		out.Error(fmt.Errorf("check %w", err))
	}
	taken := slices.ContainsFunc(f.Names, c.reserved)
	for _, p := range f.Parts {
		switch {
		case taken:
			c.lose(p, "reserved", len(p.Family.Metric))
		case p.Lost > 0:
			c.lose(p, "conflict", p.Lost)
		}
	}
	switch {
	case taken:
		out.Error(fmt.Errorf("check %s: %s is a name of the exporter's own: left out", f.Sources(), f.Name))
	case f.Served != nil:
		out.EmitExternal(f.Served)
	}
}

// lose counts what is left out of what a check published.
func (c *checkCollector) lose(p merge.Part, reason string, n int) {
	if l := (loss{p.Source, p.Family.GetName()}); !c.counted[l] {
		c.counted[l] = true
		c.from.Drop(p.Source.Name, reason, n)
	}
}

// keepCounted forgets what was counted of sources that are gone.
func (c *checkCollector) keepCounted() {
	for l := range c.counted {
		if !slices.Contains(c.sources, l.source) {
			delete(c.counted, l)
		}
	}
}

// tell emits what is known of the runs of one check. What is not known is
// absent.
func (c *checkCollector) tell(out *metric.Sink, s *scheduler.State) {
	name := s.Definition.Name
	if s.Ran {
		out.Bool(c.up, s.Up(), name)
		out.Emit(c.lastRun, seconds(s.LastRun), name)
		out.Emit(c.duration, s.Last.Duration.Seconds(), name)
		if s.Last.Exited {
			out.Emit(c.exitCode, float64(s.Last.ExitCode), name)
		}
		if s.Last.MaxRSS > 0 {
			out.Emit(c.maxRSS, float64(s.Last.MaxRSS), name)
		}
	}
	if !s.LastSuccess.IsZero() {
		out.Emit(c.lastSuccess, seconds(s.LastSuccess), name)
	}
	if s.Measured {
		out.Emit(c.cpu, s.CPU.Seconds(), name)
	}
	if s.Ever {
		out.Emit(c.series, float64(s.Series), name)
	}
	if s.Interval > 0 {
		out.Emit(c.interval, s.Interval.Seconds(), name)
	}
	out.Emit(c.runs, float64(s.Runs), name)
	counts(out, c.failures, name, s.Failures)
	counts(out, c.skipped, name, s.Skipped)
	counts(out, c.dropped, name, s.Dropped)
	out.Bool(c.suspended, s.Suspended, name)
	d := &s.Definition
	out.Emit(c.info, 1, name, string(d.Output.Format), d.User, strconv.FormatBool(d.Shell), string(s.Sandbox))
}

func counts(out *metric.Sink, f *metric.Family, name string, counts scheduler.Counts) {
	for _, c := range counts {
		out.Emit(f, float64(c.N), name, c.Reason)
	}
}

// seconds returns a moment as a Unix time with milliseconds.
func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }
