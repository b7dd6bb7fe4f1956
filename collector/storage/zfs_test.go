package storage

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/hostexporter/host_exporter/collector/internal/test/golden"
)

// zfsHost writes a number of pools with a number of datasets each, and the
// parts of zfs.host.
func zfsHost(b *golden.Workbench, pools, datasets int) {
	b.T.Helper()
	data, err := os.ReadFile(testdata + "/zfs.host")
	if err != nil {
		b.T.Fatal(err)
	}
	a, err := golden.Parse(data)
	if err != nil {
		b.T.Fatal(err)
	}
	for _, e := range a.Entries {
		if dir, file := filepath.Split(e.Path); dir == "proc/"+zfsDir+"/" {
			b.Proc(zfsDir+"/"+file, string(e.Data))
		}
	}
	for p := range pools {
		dir := fmt.Sprintf("%s/pool%d/", zfsDir, p)
		b.Proc(dir+"state", "ONLINE\n")
		b.Proc(dir+"io", "12 1 0x00 1 80 79205351707403 395818011156865\n"+
			"nread    nwritten reads    writes   wtime    wlentime wupdate  rtime    rlentime rupdate  wcnt     rcnt    \n"+
			"1884160  3206144  22       132      7155162  104112268 79210489694949 24168078 104112268 79210489849220 0        0       \n")
		for d := range datasets {
			b.Proc(fmt.Sprintf("%sobjset-0x%x", dir, d), zfsObjset(fmt.Sprintf("pool%d/data%d", p, d), d))
		}
	}
}

// zfsObjset returns the statistics of a dataset.
func zfsObjset(name string, from int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "23 1 0x01 7 2160 4297844293 1578578163\n%-31s %-4s %s\n%-31s %-4d %s\n", "name", "type", "data", "dataset_name", 7, name)
	for i, key := range []string{"writes", "nwritten", "reads", "nread", "nunlinks", "nunlinked"} {
		fmt.Fprintf(&b, "%-31s %-4d %d\n", key, 4, from+i)
	}
	return b.String()
}

func TestKstatLines(t *testing.T) {
	for line, want := range map[string]string{
		"hits                            4    1787":                "1787",
		"hits 4 18446744073709551615":                              "18446744073709551615",
		"hits 4 18446744073709551616":                              "malformed",
		"hits 4 -1":                                                "malformed",
		"memory_available_bytes          3    -842235904":          "-842235904",
		"memory_available_bytes          3    9223372036854775808": "malformed",
		"a 1 -5": "-5",
		"a 2 5":  "5",
		"a 5 -5": "-5",
		"a 6 5":  "5",
		"dataset_name                    7    tank/my own data": "text",
		"a 0 x":   "text",
		"a 4":     "malformed",
		"a 4 5 6": "malformed",
		"a 8 5":   "malformed",
		"a 44 5":  "malformed",
		"a":       "malformed",
		"":        "malformed",
	} {
		v, number, ok := parseKstatLine([]byte(line)).value()
		have := strconv.FormatFloat(v, 'f', -1, 64)
		switch {
		case !ok:
			have = "malformed"
		case !number:
			have = "text"
		case want == "18446744073709551615": // the nearest float64
			want = "18446744073709552000"
		}
		if have != want {
			t.Errorf("%q is %s, want %s", line, have, want)
		}
	}
}

// TestZFSLinesChange gives one collector files whose lines come, go and change
// places, so that its tables never fit.
func TestZFSLinesChange(t *testing.T) {
	b := golden.NewWorkbench(t, zfs.Build, nil)
	for i, step := range []struct {
		lines string
		want  map[string]float64
	}{
		{"a 4 1\nb 4 2\nc 4 3\n", map[string]float64{"a": 1, "b": 2, "c": 3}},
		{"c 4 4\nb 4 5\na 4 6\n", map[string]float64{"c": 4, "b": 5, "a": 6}},
		{"c 4 7\n", map[string]float64{"c": 7}},
		{"c 4 8\nx-y 4 9\na 4 10\n", map[string]float64{"c": 8, "x_y": 9, "a": 10}},
		{"c 4 8\nx_y 4 9\nc 4 11\na 4 10\nd 4 12\n", map[string]float64{"c": 8, "a": 10, "d": 12}},
		{"t 7 text\nc 4 1\n\nt 7 text\nd 4 2\n", map[string]float64{"c": 1, "d": 2}},
		{"", map[string]float64{}},
	} {
		b.Proc(zfsDir+"/zil", "1 1 0x01 1 1 1 1\nname type data\n"+step.lines)
		have, errs := b.Update()
		repeated := strings.Count("\n"+step.lines, "\nc ") > 1
		if len(errs) > 1 || (errs != nil) != repeated || repeated && errs[0].Error() != "a second node_zfs_zil_c" {
			t.Errorf("step %d: %v", i, errs)
		}
		want := map[string]float64{}
		for k, v := range step.want {
			want["node_zfs_zil_"+k] = v
		}
		golden.SameSamples(t, have, want)
	}
}

// TestZFSDropsRemovedDatasets replaces all datasets again and again, as on a
// host with containers, and limits how many names are kept.
func TestZFSDropsRemovedDatasets(t *testing.T) {
	b := golden.NewWorkbench(t, zfs.Build, nil)
	c := b.Collector.(*zfsCollector)
	for i := range 20 {
		for d := range 30 {
			b.Proc(fmt.Sprintf("%s/tank/objset-0x%x", zfsDir, d), zfsObjset(fmt.Sprintf("tank/%d-%d", i, d), d))
		}
		if have, errs := b.Update(); len(have) != 30*6 || errs != nil {
			t.Fatalf("%d samples, %v", len(have), errs)
		}
		if len(c.datasets.byName) > 3*30+64 {
			t.Fatalf("%d names are kept for 30 datasets", len(c.datasets.byName))
		}
	}
}

// FuzzZFS checks that no lines cause a panic, a duplicate sample, or the loss
// of the samples of well-formed lines around them.
func FuzzZFS(f *testing.F) {
	f.Add("hits 4 1\nhits 4 2\n", "nread state\n1 2\n", "dataset_name 7 a b\nreads 4 1\n")
	f.Add("name type data\nx-y 4 1\nx_y 4 1\n\x00\xff 4 1", "12 1 0x00\nnread nread dataset_reads\n1 2 3", "reads 4 1\ndataset_name 7")
	f.Add("a 7 name type data\n", "nread\n", "ONLINE")
	f.Fuzz(func(t *testing.T, lines, io, objset string) {
		b := golden.NewWorkbench(t, zfs.Build, nil)
		b.Proc(zfsDir+"/fm", "1 1 0x01 1 1 1 1\nname type data\nwhole_before 4 4711\n"+lines+"\nwhole_after 4 4712\n")
		b.Proc(zfsDir+"/tank/io", io)
		b.Proc(zfsDir+"/tank/state", io)
		b.Proc(zfsDir+"/tank/objset-0x1", "name type data\n"+objset)
		b.Proc(zfsDir+"/tank/objset-0x2", "name type data\n"+objset)
		for range 2 {
			have, _ := b.Update()
			if have["node_zfs_fm_whole_before"] != 4711 {
				t.Errorf("the sample of the line before is missing: %v", have)
			}
			if _, ok := have["node_zfs_fm_whole_after"]; !ok {
				t.Errorf("the sample of the line after is missing: %v", have)
			}
		}
	})
}

// BenchmarkZFS50Pools reads fifty pools of twenty datasets.
func BenchmarkZFS50Pools(b *testing.B) {
	n := golden.NewWorkbench(b, zfs.Build, nil)
	zfsHost(n, 50, 20)
	n.Steady()
}

// BenchmarkZFSParts reads one pool and one dataset, so that the parts are most
// of the work.
func BenchmarkZFSParts(b *testing.B) {
	n := golden.NewWorkbench(b, zfs.Build, nil)
	zfsHost(n, 1, 1)
	n.Steady()
}

// TestZFSAllocates limits the allocations to the names in directories and the
// states of pools, with none for the statistics.
func TestZFSAllocates(t *testing.T) {
	n := golden.NewWorkbench(t, zfs.Build, nil)
	zfsHost(n, 4, 20)
	n.Allocs(4*(20+16) + 40)
}
