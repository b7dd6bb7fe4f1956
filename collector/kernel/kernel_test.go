package kernel

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/go-kit/log"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/test/golden"
)

const testdata = "../../testdata/kernel"

func TestGolden(t *testing.T) { golden.Run(t, testdata, Collectors()) }

// recorded returns what a file of the host holds in the cases of a collector,
// by the name of the case.
func recorded(t testing.TB, collector, path string) map[string][]byte {
	t.Helper()
	cases, err := filepath.Glob(filepath.Join(testdata, collector+"*.host"))
	if err != nil {
		t.Fatal(err)
	}
	found := map[string][]byte{}
	for _, file := range cases {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		a, err := golden.Parse(data)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range a.Entries {
			if e.Path == path && e.Moment == 1 && e.Kind == golden.File {
				found[filepath.Base(file)] = e.Data
			}
		}
	}
	if len(found) == 0 {
		t.Fatalf("no case of %s has %s", collector, path)
	}
	return found
}

// write puts a file below root.
func write(t testing.TB, root, path string, data []byte) {
	t.Helper()
	file := filepath.Join(root, path)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

// reading builds a collector of a host and returns what reads it once.
func reading(t testing.TB, spec collect.Spec, h *host.Host, options map[string][]string) func() *metric.Sink {
	t.Helper()
	set := metric.NewSet()
	c, err := spec.Build.New(&collect.Env{Host: h, Metrics: set, Log: log.NewNopLogger()}, options)
	if err != nil {
		t.Fatal(err)
	}
	sink := metric.NewSink(set)
	return func() *metric.Sink {
		sink.Reset(metric.Text)
		if err := c.Update(context.Background(), sink); err != nil {
			t.Fatal(err)
		}
		return sink
	}
}

// bench reads a collector again and again.
func bench(b *testing.B, spec collect.Spec, h *host.Host, options map[string][]string) {
	read := reading(b, spec, h, options)
	read() // makes the buffers
	b.ReportAllocs()
	for b.Loop() {
		read()
	}
}
