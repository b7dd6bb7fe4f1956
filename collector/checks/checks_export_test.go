package checks

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-kit/log"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/document"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

// A checkBench has checks with a fake runner, and their collector.
type checkBench struct {
	*Checks
	t    *testing.T
	unit *collect.Unit

	mu     sync.Mutex
	output map[string]string // of each check; empty: it fails
}

func newCheckBench(t *testing.T, config string) *checkBench {
	t.Helper()
	b := &checkBench{t: t, output: map[string]string{}}
	b.Checks = New(Options{Hostname: "host", Run: b.run})
	doc := document.Parse("checks.yml", []byte(config))
	defs := ReadDefinitions(doc.Root())
	if f := doc.Findings(); len(f) > 0 {
		t.Fatal(f)
	}
	if err := b.Apply(defs); err != nil {
		t.Fatal(err)
	}
	reserved := func(name string) bool { return strings.HasPrefix(name, "node_") }
	var err error
	b.unit, err = collect.NewUnit(b.Specs()[0], host.Live(host.Paths{}), log.NewNopLogger(), reserved, nil)
	if err != nil {
		t.Fatal(err)
	}
	b.Start()
	t.Cleanup(func() {
		if err := b.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return b
}

func (b *checkBench) run(_ context.Context, d Definition) Report {
	b.mu.Lock()
	defer b.mu.Unlock()
	text := b.output[d.Name]
	if text == "" {
		return Report{Reason: "exit", HasExitCode: true, ExitCode: 1}
	}
	return Report{HasExitCode: true, Families: parseFamilies(b.t, text), Duration: time.Second}
}

// setOutput sets what a check prints, and waits until it has run.
func (b *checkBench) setOutput(name, text string) {
	b.mu.Lock()
	b.output[name] = text
	b.mu.Unlock()
	<-time.After(time.Minute)
	synctest.Wait()
}

// scrape returns the lines of an exposition that contain one of the words, without HELP,
// and the status of the collector.
func (b *checkBench) scrape(words ...string) (lines string, status collect.Status) {
	b.t.Helper()
	r := b.unit.Begin(metric.Text)
	if _, ok := r.Wait(context.Background(), r.Deadline()); !ok {
		b.t.Fatal("the collector missed its deadline")
	}
	for line := range strings.Lines(string(b.unit.AppendText(nil, nil))) {
		for _, word := range words {
			if !strings.HasPrefix(line, "# HELP") && strings.Contains(line, word) {
				lines += line
				break
			}
		}
	}
	return lines, b.unit.Status()
}

func (b *checkBench) want(what, want, wantErr string, words ...string) {
	b.t.Helper()
	have, status := b.scrape(words...)
	if have != want {
		b.t.Errorf("%s: have\n%swant\n%s", what, have, want)
	}
	if err := errorText(status.Err); err != wantErr {
		b.t.Errorf("%s: error %q, want %q", what, err, wantErr)
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

const twoChecks = `
a: {command: /bin/a, interval: 1m}
b: {command: /bin/b, interval: 1m, ttl: 2m}
`

func TestExportsPublishedFamilies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newCheckBench(t, twoChecks)
		b.want("before the first run", "# TYPE host_check_runs_total counter\nhost_check_runs_total{check=\"a\"} 0\nhost_check_runs_total{check=\"b\"} 0\n", "", "runs_total", "_up", "job_")
		b.setOutput("a", "# TYPE job_x gauge\njob_x 1\n")
		b.want("one of them succeeds", "host_check_up{check=\"a\"} 1\nhost_check_up{check=\"b\"} 0\n# TYPE job_x gauge\njob_x 1\n", "", "check_up{", "job_")
		b.setOutput("b", "# TYPE job_x gauge\njob_x{of=\"b\"} 2\n")
		b.want("a family of both", "# TYPE job_x gauge\njob_x 1\njob_x{of=\"b\"} 2\n", "", "job_")
		b.setOutput("b", "")
		b.want("one fails", "host_check_up{check=\"a\"} 1\nhost_check_up{check=\"b\"} 0\n# TYPE job_x gauge\njob_x 1\njob_x{of=\"b\"} 2\n", "", "check_up{", "job_")
		<-time.After(time.Minute)
		b.want("its values expire", "host_check_series{check=\"a\"} 1\nhost_check_series{check=\"b\"} 0\n# TYPE job_x gauge\njob_x 1\n", "", "series{", "job_")
		if err := b.Apply(nil); err != nil {
			t.Fatal(err)
		}
		b.want("no checks", "", "", "check", "job_")
	})
}

func TestConflicts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newCheckBench(t, twoChecks)
		b.output["a"] = "# HELP job_x X.\n# TYPE job_x gauge\njob_x 1\n"
		b.setOutput("b", "# HELP job_x X.\n# TYPE job_x counter\njob_x{of=\"b\"} 2\n# TYPE node_load1 gauge\nnode_load1 3\n")
		wantErr := "check b: job_x is a counter, but a gauge in a: dropped; check b: node_load1 is a reserved name: dropped"
		b.want("types", "# TYPE job_x gauge\njob_x 1\n", wantErr, "job_", "node_")
		dropped := "host_check_samples_dropped_total{check=\"b\",reason=\"conflict\"} 1\nhost_check_samples_dropped_total{check=\"b\",reason=\"reserved\"} 1\n"
		b.want("counted once", dropped, wantErr, "dropped_total{")
		b.want("not at each scrape", dropped, wantErr, "dropped_total{")
		<-time.After(time.Minute)
		b.want("for each run", dropped, wantErr, "dropped_total{") // counted by this scrape, exported by the next one
		b.want("for each run", strings.ReplaceAll(dropped, "} 1", "} 2"), wantErr, "dropped_total{")
		b.output["a"] = "# HELP job_x Another.\n# TYPE job_x gauge\njob_x 1\n"
		b.setOutput("b", "# HELP job_x X.\n# TYPE job_x gauge\njob_x{of=\"b\"} 2\n")
		b.want("help texts", "# TYPE job_x gauge\njob_x 1\njob_x{of=\"b\"} 2\n", "check b: the help text of job_x differs from that in a", "job_")
	})
}

// TestTextfileWithFamilyOfCheck has a file and a check with the same family.
func TestTextfileWithFamilyOfCheck(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "job.prom")
	if err := os.WriteFile(file, []byte("job_x 5\njob_y 6\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		b := newCheckBench(t, "a: {command: /bin/a, interval: 1m}\n")
		specs := b.Specs()
		unit, err := collect.NewUnit(specs[1], host.Live(host.Paths{}), log.NewNopLogger(), func(string) bool { return false },
			map[string][]string{"directory": {dir}})
		if err != nil {
			t.Fatal(err)
		}
		textfile := checkBench{t: t, unit: unit}
		textfile.want("alone", "# TYPE job_x untyped\njob_x 5\n# TYPE job_y untyped\njob_y 6\n", "", "job_x", "job_y")
		b.setOutput("a", "# TYPE job_x gauge\njob_x 1\n")
		b.want("the check", "# TYPE job_x gauge\njob_x 1\n", "", "job_x")
		textfile.want("with the check", "# TYPE job_y untyped\njob_y 6\n", file+": job_x is a reserved name: dropped", "job_x", "job_y")
		if err := b.Apply(nil); err != nil {
			t.Fatal(err)
		}
		b.want("no check", "", "", "job_x")
		textfile.want("without the check", "# TYPE job_x untyped\njob_x 5\n# TYPE job_y untyped\njob_y 6\n", "", "job_x", "job_y")
	})
}

func TestReadDefinitionsAndStatus(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newCheckBench(t, twoChecks)
		b.setOutput("a", "")
		status := b.Status()
		if len(status) != 2 || status[0].Definition.Name != "a" || !status[0].HasRun || status[0].Up() || status[0].Next.IsZero() {
			t.Errorf("%+v", status)
		}
		report := b.RunOnce(context.Background(), status[0].Definition)
		if report.Reason != "exit" || b.Status()[0].Runs != status[0].Runs {
			t.Errorf("%+v", report)
		}
	})
}
