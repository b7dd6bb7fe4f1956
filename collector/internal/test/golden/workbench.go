package golden

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-kit/log"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/test/testfile"
)

// A Workbench is a collector on a host that a test fills with files: for random
// content, benchmarks and comparisons with other parsers.
type Workbench struct {
	Root      string // of proc and sys
	Out       *metric.Sink
	Collector collect.Collector
	T         testing.TB
}

// NewWorkbench builds a collector on a host without files.
func NewWorkbench(t testing.TB, build collect.Builder, options map[string][]string) *Workbench {
	t.Helper()
	root := TempDir(t)
	b := NewWorkbenchOn(t, build, &host.Host{
		Proc: host.NewTree(filepath.Join(root, "proc")), Sys: host.NewTree(filepath.Join(root, "sys")).Attributes(),
		PageSize: 4096, Ticks: 100, Now: time.Now,
	}, options)
	b.Root = root
	return b
}

// NewWorkbenchOn builds a collector on a host of the test's own. Root is empty.
func NewWorkbenchOn(t testing.TB, build collect.Builder, h *host.Host, options map[string][]string) *Workbench {
	t.Helper()
	set := metric.NewSet()
	b := &Workbench{T: t, Out: metric.NewSink(set)}
	var err error
	b.Collector, err = build.New(&collect.Env{Host: h, Metrics: set, Log: log.NewNopLogger(), Declared: notReserved, Reserved: notReserved}, options)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func notReserved(string) bool { return false }

// Proc writes a file of /proc, such as net/udp.
func (b *Workbench) Proc(name, content string) {
	b.T.Helper()
	testfile.Write(b.T, filepath.Join(b.Root, "proc", name), content)
}

// Sys writes a file of /sys, such as class/scsi_tape/st0/stats/io_ns.
func (b *Workbench) Sys(name, content string) {
	b.T.Helper()
	testfile.Write(b.T, filepath.Join(b.Root, "sys", name), content)
}

// SysLink makes a symbolic link in /sys.
func (b *Workbench) SysLink(name, target string) {
	b.T.Helper()
	path := filepath.Join(b.Root, "sys", name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		b.T.Fatal(err)
	}
	if err := os.Symlink(target, path); err != nil {
		b.T.Fatal(err)
	}
}

// Update reads once. It returns the samples by series, and the errors.
func (b *Workbench) Update() (samples map[string]float64, errs []error) {
	b.T.Helper()
	b.Out.Reset(metric.Text)
	err := b.Collector.Update(context.Background(), b.Out)
	b.Out.Finish()
	errs, _ = b.Out.Errors()
	if err != nil {
		errs = append(errs, err)
	}
	samples = map[string]float64{}
	for line := range strings.Lines(string(b.Out.AppendText(nil, nil, notReserved))) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		i := strings.LastIndexByte(line, ' ')
		v, err := strconv.ParseFloat(strings.TrimSpace(line[i:]), 64)
		if err != nil {
			b.T.Fatalf("%q: %v", line, err)
		}
		if _, twice := samples[line[:i]]; twice {
			b.T.Errorf("%s: a duplicate series", line[:i])
		}
		samples[line[:i]] = v
	}
	return samples, errs
}

// Steady is a benchmark of readings of a host that does not change.
func (b *Workbench) Steady() {
	tb := b.T.(*testing.B)
	if _, errs := b.Update(); errs != nil {
		tb.Fatal(errs)
	}
	tb.ReportAllocs()
	for tb.Loop() {
		b.Out.Reset(metric.Text)
		if err := b.Collector.Update(context.Background(), b.Out); err != nil {
			tb.Fatal(err)
		}
	}
}

// Allocs checks how often a reading of a host that does not change allocates.
func (b *Workbench) Allocs(limit float64) {
	b.T.Helper()
	if _, errs := b.Update(); errs != nil {
		b.T.Fatal(errs)
	}
	if n := testing.AllocsPerRun(20, func() {
		b.Out.Reset(metric.Text)
		_ = b.Collector.Update(context.Background(), b.Out)
	}); n > limit {
		b.T.Errorf("%v allocations in a reading, want at most %v", n, limit)
	}
}

// SameSamples compares samples by series.
func SameSamples(t *testing.T, have, want map[string]float64) {
	t.Helper()
	for series, v := range want {
		if got, ok := have[series]; !ok || got != v {
			t.Errorf("%s: have %v (%v), want %v", series, got, ok, v)
		}
	}
	for series, v := range have {
		if _, ok := want[series]; !ok {
			t.Errorf("%s: have %v, want no such series", series, v)
		}
	}
}

// Content returns the content of a file of a recorded host at the first moment.
func Content(t testing.TB, archive, path string) string {
	t.Helper()
	for _, e := range parseFile(t, archive).Entries {
		if e.Path == path && e.Moment == 1 && e.Kind == File {
			return string(e.Data)
		}
	}
	t.Fatalf("%s has no %s", archive, path)
	return ""
}
