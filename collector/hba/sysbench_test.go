package hba

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

// A sysBench is a collector on a host that a test fills with files, for what
// recorded hosts are too clumsy for.
type sysBench struct {
	t         testing.TB
	root      string
	out       *metric.Sink
	collector collect.Collector
}

func newSysBench(t testing.TB, build collect.Builder, options map[string][]string) *sysBench {
	t.Helper()
	set := metric.NewSet()
	b := &sysBench{t: t, root: t.TempDir(), out: metric.NewSink(set)}
	h := &host.Host{Proc: host.NewTree(filepath.Join(b.root, "proc")), Sys: host.NewTree(filepath.Join(b.root, "sys")).Attributes(), Now: time.Now}
	var err error
	b.collector, err = build.New(&collect.Env{Host: h, Metrics: set}, options)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// sysFile writes a file of /sys, such as class/scsi_tape/st0/stats/io_ns.
func (b *sysBench) sysFile(name, content string) {
	b.t.Helper()
	path := filepath.Join(b.root, "sys", name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		b.t.Fatal(err)
	}
}

// update reads once. It returns the samples by series, and what could not be
// read.
func (b *sysBench) update() (samples map[string]float64, errs []error) {
	b.t.Helper()
	b.out.Reset(metric.Text)
	err := b.collector.Update(context.Background(), b.out)
	errs, _ = b.out.Errors()
	if err != nil {
		errs = append(errs, err)
	}
	samples = map[string]float64{}
	for line := range strings.Lines(string(b.out.AppendText(nil, nil, func(string) bool { return false }))) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		i := strings.LastIndexByte(line, ' ')
		v, err := strconv.ParseFloat(strings.TrimSpace(line[i:]), 64)
		if err != nil {
			b.t.Fatalf("%q: %v", line, err)
		}
		if _, twice := samples[line[:i]]; twice {
			b.t.Errorf("%s is there twice", line[:i])
		}
		samples[line[:i]] = v
	}
	return samples, errs
}

// steady measures readings of a host that does not change.
func (b *sysBench) steady() {
	tb := b.t.(*testing.B)
	if _, errs := b.update(); errs != nil {
		tb.Fatal(errs)
	}
	tb.ReportAllocs()
	for tb.Loop() {
		b.out.Reset(metric.Text)
		if err := b.collector.Update(context.Background(), b.out); err != nil {
			tb.Fatal(err)
		}
	}
}

// allocs tests that readings of a host that does not change allocate no more
// than a few times, whatever the size of its files.
func (b *sysBench) allocs(most float64) {
	b.t.Helper()
	if _, errs := b.update(); errs != nil {
		b.t.Fatal(errs)
	}
	if n := testing.AllocsPerRun(20, func() {
		b.out.Reset(metric.Text)
		_ = b.collector.Update(context.Background(), b.out)
	}); n > most {
		b.t.Errorf("%v allocations in a reading, want %v at most", n, most)
	}
}

// sameSamples compares samples.
func sameSamples(t *testing.T, have, want map[string]float64) {
	t.Helper()
	for series, v := range want {
		if got, ok := have[series]; !ok || got != v {
			t.Errorf("%s is %v (there: %v), want %v", series, got, ok, v)
		}
	}
	for series, v := range have {
		if _, ok := want[series]; !ok {
			t.Errorf("%s is %v, and should not be there", series, v)
		}
	}
}
