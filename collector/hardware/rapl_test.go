package hardware

import (
	"path/filepath"
	"testing"

	"github.com/prometheus/procfs/sysfs"

	"github.com/hostexporter/host_exporter/collector/internal/test/golden"
)

func TestRaplZone(t *testing.T) {
	seen := map[string]int{}
	for _, c := range []struct {
		name, zone string
		index      int
	}{
		{"package-0", "package", 0},
		{"core", "core", 0},
		{"dram", "dram", 0},
		{"package-1", "package", 1},
		{"core", "core", 1},
		{"dram", "dram", 1},
		{"package-0-die-1", "package-0-die-1", 0},
		{"package-0-die-1", "package-0-die-1", 1},
		{"psys", "psys", 0},
		{"package", "package", 2},
		{"dram-", "dram-", 0},
		{"dram--1", "dram--1", 0},
		{"-7", "", 7},
		{"dram-x", "dram-x", 0},
		{"dram-99999999999", "dram-99999999999", 0},
		{"dram", "dram", 2},
	} {
		if zone, index := raplZone(c.name, seen); zone != c.zone || index != c.index {
			t.Errorf("%q is %q, %d, want %q, %d", c.name, zone, index, c.zone, c.index)
		}
	}
}

// TestRaplZoneMatchesProcfs compares names and indexes with procfs, which reads
// zones in lexical order.
func TestRaplZoneMatchesProcfs(t *testing.T) {
	b := golden.NewWorkbench(t, rapl.Build, nil)
	dirs := []string{"a:0", "a:0:0", "a:0:1", "a:1", "a:10", "a:10:0", "a:1:0", "a:2", "a:3", "a:4"}
	names := []string{"package-0", "core", "dram", "package-1", "package-10", "dram", "dram", "package-0-die-1", "psys", "package"}
	for i, dir := range dirs {
		b.Sys(raplDir+"/"+dir+"/name", names[i]+"\n")
		b.Sys(raplDir+"/"+dir+"/max_energy_range_uj", "1\n")
	}
	fs, err := sysfs.NewFS(filepath.Join(b.Root, "sys"))
	if err != nil {
		t.Fatal(err)
	}
	zones, err := sysfs.GetRaplZones(fs)
	if err != nil || len(zones) != len(dirs) {
		t.Fatal(len(zones), err)
	}
	seen := map[string]int{}
	for i, want := range zones {
		if zone, index := raplZone(names[i], seen); zone != want.Name || index != want.Index {
			t.Errorf("%q is %q, %d, want %q, %d", names[i], zone, index, want.Name, want.Index)
		}
	}
}
