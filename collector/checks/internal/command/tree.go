package command

import (
	"bytes"
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// A process is what /proc/PID/stat says of a process.
type process struct {
	pid, parent, group int
	start              uint64 // ticks since boot: the same ID may be used again
	state              byte
	name               string
}

// isDead reports whether the process has ended and waits to be reaped.
func (p process) isDead() bool { return p.state == 'Z' || p.state == 'X' }

// kill sends SIGKILL to p, but not to another process that has its ID by now.
func (p process) kill() error {
	if p.isDead() {
		return nil
	}
	handle, err := os.FindProcess(p.pid) // a pidfd, where the kernel supports it
	if err != nil {
		return err
	}
	defer func() { _ = handle.Release() }()
	if now, ok := readProcess(p.pid); !ok || now.start != p.start {
		return nil
	}
	return handle.Signal(unix.SIGKILL)
}

// descendants returns the children of the process root, their children, and so
// on. It reads the parent of every process, as the kernel may be built without
// /proc/PID/task/TID/children. It is called only after a run that left processes.
func descendants(root int) []process {
	children := map[int][]process{}
	dir, err := os.Open("/proc")
	if err != nil {
		return nil
	}
	defer dir.Close()
	names, _ := dir.Readdirnames(-1) // up to an error
	for _, name := range names {
		pid, err := strconv.Atoi(name)
		if err != nil {
			continue
		}
		if p, ok := readProcess(pid); ok {
			children[p.parent] = append(children[p.parent], p)
		}
	}
	found := children[root]
	for i := 0; i < len(found); i++ {
		found = append(found, children[found[i].pid]...)
	}
	return found
}

func readProcess(pid int) (process, bool) {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return process{}, false
	}
	return parseProcess(b)
}

// parseProcess parses a line such as
//
//	4242 (name (of) it) S 1 4242 4242 0 -1 4194304 ...
//
// https://www.kernel.org/doc/html/latest/filesystems/proc.html#id10
func parseProcess(line []byte) (p process, ok bool) {
	const stateField, parentField, groupField, startField = 0, 1, 2, 19 // after the name
	from, to := bytes.IndexByte(line, '('), bytes.LastIndexByte(line, ')')
	if from < 0 || to < from {
		return process{}, false
	}
	fields := bytes.Fields(line[to+1:])
	if len(fields) <= startField {
		return process{}, false
	}
	p = process{name: string(line[from+1 : to]), state: fields[stateField][0]}
	var errs [4]error
	p.pid, errs[0] = strconv.Atoi(string(bytes.TrimSpace(line[:from])))
	p.parent, errs[1] = strconv.Atoi(string(fields[parentField]))
	p.group, errs[2] = strconv.Atoi(string(fields[groupField]))
	p.start, errs[3] = strconv.ParseUint(string(fields[startField]), 10, 64)
	return p, errs == [4]error{} && isStateLetter(p.state)
}

func isStateLetter(c byte) bool { return c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' }

// describeSurvivors returns the processes that did not end, for an error.
func describeSurvivors(left []process) []string {
	var names []string
	for _, p := range left {
		if !p.isDead() {
			names = append(names, fmt.Sprintf("%s (process %d, state %c)", p.name, p.pid, p.state))
		}
	}
	if names == nil {
		names = []string{"a process that is not in /proc"}
	}
	return names
}
