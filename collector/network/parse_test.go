package network

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/prometheus/procfs"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

// A bench is a collector on a /proc that a test fills with files, for what
// recorded hosts are too clumsy for.
type bench struct {
	t         testing.TB
	root      string
	set       *metric.Set
	out       *metric.Sink
	collector collect.Collector
}

func newBench(t testing.TB, build collect.Builder, options map[string][]string) *bench {
	t.Helper()
	b := &bench{t: t, root: t.TempDir(), set: metric.NewSet()}
	b.out = metric.NewSink(b.set)
	var err error
	b.collector, err = build.New(&collect.Env{Host: &host.Host{Proc: host.NewTree(b.root), PageSize: 4096}, Metrics: b.set}, options)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// file writes a file of /proc, such as net/udp.
func (b *bench) file(name, content string) {
	b.t.Helper()
	path := filepath.Join(b.root, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		b.t.Fatal(err)
	}
}

// update reads once. It returns the samples by series, and what could not be
// read.
func (b *bench) update() (samples map[string]float64, errs []error) {
	b.t.Helper()
	b.out.Reset(metric.Text)
	err := b.collector.Update(context.Background(), b.out)
	errs, _ = b.out.Errors()
	if err != nil {
		errs = append(errs, err)
	}
	samples = map[string]float64{}
	text := string(b.out.AppendText(nil, nil, func(string) bool { return false }))
	for line := range strings.Lines(text) {
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
func (b *bench) steady() {
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
func (b *bench) allocs(most float64) {
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

func (b *bench) procfs() procfs.FS {
	b.t.Helper()
	fs, err := procfs.NewFS(b.root)
	if err != nil {
		b.t.Fatal(err)
	}
	return fs
}

// recordedFile returns a file of a recorded host.
func recordedFile(t testing.TB, archive, file string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("../../testdata/network", archive))
	if err != nil {
		t.Fatal(err)
	}
	_, after, ok := strings.Cut(string(b), "-- "+file+" --\n")
	if !ok {
		t.Fatalf("%s has no %s", archive, file)
	}
	content, _, _ := strings.Cut(after, "\n-- ")
	return strings.TrimSuffix(content, "\n") + "\n"
}
