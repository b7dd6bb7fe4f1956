package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestEndToEndManyChecks runs 200 checks every ten seconds for two minutes, which
// is more than a host will have. No run is skipped.
func TestEndToEndManyChecks(t *testing.T) {
	const checks, period = 200, 2 * time.Minute
	var config strings.Builder
	config.WriteString("checks:\n")
	for i := range checks {
		command, format := "[/bin/true]", "exit"
		if i%4 == 0 {
			command, format = fmt.Sprintf(`[/usr/bin/seq, -f, 'e2e_line{check="%d",n="%%.0f"} 1', "10"]`, i), "prometheus"
		}
		fmt.Fprintf(&config, "  c%03d: {command: %s, interval: 10s, format: %s}\n", i, command, format)
	}
	e := newExporter(t, config.String())
	began := time.Now()
	first, _ := e.scrape()

	var slowest time.Duration
	tick := time.NewTicker(5 * time.Second) // the interval of a server
	defer tick.Stop()
	var s samples
	for time.Since(began) < period {
		<-tick.C
		var took time.Duration
		s, took = e.scrape()
		slowest = max(slowest, took)
	}
	if skipped := s.sum("host_check_skipped_total"); skipped > 0 {
		t.Errorf("%v times were skipped: %v", skipped, s.Exposition["host_check_skipped_total"])
	}
	if failures := s.Exposition["host_check_failures_total"]; failures != nil {
		t.Errorf("checks failed: %v", failures)
	}
	for i := range checks {
		name := fmt.Sprintf("c%03d", i)
		if runs, _ := s.get("host_check_runs_total", "check", name); runs < 11 || runs > 13 {
			t.Errorf("%s: have %v runs in %v, want 12 or one more or less", name, runs, period)
		}
	}
	if lines := len(s.Exposition["e2e_line"].GetMetric()); lines != checks/4*10 {
		t.Errorf("have %d series of the checks, want %d", lines, checks/4*10)
	}
	since := time.Since(began).Seconds()
	from, _ := first.get("process_cpu_seconds_total")
	to, _ := s.get("process_cpu_seconds_total")
	runs, spent := s.sum("host_check_runs_total"), s.sum("host_check_cpu_seconds_total")
	resident, _ := s.get("process_resident_memory_bytes")
	t.Logf("%v runs in %.0f s; the exporter took %.2f s of CPU (%.2f ms a run), supervisors and commands %.2f s (%.2f ms a run): %.1f %% of one CPU in all",
		runs, since, to-from, (to-from)/runs*1e3, spent, spent/runs*1e3, (to-from+spent)/since*100)
	t.Logf("the slowest scrape took %v; the exporter holds %.0f MiB", slowest.Round(time.Millisecond), resident/(1<<20))
	e.reload("")
	var left []string
	if !eventually(30*time.Second, func() bool { left = e.left(); return len(left) == 0 }) {
		t.Errorf("processes are left: %q", left)
	}
}
