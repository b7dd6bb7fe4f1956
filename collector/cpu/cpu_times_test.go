package cpu

import (
	"math"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/prometheus/procfs"

	"github.com/hostexporter/host_exporter/collector/internal/test/golden"
)

// TestTimesMatchProcfs compares the lines of recorded hosts with procfs.
func TestTimesMatchProcfs(t *testing.T) {
	for _, name := range []string{"cpu.offline.host", "cpu.host", "cpu.old-kernel.host", "cpu.container.host"} {
		text := golden.Content(t, filepath.Join(testdata, name), "proc/stat")
		want, err := golden.Procfs(t, "stat", text).Stat()
		if err != nil {
			t.Fatal(err)
		}
		lines := 0
		for line := range strings.Lines(text) {
			if !isCPULine([]byte(line)) {
				continue
			}
			lines++
			number, ticks, ok := parseCPULine([]byte(line))
			if !ok {
				t.Errorf("%q does not parse", line)
			}
			n, _ := strconv.ParseInt(string(number), 10, 64)
			w := want.CPU[n]
			for i, v := range [...]float64{w.User, w.Nice, w.System, w.Idle, w.Iowait, w.IRQ, w.SoftIRQ, w.Steal, w.Guest, w.GuestNice} {
				if got := float64(ticks.ticks[i]) / 100; got != v {
					t.Errorf("%s: column %d of cpu%d is %v, procfs has %v", name, i, n, got, v)
				}
			}
		}
		if lines != len(want.CPU) || lines == 0 {
			t.Errorf("%s: %d CPUs, procfs has %d", name, lines, len(want.CPU))
		}
	}
}

func TestParseCPULine(t *testing.T) {
	for _, c := range []struct {
		line    string
		ok      bool
		columns int
	}{
		{"cpu0 1 2 3 4 5 6 7 8 9 10", true, 10},
		{"cpu0 1 2 3 4 5 6 7 8 9 10 11 x", true, 10}, // of a future kernel
		{"cpu511 1 2 3 4", true, 4},
		{"cpu0 1 2 3", false, 0},
		{"cpu0", false, 0},
		{"cpu0 1 2 3 -4", true, 4},
		{"cpu0 1 2 3 18446744073709551616", false, 0},
		{"cpux 1 2 3 4", false, 0},
		{"cpu-1 1 2 3 4", false, 0},
		{"cpu0x 1 2 3 4", false, 0},
	} {
		_, ticks, ok := parseCPULine([]byte(c.line))
		if ok != c.ok || ok && ticks.columns != c.columns {
			t.Errorf("%q: %v with %d columns, want %v with %d", c.line, ok, ticks.columns, c.ok, c.columns)
		}
	}
}

func TestClockClampsAndResets(t *testing.T) {
	const hz = 100
	at := func(user, idleTicks, iowait uint64) cpuTicks {
		return cpuTicks{ticks: [statColumns]uint64{0: user, statIdle: idleTicks, 4: iowait}, columns: statColumns}
	}
	for _, c := range []struct {
		what   string
		from   cpuTicks
		to     cpuTicks
		want   cpuTicks
		clamps uint64
	}{
		{"increase", at(1, 1000, 10), at(2, 1001, 11), at(2, 1001, 11), 0},
		{"no change", at(1, 1000, 10), at(1, 1000, 10), at(1, 1000, 10), 0},
		{"idle decreases less than the reset", at(1, 1000, 10), at(2, 701, 11), at(2, 1000, 11), 1},
		{"idle decreases by the reset", at(1, 1000, 10), at(0, 700, 0), at(0, 700, 0), 0},
		{"iowait decreases by more than the reset", at(1, 1000, 5000), at(2, 1001, 0), at(2, 1001, 5000), 1},
		{"all to zero, idle less than the reset", at(100, 299, 100), at(0, 0, 0), at(100, 299, 100), 3},
		{"from below zero", at(1, 5, math.MaxUint64), at(2, 5, 7), at(2, 5, 7), 0},
		{"to below zero", at(1, 5, 4), at(2, math.MaxUint64, 1844674407370955), at(2, 5, 4), 2},
		{"the largest time", at(1, 5, 0), at(2, 922337203599, 0), at(2, 922337203599, 0), 0},
	} {
		var clock cpuClock
		clock.update(c.from, hz)
		clamps := clock.update(c.to, hz)
		if clock.monotonic != c.want.ticks || clamps != c.clamps {
			t.Errorf("%s: %v with %d clamps, want %v with %d", c.what, clock.monotonic, clamps, c.want.ticks, c.clamps)
		}
	}
}

// TestClampIsCountedOnce counts each decrease once, not each clamped reading.
func TestClampIsCountedOnce(t *testing.T) {
	var clock cpuClock
	var clamps uint64
	for _, iowait := range []uint64{100, 90, 90, 95, 94, 200} {
		clamps += clock.update(cpuTicks{ticks: [statColumns]uint64{4: iowait}, columns: statColumns}, 100)
	}
	if clamps != 2 || clock.monotonic[4] != 200 {
		t.Errorf("%d clamps and iowait %d, want 2 and 200", clamps, clock.monotonic[4])
	}
}

// compareCPULine compares with procfs a line that procfs accepts.
func compareCPULine(t *testing.T, fs procfs.FS, line, number string, ticks *cpuTicks) {
	t.Helper()
	all, err := fs.Stat()
	id, notNumber := strconv.ParseInt(number, 10, 64)
	if err != nil || notNumber != nil {
		return
	}
	w := all.CPU[id]
	for i, want := range []float64{w.User, w.Nice, w.System, w.Idle, w.Iowait, w.IRQ, w.SoftIRQ, w.Steal, w.Guest, w.GuestNice}[:ticks.columns] {
		// A time below zero, also as an unsigned number, is none.
		if have := float64(ticks.ticks[i]) / 100; have != want && !(have == 0 && (want < 0 || want >= 1<<63/100)) {
			t.Errorf("%q: column %d is %v, procfs has %v", line, i, have, want)
		}
	}
}

// FuzzParseCPULine compares with procfs on lines that both accept.
func FuzzParseCPULine(f *testing.F) {
	for _, s := range []string{"cpu0 1 2 3 4 5 6 7 8 9 10", "cpu  1 2 3 4", "cpu1", "cpu99999999999999999999 1 2 3 4", "cpu0 \x00", "cpu0 0 -1 0 0"} {
		f.Add(s)
	}
	oracle := golden.NewOracle(f, "stat")
	f.Fuzz(func(t *testing.T, line string) {
		if !isCPULine([]byte(line)) {
			return
		}
		if number, ticks, ok := parseCPULine([]byte(line)); ok && (len(number) == 0 || ticks.columns < minColumns) {
			t.Errorf("%q: number %q, %d columns", line, number, ticks.columns)
		} else if ok && golden.IsPlain(line) && !strings.Contains(line, "\n") {
			compareCPULine(t, oracle.Set(t, line+"\n"), line, string(number), &ticks)
		}
	})
}
