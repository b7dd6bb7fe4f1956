package kernel

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
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

// TestProcessesMatchProcfs counts the processes and threads of a host with procfs.
func TestProcessesMatchProcfs(t *testing.T) {
	w := golden.NewWorkbench(t, processes.Build, nil)
	golden.Load(t, filepath.Join(testdata, "processes.host"), w.Root)
	have, errs := w.Update()
	if errs != nil {
		t.Fatal(errs)
	}
	fs, err := procfs.NewFS(filepath.Join(w.Root, "proc"))
	if err != nil {
		t.Fatal(err)
	}
	all, err := fs.AllProcs()
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]float64{"node_processes_max_threads": 192730, "node_processes_max_processes": 32768}
	for _, p := range all {
		s, err := p.Stat()
		if err != nil {
			t.Fatal(err)
		}
		want["node_processes_pids"]++
		want["node_processes_threads"] += float64(s.NumThreads)
		want[fmt.Sprintf("node_processes_state{state=%q}", s.State)]++
		want[fmt.Sprintf("node_processes_threads_state{thread_state=%q}", s.State)]++
		threads, _ := fs.AllThreads(p.PID)
		for _, thread := range threads {
			s, err := thread.Stat()
			if err != nil {
				t.Fatal(err)
			}
			want[fmt.Sprintf("node_processes_threads_state{thread_state=%q}", s.State)]++
		}
	}
	golden.SameSamples(t, have, want)
}

// TestProcessesHaveADeadline checks that counts are not served if there is no time
// for all processes or threads, and that the time is not used up to the end. At
// each look at the clock a second passes.
func TestProcessesHaveADeadline(t *testing.T) {
	many, threaded := t.TempDir(), t.TempDir()
	writeProcesses(t, many, 1000, 2)
	writeProcess(t, threaded, 1, 1000)
	start := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, test := range []struct {
		root    string
		timeout time.Duration
		fails   string
	}{
		{root: many, timeout: time.Hour},
		{root: many, timeout: 10 * time.Second, fails: "of 1000 processes at the deadline"},
		{root: threaded, timeout: time.Hour},
		{root: threaded, timeout: 10 * time.Second, fails: "of 999 threads at the deadline"},
	} {
		now := start
		h := &host.Host{Proc: host.NewTree(test.root), Now: func() time.Time { now = now.Add(time.Second); return now }}
		set := metric.NewSet()
		c, err := processes.Build.New(&collect.Env{Host: h, Metrics: set}, nil)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithDeadline(t.Context(), start.Add(test.timeout))
		defer cancel()
		out := metric.NewSink(set)
		err = c.Update(ctx, out)
		switch {
		case test.fails == "" && (err != nil || out.SampleCount() == 0):
			t.Errorf("%v: %d samples, %v", test.timeout, out.SampleCount(), err)
		case test.fails != "" && (err == nil || !strings.Contains(err.Error(), test.fails) || out.SampleCount() > 0):
			t.Errorf("%v: %d samples, %v, want %q", test.timeout, out.SampleCount(), err, test.fails)
		case test.fails != "" && now.After(start.Add(test.timeout)):
			t.Errorf("%v: it returns after %v", test.timeout, now.Sub(start))
		}
	}
}

func TestParseProcessStat(t *testing.T) {
	const fields = " 0 1 1 0 -1 4194560 5042 181234 78 901 24 85 210 310 20 0 "
	for text, want := range map[string]struct {
		state   byte
		threads uint64
		ok      bool
	}{
		"1 (init) S" + fields + "3 0 5":       {'S', 3, true},
		"1 (a) R 2 (b)) Z" + fields + "1 0 5": {'Z', 1, true},
		"1 () I" + fields + "18":              {'I', 18, true},
		"1 (init) S" + fields + "x 0":         {},
		"1 (init) S" + fields:                 {},
		"1 (init) SS" + fields + "1":          {},
		"1 (init) \xc3" + fields + "1":        {},
		"1 init S" + fields + "1":             {},
		"1 (init)":                            {},
		"":                                    {},
	} {
		state, threads, ok := parseProcessStat([]byte(text))
		if ok != want.ok || ok && (state != want.state || threads != want.threads) {
			t.Errorf("%q: %c, %d, %v", text, state, threads, ok)
		}
	}
}

// FuzzProcessStat parses its own output, and compares with procfs on texts that both
// accept.
func FuzzProcessStat(f *testing.F) {
	f.Add("1 (init) S 0 1 1 0 -1 4194560 5042 181234 78 901 24 85 210 310 20 0 1 0 21")
	f.Add("7 (a b) R 1 1 1 1 -1 4194560 5042 181234 78 901 24 85 210 310 20 1 3 1 21 56659968 5635 18446744073709551615" + strings.Repeat(" 1", 27) + "\n")
	f.Add("1 (a) (b)) S 0 1 1 0 -1 1 0 0 0 0 0 0 0 0 20 0")
	oracle := golden.NewOracle(f, "1/stat")
	afterName := regexp.MustCompile(`^\) . (-?[1-9][0-9]* )*-?[1-9][0-9]*\n?$`)
	f.Fuzz(func(t *testing.T, text string) {
		if state, threads, ok := parseProcessStat([]byte(text)); ok {
			// Procfs takes 08 and 1-1 for two numbers, and any two bytes for a parenthesis
			// and a blank.
			isOfKernel := afterName.MatchString(text[strings.LastIndexByte(text, ')'):])
			if p, err := oracle.Set(t, text).Proc(1); err == nil && golden.IsPlain(text) && isOfKernel {
				if want, err := p.Stat(); err == nil && (want.State != string(rune(state)) || want.NumThreads != int(threads)) {
					t.Errorf("%q: have %c with %d threads, procfs has %s with %d", text, state, threads, want.State, want.NumThreads)
				}
			}
			again := fmt.Sprintf("1 (x) %c 0 1 1 0 -1 1 0 0 0 0 0 0 0 0 20 0 %d", state, threads)
			if s, n, ok := parseProcessStat([]byte(again)); s != state || n != threads || !ok {
				t.Errorf("%q becomes %q: %c, %d, %v", text, again, s, n, ok)
			}
		}
	})
}

// writeProcesses writes processes from number 1 on below a directory, of which
// every tenth has some threads.
func writeProcesses(tb testing.TB, proc string, processes, threads int) {
	for i := range processes {
		if i%10 == 9 {
			writeProcess(tb, proc, 1+i, threads)
		} else {
			writeProcess(tb, proc, 1+i, 1)
		}
	}
}

func writeProcess(tb testing.TB, proc string, pid, threads int) {
	write := func(dir string, id int, state byte) {
		testfile.Dir(tb, dir)
		text := fmt.Sprintf("%d (process %d) %c 1 1 1 0 -1 4194560 5042 181234 78 901 24 85 210 310 20 0 %d 0 21 56659968 5635 18446744073709551615 1 1 0 0 0 0 0 4096 1256 0 0 0 17 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n", id, pid, state, threads)
		if err := os.WriteFile(filepath.Join(dir, "stat"), []byte(text), 0o644); err != nil {
			tb.Fatal(err)
		}
	}
	dir := filepath.Join(proc, fmt.Sprint(pid))
	write(dir, pid, 'S')
	for i := 1; i < threads; i++ {
		tid := pid + i<<20
		write(filepath.Join(dir, "task", fmt.Sprint(tid)), tid, 'I')
	}
}

func TestProcessesDoNotAllocate(t *testing.T) {
	w := golden.NewWorkbench(t, processes.Build, nil)
	writeProcesses(t, filepath.Join(w.Root, "proc"), 500, 5)
	w.Proc("sys/kernel/pid_max", "4194304\n")
	w.Proc("sys/kernel/threads-max", "16507456\n")
	w.Allocs(0)
}

// BenchmarkProcesses reads a host with 20000 processes, of which every tenth has
// ten threads.
func BenchmarkProcesses(b *testing.B) {
	w := golden.NewWorkbench(b, processes.Build, nil)
	writeProcesses(b, filepath.Join(w.Root, "proc"), 20000, 10)
	w.Proc("sys/kernel/pid_max", "4194304\n")
	w.Proc("sys/kernel/threads-max", "16507456\n")
	b.Run("collector", func(b *testing.B) {
		w.T = b
		w.Steady()
	})
	b.Run("procfs", func(b *testing.B) {
		fs, err := procfs.NewFS(filepath.Join(w.Root, "proc"))
		if err != nil {
			b.Fatal(err)
		}
		b.ReportAllocs()
		for b.Loop() {
			all, err := fs.AllProcs()
			if err != nil {
				b.Fatal(err)
			}
			for _, p := range all {
				if _, err := p.Stat(); err != nil {
					b.Fatal(err)
				}
				threads, _ := fs.AllThreads(p.PID)
				for _, thread := range threads {
					_, _ = thread.Stat()
				}
			}
		}
	})
}
