package memory

import (
	"fmt"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/prometheus/procfs/sysfs"

	"github.com/hostexporter/host_exporter/collector/internal/test/golden"
)

// TestVmstatNumaMatchesProcfs compares what procfs has a field for. A field that a
// kernel does not have is 0 there.
func TestVmstatNumaMatchesProcfs(t *testing.T) {
	w := golden.NewWorkbench(t, vmstatNuma.Build, nil)
	golden.Load(t, filepath.Join(testdata, "vmstat_numa.host"), w.Root)
	have, errs := w.Update()
	if errs != nil {
		t.Fatal(errs)
	}
	fs, err := sysfs.NewFS(filepath.Join(w.Root, "sys"))
	if err != nil {
		t.Fatal(err)
	}
	nodes, err := fs.VMStatNUMA()
	if err != nil || len(nodes) != 2 {
		t.Fatal(nodes, err)
	}
	compared := 0
	for number, node := range nodes {
		byField := map[string]float64{}
		for series, v := range have {
			name, labels, _ := strings.Cut(strings.TrimPrefix(series, "node_numa_vmstat_"), "{")
			if labels == fmt.Sprintf("node=\"%d\"}", number) {
				byField[strings.ReplaceAll(strings.TrimSuffix(name, "_total"), "_", "")] = v
			}
		}
		v := reflect.ValueOf(node)
		for i := range v.NumField() {
			field := strings.ToLower(v.Type().Field(i).Name)
			got, ok := byField[field]
			if want := v.Field(i).Uint(); got != float64(want) {
				t.Errorf("node %d: %s is %v, procfs has %d", number, field, got, want)
			}
			if ok {
				compared++
			}
		}
	}
	if compared < 80 {
		t.Errorf("only %d fields compared", compared)
	}
}

func TestIsVmstatCounter(t *testing.T) {
	for key, want := range map[string]bool{
		"nr_free_pages": false, "nr_mlock": false, "numa_hit": true, "workingset_nodes": false, "workingset_refault_file": true,
		"nr_dirtied": true, "nr_written": true, "nr_dirty": false, "pgdemote_kswapd": true, "nr_vmscan_write": true,
	} {
		if isVmstatCounter(key) != want {
			t.Errorf("%s: counter is %v, want %v", key, !want, want)
		}
	}
}

func BenchmarkVmstatNuma(b *testing.B)  { newWorkbench(b, vmstatNuma.Build).Steady() }
func BenchmarkMeminfoNuma(b *testing.B) { newWorkbench(b, meminfoNuma.Build).Steady() }
