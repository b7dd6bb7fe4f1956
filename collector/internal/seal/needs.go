package seal

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/hostexporter/host_exporter/collector/internal/capability"
	"github.com/hostexporter/host_exporter/collector/internal/landlock"
)

// Needs are what a process needs once it is sealed. Paths are clean, without
// symbolic links, and exist: a rule is for a file, not for a name. A directory
// stands for all that is below. Nothing needs to write, to start programs, or TCP
// ports: the listeners are open.
type Needs struct {
	Capabilities    []capability.Capability // kept if the process has them
	Read            []string                // files to read, and directories to list and read
	List            []string                // directories to list
	Devices         []string                // device files to open for ioctl
	AbstractSockets bool                    // whether to connect to sockets without a path

	// Exceptions are the layers that something needed does not work with, with
	// the reason.
	Exceptions map[Layer]string
}

// pathsBeyond returns the paths and sockets that a domain for the other needs does
// not allow.
func (n Needs) pathsBeyond(other Needs) (lacks []string) {
	beyond := func(paths, allowed []string) {
		for _, p := range paths {
			if !slices.ContainsFunc(allowed, func(dir string) bool { return isBelow(p, dir) }) {
				lacks = append(lacks, p)
			}
		}
	}
	beyond(n.Read, other.Read)
	beyond(n.List, slices.Concat(other.List, other.Read))
	beyond(n.Devices, other.Devices)
	if n.AbstractSockets && !other.AbstractSockets {
		lacks = append(lacks, "abstract sockets")
	}
	return lacks
}

// isBelow reports whether a path is a directory or below it.
func isBelow(path, dir string) bool {
	rest, ok := strings.CutPrefix(path, strings.TrimSuffix(dir, "/"))
	return ok && (rest == "" || rest[0] == '/')
}

// enterLandlock restricts all threads.
func (n Needs) enterLandlock() (State, string) {
	version, err := landlock.Version()
	if err != nil {
		return Unavailable, err.Error()
	}
	if version == 0 {
		return landlockState(version, true)
	}
	denial := landlock.Denial{
		Files:           landlock.ReadAccess | landlock.WriteAccess,
		TCP:             true,
		Signals:         landlock.CanScopeSignals(version),
		AbstractSockets: !n.AbstractSockets,
	}
	ruleset, err := landlock.NewRuleset(denial, version)
	if err != nil {
		return Unavailable, err.Error()
	}
	defer ruleset.Close()
	var refused []string
	allow := func(paths []string, access uint64) {
		for _, p := range paths {
			err := ruleset.Allow(p, access)
			if failed, ok := errors.AsType[*fs.PathError](err); ok && failed.Op == "allow" {
				refused = append(refused, err.Error()) // what cannot be opened cannot be read either
			}
		}
	}
	for _, p := range n.Read {
		allow([]string{p}, readAccess(p))
	}
	allow(n.List, unix.LANDLOCK_ACCESS_FS_READ_DIR)
	allow(n.Devices, unix.LANDLOCK_ACCESS_FS_READ_FILE|unix.LANDLOCK_ACCESS_FS_IOCTL_DEV)
	if len(refused) > 0 {
		// A collector would fall silent.
		return Unavailable, strings.Join(refused, "; ")
	}
	if err := ruleset.RestrictProcess(); err != nil {
		return Unavailable, threadsError(err)
	}
	return landlockState(version, denial.Signals)
}

// readAccess returns the rights to read a file, or all below a directory. In procfs and
// sysfs, where nothing can be truncated and no devices are, it has those rights too: the
// kernel asks for them at every open, and goes up to the root in search of a rule that
// gives them.
func readAccess(path string) uint64 {
	access := uint64(unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_READ_DIR)
	var st unix.Statfs_t
	if err := unix.Statfs(path, &st); err == nil && (st.Type == unix.PROC_SUPER_MAGIC || st.Type == unix.SYSFS_MAGIC) {
		access |= unix.LANDLOCK_ACCESS_FS_TRUNCATE | unix.LANDLOCK_ACCESS_FS_IOCTL_DEV
	}
	return access
}

// landlockState returns what a domain is worth on a kernel with a version.
func landlockState(version int, signals bool) (State, string) {
	switch {
	case version == 0:
		return Unavailable, "the kernel lacks it"
	case version < landlock.FullVersion:
		return Partial, fmt.Sprintf("version %d of %d", version, landlock.FullVersion)
	case !signals:
		return Partial, "signals stay allowed: this kernel would deny them between threads"
	}
	return Enforced, ""
}
