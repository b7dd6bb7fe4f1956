package kernel

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/prometheus/procfs"

	"github.com/hostexporter/host_exporter/collector/internal/host"
)

func TestParseStatAsProcfs(t *testing.T) {
	for name, data := range recorded(t, "stat", "proc/stat") {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			write(t, root, "stat", data)
			fs, err := procfs.NewFS(root)
			if err != nil {
				t.Fatal(err)
			}
			want, err := fs.Stat()
			if err != nil {
				t.Skipf("procfs does not read it: %v", err)
			}
			have, err := parseStat(data, make([]uint64, 10), func(err error) { t.Error(err) })
			if err != nil {
				t.Fatal(err)
			}
			for i, n := range [statLines]uint64{
				statIntr: want.IRQTotal, statCtxt: want.ContextSwitches, statProcesses: want.ProcessCreated,
				statBtime: want.BootTime, statRunning: want.ProcessesRunning, statBlocked: want.ProcessesBlocked,
			} {
				if !have.numbers[i].known || have.numbers[i].value != n {
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
		bad        []int // lines
		softirqs   int
		fails      bool
	}{
		{name: "empty", file: "", fails: true},
		{name: "CPUs only", file: "cpu 1 2 3\ncpu0 1 2 3\n", fails: true},
		{name: "no last newline", file: "ctxt 5", known: []int{statCtxt}},
		{name: "key only", file: "ctxt\nbtime\nintr 4\n", known: []int{statIntr}, bad: []int{1, 2}},
		{name: "a bad interrupt does not matter", file: "intr 4 x y\n", known: []int{statIntr}},
		{name: "negative", file: "procs_blocked -1\nprocs_running 1\n", known: []int{statRunning}, bad: []int{1}},
		{name: "softirqs", file: "softirq 55 1 2 3 4 5 6 7 8 9 10\n", softirqs: 10},
		{name: "more softirqs", file: "softirq 66 1 2 3 4 5 6 7 8 9 10 11\n", softirqs: 10},
		{name: "less softirqs", file: "softirq 45 1 2 3 4 5 6 7 8 9\n", bad: []int{1}},
		{name: "no softirqs", file: "btime 1\nsoftirq\n", known: []int{statBtime}, bad: []int{2}},
		{name: "longer words", file: "ctxts 5\nbtime 1\n", known: []int{statBtime}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var bad []int
			s, err := parseStat([]byte(test.file), make([]uint64, 10), func(err error) {
				var m *host.Malformed
				if errors.As(err, &m) {
					bad = append(bad, m.Line)
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
				t.Errorf("knows %v, want %v", known, test.known)
			}
			if !reflect.DeepEqual(bad, test.bad) {
				t.Errorf("finds lines %v bad, want %v", bad, test.bad)
			}
			if len(s.softirqs) != test.softirqs {
				t.Errorf("has %d soft interrupts, want %d", len(s.softirqs), test.softirqs)
			}
		})
	}
}

func FuzzParseStat(f *testing.F) {
	for _, data := range recorded(f, "stat", "proc/stat") {
		f.Add(data)
	}
	f.Add([]byte("intr 18446744073709551616\nsoftirq 1 2\x00\nctxt"))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := parseStat(data, make([]uint64, 10), func(error) {})
		if err != nil {
			return
		}
		// What was understood means the same when it is written anew.
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

// largeStat is /proc/stat of a machine with 512 CPUs, each with interrupts of
// its own: about 130 kB.
func largeStat() []byte {
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
	return []byte(b.String())
}

func TestStatDoesNotAllocate(t *testing.T) {
	root := t.TempDir()
	write(t, root, "stat", largeStat())
	read := reading(t, stat, &host.Host{Proc: host.NewTree(root)}, map[string][]string{"softirq": {"true"}})
	if n := testing.AllocsPerRun(10, func() { read() }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkParseStat(b *testing.B) {
	softirqs := make([]uint64, 10)
	for name, data := range map[string][]byte{"large": largeStat(), "small": recorded(b, "stat", "proc/stat")["stat.host"]} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				if _, err := parseStat(data, softirqs, func(err error) { b.Error(err) }); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkParseStatOfProcfs(b *testing.B) {
	for name, data := range map[string][]byte{"large": largeStat(), "small": recorded(b, "stat", "proc/stat")["stat.host"]} {
		b.Run(name, func(b *testing.B) {
			root := b.TempDir()
			write(b, root, "stat", data)
			fs, err := procfs.NewFS(root)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				if _, err := fs.Stat(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkStat(b *testing.B) {
	for name, data := range map[string][]byte{"large": largeStat(), "small": recorded(b, "stat", "proc/stat")["stat.host"]} {
		b.Run(name, func(b *testing.B) {
			root := b.TempDir()
			write(b, root, "stat", data)
			bench(b, stat, &host.Host{Proc: host.NewTree(root)}, nil)
		})
	}
}
