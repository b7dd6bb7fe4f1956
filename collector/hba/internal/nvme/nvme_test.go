package nvme

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/hostexporter/host_exporter/collector/hba/internal/attr"
	"github.com/hostexporter/host_exporter/collector/hba/internal/san"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/test/testfile"
)

func TestHealth(t *testing.T) {
	for _, c := range []struct {
		state state
		ana   string
		want  san.Health
	}{
		{down, "optimized", san.PathOffline}, {live, "inaccessible", san.PathStandby}, {marginal, "change", san.PathStandby},
		{marginal, "non_optimized", san.PathMarginal}, {live, "non_optimized", san.PathNonOptimized}, {live, "", san.PathOptimized},
		{live, "persistent_loss", san.PathOffline}, {live, "change", san.PathStandby},
	} {
		if got := (&controller{state: c.state}).health(c.ana); got != c.want {
			t.Errorf("%+v is %v", c, got)
		}
	}
}

func TestPath(t *testing.T) {
	root := t.TempDir()
	for block, state := range map[string]string{"nvme0n1": "live\n", "nvme1n1": "connecting\n", "sda": "running\n"} {
		dir := filepath.Join(root, "block", block, "device")
		testfile.Dir(t, dir)
		if err := os.WriteFile(filepath.Join(dir, "state"), []byte(state), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	set := metric.NewSet()
	a := attr.Reader{Sys: host.NewTree(root).Reader(), Out: metric.NewSink(set)}
	f := New(set, Options{}, Links{})
	for block, want := range map[string]san.Path{
		"nvme0n1": {StateKnown: true, Health: san.PathOptimized},
		"nvme1n1": {StateKnown: true, Health: san.PathOffline},
		"nvme2n1": {Health: san.PathOptimized},
	} {
		if p, ok := f.Path(a, host.DirEntry{Name: block}); !ok || p != want {
			t.Errorf("%s: %+v, %v", block, p, ok)
		}
	}
	if _, ok := f.Path(a, host.DirEntry{Name: "sda"}); ok {
		t.Error("sda passes for an NVMe namespace")
	}
}
