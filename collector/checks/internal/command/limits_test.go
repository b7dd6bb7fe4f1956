package command

import (
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestTimeouts(t *testing.T) {
	var all sync.WaitGroup
	for _, c := range []struct {
		name, script, stderr string
		signal               syscall.Signal
	}{
		{"sleeps", "exec sleep 1000", "", unix.SIGTERM},
		{"prints then hangs", "echo here >&2; exec sleep 1000", "here\n", unix.SIGTERM},
		{"ignores SIGTERM", "trap '' TERM; while :; do sleep 1000; done", "", unix.SIGKILL},
		{"closes stdout and sleeps", "exec >&- 2>&-; exec sleep 1000", "", unix.SIGTERM},
		{"is stopped", "kill -STOP $$", "", unix.SIGTERM},
		{"has a child that ignores SIGTERM", "(trap '' TERM; sleep 1000) & exec sleep 1000", "", unix.SIGTERM},
		{"writes on stderr for ever", "exec yes >&2", "", unix.SIGTERM},
	} {
		all.Go(func() {
			cmd := shell(c.script)
			cmd.Timeout, cmd.KillGrace = time.Second, 200*time.Millisecond
			res := runCommand(t, t.Context(), cmd)
			want(t, res, Timeout)
			if res.Signal != c.signal || c.stderr != "" && string(res.Stderr) != c.stderr || res.Duration < cmd.Timeout {
				t.Errorf("%s: %+v", c.name, res)
			}
			if len(res.Stderr) > 4096 {
				t.Errorf("%s: %d bytes of stderr", c.name, len(res.Stderr))
			}
		})
	}
	all.Wait()
	nothingLeft(t)
}

// TestKillGrace has a program that cleans up on SIGTERM.
func TestKillGrace(t *testing.T) {
	c := shell("trap 'echo cleaned >&2; exit 0' TERM; while :; do sleep 0.01; done")
	c.Timeout, c.KillGrace = 500*time.Millisecond, 10*time.Second
	res := runAlone(t, t.Context(), c)
	want(t, res, Timeout)
	if !strings.HasSuffix(string(res.Stderr), "cleaned\n") || res.ExitCode != 0 || res.Signal != 0 {
		t.Errorf("%+v", res)
	}
}

func TestCPU(t *testing.T) {
	if testing.Short() {
		t.Skip("uses a second of CPU time")
	}
	c := shell("while :; do :; done")
	c.Timeout, c.CPU = 19*time.Second, time.Second
	res := runAlone(t, t.Context(), c)
	want(t, res, Timeout)
	if res.Signal != unix.SIGXCPU || res.CPU < 500*time.Millisecond || res.CPU > 2*time.Second {
		t.Errorf("%+v", res)
	}
}

func TestOutput(t *testing.T) {
	res := runAlone(t, t.Context(), shell("exec yes"))
	want(t, res, Output)
	if len(res.Parsed) != 256<<10 || res.Duration > 8*time.Second {
		t.Errorf("%d bytes in %s", len(res.Parsed), res.Duration)
	}
	c := shell("echo 12345")
	c.Stdout = 6
	want(t, runAlone(t, t.Context(), c), "")
	c.Stdout = 5
	want(t, runAlone(t, t.Context(), c), Output)
}

// TestMemoryLimits has a limit that the supervisor stays below, at least without
// the race detector, and one that needs the second stage.
func TestMemoryLimits(t *testing.T) {
	for _, c := range []struct {
		memory int64
		limits string
	}{{200 << 20, "204800\n"}, {4 << 20, "4096\n"}} {
		cmd := shell("ulimit -S -d")
		cmd.Memory = c.memory
		repeats := 20 // a limit that is too low for the runtime fails only sometimes
		if testing.Short() {
			repeats = 3
		}
		for range repeats {
			res := runAlone(t, t.Context(), cmd)
			want(t, res, "")
			if string(res.Parsed) != c.limits {
				t.Errorf("limits %q, want %q", res.Parsed, c.limits)
			}
		}
	}
}

func TestStderrTail(t *testing.T) {
	c := shell("i=0; while [ $i -lt 5000 ]; do echo $i; i=$((i+1)); done >&2")
	c.Stderr = 20
	res := runAlone(t, t.Context(), c)
	want(t, res, "")
	if string(res.Stderr) != "4996\n4997\n4998\n4999\n" {
		t.Errorf("stderr %q", res.Stderr)
	}
}

func TestFileSize(t *testing.T) {
	c := shell("exec head -c 20000000 /dev/zero > " + filepath.Join(t.TempDir(), "big"))
	res := runAlone(t, t.Context(), c)
	// A program that ignores the signal gets EFBIG.
	if res.Reason != Signal && res.Reason != Exit {
		t.Errorf("%+v", res)
	}
}

// TestMemory runs tail on a file without lines, which it reads into memory. It
// exits with an error at the limit.
func TestMemory(t *testing.T) {
	c := shell("exec tail /dev/zero")
	c.Memory = 64 << 20
	res := runAlone(t, t.Context(), c)
	want(t, res, Exit)
	if res.MaxRSS < 32<<20 || res.MaxRSS > 80<<20 {
		t.Errorf("it had %d bytes: %s", res.MaxRSS, res.Stderr)
	}
}
