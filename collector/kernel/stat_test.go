package kernel

import (
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/procfs"

	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
	"github.com/hostexporter/host_exporter/collector/internal/test/golden"
)

func TestStatMatchesProcfs(t *testing.T) {
	for name, data := range recordedFiles(t, "stat", "proc/stat") {
		t.Run(name, func(t *testing.T) {
			want, err := golden.Procfs(t, "stat", string(data)).Stat()
			if err != nil {
				t.Skipf("procfs does not parse it: %v", err)
			}
			have, err := parseStat(data, make([]uint64, 10), func(err error) { t.Error(err) })
			if err != nil {
				t.Fatal(err)
			}
			for i, n := range [statLines]uint64{
				statIntr: want.IRQTotal, statCtxt: want.ContextSwitches, statProcesses: want.ProcessCreated,
				statBtime: want.BootTime, statRunning: want.ProcessesRunning, statBlocked: want.ProcessesBlocked,
			} {
				if known := have.numbers[i].known; !known && n != 0 || known && have.numbers[i].value != n {
					t.Errorf("number %d is %v, procfs has %d", i, have.numbers[i], n)
				}
			}
			v := reflect.ValueOf(want.SoftIRQ)
			for i, n := range have.softirqs {
				if v.Field(i).Uint() != n {
					t.Errorf("%s is %d, procfs has %d", v.Type().Field(i).Name, n, v.Field(i).Uint())
				}
			}
		})
	}
}

func TestParseStat(t *testing.T) {
	for _, test := range []struct {
		name, file string
		known      []int
		malformed  []int // lines
		softirqs   int
		fails      bool
	}{
		{name: "empty", file: "", fails: true},
		{name: "CPUs only", file: "cpu 1 2 3\ncpu0 1 2 3\n", fails: true},
		{name: "no last newline", file: "ctxt 5", known: []int{statCtxt}},
		{name: "key only", file: "ctxt\nbtime\nintr 4\n", known: []int{statIntr}, malformed: []int{1, 2}},
		{name: "malformed interrupts after the sum", file: "intr 4 x y\n", known: []int{statIntr}},
		{name: "negative", file: "procs_blocked -1\nprocs_running 1\n", known: []int{statRunning, statBlocked}},
		{name: "softirqs", file: "softirq 55 1 2 3 4 5 6 7 8 9 10\n", softirqs: 10},
		{name: "more softirqs", file: "softirq 66 1 2 3 4 5 6 7 8 9 10 11\n", softirqs: 10},
		{name: "too few softirqs", file: "softirq 45 1 2 3 4 5 6 7 8 9\n", malformed: []int{1}},
		{name: "no softirqs", file: "btime 1\nsoftirq\n", known: []int{statBtime}, malformed: []int{2}},
		{name: "a known word as prefix", file: "ctxts 5\nbtime 1\n", known: []int{statBtime}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var malformed []int
			s, err := parseStat([]byte(test.file), make([]uint64, 10), func(err error) {
				var m *host.Malformed
				if errors.As(err, &m) {
					malformed = append(malformed, m.Line)
				}
			})
			if (err != nil) != test.fails {
				t.Errorf("error %v", err)
			}
			var known []int
			for i, n := range s.numbers {
				if n.known {
					known = append(known, i)
				}
			}
			if !reflect.DeepEqual(known, test.known) {
				t.Errorf("known %v, want %v", known, test.known)
			}
			if !reflect.DeepEqual(malformed, test.malformed) {
				t.Errorf("malformed lines %v, want %v", malformed, test.malformed)
			}
			if len(s.softirqs) != test.softirqs {
				t.Errorf("has %d soft interrupts, want %d", len(s.softirqs), test.softirqs)
			}
		})
	}
}

// compareStat compares with procfs a text that procfs accepts.
func compareStat(t *testing.T, fs procfs.FS, data []byte, s *kernelStat) {
	t.Helper()
	want, err := fs.Stat()
	if err != nil {
		return
	}
	for i, v := range []uint64{want.IRQTotal, want.ContextSwitches, want.ProcessCreated, want.BootTime, want.ProcessesRunning, want.ProcessesBlocked} {
		clamped := i >= 4 && s.numbers[i].value == scan.ClampAmount32(v)
		if s.numbers[i].known && s.numbers[i].value != v && !clamped {
			t.Errorf("%q: number %d is %d, procfs has %d", data, i, s.numbers[i].value, v)
		}
	}
	q := want.SoftIRQ
	softirqs := []uint64{q.Hi, q.Timer, q.NetTx, q.NetRx, q.Block, q.BlockIoPoll, q.Tasklet, q.Sched, q.Hrtimer, q.Rcu}
	if len(s.softirqs) > 0 && !slices.Equal(s.softirqs, softirqs) {
		t.Errorf("%q: soft interrupts %v, procfs has %v", data, s.softirqs, softirqs)
	}
}

// FuzzParseStat parses its own output, and compares with procfs on texts that both
// accept.
func FuzzParseStat(f *testing.F) {
	for _, data := range recordedFiles(f, "stat", "proc/stat") {
		f.Add(data)
	}
	f.Add([]byte("intr 18446744073709551616\nsoftirq 1 2\x00\nctxt"))
	oracle := golden.NewOracle(f, "stat")
	f.Fuzz(func(t *testing.T, data []byte) {
		errs := 0
		s, err := parseStat(data, make([]uint64, 10), func(error) { errs++ })
		if err != nil {
			return
		}
		if errs == 0 && golden.IsPlain(string(data)) {
			compareStat(t, oracle.Set(t, string(data)), data, &s)
		}
		// Formatting and parsing the result again gives the same result.
		var b strings.Builder
		for i, key := range []string{"intr", "ctxt", "processes", "btime", "procs_running", "procs_blocked"} {
			if s.numbers[i].known {
				fmt.Fprintf(&b, "%s %d\n", key, s.numbers[i].value)
			}
		}
		if len(s.softirqs) > 0 {
			fmt.Fprintf(&b, "softirq 0 %s\n", strings.Trim(fmt.Sprint(s.softirqs), "[]"))
		}
		if b.Len() == 0 {
			return
		}
		again, err := parseStat([]byte(b.String()), make([]uint64, 10), func(err error) { t.Error(err) })
		if err != nil || again.numbers != s.numbers || !reflect.DeepEqual(again.softirqs, s.softirqs) {
			t.Errorf("%q becomes %v, %v", b.String(), again, err)
		}
	})
}

// largeStat returns /proc/stat of a machine with 512 CPUs, each with its own
// interrupts: about 130 kB.
func largeStat() string {
	var b strings.Builder
	for i := range 512 {
		fmt.Fprintf(&b, "cpu%d 279557 4218 38231 43018294 8126 0 3021 0 0 0\n", i)
	}
	b.WriteString("intr 1462898841")
	for i := range 24000 {
		fmt.Fprintf(&b, " %d", i%7*i)
	}
	b.WriteString("\nctxt 38014093\nbtime 1418183276\nprocesses 26442\nprocs_running 2\nprocs_blocked 1\n")
	b.WriteString("softirq 5057579 250191 1481983 1647 211099 186066 0 1783454 622196 12499 508444\n")
	return b.String()
}

func TestStatDoesNotAllocate(t *testing.T) {
	w := golden.NewWorkbench(t, stat.Build, map[string][]string{"softirq": {"true"}})
	w.Proc("stat", largeStat())
	w.Allocs(0)
}

// BenchmarkStat compares the collector and its parser with the parser of procfs.
func BenchmarkStat(b *testing.B) {
	for size, text := range map[string]string{"large": largeStat(), "small": golden.Content(b, filepath.Join(testdata, "stat.host"), "proc/stat")} {
		b.Run("collector/"+size, func(b *testing.B) {
			w := golden.NewWorkbench(b, stat.Build, nil)
			w.Proc("stat", text)
			w.Steady()
		})
		b.Run("parser/"+size, func(b *testing.B) {
			data, softirqs := []byte(text), make([]uint64, 10)
			b.ReportAllocs()
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				if _, err := parseStat(data, softirqs, func(err error) { b.Error(err) }); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run("procfs/"+size, func(b *testing.B) {
			fs := golden.Procfs(b, "stat", text)
			b.ReportAllocs()
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				if _, err := fs.Stat(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
