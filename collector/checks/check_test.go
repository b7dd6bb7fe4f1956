package checks

import (
	"errors"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"

	"github.com/hostexporter/host_exporter/collector/checks/internal/definition"
	"github.com/hostexporter/host_exporter/collector/checks/internal/families"
	"github.com/hostexporter/host_exporter/collector/checks/internal/merge"
	"github.com/hostexporter/host_exporter/collector/checks/internal/output"
	"github.com/hostexporter/host_exporter/collector/checks/internal/sandbox"
	"github.com/hostexporter/host_exporter/collector/checks/internal/scheduler"
)

// fixedStates is a stateSource whose states do not change.
type fixedStates []scheduler.State

func (f fixedStates) States(all []scheduler.State) []scheduler.State { return append(all, f...) }
func (fixedStates) CountDrops(string, string, int)                   {}

// parseFamilies returns the families of a text, as the parser of a check does.
func parseFamilies(t testing.TB, text string) []*dto.MetricFamily {
	t.Helper()
	p, err := output.New(output.Options{Format: output.Prometheus, MaxSeries: 10000, MaxBytes: 1 << 24})
	if err != nil {
		t.Fatal(err)
	}
	result := p.Parse([]byte(text), 0)
	if result.Err != nil || len(result.Problems) > 0 {
		t.Fatal(result.Err, result.Problems)
	}
	for _, f := range result.Families {
		if errs := families.Normalize(f); errs != nil {
			t.Fatal(errs)
		}
	}
	return result.Families
}

// goldenChecks returns checks in all states.
func goldenChecks(t testing.TB) fixedStates {
	at := func(clock string) time.Time {
		when, err := time.Parse(time.DateTime, "2026-01-02 "+clock)
		if err != nil {
			t.Fatal(err)
		}
		return when
	}
	define := func(name string, format output.Format, interval time.Duration) definition.Definition {
		d := definition.New(name)
		d.Output.Format, d.Interval = format, interval
		return d
	}
	backup := scheduler.State{
		Definition: define("backup", output.Prometheus, time.Minute), Interval: time.Minute,
		Runs: 1440, CPU: 90 * time.Second, CPUKnown: true,
		HasRun: true, LastRun: at("03:04:05"), LastSuccess: at("03:04:05"),
		LastOutcome:  scheduler.Outcome{HasExitCode: true, CPUKnown: true, MaxRSS: 3 << 20, Duration: 250 * time.Millisecond},
		HasPublished: true, Series: 2,
		Publication: &merge.Source{Name: "backup", Families: parseFamilies(t, `# HELP backup_age_seconds Age of the last backup of a volume.
# TYPE backup_age_seconds gauge
backup_age_seconds{volume="home"} 3600
backup_age_seconds{volume="srv"} 86400.5
`)},
	}
	raid := scheduler.State{
		Definition: define("raid", output.KV, 5*time.Minute), Interval: 5 * time.Minute,
		Runs: 10, Failures: scheduler.Counts{{Reason: "exit", N: 3}, {Reason: "timeout", N: 1}},
		Skips: scheduler.Counts{{Reason: "busy", N: 1}, {Reason: "running", N: 2}},
		Drops: scheduler.Counts{{Reason: "undeclared", N: 4}},
		CPU:   time.Second, CPUKnown: true,
		HasRun: true, LastRun: at("03:00:00"), LastSuccess: at("02:50:00"),
		LastOutcome:  scheduler.Outcome{Reason: scheduler.Exit, Err: errors.New("exit 3"), HasExitCode: true, ExitCode: 3, CPUKnown: true, MaxRSS: 1 << 20, Duration: 2 * time.Second},
		HasPublished: true, Series: 1,
		Publication: &merge.Source{Name: "raid", Families: parseFamilies(t, "# HELP raid_disks Disks of the array.\n# TYPE raid_disks gauge\nraid_disks 8\n")},
	}
	smart := scheduler.State{
		Definition: define("smart", output.Nagios, time.Minute), Interval: time.Minute,
		Runs: 7, Failures: scheduler.Counts{{Reason: "timeout", N: 6}}, Suspended: true,
		Skips:  scheduler.Counts{{Reason: "suspended", N: 5}},
		HasRun: true, LastRun: at("02:59:59"), LastSuccess: at("01:00:00"),
		LastOutcome:  scheduler.Outcome{Reason: scheduler.Timeout, Duration: 10 * time.Second},
		HasPublished: true,
	}
	smart.User = "nobody"
	night := scheduler.State{Definition: define("night", output.Exit, 0), Interval: 24 * time.Hour}
	night.Definition.Shell = true
	boot := scheduler.State{
		Definition: define("boot", output.Number, 0), Runs: 1, HasRun: true, LastRun: at("00:00:01"),
		LastOutcome: scheduler.Outcome{Reason: scheduler.Spawn, Duration: time.Millisecond}, Failures: scheduler.Counts{{Reason: "spawn", N: 1}},
	}
	for state, in := range map[*scheduler.State]sandbox.Mode{
		&backup: sandbox.Strict, &boot: sandbox.Net, &night: sandbox.None, &raid: sandbox.Partial, &smart: sandbox.None,
	} {
		state.Sandbox = in
	}
	return fixedStates{backup, boot, night, raid, smart}
}
