package netdev

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/hostexporter/host_exporter/collector/hba/internal/attr"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/test/testfile"
)

func TestBelow(t *testing.T) {
	root := t.TempDir()
	link := func(device, lower string) {
		t.Helper()
		dir := filepath.Join(root, class, device)
		testfile.Dir(t, dir)
		if lower != "" {
			if err := os.Symlink("../"+lower, filepath.Join(dir, "lower_"+lower)); err != nil {
				t.Fatal(err)
			}
		}
	}
	link("eth0", "")
	link("eth0.100", "eth0")
	link("mac0", "eth0.100")
	link("bond0", "eth1")
	link("bond0", "eth2")
	link("bond0.7", "bond0")
	link("loop0", "loop1")
	link("loop1", "loop0")
	sink := metric.NewSink(metric.NewSet())
	a := attr.Reader{Sys: host.NewTree(root).Attributes().Reader(), Out: sink}
	var f Finder
	for range 3 {
		f.Begin()
		for name, want := range map[string]string{
			"eth0": "eth0", "eth0.100": "eth0", "mac0": "eth0", "bond0": "bond0", "bond0.7": "bond0",
			"absent": "absent", "..": "..", "a/b": "a/b", "": "", "loop0": "loop0",
		} {
			if got := f.Below(a, name); got != want {
				t.Errorf("%q is on %q, want %q", name, got, want)
			}
		}
	}
	link("eth0", "port0")
	f.Begin()
	if got := f.Below(a, "mac0"); got != "port0" {
		t.Errorf("mac0 is on %q", got)
	}
	f.Begin()
	f.Begin()
	if len(f.known) > 0 {
		t.Errorf("%d interfaces are kept", len(f.known))
	}
	if errs, _ := sink.Errors(); errs != nil {
		t.Error(errs)
	}
}
