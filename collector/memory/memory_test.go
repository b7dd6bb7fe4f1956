package memory

import (
	"context"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/prometheus/procfs"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/test/golden"
)

const testdata = "../../testdata/memory"

func TestGolden(t *testing.T) { golden.Run(t, testdata, Collectors()) }

// TestMeminfoAgreesWithProcfs compares all sizes and counts of real and old
// kernels with what procfs makes of them.
func TestMeminfoAgreesWithProcfs(t *testing.T) {
	for _, name := range []string{"meminfo.recorded.host", "meminfo.host"} {
		text := golden.Content(t, filepath.Join(testdata, name), "proc/meminfo")
		fs := procDir(t, "meminfo", text)
		want, err := fs.Meminfo()
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
				continue // a line that procfs does not know
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

func FuzzMeminfoLine(f *testing.F) {
	for _, s := range []string{"MemTotal:  1 kB", "HugePages_Total: 0", "Active(anon): 5 kB", ": 1 kB", "A:", "A: 1 2", "A: 1 kB x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, line string) {
		key, _, _, ok := parseMeminfoLine([]byte(line))
		if ok && (len(key) == 0 || !strings.HasPrefix(line, string(key)+":")) {
			t.Errorf("%q has key %q", line, key)
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

// TestSteadyStateDoesNotAllocate reads the same files again and again.
func TestSteadyStateDoesNotAllocate(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "meminfo", golden.Content(t, filepath.Join(testdata, "meminfo.recorded.host"), "proc/meminfo"))
	write(t, dir, "vmstat", golden.Content(t, filepath.Join(testdata, "vmstat.recorded.host"), "proc/vmstat"))
	for _, spec := range Collectors() {
		update := updater(t, spec, dir)
		if n := testing.AllocsPerRun(10, update); n > 0 {
			t.Errorf("%s: %v allocations a run, want none", spec.Name, n)
		}
	}
}

func BenchmarkMeminfo(b *testing.B) {
	text := golden.Content(b, filepath.Join(testdata, "meminfo.recorded.host"), "proc/meminfo")
	dir := b.TempDir()
	write(b, dir, "meminfo", text)
	b.Run("collector", func(b *testing.B) {
		update := updater(b, meminfo, dir)
		b.ReportAllocs()
		for b.Loop() {
			update()
		}
	})
	b.Run("procfs parser alone", func(b *testing.B) {
		fs, err := procfs.NewFS(dir)
		if err != nil {
			b.Fatal(err)
		}
		b.ReportAllocs()
		for b.Loop() {
			if _, err := fs.Meminfo(); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkVmstat(b *testing.B) {
	dir := b.TempDir()
	write(b, dir, "vmstat", golden.Content(b, filepath.Join(testdata, "vmstat.recorded.host"), "proc/vmstat"))
	update := updater(b, vmstat, dir)
	b.ReportAllocs()
	for b.Loop() {
		update()
	}
}

// updater returns a function that makes one reading of a collector.
func updater(tb testing.TB, spec collect.Spec, proc string) func() {
	tb.Helper()
	set := metric.NewSet()
	c, err := spec.Build.New(&collect.Env{Host: &host.Host{Proc: host.NewTree(proc)}, Metrics: set}, nil)
	if err != nil {
		tb.Fatal(err)
	}
	sink := metric.NewSink(set)
	return func() {
		sink.Reset(metric.Text)
		if err := c.Update(context.Background(), sink); err != nil {
			tb.Fatal(err)
		}
	}
}

func write(tb testing.TB, dir, name, text string) {
	tb.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
		tb.Fatal(err)
	}
}

func procDir(tb testing.TB, name, text string) procfs.FS {
	tb.Helper()
	dir := tb.TempDir()
	write(tb, dir, name, text)
	fs, err := procfs.NewFS(dir)
	if err != nil {
		tb.Fatal(err)
	}
	return fs
}
