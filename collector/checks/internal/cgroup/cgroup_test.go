package cgroup

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// newFakeTree returns a delegated control group of plain files.
func newFakeTree(t *testing.T, controllers string) *Tree {
	t.Helper()
	tree := &Tree{dir: t.TempDir(), rmdir: os.RemoveAll}
	files := func(dir string, names ...string) error {
		for _, name := range names {
			if err := os.WriteFile(filepath.Join(dir, name), nil, 0o644); err != nil {
				return err
			}
		}
		return nil
	}
	tree.mkdir = func(dir string) error {
		if err := os.Mkdir(dir, 0o755); err != nil {
			return err
		}
		return files(dir, "cgroup.procs", "cgroup.kill", "pids.max", "memory.max", "memory.swap.max", "memory.oom.group", "memory.events")
	}
	if err := files(tree.dir, "cgroup.kill", "cgroup.subtree_control"); err != nil {
		t.Fatal(err)
	}
	put(t, tree.dir, "cgroup.controllers", controllers)
	put(t, tree.dir, "cgroup.procs", "4711\n")
	return tree
}

func put(t *testing.T, dir, name, content string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func want(t *testing.T, dir, name, content string) {
	t.Helper()
	if b, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(b) != content {
		t.Errorf("%s: have %q, want %q (%v)", name, b, content, err)
	}
}

func TestGroup(t *testing.T) {
	tree, err := open(newFakeTree(t, "cpu io memory pids\n"))
	if err != nil {
		t.Fatal(err)
	}
	want(t, tree.dir, "exporter/cgroup.procs", "4711")
	want(t, tree.dir, "cgroup.subtree_control", "+memory +pids")

	g, err := tree.Create("check-../raid", Limits{Memory: 128 << 20, Processes: 64})
	if err != nil {
		t.Fatal(err)
	}
	if g.Dir() != filepath.Join(tree.dir, "check-___raid-1") {
		t.Errorf("it is at %s", g.Dir())
	}
	want(t, g.Dir(), "memory.max", "134217728")
	want(t, g.Dir(), "memory.swap.max", "0")
	want(t, g.Dir(), "memory.oom.group", "1")
	want(t, g.Dir(), "pids.max", "64")

	if g.OOMKilled() {
		t.Error("OOMKilled without anything in memory.events")
	}
	put(t, g.Dir(), "memory.events", "low 0\nhigh 0\nmax 12\noom 1\noom_kill 0\noom_group_kill 0\n")
	if g.OOMKilled() {
		t.Error("OOMKilled for a group that only was at its limit")
	}
	put(t, g.Dir(), "memory.events", "low 0\nhigh 0\nmax 12\noom 1\noom_kill 3\noom_group_kill 1\n")
	if !g.OOMKilled() {
		t.Error("not OOMKilled, with three killed processes")
	}
	if err := g.Kill(); err != nil {
		t.Error(err)
	}
	want(t, g.Dir(), "cgroup.kill", "1")
	if err := g.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(g.Dir()); !os.IsNotExist(err) {
		t.Errorf("it is still there: %v", err)
	}
	if err := g.Close(); err != nil {
		t.Errorf("closed twice: %v", err)
	}
}

func TestUnlimited(t *testing.T) {
	tree, err := open(newFakeTree(t, "memory pids"))
	if err != nil {
		t.Fatal(err)
	}
	g, err := tree.Create("x", Limits{Memory: -1, Processes: -1})
	if err != nil {
		t.Fatal(err)
	}
	want(t, g.Dir(), "memory.max", "")
	want(t, g.Dir(), "pids.max", "")
}

// TestLeftoverGroup has a group that an exporter left when it was killed.
func TestLeftoverGroup(t *testing.T) {
	fakes := newFakeTree(t, "memory pids")
	if err := fakes.mkdir(filepath.Join(fakes.dir, "x-1")); err != nil {
		t.Fatal(err)
	}
	tree, err := open(fakes)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tree.Create("x", Limits{}); err != nil {
		t.Error(err)
	}
}

func TestNotDelegated(t *testing.T) {
	for name, breakIt := range map[string]func(dir string) error{
		"cgroup.kill":            func(dir string) error { return os.Remove(filepath.Join(dir, "cgroup.kill")) },
		"cgroup.subtree_control": func(dir string) error { return os.Remove(filepath.Join(dir, "cgroup.subtree_control")) },
		"want the memory controller, have \"cpu pids\"": func(dir string) error {
			return os.WriteFile(filepath.Join(dir, "cgroup.controllers"), []byte("cpu pids\n"), 0o644)
		},
	} {
		tree := newFakeTree(t, "memory pids")
		if err := breakIt(tree.dir); err != nil {
			t.Fatal(err)
		}
		_, err := open(tree)
		if !errors.Is(err, ErrNotDelegated) || !strings.Contains(err.Error(), name) || !strings.Contains(err.Error(), tree.dir) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := os.Stat(filepath.Join(tree.dir, exporterGroup)); !os.IsNotExist(err) {
			t.Errorf("%s: the group was changed", name)
		}
	}
}

// TestKillFileNotWritable: under systemd only root may write to cgroup.kill of the
// delegated group. The directory in its place is what root cannot write to either.
func TestKillFileNotWritable(t *testing.T) {
	tree := newFakeTree(t, "memory pids")
	path := filepath.Join(tree.dir, "cgroup.kill")
	if err := errors.Join(os.Remove(path), os.Mkdir(path, 0o755)); err != nil {
		t.Fatal(err)
	}
	if _, err := open(tree); err != nil {
		t.Error(err)
	}
}

func TestOwnDir(t *testing.T) {
	for self, want := range map[string]string{
		"0::/system.slice/host_exporter.service\n": "/sys/fs/cgroup/system.slice/host_exporter.service",
		"9:name=systemd:/\n4:memory:/a\n0::/b\n":   "/sys/fs/cgroup/b",
		"0::/\n":                                   "/sys/fs/cgroup",
		"4:memory:/a\n":                            "",
		"":                                         "",
	} {
		dir, err := OwnDir([]byte(self), "/sys/fs/cgroup")
		if dir != want || (err != nil) != (want == "") {
			t.Errorf("%q: %s, %v", self, dir, err)
		}
	}
}

// TestKillOnThisHost kills a process by its group, where the host allows groups.
func TestKillOnThisHost(t *testing.T) {
	root := ""
	for _, dir := range []string{"/sys/fs/cgroup/unified", "/sys/fs/cgroup"} {
		if _, err := os.Stat(dir + "/cgroup.subtree_control"); err == nil {
			root = dir
			break
		}
	}
	if root == "" {
		t.Skip("no version 2 hierarchy")
	}
	dir, err := os.MkdirTemp(root, "host_exporter-test-*")
	if err != nil {
		t.Skip(err)
	}
	defer os.Remove(dir)
	tree := &Tree{dir: dir, mkdir: func(d string) error { return os.Mkdir(d, 0o755) }, rmdir: os.Remove}
	g, err := tree.Create("x", Limits{Memory: -1, Processes: -1})
	if err != nil {
		t.Skip(err)
	}
	f, err := os.Open(g.Dir())
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	c := exec.Command("/bin/sh", "-c", "sleep 1000 & sleep 1000")
	c.SysProcAttr = &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: int(f.Fd())}
	if err := c.Start(); err != nil {
		_ = g.Close()
		t.Skip(err)
	}
	if err := g.Kill(); err != nil {
		t.Skip(err)
	}
	if err := c.Wait(); err == nil || err.Error() != "signal: killed" {
		t.Errorf("it ended with %v", err)
	}
	if err := g.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(g.Dir()); !os.IsNotExist(err) {
		t.Errorf("it is still there: %v", err)
	}
}
