package checks

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	dto "github.com/prometheus/client_model/go"

	"github.com/hostexporter/host_exporter/collector/checks/internal/command"
	"github.com/hostexporter/host_exporter/collector/checks/internal/definition"
	"github.com/hostexporter/host_exporter/collector/checks/internal/scheduler"
)

// newRunner returns a runner of checks.
func newRunner(r *command.Runner) scheduler.Runner {
	return func(ctx context.Context, d definition.Definition) scheduler.Outcome {
		return newOutcome(d, r.Run(ctx, commandOf(d)))
	}
}

// commandOf returns the command of a check.
func commandOf(d definition.Definition) command.Command {
	c := command.Command{
		Name: d.Name, Argv: d.Command,
		User: d.User, Group: d.Group, AllowUnsafePath: d.AllowUnsafePath,
		Capabilities: d.Capabilities, NewPrivileges: d.NewPrivileges,
		Sandbox: d.Sandbox, SandboxRequired: d.SandboxRequired, Writable: d.Writable,
		Timeout: d.Timeout, KillGrace: d.KillGrace,
		Memory: d.Memory, CPU: d.CPULimit(), OpenFiles: d.OpenFiles, FileSize: d.FileSize,
		Stdout: int(d.StdoutLimit),
		Parse:  func(r command.Result) []byte { return specOf(d, r) },
	}
	if c.KillGrace == 0 {
		c.KillGrace = -1 // none, and not the default
	}
	for _, name := range slices.Sorted(maps.Keys(d.Env)) {
		c.Env = append(c.Env, name+"="+d.Env[name])
	}
	return c
}

// specOf returns how to parse the output of a run; nil is not to parse it. The output of
// a run that failed may be incomplete.
func specOf(d definition.Definition, r command.Result) []byte {
	if !d.Publishes() || !succeeded(d, r) {
		return nil
	}
	spec, err := newParseSpec(d, r.ExitCode)
	if err != nil {
		return nil // newOutcome reports that nothing is parsed
	}
	return spec
}

// succeeded reports whether the command of a run did what it should.
func succeeded(d definition.Definition, r command.Result) bool {
	return r.Reason == "" || r.Reason == command.Exit && d.Accepts(r.ExitCode)
}

// newOutcome returns the outcome of a run, with the families of its output.
func newOutcome(d definition.Definition, r command.Result) scheduler.Outcome {
	out := scheduler.Outcome{
		Reason: scheduler.Reason(r.Reason), Err: r.Err, Duration: r.Duration,
		HasExitCode: r.ExitCode >= 0, ExitCode: r.ExitCode,
		CPUKnown: r.CPU > 0, CPU: r.CPU, MaxRSS: r.MaxRSS,
		Stderr: string(r.Stderr),
	}
	if r.Orphans > 0 {
		out.Problems = append(out.Problems, fmt.Sprintf("killed %d processes that the command left", r.Orphans))
	}
	if !succeeded(d, r) {
		return out
	}
	out.Reason, out.Err = "", nil
	if !d.Publishes() {
		return out
	}
	p, families, err := decodeParsed(r.Parsed, d.Output.MaxSeries)
	out.Problems, out.Drops = append(out.Problems, p.Problems...), p.Drops
	if err == nil && p.Err != "" {
		err = errors.New(p.Err)
	}
	if err != nil {
		out.Reason, out.Err = scheduler.Parse, err
		return out
	}
	out.Families = families
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
