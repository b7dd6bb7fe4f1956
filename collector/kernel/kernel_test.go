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

// recordedFiles returns the content of a file in the cases of a collector, by
// the name of the case.
func recordedFiles(t testing.TB, collector, path string) map[string][]byte {
	t.Helper()
	cases, err := filepath.Glob(filepath.Join(testdata, collector+"*.host"))
	if err != nil {
		t.Fatal(err)
	}
	contents := map[string][]byte{}
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
				contents[filepath.Base(file)] = e.Data
			}
		}
	}
	if len(contents) == 0 {
		t.Fatalf("no case of %s has %s", collector, path)
	}
	return contents
}

// newUpdate builds a collector and returns a function that calls its Update.
func newUpdate(t testing.TB, spec collect.Spec, h *host.Host) func() *metric.Sink {
	t.Helper()
	set := metric.NewSet()
	c, err := spec.Build.New(&collect.Env{Host: h, Metrics: set, Log: log.NewNopLogger()}, nil)
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
