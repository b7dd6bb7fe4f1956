package memory

import (
	"fmt"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/test/golden"
)

// TestBuddyinfoMatchesProcfs compares the blocks of recorded hosts with procfs.
func TestBuddyinfoMatchesProcfs(t *testing.T) {
	for _, name := range []string{"buddyinfo.host", "buddyinfo.ppc64le.host"} {
		text := golden.Content(t, filepath.Join(testdata, name), "proc/buddyinfo")
		zones, err := golden.Procfs(t, "buddyinfo", text).BuddyInfo()
		if err != nil {
			t.Fatal(err)
		}
		want := map[string]float64{}
		for _, z := range zones {
			for order, blocks := range z.Sizes {
				want[fmt.Sprintf("node_buddyinfo_blocks{node=%q,zone=%q,size=\"%d\"}", z.Node, z.Zone, order)] = blocks
			}
		}
		compareWith(t, want, "buddyinfo", text)
	}
}

// compareWith compares the samples of a file in /proc, which has the name of its
// collector, with those that an oracle has.
func compareWith(t *testing.T, want map[string]float64, name, text string) {
	t.Helper()
	for _, spec := range Collectors() {
		if spec.Name != name {
			continue
		}
		w := golden.NewWorkbench(t, spec.Build, nil)
		w.Proc(name, text)
		have, errs := w.Update()
		if errs != nil {
			t.Error(errs)
		}
		golden.SameSamples(t, have, want)
	}
}

// TestZoneinfoMatchesProcfs compares all families of hosts with procfs, which has
// a field for each.
func TestZoneinfoMatchesProcfs(t *testing.T) {
	for _, name := range []string{"zoneinfo.host", "zoneinfo.linux-6.1.host", "zoneinfo.linux-4.4.host"} {
		text := golden.Content(t, filepath.Join(testdata, name), "proc/zoneinfo")
		zones, err := golden.Procfs(t, "zoneinfo", text).Zoneinfo()
		if err != nil {
			t.Fatal(err)
		}
		want := map[string]float64{}
		for _, z := range zones {
			labels := fmt.Sprintf("{node=%q,zone=%q}", z.Node, z.Zone)
			for i, pages := range z.Protection {
				want[fmt.Sprintf("node_zoneinfo_protection_%d%s", i, labels)] = float64(*pages)
			}
			v := reflect.ValueOf(z)
			for i := range v.NumField() {
				if number, ok := v.Field(i).Interface().(*int64); ok && number != nil {
					want["node_zoneinfo_"+zoneinfoFamily(v.Type().Field(i).Name)+labels] = float64(*number)
				}
			}
		}
		compareWith(t, want, "zoneinfo", text)
	}
}

// zoneinfoFamily returns the end of the family that has a field of procfs.Zoneinfo.
func zoneinfoFamily(field string) string {
	var name strings.Builder
	for i, r := range field {
		if i > 0 && r >= 'A' && r <= 'Z' {
			name.WriteByte('_')
		}
		name.WriteRune(r)
	}
	s := strings.ToLower(name.String())
	switch {
	case s == "nr_dirtied", s == "nr_written", strings.HasPrefix(s, "numa_"):
		return s + "_total"
	case s == "nr_kernel_stack":
		return s + "s"
	case strings.HasSuffix(s, "pages"): // of hugepages, too
		return s
	}
	return s + "_pages"
}

// FuzzBuddyinfoLine parses its own output, and compares with procfs on lines that both
// accept.
func FuzzBuddyinfoLine(f *testing.F) {
	for _, s := range []string{"Node 0, zone      DMA      1      0      3 ", "Node 0, zone", "Node 0, zone Normal x", "Node , zone A 1", "Node 0 zone A 1", "Node 0, zone 0 -1"} {
		f.Add(s)
	}
	oracle := golden.NewOracle(f, "buddyinfo")
	f.Fuzz(func(t *testing.T, line string) {
		z, ok := parseBuddyinfoLine([]byte(line))
		if !ok {
			return
		}
		again := fmt.Appendf(nil, "Node %s, zone %s %s", z.node, z.zone, strings.Trim(fmt.Sprint(z.blocks[:z.orders]), "[]"))
		if y, ok := parseBuddyinfoLine(again); !ok || y.blocks != z.blocks || y.orders != z.orders {
			t.Errorf("%q becomes %q, %v", line, again, y)
		}
		if !golden.IsPlain(line) || strings.Contains(line, "\n") {
			return
		}
		all, err := oracle.Set(t, line+"\n").BuddyInfo()
		if err != nil || len(all) != 1 {
			return
		}
		for order, blocks := range all[0].Sizes {
			// A number below zero, also as an unsigned one, is none.
			if blocks < 0 || blocks >= 1<<63 {
				blocks = 0
			}
			if order >= z.orders || float64(z.blocks[order]) != blocks {
				t.Errorf("%q: have %v, procfs has %v", line, z.blocks[:z.orders], all[0].Sizes)
				break
			}
		}
	})
}

// FuzzZoneinfo looks for files that make the collector panic.
func FuzzZoneinfo(f *testing.F) {
	f.Add(golden.Content(f, filepath.Join(testdata, "zoneinfo.malformed.host"), "proc/zoneinfo"))
	f.Add("Node 0, zone A\n protection: ()\n protection: (,)\n protection: (1)\n min 1")
	w := golden.NewWorkbench(f, zoneinfo.Build, nil)
	f.Fuzz(func(t *testing.T, text string) {
		w.T = t
		w.Proc("zoneinfo", text)
		w.Out.Reset(metric.Text)
		_ = w.Collector.Update(t.Context(), w.Out)
	})
}

// largeZoneinfo returns /proc/zoneinfo of a host with 16 nodes of 16 CPUs.
func largeZoneinfo(tb testing.TB) string {
	zone := golden.Content(tb, filepath.Join(testdata, "zoneinfo.linux-4.4.host"), "proc/zoneinfo")
	var cpus, b strings.Builder
	for i := range 256 {
		fmt.Fprintf(&cpus, "    cpu: %d\n              count: 0\n              high:  0\n              batch: 1\n  vm stats threshold: 8\n", i)
	}
	for node := range 16 {
		b.WriteString(strings.Replace(strings.ReplaceAll(zone, "Node 0,", fmt.Sprintf("Node %d,", node)), "  pagesets\n", "  pagesets\n"+cpus.String(), 1))
	}
	return b.String()
}

func TestZoneinfoDoesNotAllocate(t *testing.T) {
	w := golden.NewWorkbench(t, zoneinfo.Build, nil)
	w.Proc("zoneinfo", largeZoneinfo(t))
	w.Allocs(0)
}

func BenchmarkZoneinfo(b *testing.B) {
	text := largeZoneinfo(b)
	b.Run("collector", func(b *testing.B) {
		w := golden.NewWorkbench(b, zoneinfo.Build, nil)
		w.Proc("zoneinfo", text)
		w.Steady()
	})
	b.Run("procfs", func(b *testing.B) {
		fs := golden.Procfs(b, "zoneinfo", text)
		b.ReportAllocs()
		for b.Loop() {
			if _, err := fs.Zoneinfo(); err != nil {
				b.Fatal(err)
			}
		}
	})
}
