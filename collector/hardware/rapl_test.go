package hardware

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/prometheus/procfs/sysfs"
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

// TestRaplZoneLikeProcfs holds names and indexes against those of procfs,
// which reads zones in the order of letters.
func TestRaplZoneLikeProcfs(t *testing.T) {
	root := t.TempDir()
	dirs := []string{"a:0", "a:0:0", "a:0:1", "a:1", "a:10", "a:10:0", "a:1:0", "a:2", "a:3", "a:4"}
	names := []string{"package-0", "core", "dram", "package-1", "package-10", "dram", "dram", "package-0-die-1", "psys", "package"}
	for i, dir := range dirs {
		for file, content := range map[string]string{"name": names[i], "max_energy_range_uj": "1"} {
			path := filepath.Join(root, raplDir, dir, file)
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(content+"\n"), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	fs, err := sysfs.NewFS(root)
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
