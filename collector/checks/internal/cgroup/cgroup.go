// Package cgroup makes control groups (version 2), one for each run of a check,
// below a group that is delegated to the exporter.
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
)

// exporterGroup is the group that the exporter moves into: a group with
// controllers for the groups below it must not have processes of its own.
const exporterGroup = "exporter"

// ErrNotDelegated means that no control group is delegated to the exporter.
var ErrNotDelegated = errors.New("no delegated control group")

// A Tree is a delegated control group that can have groups below it. It is safe
// for concurrent use.
type Tree struct {
	dir    string
	mkdir  func(string) error // in tests it makes the files, too, as the kernel does
	rmdir  func(string) error
	number atomic.Uint64
}

// OwnDir returns the directory of a process's control group: self is the text of
// its /proc/PID/cgroup, root is where version 2 is mounted.
func OwnDir(self []byte, root string) (string, error) {
	for line := range bytes.Lines(self) {
		if path, ok := bytes.CutPrefix(line, []byte("0::/")); ok {
			return filepath.Join(root, string(bytes.TrimRight(path, "\n"))), nil
		}
	}
	return "", fmt.Errorf("%w: no hierarchy of version 2", ErrNotDelegated)
}

// Open prepares the control group dir: it moves all of its processes, which should
// be those of the exporter, into a group below it, and enables the memory and
// pids controllers for the groups below it.
func Open(dir string) (*Tree, error) {
	return open(&Tree{
		dir:   dir,
		mkdir: func(dir string) error { return os.Mkdir(dir, 0o755) },
		rmdir: func(dir string) error { return os.Remove(dir) },
	})
}

func open(t *Tree) (*Tree, error) {
	// The root group has no such file, nor has a kernel before 5.14. The exporter
	// need not own it: systemd leaves it to root, and those of the groups below
	// belong to the exporter.
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

// moveProcesses moves the processes of the group to exporterGroup.
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

// Limits are the limits of a group. A negative one is none.
type Limits struct {
	Memory    int64 // bytes
	Processes int
}

// A Group is the control group of one run.
type Group struct {
	dir   string
	home  string // group of the exporter
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
		home:  filepath.Join(t.dir, exporterGroup),
		rmdir: t.rmdir,
	}
	// An exporter that was killed may have left one.
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

// Dir returns the directory of the group.
func (g *Group) Dir() string { return g.dir }

// Home returns the directory of the group of the exporter.
func (g *Group) Home() string { return g.home }

// Enter moves the calling process into the group with this directory. Its children
// start there. Unlike clone3, which could start a child in another group, this works
// with system call filters that restrict namespaces.
func Enter(dir string) error { return write(dir, "cgroup.procs", "0") }

// Kill sends SIGKILL to all processes of the group at once.
func (g *Group) Kill() error { return write(g.dir, "cgroup.kill", "1") }

// OOMKilled reports whether the kernel killed a process of the group because of
// its memory limit.
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

// Close kills the processes of the group and removes it. It retries for half a
// second, as the kernel keeps a group for a moment after its last process ended.
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

// write writes to a file that exists.
func write(dir, name, value string) error {
	f, err := os.OpenFile(filepath.Join(dir, name), os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(value)
	return errors.Join(err, f.Close())
}

// checkWritable returns an error if one of the files in dir cannot be opened for
// writing.
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
