package checks

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	dto "github.com/prometheus/client_model/go"

	"github.com/hostexporter/host_exporter/collector/checks/internal/command"
	"github.com/hostexporter/host_exporter/collector/checks/internal/definition"
	"github.com/hostexporter/host_exporter/collector/checks/internal/output"
	"github.com/hostexporter/host_exporter/collector/checks/internal/scheduler"
)

// newRunner returns a runner of checks.
func newRunner(r *command.Runner) scheduler.Runner {
	return func(ctx context.Context, d definition.Definition) scheduler.Outcome {
		if !d.Publishes() {
			return newOutcome(d, nil, r.Run(ctx, commandOf(d)))
		}
		parser, err := d.Parser()
		if err != nil {
			return scheduler.Outcome{Reason: scheduler.Spawn, Err: err}
		}
		return newOutcome(d, parser, r.Run(ctx, commandOf(d)))
	}
}

// commandOf returns the command of a check.
func commandOf(d definition.Definition) command.Command {
	c := command.Command{
		Name: d.Name, Argv: d.Command,
		User: d.User, Group: d.Group, AllowUnsafePath: d.AllowUnsafePath,
		Sandbox: d.Sandbox, SandboxRequired: d.SandboxRequired, Writable: d.Writable,
		Timeout: d.Timeout, KillGrace: d.KillGrace,
		Memory: d.Memory, CPU: d.CPULimit(), OpenFiles: d.OpenFiles, FileSize: d.FileSize,
		Stdout: int(d.StdoutLimit),
	}
	if c.KillGrace == 0 {
		c.KillGrace = -1 // none, and not the default
	}
	for _, name := range slices.Sorted(maps.Keys(d.Env)) {
		c.Env = append(c.Env, name+"="+d.Env[name])
	}
	return c
}

// newOutcome returns the outcome of a run, with the families of its output. It does
// not parse the output of a run that failed, which may be incomplete. The parser is
// nil for a check that publishes nothing.
func newOutcome(d definition.Definition, parser *output.Parser, r command.Result) scheduler.Outcome {
	out := scheduler.Outcome{
		Reason: scheduler.Reason(r.Reason), Err: r.Err, Duration: r.Duration,
		HasExitCode: r.ExitCode >= 0, ExitCode: r.ExitCode,
		CPUKnown: r.CPU > 0, CPU: r.CPU, MaxRSS: r.MaxRSS,
		Stderr: string(r.Stderr),
	}
	if r.Orphans > 0 {
		out.Problems = append(out.Problems, fmt.Sprintf("killed %d processes that the command left", r.Orphans))
	}
	if r.Reason == command.Exit && d.Accepts(r.ExitCode) {
		out.Reason, out.Err = "", nil
	}
	if out.Reason != "" || !d.Publishes() {
		return out
	}
	parsed := parser.Parse(r.Stdout, r.ExitCode)
	out.Problems = append(out.Problems, parsed.Problems...)
	for reason, n := range parsed.Drops {
		out.Drops = out.Drops.With(string(reason), uint64(max(n, 0)))
	}
	if parsed.Err != nil {
		out.Reason, out.Err = scheduler.Parse, parsed.Err
		return out
	}
	out.Families = parsed.Families
	addLabels(out.Families, d.Labels)
	return out
}

// addLabels adds constant labels to all series of families. They take precedence over
// the check's own labels.
func addLabels(families []*dto.MetricFamily, labels map[string]string) {
	if len(labels) == 0 {
		return
	}
	var constant []*dto.LabelPair
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		value := labels[name]
		constant = append(constant, &dto.LabelPair{Name: &name, Value: &value})
	}
	for _, f := range families {
		for _, m := range f.Metric {
			m.Label = slices.DeleteFunc(m.Label, func(l *dto.LabelPair) bool { _, is := labels[l.GetName()]; return is })
			m.Label = append(m.Label, constant...)
			slices.SortFunc(m.Label, func(a, b *dto.LabelPair) int { return strings.Compare(a.GetName(), b.GetName()) })
		}
	}
}
