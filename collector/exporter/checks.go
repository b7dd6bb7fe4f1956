package exporter

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/go-kit/log/level"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/hostexporter/host_exporter/collector/checks"
	"github.com/hostexporter/host_exporter/collector/internal/document"
	"github.com/hostexporter/host_exporter/collector/internal/web"
)

// controlGroups returns the control group that holds one for each run of a
// check. It is nil if none is delegated to the process, and in an exporter that
// does not serve: delegation moves the process to another control group.
func (e *Exporter) controlGroups() *checks.Groups {
	if !e.serving.Load() {
		return nil
	}
	return e.config.delegatedGroups()
}

// delegatedGroups returns the control group that is delegated to the process, or nil.
func (c Config) delegatedGroups() *checks.Groups {
	groups, err := checks.DelegatedGroups()
	if err != nil {
		_ = level.Info(c.Log).Log("msg", "No control groups for checks, only process limits apply", "reason", err)
		return nil
	}
	return groups
}

// stopChecks stops the running checks. It waits for the default grace period of
// a check, and for the removal of what a check left behind.
func (c Config) stopChecks(running *checks.Checks) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := running.Close(ctx); err != nil {
		_ = level.Warn(c.Log).Log("msg", "Checks are still running", "err", err)
	}
}

// ListChecks writes a line for each check of the configuration.
func (e *Exporter) ListChecks(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "NAME\tWHEN\tTIMEOUT\tFORMAT\tUSER\tCOMMAND\tDESCRIPTION")
	for _, d := range e.current.Load().checks {
		when := "every " + model.Duration(d.Interval).String()
		switch {
		case !d.Enabled:
			when = "never (disabled)"
		case d.At != "":
			when = "at " + d.At
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", d.Name, when, d.Timeout, d.Output.Format, d.User, strings.Join(d.Command, " "), d.Description)
	}
	return w.Flush()
}

// CheckNames returns the names of the checks of a configuration file.
func CheckNames(file string) (names []string, err error) {
	e, err := New(Config{File: file, MetricsPath: "/metrics"})
	if err != nil {
		return nil, err
	}
	for _, d := range e.current.Load().checks {
		names = append(names, d.Name)
	}
	return names, nil
}

// RunCheck runs a check of the configuration once, within its limits. It writes
// the metrics to out, and comments on the run to remarks. The error says why
// the run failed.
func (e *Exporter) RunCheck(ctx context.Context, name string, out, remarks io.Writer) error {
	all := e.current.Load().checks
	i := slices.IndexFunc(all, func(d checks.Definition) bool { return d.Name == name })
	if i < 0 {
		var names []string
		for _, d := range all {
			names = append(names, d.Name)
		}
		return fmt.Errorf("unknown check %q%s", name, document.Suggest(name, names))
	}
	r := e.checks.RunOnce(ctx, all[i])
	for _, f := range r.Families {
		if _, err := expfmt.MetricFamilyToText(out, f); err != nil {
			return err
		}
	}
	remark := func(format string, args ...any) { fmt.Fprintf(remarks, "# "+format+"\n", args...) }
	remark("took %v, %v of CPU%s%s", r.Duration.Round(time.Millisecond), r.CPU.Round(time.Millisecond), peakMemory(r), exitCode(r))
	for _, d := range r.Drops {
		remark("%d samples dropped: %s", d.N, d.Reason)
	}
	for _, p := range r.Problems {
		remark("%s", p)
	}
	for line := range strings.Lines(r.Stderr) {
		remark("stderr: %s", strings.TrimSpace(line))
	}
	if r.Reason != "" {
		return fmt.Errorf("check %s failed (%s): %w", name, r.Reason, r.Err)
	}
	return nil
}

func peakMemory(r checks.Report) string {
	if r.MaxRSS == 0 {
		return ""
	}
	return fmt.Sprintf(", at most %d MiB of memory", r.MaxRSS>>20)
}

func exitCode(r checks.Report) string {
	if !r.HasExitCode {
		return ""
	}
	return fmt.Sprintf(", exit code %d", r.ExitCode)
}

// checkRows returns the checks for the pages.
func (e *Exporter) checkRows() []web.Check {
	var rows []web.Check
	for _, s := range e.checks.Status() {
		rows = append(rows, e.newCheckRow(s))
	}
	return rows
}

// newCheckRow returns a check for the pages. One that drops samples is not OK.
func (e *Exporter) newCheckRow(s checks.Status) web.Check {
	d, last := s.Definition, s.LastOutcome
	c := web.Check{
		Name: d.Name, Help: d.Description, Command: strings.Join(d.Command, " "), State: "ok", Label: "ok", SeriesCount: s.Series,
		Next: s.Next, Reason: string(last.Reason), Stderr: last.Stderr,
	}
	if len(d.Command) > 0 {
		c.Program = d.Command[0]
	}
	switch {
	case s.Suspended:
		c.State, c.Label = "error", "suspended"
	case !s.HasRun:
		c.State, c.Label = "", "not run yet"
	case last.Reason != "":
		c.State, c.Label = "error", string(last.Reason)
	case len(last.Drops) > 0:
		c.State, c.Label = "partial", dropsText(last.Drops)
	}
	if s.Running {
		c.Label += ", running"
	}
	if s.HasRun {
		c.Duration, c.Seconds = last.Duration.Round(time.Millisecond).String(), last.Duration.Seconds()
		c.LastRun = s.LastRun
	}
	problems := last.Problems
	if last.Err != nil {
		problems = append([]string{last.Err.Error()}, problems...)
	}
	c.Err = strings.Join(problems, "; ")
	return c
}

// dropsText returns how many samples a run dropped.
func dropsText(drops checks.Counts) string {
	n := uint64(0)
	for _, d := range drops {
		n += d.N
	}
	if n == 1 {
		return "1 sample dropped"
	}
	return fmt.Sprintf("%d samples dropped", n)
}
