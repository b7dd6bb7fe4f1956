package command

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/hostexporter/host_exporter/collector/checks/internal/sandbox"
)

// helperVariable is an environment variable. It makes the test binary run a helper
// instead of the tests.
const helperVariable = "COMMAND_TEST_HELPER"

// echo is the parser of the tests: it returns the output, or misbehaves as spec says.
func echo(spec, stdout []byte) []byte {
	switch string(spec) {
	case `"spin"`:
		for {
			stdout = append(stdout[:0], stdout...)
		}
	case `"allocate"`:
		for all := [][]byte{stdout}; ; {
			all = append(all, make([]byte, 1<<20))
			for i := range all[len(all)-1] {
				all[len(all)-1][i] = 1
			}
		}
	case `"large"`:
		return make([]byte, maxParsed+1)
	case `"crash"`:
		panic("a fault of the parser")
	}
	return stdout
}

func TestMain(m *testing.M) {
	Main(echo)
	if mode := os.Getenv(helperVariable); mode != "" {
		os.Exit(runHelper(mode))
	}
	// A process that a supervisor loses becomes a child of the tests.
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// runHelper behaves like a bad check.
func runHelper(mode string) int {
	name, rest, _ := strings.Cut(mode, " ")
	switch name {
	case "escape": // as many times as depth says, starts itself in a new session and exits; then sleeps
		depth, _ := strconv.Atoi(rest)
		if depth > 0 {
			c := exec.Command("/proc/self/exe")
			c.Env = []string{helperVariable + "=escape " + strconv.Itoa(depth-1)}
			c.Stdout = os.Stdout
			c.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
			if err := c.Start(); err != nil {
				fmt.Fprintln(os.Stderr, err)
				return 1
			}
			return 0
		}
		fmt.Println("escaped")
		<-time.After(time.Hour) // select {} is a deadlock to a runtime without cgo
	case "exporter": // runs a check that ignores SIGTERM
		c := shell("trap '' TERM; echo ready > " + rest + "; (setsid sleep 1000 &); while :; do sleep 1000; done")
		c.KillGrace = 100 * time.Millisecond
		NewRunner(Options{}).Run(context.Background(), c)
	case "exporter-sandbox": // the same, in a sandbox
		r := NewRunner(Options{Landlock: func() (int, error) { return 0, nil }})
		c := shell("trap '' TERM; : > $TMPDIR/file; echo ready > " + rest + "; (setsid sleep 1000 &); while :; do sleep 1000; done")
		c.Sandbox, c.KillGrace = sandbox.Strict, 100*time.Millisecond
		r.Run(context.Background(), c)
	case "dial": // NETWORK ADDRESS
		network, address, _ := strings.Cut(rest, " ")
		conn, err := net.Dial(network, address)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		_ = conn.Close()
	case "listen":
		network, address, _ := strings.Cut(rest, " ")
		var config net.ListenConfig
		config.SetMultipathTCP(false) // which is not TCP to Landlock
		l, err := config.Listen(context.Background(), network, address)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		_ = l.Close()
	case "attack": // on a process: prints each system call and its error
		pid, _ := strconv.Atoi(rest)
		for _, a := range attacks(uintptr(pid)) {
			_, _, errno := unix.RawSyscall6(a.number, a.args[0], a.args[1], a.args[2], a.args[3], a.args[4], a.args[5])
			fmt.Printf("%s: %v\n", a.name, errno)
		}
	case "bomb": // a binary tree of processes
		depth, _ := strconv.Atoi(rest)
		for range 2 * min(depth, 1) {
			c := exec.Command("/proc/self/exe")
			c.Env = []string{helperVariable + "=bomb " + strconv.Itoa(depth-1)}
			c.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
			_ = c.Start()
		}
		<-time.After(time.Hour) // select {} is a deadlock to a runtime without cgo
	}
	return 0
}

// helperCommand returns a command that runs a helper. It has no memory limit, as
// the race detector needs more than checks have.
func helperCommand(t *testing.T, mode string) Command {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return Command{Argv: []string{exe}, Env: []string{helperVariable + "=" + mode}, Memory: -1, AllowUnsafePath: true, Parse: parseAll}
}

func shell(script string) Command {
	return Command{Name: "test", Argv: []string{"/bin/sh", "-c", script}, AllowUnsafePath: true, Parse: parseAll}
}

// parseAll requests the output of every run.
func parseAll(Result) []byte { return []byte("null") }

// runAlone runs c, and checks what holds after every run when nothing else runs.
func runAlone(t *testing.T, ctx context.Context, c Command) Result {
	t.Helper()
	res := runCommand(t, ctx, c)
	nothingLeft(t)
	return res
}

// runCommand runs c and checks what holds for every run.
func runCommand(t *testing.T, ctx context.Context, c Command) Result {
	t.Helper()
	res := NewRunner(Options{}).Run(ctx, c)
	if res.Duration <= 0 || res.Duration > 20*time.Second {
		t.Errorf("it took %s", res.Duration)
	}
	if (res.Reason == "") != (res.Err == nil) {
		t.Errorf("reason %q, error %v", res.Reason, res.Err)
	}
	if res.Err != nil && len(c.Argv) > 0 && !strings.HasPrefix(res.Err.Error(), "/") {
		t.Errorf("the path does not come first: %v", res.Err)
	}
	return res
}

func want(t *testing.T, res Result, reason Reason) {
	t.Helper()
	if res.Reason != reason {
		t.Errorf("reason %q, want %q: %v\nstdout %.200q\nstderr %.200q", res.Reason, reason, res.Err, res.Parsed, res.Stderr)
	}
}

// nothingLeft checks that the test process has no descendants, not even zombies.
func nothingLeft(t *testing.T) {
	t.Helper()
	for _, p := range descendants(os.Getpid()) {
		t.Errorf("left behind: %+v", p)
	}
}

func TestSuccess(t *testing.T) {
	res := runAlone(t, t.Context(), shell("echo out; echo err >&2"))
	want(t, res, "")
	if string(res.Parsed) != "out\n" || string(res.Stderr) != "err\n" || res.ExitCode != 0 || res.Signal != 0 || res.Orphans != 0 {
		t.Errorf("%+v", res)
	}
	if res.CPU <= 0 || res.CPU > 5*time.Second {
		t.Errorf("CPU %s", res.CPU)
	}
}

func TestExitAndSignals(t *testing.T) {
	for _, c := range []struct {
		script   string
		reason   Reason
		code     int
		signal   syscall.Signal
		contains string
	}{
		{"exit 3", Exit, 3, 0, "exit code 3"},
		{"kill -USR1 $$", Signal, -1, unix.SIGUSR1, "ended by signal 10"},
		{"kill -KILL $$", Signal, -1, unix.SIGKILL, "ended by signal 9"},
		{"kill -ABRT $$", Signal, -1, unix.SIGABRT, "ended by signal 6"},
		{"kill -XFSZ $$", Signal, -1, unix.SIGXFSZ, "16777216 bytes written to a file"},
		{"kill -XCPU $$", Timeout, -1, unix.SIGXCPU, "20s of CPU time"},
	} {
		res := runAlone(t, t.Context(), shell("echo before; "+c.script))
		want(t, res, c.reason)
		if res.ExitCode != c.code || res.Signal != c.signal || !strings.Contains(fmt.Sprint(res.Err), c.contains) {
			t.Errorf("%s: %+v", c.script, res)
		}
		if string(res.Parsed) != "before\n" {
			t.Errorf("%s: stdout %q", c.script, res.Parsed)
		}
	}
}

// TestEnvironment checks everything that a program inherits.
func TestEnvironment(t *testing.T) {
	t.Setenv("TZ", "Europe/Berlin")
	t.Setenv("CREDENTIALS_DIRECTORY", "/run/credentials/host_exporter.service")
	t.Setenv("SECRET", "of the exporter")
	c := shell(`cat; pwd; umask; env | sort; ulimit -c; ulimit -t; ulimit -n; ulimit -d
		cut -d' ' -f5,6,19 /proc/$$/stat; readlink /proc/$$/fd/0; grep NoNewPrivs /proc/$$/status; echo $$`)
	c.Argv = append(c.Argv, "sh")
	c.Name = "raid"
	c.Env = []string{"COLOUR=blue=ish", "LANG=de_DE.UTF-8", "CHECK_NAME=another"}
	before := time.Now()
	res := runAlone(t, t.Context(), c)
	want(t, res, "")
	lines := strings.Split(strings.TrimSpace(string(res.Parsed)), "\n")
	pid := lines[len(lines)-1]
	deadline := ""
	for _, l := range lines {
		if v, ok := strings.CutPrefix(l, "CHECK_DEADLINE="); ok {
			deadline = v
		}
	}
	at, err := strconv.ParseInt(deadline, 10, 64)
	if err != nil || at < before.Unix()+10 || at > time.Now().Unix()+10 {
		t.Errorf("deadline %q", deadline)
	}
	nice, err := unix.Getpriority(unix.PRIO_PROCESS, 0)
	if err != nil {
		t.Fatal(err)
	}
	expect := []string{
		"/", "0077",
		"CHECK_DEADLINE=" + deadline, "CHECK_NAME=raid", "COLOUR=blue=ish", "CREDENTIALS_DIRECTORY=/run/credentials/host_exporter.service", "LANG=de_DE.UTF-8",
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "PWD=/", "TZ=Europe/Berlin",
		"0", "20", "256", "131072",
		fmt.Sprintf("%s %s %d", pid, pid, min(20-nice+10, 19)), "/dev/null", "NoNewPrivs:\t1", pid,
	}
	// Shells differ in which variables of their own they export.
	lines = slices.DeleteFunc(lines, func(l string) bool {
		return strings.HasPrefix(l, "_=") || strings.HasPrefix(l, "SHLVL=") || strings.HasPrefix(l, "OLDPWD=")
	})
	if !slices.Equal(lines, expect) {
		t.Errorf("have %q\nwant %q\nstderr %s", lines, expect, res.Stderr)
	}
}

// TestDescriptors has an open descriptor without close-on-exec.
func TestDescriptors(t *testing.T) {
	leaked, err := unix.FcntlInt(os.Stdin.Fd(), unix.F_DUPFD, 100)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(leaked)
	res := runAlone(t, t.Context(), shell("ls /proc/$$/fd"))
	want(t, res, "")
	if string(res.Parsed) != "0\n1\n2\n" {
		t.Errorf("open descriptors: %q", res.Parsed)
	}
}

// TestOrphans has programs that exit and leave processes.
func TestOrphans(t *testing.T) {
	for _, c := range []struct {
		command Command
		left    int
	}{
		{shell("sleep 1000 & echo escaped"), 1},
		{shell("sleep 1000 >/dev/null 2>&1 & sleep 1000 & echo escaped"), 2},
		{shell("(trap '' TERM HUP; sleep 1000; sleep 1000) & echo escaped"), 2},
		{helperCommand(t, "escape 1"), 1},
		{helperCommand(t, "escape 4"), 4}, // those between may still be ending
	} {
		c.command.KillGrace = time.Minute // which does not delay a run that has ended
		res := runAlone(t, t.Context(), c.command)
		want(t, res, "")
		// A process may be killed before it starts the next one.
		if res.Orphans < 1 || res.Orphans > c.left {
			t.Errorf("%v: %d orphans", c.command, res.Orphans)
		}
	}
}

// TestEscape ends a run, by too much output, when one of its processes is three
// sessions away from the program.
func TestEscape(t *testing.T) {
	c := helperCommand(t, "escape 3")
	c.Argv = []string{"/bin/sh", "-c", `"$0" & exec sleep 1000`, c.Argv[0]}
	c.Stdout, c.KillGrace = 1, 100*time.Millisecond
	res := runAlone(t, t.Context(), c)
	want(t, res, Output)
	if res.Orphans < 1 || string(res.Parsed) != "e" {
		t.Errorf("%+v", res)
	}
}

// TestForkBomb has 63 processes, each in a session of its own.
func TestForkBomb(t *testing.T) {
	if testing.Short() {
		t.Skip("starts 63 processes, and takes a second")
	}
	c := helperCommand(t, "bomb 5")
	c.Timeout, c.KillGrace = time.Second, 10*time.Millisecond
	res := runAlone(t, t.Context(), c)
	want(t, res, Timeout)
	if res.Orphans < 2 {
		t.Errorf("%+v", res)
	}
}

// TestCancelled cancels the context of a program that runs.
func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	_, done := startSupervised(t, ctx, NewRunner(Options{}), "exec sleep 1000")
	cancel()
	res := <-done
	want(t, res, Cancelled)
	if res.Signal != unix.SIGTERM || res.Duration > 8*time.Second {
		t.Errorf("%+v", res)
	}
	nothingLeft(t)
}
