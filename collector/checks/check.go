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

// A stateSource has the states of checks: a scheduler.
type stateSource interface {
	States([]scheduler.State) []scheduler.State
	CountDrops(check, reason string, n int)
}

// newCheckSpec returns the data sheet of the collector of custom checks, which is
// enabled when checks are configured. from is nil for documentation.
func newCheckSpec(from stateSource, names *exportedNames) collect.Spec {
	return collect.Spec{
		Name:              "check",
		Help:              "Families that custom checks published, and the outcome of their runs.",
		DisabledByDefault: true,
		Native:            true,
		Build: collect.Plain(func(env *collect.Env) *checkCollector {
			return newCheck(env, from, names)
		}),
	}
}

// checkCollector exports the states of checks and the families that they published. It
// never waits for a run.
//
// It merges families, in the order of the checks' names, when a check has published
// others since the previous scrape. See docs/checks.md.
type checkCollector struct {
	from     stateSource
	names    *exportedNames
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

	states       []scheduler.State // reused
	current      []*merge.Source   // of this scrape; reused
	sources      []*merge.Source   // of families
	merger       merge.Merger
	families     []*merge.Family
	countedDrops map[droppedFamily]bool
}

// A droppedFamily is a family of a source, of which series are dropped. They are
// counted once for each source, however often it is exported.
type droppedFamily struct {
	source *merge.Source
	family string
}

func newCheck(env *collect.Env, from stateSource, names *exportedNames) *checkCollector {
	m := env.Metrics
	m.AllowDynamic() // the checks define families
	return &checkCollector{
		from:         from,
		names:        names,
		reserved:     env.Reserved,
		merger:       merge.Merger{ReportHelp: true},
		countedDrops: map[droppedFamily]bool{},
		up:           m.Gauge("host_check_up", "Whether the last run of the check succeeded; absent before the first run.", "check"),
		lastRun:      m.Gauge("host_check_last_run_timestamp_seconds", "Start of the last run of the check that ended, as a Unix time.", "check"),
		lastSuccess:  m.Gauge("host_check_last_success_timestamp_seconds", "Start of the last successful run of the check, as a Unix time; absent before one.", "check"),
		duration:     m.Gauge("host_check_duration_seconds", "Duration of the last run of the check.", "check"),
		exitCode:     m.Gauge("host_check_exit_code", "Exit code of the last run of the check; absent if it was killed or did not start.", "check"),
		runs:         m.Counter("host_check_runs_total", "Runs of the check that ended.", "check"),
		failures:     m.Counter("host_check_failures_total", "Failed runs of the check: timeout, exit, signal, oom, parse, output, spawn, sandbox or stuck.", "check", "reason"),
		skipped:      m.Counter("host_check_skipped_total", "Times that the check was due but did not run: running, busy (no free slot) or suspended.", "check", "reason"),
		cpu:          m.Counter("host_check_cpu_seconds_total", "CPU time of all runs of the check.", "check"),
		maxRSS:       m.Gauge("host_check_max_rss_bytes", "Maximum resident memory of the largest process of the last run.", "check"),
		series:       m.Gauge("host_check_series", "Series that the check publishes, 0 after they expired; absent before the first.", "check"),
		dropped:      m.Counter("host_check_samples_dropped_total", "Samples in the output of the check that were dropped, by reason.", "check", "reason"),
		interval:     m.Gauge("host_check_interval_seconds", "Maximum time between two runs by the schedule of the check; absent if it runs once.", "check"),
		suspended:    m.Gauge("host_check_suspended", "Whether the check is suspended because it hung too often in a row.", "check"),
		info:         m.Gauge("host_check_info", "Format, user and shell of the check, and the sandbox in effect, as labels; always 1.", "check", "format", "user", "shell", "sandbox"),
	}
}

func (c *checkCollector) Update(_ context.Context, out *metric.Sink) error {
	if c.from == nil {
		return nil
	}
	clear(c.states)
	c.states = c.from.States(c.states[:0])
	clear(c.current)
	c.current = c.current[:0]
	for i := range c.states {
		c.emitState(out, &c.states[i])
		if s := c.states[i].Publication; s != nil {
			c.current = append(c.current, s)
		}
	}
	if !slices.Equal(c.sources, c.current) {
		c.sources = slices.Clone(c.current)
		c.families = c.merger.Merge(c.sources)
		c.forgetCounted()
		c.names.set(c.families)
	}
	for _, f := range c.families {
		c.emitFamily(out, f)
	}
	return nil
}

// emitFamily emits a family, and reports and counts what is dropped of it.
func (c *checkCollector) emitFamily(out *metric.Sink, f *merge.Family) {
	for _, err := range f.Errs {
		out.Error(fmt.Errorf("check %w", err))
	}
	reserved := slices.ContainsFunc(f.Names, c.reserved)
	for _, p := range f.Parts {
		switch {
		case reserved:
			c.countDropped(p, "reserved", len(p.Family.Metric))
		case p.DroppedSeries > 0:
			c.countDropped(p, "conflict", p.DroppedSeries)
		}
	}
	switch {
	case reserved:
		out.Error(fmt.Errorf("check %s: %s is a reserved name: dropped", f.Sources(), f.Name))
	case f.External != nil:
		out.EmitExternal(f.External)
	}
}

// countDropped counts the dropped series of a family that a check published.
func (c *checkCollector) countDropped(p merge.Part, reason string, n int) {
	if l := (droppedFamily{p.Source, p.Family.GetName()}); !c.countedDrops[l] {
		c.countedDrops[l] = true
		c.from.CountDrops(p.Source.Name, reason, n)
	}
}

// forgetCounted forgets the counted drops of sources that are gone.
func (c *checkCollector) forgetCounted() {
	for l := range c.countedDrops {
		if !slices.Contains(c.sources, l.source) {
			delete(c.countedDrops, l)
		}
	}
}

// emitState emits the state of a check. What is not known is absent.
func (c *checkCollector) emitState(out *metric.Sink, s *scheduler.State) {
	name := s.Definition.Name
	if s.HasRun {
		out.Bool(c.up, s.Up(), name)
		out.Emit(c.lastRun, seconds(s.LastRun), name)
		out.Emit(c.duration, s.LastOutcome.Duration.Seconds(), name)
		if s.LastOutcome.HasExitCode {
			out.Emit(c.exitCode, float64(s.LastOutcome.ExitCode), name)
		}
		if s.LastOutcome.MaxRSS > 0 {
			out.Emit(c.maxRSS, float64(s.LastOutcome.MaxRSS), name)
		}
	}
	if !s.LastSuccess.IsZero() {
		out.Emit(c.lastSuccess, seconds(s.LastSuccess), name)
	}
	if s.CPUKnown {
		out.Emit(c.cpu, s.CPU.Seconds(), name)
	}
	if s.HasPublished {
		out.Emit(c.series, float64(s.Series), name)
	}
	if s.Interval > 0 {
		out.Emit(c.interval, s.Interval.Seconds(), name)
	}
	out.Emit(c.runs, float64(s.Runs), name)
	emitCounts(out, c.failures, name, s.Failures)
	emitCounts(out, c.skipped, name, s.Skips)
	emitCounts(out, c.dropped, name, s.Drops)
	out.Bool(c.suspended, s.Suspended, name)
	d := &s.Definition
	out.Emit(c.info, 1, name, string(d.Output.Format), s.User, strconv.FormatBool(d.Shell), string(s.Sandbox))
}

func emitCounts(out *metric.Sink, f *metric.Family, name string, counts scheduler.Counts) {
	for _, c := range counts {
		out.Emit(f, float64(c.N), name, c.Reason)
	}
}

// seconds returns a time as a Unix time, in milliseconds precision.
func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }
