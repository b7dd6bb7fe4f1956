package command

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestSpawn(t *testing.T) {
	dir := t.TempDir()
	file := func(name, content string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for _, c := range []struct {
		path, contains string
	}{
		{filepath.Join(dir, "none"), "none: no such file"},
		{dir, ": want a file, have a directory"},
		{file("plain", "#!/bin/sh\n", 0o644), "plain: want an executable file, have mode 0644"},
		{file("text", "neither", 0o755), "text: exec format error: want a program"},
		{file("script", "#!/no/such/interpreter\n", 0o755), "script: no such file or directory: want the interpreter"},
		{filepath.Join(file("file", "", 0o755), "below"), "file: want a directory, have a file"},
		{"/dev/null", "/dev/null: want a regular file"},
	} {
		for _, memory := range []int64{0, 1 << 20} {
			res := runAlone(t, t.Context(), Command{Argv: []string{c.path}, AllowUnsafePath: true, Memory: memory})
			want(t, res, Spawn)
			if !strings.Contains(fmt.Sprint(res.Err), c.contains) || res.ExitCode != -1 {
				t.Errorf("%s: %+v", c.path, res)
			}
		}
	}
	r := NewRunner(Options{})
	for _, c := range []Command{
		{},
		{Argv: []string{"true"}},
		{Argv: []string{"/bin/true"}, Timeout: -1},
		{Argv: []string{"/bin/true"}, Env: []string{"NONSENSE"}},
		{Argv: []string{"/bin/true"}, OpenFiles: 3},
		{Argv: []string{"/bin/true"}, User: "no-such-user"},
		{Argv: []string{"/bin/true"}, Group: "no-such-group"},
	} {
		c.AllowUnsafePath = true
		want(t, r.Run(t.Context(), c), Spawn)
	}
}

// TestUnsafePath runs a script in a directory that everybody can write to, as /tmp.
func TestUnsafePath(t *testing.T) {
	open := filepath.Join(t.TempDir(), "open")
	if err := os.Mkdir(open, 0o700); err != nil {
		t.Fatal(err)
	}
	script := filepath.Join(open, "script")
	if err := os.WriteFile(script, []byte("#!/bin/sh\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(open, 0o777|os.ModeSticky); err != nil {
		t.Fatal(err)
	}
	res := runAlone(t, t.Context(), Command{Argv: []string{script}})
	want(t, res, Spawn)
	// The error names the first such directory on the way.
	if !strings.Contains(fmt.Sprint(res.Err), "writable by other users") && !strings.Contains(fmt.Sprint(res.Err), "as the owner") {
		t.Error(res.Err)
	}
	want(t, runAlone(t, t.Context(), Command{Argv: []string{script}, AllowUnsafePath: true}), "")
}

// TestOtherUserOnThisHost needs the capabilities to run a program as another user.
func TestOtherUserOnThisHost(t *testing.T) {
	c := shell("id -u; id -g; id -G; grep CapAmb /proc/self/status; ulimit -u 2>/dev/null || ulimit -p")
	c.User, c.Group = "65534", ""
	if os.Geteuid() != 0 {
		res := runAlone(t, t.Context(), Command{Argv: c.Argv, AllowUnsafePath: true})
		want(t, res, "")
		c.User = "0"
		r := NewRunner(Options{})
		res = r.Run(t.Context(), c)
		want(t, res, Spawn)
		if !strings.Contains(fmt.Sprint(res.Err), "CAP_SETUID, CAP_SETGID, CAP_KILL") {
			t.Error(res.Err)
		}
		t.Skip("not root")
	}
	if _, err := credential(c.User, ""); err != nil {
		t.Skip(err)
	}
	res := runAlone(t, t.Context(), c)
	want(t, res, "")
	lines := strings.Split(strings.TrimSpace(string(res.Parsed)), "\n")
	if len(lines) != 5 || lines[0] != "65534" || lines[2] == "0" || lines[3] != "CapAmb:\t0000000000000000" || lines[4] != "128" {
		t.Errorf("%q %s", lines, res.Stderr)
	}
	c = shell("trap '' TERM; while :; do sleep 1000; done")
	c.User, c.Timeout, c.KillGrace = "65534", 500*time.Millisecond, 50*time.Millisecond
	want(t, runAlone(t, t.Context(), c), Timeout)
}
