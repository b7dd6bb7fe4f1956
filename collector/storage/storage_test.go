package storage

import (
	"path/filepath"
	"testing"

	"github.com/go-kit/log"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/test/golden"
	"github.com/hostexporter/host_exporter/collector/internal/test/testfile"
)

const testdata = "../../testdata/storage"

func TestGolden(t *testing.T) { golden.Run(t, testdata, Collectors()) }

func reservesNothing(string) bool { return false }

// sysHost returns a host with root as its sysfs, procfs and root file system.
func sysHost(root string) *host.Host {
	return &host.Host{Sys: host.NewTree(root).Attributes(), Proc: host.NewTree(root), Root: host.NewTree(root)}
}

// writeTree writes files below root.
func writeTree(t testing.TB, root string, files map[string]string) {
	t.Helper()
	for name, content := range files {
		file := filepath.Join(root, name)
		testfile.Write(t, file, content)
	}
}

// collectorText runs a collector once and returns its text.
func collectorText(t testing.TB, spec collect.Spec, h *host.Host, options map[string][]string) string {
	t.Helper()
	set := metric.NewSet()
	c, err := spec.Build.New(&collect.Env{Host: h, Metrics: set, Log: log.NewNopLogger()}, options)
	if err != nil {
		t.Fatal(err)
	}
	out := metric.NewSink(set)
	out.Reset(metric.Text)
	if err := c.Update(t.Context(), out); err != nil {
		t.Error(err)
	}
	if errs, _ := out.Errors(); len(errs) > 0 {
		t.Error(errs)
	}
	return string(out.AppendText(nil, nil, reservesNothing))
}

// benchmarkCollector runs a collector again and again as a scrape would.
func benchmarkCollector(b *testing.B, spec collect.Spec, h *host.Host, options map[string][]string) {
	set := metric.NewSet()
	c, err := spec.Build.New(&collect.Env{Host: h, Metrics: set, Log: log.NewNopLogger()}, options)
	if err != nil {
		b.Fatal(err)
	}
	out := metric.NewSink(set)
	b.ReportAllocs()
	for b.Loop() {
		out.Reset(metric.Text)
		if err := c.Update(b.Context(), out); err != nil {
			b.Fatal(err)
		}
		if errs, _ := out.Errors(); len(errs) > 0 {
			b.Fatal(errs)
		}
	}
	b.ReportMetric(float64(out.SampleCount()), "samples")
}
