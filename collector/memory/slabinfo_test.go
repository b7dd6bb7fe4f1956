package memory

import (
	"bytes"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hostexporter/host_exporter/collector/internal/test/golden"
)

// TestSlabinfoMatchesProcfs compares the caches of a recorded host with procfs.
func TestSlabinfoMatchesProcfs(t *testing.T) {
	text := golden.Content(t, filepath.Join(testdata, "slabinfo.host"), "proc/slabinfo")
	slabs, err := golden.Procfs(t, "slabinfo", text).SlabInfo()
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]float64{}
	for _, s := range slabs.Slabs {
		for name, v := range map[string]int64{
			"active_objects": s.ObjActive, "objects": s.ObjNum, "object_size_bytes": s.ObjSize,
			"objects_per_slab": s.ObjPerSlab, "pages_per_slab": s.PagesPerSlab,
		} {
			want[fmt.Sprintf("node_slabinfo_%s{slab=%q}", name, s.Name)] = float64(v)
		}
	}
	compareWith(t, want, "slabinfo", text)
}

// TestSlabinfoForgetsCaches checks that a host whose caches come and go does not
// fill the memory of the exporter.
func TestSlabinfoForgetsCaches(t *testing.T) {
	w := golden.NewWorkbench(t, slabinfo.Build, nil)
	for i := range 10 {
		w.Proc("slabinfo", fmt.Sprintf("slabinfo - version: 2.1\nkept 1 1 1 1 1 : tunables\ncache-%d 1 2 8 4 1 : tunables\n", i))
		if samples, errs := w.Update(); len(samples) != 10 || errs != nil {
			t.Errorf("%d samples, %v", len(samples), errs)
		}
	}
	if n := len(w.Collector.(*slabinfoCollector).caches); n != 2 {
		t.Errorf("%d caches kept, want 2", n)
	}
}

// FuzzSlabLine parses its own output, and compares with procfs on lines that both
// accept.
func FuzzSlabLine(f *testing.F) {
	for _, s := range []string{"a 1 2 3 4 5 : tunables", "a b 1 2 3 4 5 : tunables 6", "1 2 3 4 5 : tunables", " : tunables", "a 1\x002 3 4 5 6 : tunables"} {
		f.Add(s)
	}
	f.Add("kmalloc-8k 123 128 8192 4 8 : tunables 0 0 0 : slabdata 32 32 0")
	f.Add(" 0 0 0 0 0 0 0 0 0 0 : tunables 0 0 0")
	f.Add("0 0 0 0 0 0 0 0 0 0 0 : tunables 0 0 0")
	oracle := golden.NewOracle(f, "slabinfo")
	f.Fuzz(func(t *testing.T, line string) {
		name, n, ok := parseSlabLine([]byte(line))
		if !ok {
			return
		}
		again := fmt.Sprintf("%s %d %d %d %d %d : tunables", name, n.activeObjects, n.objects, n.objectSize, n.objectsPerSlab, n.pagesPerSlab)
		if otherName, other, ok := parseSlabLine([]byte(again)); !ok || string(otherName) != string(name) || other != n {
			t.Errorf("%q becomes %q", line, again)
		}
		// Procfs leaves out lines that begin as the heading does.
		slabs, err := oracle.Set(t, line+"\n").SlabInfo()
		if err != nil || len(slabs.Slabs) != 1 || !golden.IsPlain(line) || strings.Contains(line, "\n") || bytes.ContainsRune(name, ' ') || strings.HasPrefix(line, " ") {
			return
		}
		if s := slabs.Slabs[0]; s.Name != string(name) || [5]int64{s.ObjActive, s.ObjNum, s.ObjSize, s.ObjPerSlab, s.PagesPerSlab} !=
			[5]int64{int64(n.activeObjects), int64(n.objects), int64(n.objectSize), int64(n.objectsPerSlab), int64(n.pagesPerSlab)} {
			t.Errorf("%q: have %s %+v, procfs has %+v", line, name, n, *s)
		}
	})
}

// TestSwapMatchesProcfs compares areas without escapes with procfs.
func TestSwapMatchesProcfs(t *testing.T) {
	text := golden.Content(t, filepath.Join(testdata, "swap.swapoff.host"), "proc/swaps")
	areas, err := golden.Procfs(t, "swaps", text).Swaps()
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]float64{}
	for _, a := range areas {
		labels := fmt.Sprintf("{device=%q,swap_type=%q}", a.Filename, a.Type)
		want["node_swap_size_bytes"+labels] = float64(a.Size) * 1024
		want["node_swap_used_bytes"+labels] = float64(a.Used) * 1024
		want["node_swap_priority"+labels] = float64(a.Priority)
	}
	w := golden.NewWorkbench(t, swap.Build, nil)
	w.Proc("swaps", text)
	have, errs := w.Update()
	if errs != nil {
		t.Error(errs)
	}
	golden.SameSamples(t, have, want)
}

// TestSwapNamesFollowTheirLines checks that a name is not kept for another area.
func TestSwapNamesFollowTheirLines(t *testing.T) {
	w := golden.NewWorkbench(t, swap.Build, nil)
	for _, names := range [][]string{{"/a", "/b"}, {"/b"}, {"/longer", "/a", "/b"}, {}, {"/b"}} {
		var text strings.Builder
		text.WriteString("Filename Type Size Used Priority\n")
		for _, name := range names {
			fmt.Fprintf(&text, "%s file 1 0 -1\n", name)
		}
		w.Proc("swaps", text.String())
		samples, errs := w.Update()
		if errs != nil || len(samples) != 3*len(names) {
			t.Errorf("%v: %d samples, %v", names, len(samples), errs)
		}
		for _, name := range names {
			if _, ok := samples[fmt.Sprintf("node_swap_size_bytes{device=%q,swap_type=\"file\"}", name)]; !ok {
				t.Errorf("%v: no %s", names, name)
			}
		}
	}
}

func BenchmarkSlabinfo(b *testing.B) {
	b.Run("collector", func(b *testing.B) { newWorkbench(b, slabinfo.Build).Steady() })
	b.Run("procfs", func(b *testing.B) {
		fs := golden.Procfs(b, "slabinfo", golden.Content(b, filepath.Join(testdata, "slabinfo.host"), "proc/slabinfo"))
		b.ReportAllocs()
		for b.Loop() {
			if _, err := fs.SlabInfo(); err != nil {
				b.Fatal(err)
			}
		}
	})
}
