package checks

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/expfmt"

	"github.com/hostexporter/host_exporter/collector/checks/internal/command"
	"github.com/hostexporter/host_exporter/collector/checks/internal/definition"
	"github.com/hostexporter/host_exporter/collector/checks/internal/output"
)

func TestOutcome(t *testing.T) {
	exit3 := command.Result{Reason: command.Exit, ExitCode: 3, Err: errors.New("exit code 3")}
	for _, tc := range []struct {
		name   string
		format output.Format
		labels map[string]string
		result command.Result
		stdout string
		want   string // reason, error, text, dropped, problems
	}{
		{"a success", output.Prometheus, nil, command.Result{}, "# TYPE x gauge\nx 1\n", " <nil> # TYPE x gauge\nx 1\n [] []"},
		{"constant labels", output.Prometheus, map[string]string{"b": "2", "c": "3"}, command.Result{}, "# TYPE x gauge\nx{a=\"1\",c=\"9\",d=\"4\"} 1\n", " <nil> # TYPE x gauge\nx{a=\"1\",b=\"2\",c=\"3\",d=\"4\"} 1\n [] []"},
		{"an exit code", output.Prometheus, nil, exit3, "x 1\n", "exit exit code 3  [] []"},
		{"an exit code that is the value", output.Exit, nil, exit3, "x 1\n", " <nil> # TYPE x gauge\nx 3\n [] []"},
		{"an exit code of nothing", output.Exit, nil, exit3, "x 1\n", "exit exit code 3  [] []"},
		{"an incomplete line", output.Prometheus, nil, command.Result{}, "x{a=", "parse"},
		{"a reserved name", output.Prometheus, nil, command.Result{}, "# TYPE go_x gauge\ngo_x 1\n", " <nil>  [{reserved 1}]"},
		{"a timeout", output.Exit, nil, command.Result{Reason: command.Timeout, ExitCode: -1, Err: errors.New("late")}, "", "timeout late  [] []"},
		{"orphans", output.Prometheus, nil, command.Result{Orphans: 2}, "# TYPE x gauge\nx 1\n", " <nil> # TYPE x gauge\nx 1\n [] [killed 2 processes that the command left]"},
	} {
		d := definition.New("x")
		d.Output.Format, d.Labels = tc.format, tc.labels
		if tc.format == output.Exit && tc.name != "an exit code of nothing" {
			d.Output.Name = "x"
		}
		out := outcomeOf(d, tc.result, tc.stdout)
		have := fmt.Sprintf("%s %v %s %v %v", out.Reason, out.Err, withoutHelp(text(t, out)), out.Drops, out.Problems)
		if len(have) < len(tc.want) || have[:len(tc.want)] != tc.want {
			t.Errorf("%s: have %q, want %q", tc.name, have, tc.want)
		}
	}
}

func TestCommandOf(t *testing.T) {
	d := definition.New("x")
	d.Command, d.Env, d.KillGrace = []string{"/bin/x", "y"}, map[string]string{"B": "2", "A": "1"}, 0
	c := commandOf(d)
	if c.Name != "x" || !slices.Equal(c.Argv, d.Command) || !slices.Equal(c.Env, []string{"A=1", "B=2"}) ||
		c.KillGrace >= 0 || c.CPU != 20*time.Second || c.Timeout != 10*time.Second || c.Memory != 128<<20 || c.Stdout != 256<<10 {
		t.Errorf("%+v", c)
	}
}

// text returns the families that a run would publish, in the text format.
func text(t *testing.T, r Report) string {
	t.Helper()
	var b strings.Builder
	for _, f := range r.Families {
		if _, err := expfmt.MetricFamilyToText(&b, f); err != nil {
			t.Fatal(err)
		}
	}
	return b.String()
}

func withoutHelp(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, "# HELP") {
			b.WriteString(line)
		}
	}
	return b.String()
}

// outcomeOf returns the outcome of a run, whose output it parses as a supervisor does.
func outcomeOf(d Definition, r command.Result, stdout string) Report {
	if spec := specOf(d, r); spec != nil {
		r.Parsed = parseOutput(spec, []byte(stdout))
	}
	return newOutcome(d, r)
}
