package cpu

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/procfs"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/test/golden"
	"github.com/hostexporter/host_exporter/collector/internal/test/testfile"
)

const testdata = "../../testdata/cpu"

func TestGolden(t *testing.T) { golden.Run(t, testdata, Collectors()) }

// bigHost writes a host with a number of CPUs, two for each core, in two
// packages, with thermal_throttle, cpufreq and schedstat. It returns the root
// directory.
func bigHost(tb testing.TB, cpus int) string {
	tb.Helper()
	root := tb.TempDir()
	var stat, sched strings.Builder
	stat.WriteString("cpu  1 2 3 4 5 6 7 8 9 10\n")
	sched.WriteString("version 15\ntimestamp 4294937297\n")
	for i := range cpus {
		fmt.Fprintf(&stat, "cpu%d %d 1362 %d %d 81200 0 %d 105 0 0\n", i, 139328+i, 572056+i, 133432920+i, 17875+i)
		fmt.Fprintf(&sched, "cpu%d 0 0 0 0 0 0 %d 343796328169 %d\n", i, 2045936778163+int64(i), 4767485306+int64(i))
		fmt.Fprintf(&sched, "domain0 %s 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n", strings.Repeat("ffffffff,", cpus/32))
	}
	stat.WriteString("intr 389584" + strings.Repeat(" 0", 4*cpus) + "\nctxt 333107\nbtime 1795350126\nprocesses 1489\n")
	write(tb, root, "proc/stat", stat.String())
	write(tb, root, "proc/schedstat", sched.String())
	list := fmt.Sprintf("0-%d\n", cpus-1)
	for name, text := range map[string]string{
		"online": list, "present": list, "isolated": "\n", "offline": "\n", "vulnerabilities/mds": "Not affected\n",
	} {
		write(tb, root, "sys/devices/system/cpu/"+name, text)
	}
	for i := range cpus {
		for name, text := range map[string]string{
			"topology/core_id":                        fmt.Sprint(i % (cpus / 2)),
			"topology/physical_package_id":            fmt.Sprint(i % 2),
			"thermal_throttle/core_throttle_count":    "5",
			"thermal_throttle/package_throttle_count": "7",
			"cpufreq/scaling_cur_freq":                fmt.Sprint(1000000 + i),
			"cpufreq/scaling_min_freq":                "800000",
			"cpufreq/scaling_max_freq":                "3700000",
			"cpufreq/cpuinfo_min_freq":                "800000",
			"cpufreq/cpuinfo_max_freq":                "3700000",
			"cpufreq/scaling_governor":                "powersave",
			"cpufreq/scaling_available_governors":     "performance powersave",
		} {
			write(tb, root, fmt.Sprintf("sys/devices/system/cpu/cpu%d/%s", i, name), text+"\n")
		}
	}
	return root
}

// hostAt returns the host at a root directory, with a clock that stands still,
// and counters of perf events.
func hostAt(root string) *host.Host {
	counters := &fakePerf{}
	openPerf := func(e host.PerfEvent, cpu int) (host.PerfCounter, error) {
		defer func() { counters.time++ }() // for those that are open
		return counters.openPerf(e, cpu)
	}
	return &host.Host{
		Proc:         host.NewTree(root + "/proc"),
		Sys:          host.NewTree(root + "/sys").Attributes(),
		Arch:         "amd64",
		Ticks:        100,
		Now:          func() time.Time { return time.Time{} },
		OpenPerf:     openPerf,
		MaxOpenFiles: func() (uint64, error) { return 1 << 20, nil },
	}
}

// updater returns a function that calls Update of a new collector, and its sink.
func updater(tb testing.TB, spec collect.Spec, h *host.Host) (func(), *metric.Sink) {
	tb.Helper()
	set := metric.NewSet()
	env := &collect.Env{Host: h, Metrics: set, Declared: func(string) bool { return false }}
	c, err := spec.Build.New(env, nil)
	if err != nil {
		tb.Fatal(err)
	}
	sink := metric.NewSink(set)
	return func() {
		sink.Reset(metric.Text)
		if err := c.Update(context.Background(), sink); err != nil {
			tb.Fatal(err)
		}
	}, sink
}

// TestSteadyStateDoesNotAllocate reads a host that does not change.
func TestSteadyStateDoesNotAllocate(t *testing.T) {
	h := hostAt(bigHost(t, 64))
	for _, spec := range Collectors() {
		update, _ := updater(t, spec, h)
		if n := testing.AllocsPerRun(10, update); n > 0 {
			t.Errorf("%s: %v allocations a run, want none", spec.Name, n)
		}
	}
}

// BenchmarkCollectors compares the collectors with the parsers of procfs, which
// emit no samples.
func BenchmarkCollectors(b *testing.B) {
	for _, cpus := range []int{8, 512} {
		root := bigHost(b, cpus)
		h := hostAt(root)
		for _, spec := range Collectors() {
			b.Run(fmt.Sprintf("%s/%d", spec.Name, cpus), func(b *testing.B) {
				update, _ := updater(b, spec, h)
				b.ReportAllocs()
				for b.Loop() {
					update()
				}
			})
		}
		fs, err := procfs.NewFS(root + "/proc")
		if err != nil {
			b.Fatal(err)
		}
		b.Run(fmt.Sprintf("procfs-stat/%d", cpus), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := fs.Stat(); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(fmt.Sprintf("procfs-schedstat/%d", cpus), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := fs.Schedstat(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkTimes reads only /proc/stat.
func BenchmarkTimes(b *testing.B) {
	for _, cpus := range []int{8, 512} {
		h := hostAt(bigHost(b, cpus))
		set := metric.NewSet()
		times := newCPUTimes(&collect.Env{Host: h, Metrics: set}, true)
		sink := metric.NewSink(set)
		b.Run(fmt.Sprint(cpus), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				sink.Reset(metric.Text)
				if err := times.update(b.Context(), sink); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func write(tb testing.TB, root, path, text string) {
	tb.Helper()
	file := filepath.Join(root, path)
	testfile.Write(tb, file, text)
}
