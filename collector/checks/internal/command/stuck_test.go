package command

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/hostexporter/host_exporter/collector/checks/internal/sandbox"
)

// startSupervised starts a shell script, and returns when it runs: its
// supervisor, and the channel that its result is sent to.
func startSupervised(t *testing.T, ctx context.Context, r *Runner, script string) (supervisor process, done chan Result) {
	t.Helper()
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := unix.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	done = make(chan Result, 1)
	c := shell("echo ready > " + fifo + "; " + script)
	c.KillGrace = 10 * time.Millisecond
	go func() { done <- r.Run(ctx, c) }()
	if b, err := os.ReadFile(fifo); err != nil || string(b) != "ready\n" {
		t.Fatalf("%q, %v", b, err)
	}
	for _, p := range descendants(os.Getpid()) {
		if p.parent == os.Getpid() {
			return p, done
		}
	}
	t.Fatal("no supervisor")
	return
}

// reapOrphans waits for all children of the test process.
func reapOrphans() {
	for {
		if _, err := unix.Wait4(-1, nil, 0, nil); err != nil && err != unix.EINTR {
			return
		}
	}
}

// TestStoppedSupervisor stops a supervisor with SIGSTOP: it neither answers nor
// ends its program.
func TestStoppedSupervisor(t *testing.T) {
	o := Options{SweepTimeout: 50 * time.Millisecond, SupervisorTimeout: 50 * time.Millisecond}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	supervisor, done := startSupervised(t, ctx, NewRunner(o), "sleep 1000 & exec sleep 1000")
	if err := unix.Kill(supervisor.pid, unix.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	cancelled := time.Now()
	cancel()
	res := <-done
	want(t, res, Stuck)
	if took := time.Since(cancelled); took < o.SweepTimeout+o.SupervisorTimeout || took > 10*time.Second {
		t.Errorf("it took %s", took)
	}
	reapOrphans() // returns only when all of them have ended
	nothingLeft(t)
}

// TestKilledSupervisor kills a supervisor: the kernel kills the program.
func TestKilledSupervisor(t *testing.T) {
	r := NewRunner(Options{})
	supervisor, done := startSupervised(t, t.Context(), r, "exec sleep 1000")
	if err := unix.Kill(supervisor.pid, unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	res := <-done
	want(t, res, Stuck)
	if res.Duration > 10*time.Second {
		t.Errorf("it took %s", res.Duration)
	}
	reapOrphans()
	nothingLeft(t)
}

// TestTerminatedSupervisor sends SIGTERM to a supervisor, as a service manager does
// to all processes of a service.
func TestTerminatedSupervisor(t *testing.T) {
	r := NewRunner(Options{})
	supervisor, done := startSupervised(t, t.Context(), r, "exec sleep 1000")
	if err := unix.Kill(supervisor.pid, unix.SIGTERM); err != nil {
		t.Fatal(err)
	}
	want(t, <-done, Cancelled)
	nothingLeft(t)
}

// TestKilledExporter kills a process with a Runner: the supervisor ends the run
// when its pipe closes.
func TestKilledExporter(t *testing.T) {
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := unix.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	exporter := exec.Command(exe)
	exporter.Env = []string{helperVariable + "=exporter " + fifo}
	if err := exporter.Start(); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(fifo); err != nil || string(b) != "ready\n" {
		t.Errorf("%q, %v", b, err)
	}
	if err := exporter.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = exporter.Wait()
	reapOrphans()
	nothingLeft(t)
}

// TestConcurrentRuns runs a hundred commands of all kinds, ten at a time.
func TestConcurrentRuns(t *testing.T) {
	r := NewRunner(Options{})
	kinds := []struct {
		Command
		reason Reason
	}{
		{shell("echo fine"), ""},
		{shell("exit 1"), Exit},
		{shell("sleep 1000 & echo fine"), ""},
		{shell("exec sleep 1000"), Timeout},
		{shell("exec yes"), Output},
	}
	batch := func(n int) {
		var all sync.WaitGroup
		for i := range n {
			all.Go(func() {
				k := kinds[i%len(kinds)]
				k.KillGrace = 50 * time.Millisecond
				if k.reason == Timeout {
					k.Timeout = 100 * time.Millisecond
				}
				if res := r.Run(t.Context(), k.Command); res.Reason != k.reason {
					t.Errorf("%v: %+v", k.Argv, res)
				}
			})
		}
		all.Wait()
	}
	batch(10) // the runtime opens descriptors that it keeps
	goroutines, files := runtime.NumGoroutine(), descriptors(t)
	for range 10 {
		batch(10)
		nothingLeft(t)
	}
	// A goroutine that is ending may still be counted.
	for deadline := time.Now().Add(10 * time.Second); runtime.NumGoroutine() > goroutines && time.Now().Before(deadline); {
		runtime.Gosched()
	}
	if n := runtime.NumGoroutine(); n > goroutines {
		t.Errorf("%d goroutines, %d before", n, goroutines)
	}
	if n := descriptors(t); n != files {
		t.Errorf("%d descriptors, %d before", n, files)
	}
}

func descriptors(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

// BenchmarkTrue measures the cost of a run, without a sandbox and with one.
func BenchmarkTrue(b *testing.B) {
	for _, mode := range sandbox.Modes() {
		b.Run("sandbox="+mode, func(b *testing.B) { benchmarkTrue(b, sandbox.Mode(mode)) })
	}
}

func benchmarkTrue(b *testing.B, mode sandbox.Mode) {
	r := NewRunner(Options{})
	var before, after [2]unix.Rusage
	usage := func(u *[2]unix.Rusage) {
		_ = unix.Getrusage(unix.RUSAGE_SELF, &u[0])
		_ = unix.Getrusage(unix.RUSAGE_CHILDREN, &u[1])
	}
	usage(&before)
	b.ReportAllocs()
	for b.Loop() {
		if res := r.Run(b.Context(), Command{Argv: []string{"/bin/true"}, AllowUnsafePath: true, Sandbox: mode}); res.Reason != "" {
			b.Fatalf("%v\n%s", res.Err, res.Stderr)
		}
	}
	usage(&after)
	for i, what := range []string{"exporter-cpu-ms/op", "children-cpu-ms/op"} {
		spent := after[i].Utime.Nano() + after[i].Stime.Nano() - before[i].Utime.Nano() - before[i].Stime.Nano()
		b.ReportMetric(float64(spent)/1e6/float64(b.N), what)
	}
}
