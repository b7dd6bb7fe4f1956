package exporter

import (
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

const (
	// maxCalls is the maximum number of calls of collectors that are in progress
	// at once, where the process may have enough threads. The Go runtime ends a
	// process that has 10,000.
	maxCalls = 2000

	// minCalls is that number where the process may have hardly any thread: a few
	// collectors at a time still run.
	minCalls = 4
)

// callLimit returns how many calls of collectors may be in progress at once: each
// may hang and hold a thread. It is half of the threads that the process may
// still have; the other half is for the runtime, the checks and their
// supervisors.
func callLimit() int {
	return min(max(taskLimit("/")/2, minCalls), maxCalls)
}

// taskLimit returns how many threads the process may have in addition to those
// that exist, from the files below root: limits of the control groups, of the
// user and of the kernel. A limit that cannot be read is none.
func taskLimit(root string) int {
	limit := controlGroupTasks(root)
	var user unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NPROC, &user); err == nil && os.Getuid() != 0 && user.Cur < math.MaxInt32 {
		limit = min(limit, int(user.Cur)) // the kernel does not apply it to root
	}
	for _, file := range []string{"threads-max", "pid_max"} {
		if n, ok := readInt(filepath.Join(root, "proc/sys/kernel", file)); ok {
			limit = min(limit, n-totalTasks(root))
		}
	}
	return limit
}

// totalTasks returns the number of threads of the machine, from /proc/loadavg:
// 0.20 0.18 0.12 1/80 11206.
func totalTasks(root string) int {
	b, _ := os.ReadFile(filepath.Join(root, "proc/loadavg"))
	if f := strings.Fields(string(b)); len(f) > 3 {
		_, total, _ := strings.Cut(f[3], "/")
		n, _ := strconv.Atoi(total)
		return n
	}
	return 0
}

// controlGroupTasks returns how many tasks the control group of the process and
// those above it may have in addition. See
// https://docs.kernel.org/admin-guide/cgroup-v2.html#pid.
func controlGroupTasks(root string) int {
	limit := math.MaxInt32
	for _, dir := range pidsGroups(root) {
		limitOfGroup, ok := readInt(filepath.Join(dir, "pids.max"))
		if !ok {
			continue // "max", or the root group, which has no such file
		}
		current, _ := readInt(filepath.Join(dir, "pids.current"))
		limit = min(limit, limitOfGroup-current)
	}
	return limit
}

// pidsGroups returns the folders of the control groups that may limit the tasks
// of the process: those of version 2, and of the pids hierarchy of version 1.
func pidsGroups(root string) []string {
	groups, _ := os.ReadFile(filepath.Join(root, "proc/self/cgroup"))
	mounts, _ := os.ReadFile(filepath.Join(root, "proc/self/mountinfo"))
	var dirs []string
	for line := range strings.Lines(string(groups)) { // such as 0::/system.slice/host_exporter.service
		f := strings.SplitN(strings.TrimSuffix(line, "\n"), ":", 3)
		if len(f) < 3 || f[1] != "" && !slices.Contains(strings.Split(f[1], ","), "pids") {
			continue
		}
		mountRoot, point, ok := groupMount(string(mounts), f[1] == "")
		if !ok {
			continue
		}
		below, isBelow := strings.CutPrefix(f[2], strings.TrimSuffix(mountRoot, "/"))
		if !isBelow || strings.HasPrefix(below, "/..") { // the mount is of a group below that of the process
			below = "/"
		}
		top := filepath.Join(root, point)
		for dir := filepath.Join(top, below); ; dir = filepath.Dir(dir) {
			dirs = append(dirs, dir)
			if dir == top {
				break
			}
		}
	}
	return dirs
}

// groupMount returns the mount of version 2, or of the pids hierarchy of version
// 1: which group is its root, and where it is.
func groupMount(mountInfo string, isVersion2 bool) (root, point string, ok bool) {
	for line := range strings.Lines(mountInfo) {
		mount, fileSystem, isMount := strings.Cut(line, " - ")
		m, fs := strings.Fields(mount), strings.Fields(fileSystem)
		if !isMount || len(m) < 5 || len(fs) < 3 {
			continue
		}
		switch {
		case isVersion2 && fs[0] == "cgroup2", !isVersion2 && fs[0] == "cgroup" && slices.Contains(strings.Split(fs[2], ","), "pids"):
			return m[3], m[4], true
		}
	}
	return "", "", false
}

// readInt reads a file that holds a number.
func readInt(path string) (int, bool) {
	b, err := os.ReadFile(path)
	if err != nil {
		return 0, false
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(b)))
	return n, err == nil
}
