package memory

import (
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/test/golden"
)

const testdata = "../../testdata/memory"

func TestGolden(t *testing.T) { golden.Run(t, testdata, Collectors()) }

// TestMeminfoMatchesProcfs compares all sizes and counts of recorded hosts with
// procfs.
func TestMeminfoMatchesProcfs(t *testing.T) {
	for _, name := range []string{"meminfo.recorded.host", "meminfo.host"} {
		text := golden.Content(t, filepath.Join(testdata, name), "proc/meminfo")
		want, err := golden.Procfs(t, "meminfo", text).Meminfo()
		if err != nil {
			t.Fatal(err)
		}
		compared := 0
		for line := range strings.Lines(text) {
			key, value, size, ok := parseMeminfoLine([]byte(strings.TrimSuffix(line, "\n")))
			if !ok {
				t.Fatalf("%q does not parse", line)
			}
			field := strings.NewReplacer("(anon)", "Anon", "(file)", "File", "_", "").Replace(string(key))
			if size {
				field, value = field+"Bytes", value*1024
			}
			f := reflect.ValueOf(want).FieldByName(field)
			if !f.IsValid() {
				continue // procfs does not parse this line
			}
			compared++
			if got := f.Elem().Uint(); got != value {
				t.Errorf("%s: %d, procfs has %d", key, value, got)
			}
		}
		if compared < 15 {
			t.Errorf("%s: only %d lines compared", name, compared)
		}
	}
}

// FuzzMeminfoLine compares the line MemTotal with procfs where both accept it.
func FuzzMeminfoLine(f *testing.F) {
	for _, s := range []string{"MemTotal:  1 kB", "HugePages_Total: 0", "Active(anon): 5 kB", ": 1 kB", "A:", "A: 1 2", "A: 1 kB x"} {
		f.Add(s)
	}
	oracle := golden.NewOracle(f, "meminfo")
	f.Fuzz(func(t *testing.T, line string) {
		key, value, isSize, ok := parseMeminfoLine([]byte(line))
		if ok && (len(key) == 0 || !strings.HasPrefix(line, string(key)+":")) {
			t.Errorf("%q has key %q", line, key)
		}
		// Procfs reads octal and hexadecimal numbers, too.
		if ok && string(key) == "MemTotal" && golden.IsPlain(line) && !strings.ContainsAny(line, "xXoObB_") && !strings.Contains(line, " 0") {
			m, err := oracle.Set(t, line+"\n").Meminfo()
			if err == nil && (m.MemTotal == nil || *m.MemTotal != value || isSize != strings.HasSuffix(strings.TrimRight(line, " "), "kB")) {
				t.Errorf("%q: have %d, procfs has %v", line, value, m.MemTotal)
			}
		}
		meminfoName(string(key))
	})
}

func FuzzVmstatLine(f *testing.F) {
	for _, s := range []string{"pgpgin 1", "a -5", "a", "a 1 2", " a 1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, line string) {
		if key, _, ok := parseVmstatLine([]byte(line)); ok && len(key) == 0 {
			t.Errorf("%q has no key", line)
		}
	})
}

// newWorkbench returns a collector with the files of recorded hosts.
func newWorkbench(tb testing.TB, build collect.Builder) *golden.Workbench {
	tb.Helper()
	b := golden.NewWorkbench(tb, build, nil)
	for _, name := range []string{
		"buddyinfo", "ksmd", "meminfo.recorded", "meminfo_numa", "slabinfo", "swap", "vmstat.recorded", "vmstat_numa", "zoneinfo",
	} {
		golden.Load(tb, filepath.Join(testdata, name+".host"), b.Root)
	}
	return b
}

// TestSteadyStateDoesNotAllocate reads files that do not change.
func TestSteadyStateDoesNotAllocate(t *testing.T) {
	for _, spec := range Collectors() {
		newWorkbench(t, spec.Build).Allocs(0)
	}
}

// BenchmarkMeminfo compares the collector with the parser of procfs, which
// emits no samples.
func BenchmarkMeminfo(b *testing.B) {
	b.Run("collector", func(b *testing.B) { newWorkbench(b, meminfo.Build).Steady() })
	b.Run("procfs", func(b *testing.B) {
		fs := golden.Procfs(b, "meminfo", golden.Content(b, filepath.Join(testdata, "meminfo.recorded.host"), "proc/meminfo"))
		b.ReportAllocs()
		for b.Loop() {
			if _, err := fs.Meminfo(); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkVmstat(b *testing.B) { newWorkbench(b, vmstat.Build).Steady() }
