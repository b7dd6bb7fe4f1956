package command

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/hostexporter/host_exporter/collector/checks/internal/sandbox"
)

// requireLandlock skips a test if the kernel cannot enforce all of a sandbox.
func requireLandlock(t testing.TB) {
	t.Helper()
	if v, err := sandbox.Version(); err != nil || sandbox.Strict.Effective(v) != sandbox.Strict {
		t.Skipf("version %d of Landlock, %v", v, err)
	}
}

// useScratchParent sets TMPDIR to a directory of the test. Runs make their
// temporary directories in it, and it is empty after each run.
func useScratchParent(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	t.Setenv("TMPDIR", dir)
	return dir
}

func wantEmpty(t *testing.T, dir string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) > 0 {
		t.Errorf("temporary directories are left: %v, %v", entries, err)
	}
}

// An attempt is something that a script tries, and whether it must succeed.
type attempt struct {
	name, script string
	allowed      bool
}

// attemptCommand returns a command that makes all attempts, in the directory dir.
func attemptCommand(t *testing.T, dir string, attempts []attempt) Command {
	t.Helper()
	var b strings.Builder
	for i, d := range attempts {
		fmt.Fprintf(&b, "(cd %s && %s\n) && echo can %d\n", dir, d.script, i)
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := shell(b.String())
	c.Env = []string{"EXE=" + exe}
	c.Memory = -1 // the race detector of a helper needs more
	return c
}

// checkAttempts checks which attempts succeeded.
func checkAttempts(t *testing.T, where string, res Result, attempts []attempt) {
	t.Helper()
	if res.Reason != "" && res.Reason != Exit { // of the last attempt
		t.Errorf("%s: %v", where, res.Err)
	}
	for i, d := range attempts {
		if could := strings.Contains(string(res.Parsed), fmt.Sprintf("can %d\n", i)); could != d.allowed {
			t.Errorf("%s: %s: could %t, want %t\nstderr %s", where, d.name, could, d.allowed, res.Stderr)
		}
	}
}

// TestSandboxOnThisHost tries what some sandbox denies, and what none denies.
func TestSandboxOnThisHost(t *testing.T) {
	requireLandlock(t)
	scratches, own := useScratchParent(t), t.TempDir()
	if err := os.WriteFile(filepath.Join(own, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer tcp.Close()
	name := "@host_exporter-test-" + strconv.Itoa(os.Getpid())
	abstract, err := net.Listen("unix", name)
	if err != nil {
		t.Fatal(err)
	}
	defer abstract.Close()
	self := strconv.Itoa(os.Getpid())
	for _, mode := range []sandbox.Mode{sandbox.None, sandbox.Net, sandbox.Strict} {
		free, online := mode == sandbox.None, mode != sandbox.Strict
		attempts := []attempt{
			{"make a file", "echo x > made && rm made", free},
			{"make a file in /tmp", "f=$(mktemp /tmp/host_exporter-test-XXXXXX) && rm $f", free},
			{"write to a file", "echo x >> file", free},
			{"truncate a file", ": > file", free},
			{"rename a file", "mv file other && mv other file", free},
			{"remove a file", "rm file && : > file", free},
			{"make a directory", "mkdir made && rmdir made", free},
			{"make a link", "ln -s file made && rm made", free},
			{"make a pipe", "mkfifo made && rm made", free},
			{"read a directory and a file", "ls && cat file", true},
			{"read /etc/hostname", "cat /etc/hostname", true},
			{"read /proc", "cat /proc/meminfo /proc/1/stat /proc/self/status", true},
			{"write to devices that store nothing", "echo x > /dev/null && echo x > /dev/zero", true},
			{"write to its pipes by name", "echo x > /dev/stdout && echo x > /dev/stderr", true},
			{"write to $TMPDIR", `cd "${TMPDIR:-$PWD}" && echo x > a && mkdir d && mv a d/b && : > d/b && rm d/b && rmdir d`, true},
			{"signal its child", "sleep 1000 & kill $!", true},
			{"signal a process outside", "kill -0 " + self, free},
			{"read about a process outside", "readlink /proc/" + self + "/exe", free && os.Geteuid() != 0}, // root has more capabilities than its check
			{"connect to a TCP port", helperVariable + "='dial tcp " + tcp.Addr().String() + `' "$EXE"`, online},
			{"listen on a TCP port", helperVariable + `='listen tcp 127.0.0.1:0' "$EXE"`, online},
			{"connect to an abstract socket", helperVariable + "='dial unix " + name + `' "$EXE"`, free},
		}
		c := attemptCommand(t, own, attempts)
		c.Sandbox = mode
		checkAttempts(t, string(mode), runAlone(t, t.Context(), c), attempts)
		wantEmpty(t, scratches)
	}
}

// TestSandboxOfRootOnThisHost tries what a sandbox denies to root.
func TestSandboxOfRootOnThisHost(t *testing.T) {
	requireLandlock(t)
	if os.Geteuid() != 0 {
		t.Skip("not root")
	}
	useScratchParent(t)
	for script, reason := range map[string]Reason{
		"mknod $TMPDIR/null c 1 3":                Exit, // as a disk would be
		"mount -t tmpfs none $TMPDIR":             Exit,
		"echo 0 > /proc/sys/kernel/panic":         Exit,
		"grep -q 'NoNewPrivs:.1' /proc/$$/status": "",
	} {
		c := shell(script)
		c.Sandbox = sandbox.Strict
		res := runAlone(t, t.Context(), c)
		if res.Reason != reason {
			t.Errorf("%s: %v\nstderr %s", script, res.Err, res.Stderr)
		}
	}
}

func TestWritableOnThisHost(t *testing.T) {
	requireLandlock(t)
	scratches, open, closed := useScratchParent(t), t.TempDir(), t.TempDir()
	file := filepath.Join(closed, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	script := fmt.Sprintf("echo x > %s/new; echo x > $TMPDIR/new; echo x > %s; : > %[2]s; echo x > %s/new && exit 9; exit 0", open, file, closed)
	c := shell("set -e; " + script)
	c.Sandbox, c.Writable = sandbox.Strict, []string{open, file}
	want(t, runAlone(t, t.Context(), c), "")
	if _, err := os.Stat(filepath.Join(open, "new")); err != nil {
		t.Error(err)
	}
	wantEmpty(t, scratches)
}

// TestWritableMissing reports a missing path, with Landlock and without.
func TestWritableMissing(t *testing.T) {
	scratches := useScratchParent(t)
	missing := filepath.Join(t.TempDir(), "none")
	for _, version := range []func() (int, error){nil, func() (int, error) { return 0, nil }} {
		if v, err := sandbox.Version(); version == nil && (v == 0 || err != nil) {
			continue
		}
		r := NewRunner(Options{Landlock: version})
		c := shell("true")
		c.Sandbox, c.Writable = sandbox.Net, []string{missing}
		res := r.Run(t.Context(), c)
		want(t, res, Spawn)
		if have := fmt.Sprint(res.Err); have != missing+": no such file or directory (an entry of writable)" {
			t.Error(have)
		}
		wantEmpty(t, scratches)
	}
}

// TestNoLandlock runs without Landlock: a run has no_new_privs and a temporary
// directory, or fails if it requires more.
func TestNoLandlock(t *testing.T) {
	scratches := useScratchParent(t)
	made := filepath.Join(t.TempDir(), "made")
	without := func() (int, error) { return 0, nil }
	refused := func() (int, error) { return 0, os.NewSyscallError("landlock_create_ruleset", unix.EPERM) }
	for _, tc := range []struct {
		version  func() (int, error)
		required bool
		reason   Reason
		err      string
	}{
		{without, false, "", ""},
		{without, true, Sandbox, "/bin/sh: sandbox: want strict, have none with version 0 of Landlock"},
		{func() (int, error) { return 5, nil }, true, Sandbox, "/bin/sh: sandbox: want strict, have partial with version 5 of Landlock"},
		{refused, false, Sandbox, "/bin/sh: sandbox: landlock_create_ruleset: operation not permitted"},
	} {
		r := NewRunner(Options{Landlock: tc.version})
		c := shell("set -e; echo x > $TMPDIR/x; echo x > " + made + "; grep -q 'NoNewPrivs:.1' /proc/$$/status")
		c.Sandbox, c.SandboxRequired = sandbox.Strict, tc.required
		res := r.Run(t.Context(), c)
		want(t, res, tc.reason)
		if res.Err != nil && res.Err.Error() != tc.err {
			t.Error(res.Err)
		}
		wantEmpty(t, scratches)
	}
}

// TestOldLandlockOnThisHost enforces what older versions of Landlock can.
func TestOldLandlockOnThisHost(t *testing.T) {
	requireLandlock(t)
	useScratchParent(t)
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer tcp.Close()
	for version := 1; version <= 6; version++ {
		attempts := []attempt{
			{"write", "echo x > made", false},
			{"write to $TMPDIR", "echo x > $TMPDIR/x", true},
			{"connect", helperVariable + "='dial tcp " + tcp.Addr().String() + `' "$EXE"`, version < 4},
			{"signal", "kill -0 " + strconv.Itoa(os.Getpid()), version < 6},
		}
		r := NewRunner(Options{Landlock: func() (int, error) { return version, nil }})
		c := attemptCommand(t, t.TempDir(), attempts)
		c.Sandbox = sandbox.Strict
		checkAttempts(t, fmt.Sprint("version ", version), r.Run(t.Context(), c), attempts)
	}
}

// TestSandboxedLimitsOnThisHost: the limits apply in a sandbox, too, and the
// temporary directory is removed however a run ends.
func TestSandboxedLimitsOnThisHost(t *testing.T) {
	requireLandlock(t)
	scratches := useScratchParent(t)
	var all sync.WaitGroup
	for _, tc := range []struct {
		name   string
		script string
		reason Reason
	}{
		{"exits", "echo x > $TMPDIR/x", ""},
		{"makes directories unreadable", "mkdir -p $TMPDIR/a/b; : > $TMPDIR/a/b/c; chmod 0 $TMPDIR/a/b $TMPDIR/a $TMPDIR", ""},
		{"links out of its directory", "ln -s / $TMPDIR/root", ""},
		{"hangs", ": > $TMPDIR/x; exec sleep 1000", Timeout},
		{"ignores SIGTERM", "trap '' TERM; : > $TMPDIR/x; while :; do sleep 1000; done", Timeout},
		{"leaves its session, and continues to write", "setsid sh -c 'trap \"\" TERM; while :; do : > $TMPDIR/$$; done' & exec sleep 1000", Timeout},
		{"leaves a process", "setsid sh -c 'while :; do : > $TMPDIR/$$; done' & exit 0", ""},
		{"prints too much", ": > $TMPDIR/x; exec yes", Output},
		{"fails", ": > $TMPDIR/x; exit 3", Exit},
	} {
		all.Go(func() {
			c := shell(tc.script)
			c.Sandbox, c.Timeout = sandbox.Strict, 10*time.Second
			if tc.reason == Timeout {
				c.Timeout, c.KillGrace = time.Second, 50*time.Millisecond
			}
			if res := runCommand(t, t.Context(), c); res.Reason != tc.reason {
				t.Errorf("%s: %v %s", tc.name, res.Err, res.Stderr)
			}
		})
	}
	all.Wait()
	nothingLeft(t)
	wantEmpty(t, scratches)
	made := filepath.Join(t.TempDir(), "made")
	c := shell("ulimit -S -d; : > $TMPDIR/x; exec 2>&1; : > " + made)
	for memory, limit := range map[int64]string{200 << 20: "204800\n", 4 << 20: "4096\n"} { // the latter needs the second stage
		c.Sandbox, c.Memory = sandbox.Strict, memory
		res := runAlone(t, t.Context(), c)
		if !strings.HasPrefix(string(res.Parsed), limit) || res.Reason != Exit {
			t.Errorf("stdout %q, want limit %q, and an exit code: %v", res.Parsed, limit, res.Err)
		}
	}
}

// TestSandboxAfterKilledExporter: the supervisor removes the temporary directory
// when the exporter is gone.
func TestSandboxAfterKilledExporter(t *testing.T) {
	fifo, scratches := filepath.Join(t.TempDir(), "fifo"), t.TempDir()
	if err := unix.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	exporter := exec.Command(exe)
	exporter.Env = []string{helperVariable + "=exporter-sandbox " + fifo, "TMPDIR=" + scratches}
	if err := exporter.Start(); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(fifo); err != nil || string(b) != "ready\n" {
		t.Errorf("%q, %v", b, err)
	}
	if files, err := filepath.Glob(scratches + "/host_exporter-*/host_exporter-check-*/file"); len(files) != 1 || err != nil {
		t.Errorf("%q, %v", files, err)
	}
	if err := exporter.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = exporter.Wait()
	reapOrphans()
	nothingLeft(t)
	wantEmpty(t, scratches)
}

// TestSandboxOfOtherUserOnThisHost: the temporary directory belongs to the user.
func TestSandboxOfOtherUserOnThisHost(t *testing.T) {
	requireLandlock(t)
	if os.Geteuid() != 0 {
		t.Skip("not root")
	}
	c := shell("set -e; id -u; echo $TMPDIR; mkdir $TMPDIR/d; : > $TMPDIR/d/f; chmod 0 $TMPDIR/d; ls -ldn $TMPDIR")
	c.User, c.Sandbox = "65534", sandbox.Strict
	if _, err := credential(c.User, ""); err != nil {
		t.Skip(err)
	}
	res := runAlone(t, t.Context(), c)
	want(t, res, "")
	lines := strings.Split(string(res.Parsed), "\n")
	if len(lines) != 4 || lines[0] != "65534" || !strings.HasPrefix(lines[2], "drwx------") || !strings.Contains(lines[2], " 65534 ") {
		t.Errorf("%q", lines)
	} else if _, err := os.Lstat(lines[1]); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s: %v", lines[1], err)
	}
}

// TestNoScratch cannot make a temporary directory.
func TestNoScratch(t *testing.T) {
	t.Setenv("TMPDIR", filepath.Join(t.TempDir(), "none"))
	c := shell("true")
	c.Sandbox = sandbox.Strict
	want(t, runAlone(t, t.Context(), c), Sandbox)
}
