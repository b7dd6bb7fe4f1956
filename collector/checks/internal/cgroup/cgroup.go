// Package cgroup keeps control groups (version 2) below one that has been
// delegated to the exporter, one for each run of a check.
//
// https://docs.kernel.org/admin-guide/cgroup-v2.html
package cgroup

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// exporterGroup is the group of the exporter itself: one that has groups with
// controllers below it must not have processes of its own.
const exporterGroup = "exporter"

// ErrNotDelegated means that the host does not let the exporter have control
// groups of its own.
var ErrNotDelegated = errors.New("no delegated control group")

// A Tree is a delegated control group that has been made ready.
type Tree struct {
	dir    string
	mkdir  func(string) error // a test's makes the files too, as the kernel does
	rmdir  func(string) error
	number atomic.Uint64
}

// OwnDir returns the directory of the control group of the process that self, its
// /proc/PID/cgroup, tells of, below the root where version 2 is mounted.
func OwnDir(self []byte, root string) (string, error) {
	for line := range bytes.Lines(self) {
		if path, ok := bytes.CutPrefix(line, []byte("0::/")); ok {
			return filepath.Join(root, string(bytes.TrimRight(path, "\n"))), nil
		}
	}
	return "", fmt.Errorf("%w: no version 2 hierarchy", ErrNotDelegated)
}

// Open makes the control group dir ready: it moves all of its processes, which
// ought to be the exporter's, into a group below it, and hands the memory and
// pids controllers down.
func Open(dir string) (*Tree, error) {
	if err := canStartInGroup(); err != nil {
		return nil, err
	}
	return open(&Tree{
		dir:   dir,
		mkdir: func(dir string) error { return os.Mkdir(dir, 0o755) },
		rmdir: func(dir string) error { return os.Remove(dir) },
	})
}

// canStartInGroup reports whether a process can be started inside a group, for which
// there is clone3 alone. It is called with nothing, which it refuses unless a
// filter of system calls is faster.
func canStartInGroup() error {
	if _, _, err := unix.RawSyscall(unix.SYS_CLONE3, 0, 0, 0); err != unix.EINVAL {
		return fmt.Errorf("%w: clone3: %w, as with RestrictNamespaces= of systemd", ErrNotDelegated, err)
	}
	return nil
}

func open(t *Tree) (*Tree, error) {
	// A group that lacks this file is the root, or the kernel is older than
	// 5.14: then it cannot start a process inside a group either (5.7). It need
	// not be ours, as systemd leaves it to root: those of the runs' groups are.
	if _, err := os.Stat(filepath.Join(t.dir, "cgroup.kill")); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotDelegated, err)
	}
	if err := checkWritable(t.dir, "cgroup.procs", "cgroup.subtree_control"); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotDelegated, err)
	}
	path := filepath.Join(t.dir, "cgroup.controllers")
	have, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotDelegated, err)
	}
	for _, want := range []string{"memory", "pids"} {
		if !slices.Contains(strings.Fields(string(have)), want) {
			return nil, fmt.Errorf("%w: %s: want the %s controller, have %q", ErrNotDelegated, path, want, bytes.TrimSpace(have))
		}
	}
	if err := t.moveProcesses(); err != nil {
		return nil, err
	}
	if err := write(t.dir, "cgroup.subtree_control", "+memory +pids"); err != nil {
		return nil, err
	}
	return t, nil
}

// moveProcesses moves the processes of the group itself to the leaf.
func (t *Tree) moveProcesses() error {
	below := filepath.Join(t.dir, exporterGroup)
	if err := t.mkdir(below); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	pids, err := os.ReadFile(filepath.Join(t.dir, "cgroup.procs"))
	if err != nil {
		return err
	}
	for _, pid := range strings.Fields(string(pids)) {
		if err := write(below, "cgroup.procs", pid); err != nil {
			return fmt.Errorf("moving process %s: %w", pid, err)
		}
	}
	return nil
}

// Limits are those of a group; negative for none.
type Limits struct {
	Memory    int64 // bytes
	Processes int
}

// A Group is the control group of one run.
type Group struct {
	dir   string
	rmdir func(string) error
}

// Create makes a group whose name begins with name.
func (t *Tree) Create(name string, l Limits) (*Group, error) {
	name = strings.Map(func(r rune) rune {
		if r == '/' || r == '.' || r < ' ' {
			return '_'
		}
		return r
	}, name)
	g := &Group{
		dir:   filepath.Join(t.dir, name+"-"+strconv.FormatUint(t.number.Add(1), 10)),
		rmdir: t.rmdir,
	}
	// One that is there was left by an exporter that was killed.
	if err := t.mkdir(g.dir); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	if err := g.limit(l); err != nil {
		return nil, errors.Join(err, g.Close())
	}
	return g, nil
}

func (g *Group) limit(l Limits) error {
	if l.Processes >= 0 {
		if err := write(g.dir, "pids.max", strconv.Itoa(l.Processes)); err != nil {
			return err
		}
	}
	if l.Memory < 0 {
		return nil
	}
	if err := write(g.dir, "memory.max", strconv.FormatInt(l.Memory, 10)); err != nil {
		return err
	}
	// A kernel without swap accounting does not have this file.
	if err := write(g.dir, "memory.swap.max", "0"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return write(g.dir, "memory.oom.group", "1")
}

// Dir is where the group is.
func (g *Group) Dir() string { return g.dir }

// Kill sends SIGKILL to all processes of the group at once.
func (g *Group) Kill() error { return write(g.dir, "cgroup.kill", "1") }

// OOMKilled tells whether the kernel killed a process of the group for want of
// memory.
func (g *Group) OOMKilled() bool {
	b, err := os.ReadFile(filepath.Join(g.dir, "memory.events"))
	if err != nil {
		return false
	}
	for line := range strings.Lines(string(b)) {
		if f := strings.Fields(line); len(f) == 2 && f[0] == "oom_kill" {
			return f[1] != "0"
		}
	}
	return false
}

// Close kills what is left in the group and removes it. The kernel needs a
// moment to let go of one whose processes have just ended.
func (g *Group) Close() error {
	_ = g.Kill()
	for pause := time.Millisecond; ; pause *= 2 {
		err := g.rmdir(g.dir)
		if err == nil || errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if pause > 256*time.Millisecond {
			return err
		}
		<-time.After(pause)
	}
}

// write writes a file of the kernel's; it does not make one.
func write(dir, name, value string) error {
	f, err := os.OpenFile(filepath.Join(dir, name), os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(value)
	return errors.Join(err, f.Close())
}

// checkWritable tells what cannot be written of dir and its files.
func checkWritable(dir string, names ...string) error {
	for _, name := range names {
		f, err := os.OpenFile(filepath.Join(dir, name), os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		if err := f.Close(); err != nil {
			return err
		}
	}
	return nil
}
