// Package doctor finds the files that a collector cannot read, and how to make
// them readable. It checks access to files without reading them, and knows no
// collector.
package doctor

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/hostexporter/host_exporter/collector/internal/host"
)

// maxFiles is the maximum number of files that are checked for one pattern:
// there can be one for every thread of the host, all with the same mode.
const maxFiles = 256

// A FileAccess is the access to the files of one collector.
type FileAccess struct {
	PatternCount int // patterns that were checked
	MatchCount   int // patterns that match a file
	Patterns     []PatternAccess
	Unreadable   []UnreadableFile
}

// A PatternAccess is the number of files that match one pattern.
type PatternAccess struct {
	Pattern    string
	Path       string // the pattern below the roots of the host
	Count      int
	Unreadable int
}

// An UnreadableFile is a file that exists and that the process may not read.
type UnreadableFile struct {
	Path string
	More int    // number of other unreadable files that match the same pattern
	Why  string // such as "mode 0400, owner root, group root"
	Fix  string // a setting that makes the file readable
}

// Inspect checks the files that match patterns such as /sys/class/net/*/mtu,
// below the roots of a host.
func Inspect(paths host.Paths, patterns []string) FileAccess {
	a := FileAccess{PatternCount: len(patterns)}
	for _, pattern := range patterns {
		files, err := filepath.Glob(HostPath(paths, pattern))
		p := PatternAccess{Pattern: pattern, Path: HostPath(paths, pattern), Count: len(files)}
		if err != nil || len(files) == 0 {
			a.Patterns = append(a.Patterns, p)
			if folder, ok := unsearchableFolder(HostPath(paths, pattern)); ok {
				a.add(explain(paths, folder))
			}
			continue
		}
		a.MatchCount++
		unreadable := unreadablePaths(files[:min(len(files), maxFiles)])
		p.Unreadable = len(unreadable)
		a.Patterns = append(a.Patterns, p)
		if len(unreadable) > 0 {
			f := explain(paths, unreadable[0])
			f.More = len(unreadable) - 1
			a.add(f)
		}
	}
	return a
}

// add adds a file once: an unsearchable folder is found for every pattern below
// it.
func (a *FileAccess) add(f UnreadableFile) {
	if !slices.ContainsFunc(a.Unreadable, func(u UnreadableFile) bool { return u.Path == f.Path }) {
		a.Unreadable = append(a.Unreadable, f)
	}
}

// HostPath returns a path below the roots of a host.
func HostPath(p host.Paths, path string) string {
	for _, tree := range []struct{ usual, root string }{{"/proc", p.Procfs}, {"/sys", p.Sysfs}, {"/run/udev/data", p.UdevData}} {
		if tree.root != "" && (path == tree.usual || strings.HasPrefix(path, tree.usual+"/")) {
			return filepath.Join(tree.root, strings.TrimPrefix(path, tree.usual))
		}
	}
	if p.Rootfs != "" {
		return filepath.Join(p.Rootfs, path)
	}
	return path
}

// unreadablePaths returns the files that exist and that the process may not
// read.
func unreadablePaths(files []string) []string {
	var unreadable []string
	for _, f := range files {
		if isDenied(f, unix.R_OK) {
			unreadable = append(unreadable, f)
		}
	}
	return unreadable
}

// isDenied reports whether the process, with its effective identity, lacks
// permission for a mode of access to a path.
func isDenied(path string, mode uint32) bool {
	return errors.Is(unix.Faccessat(unix.AT_FDCWD, path, mode, unix.AT_EACCESS), fs.ErrPermission)
}

// unsearchableFolder returns the first folder on the way to a pattern that the
// process may not search, so that it cannot see the files behind it.
func unsearchableFolder(pattern string) (string, bool) {
	path := "/"
	for elem := range strings.SplitSeq(strings.Trim(pattern, "/"), "/") {
		if isDenied(path, unix.X_OK) {
			return path, true
		}
		if strings.ContainsAny(elem, "*?[") {
			break
		}
		path = filepath.Join(path, elem)
	}
	return "", false
}

// explain returns why a path cannot be read or searched, and the fix.
func explain(paths host.Paths, path string) UnreadableFile {
	f := UnreadableFile{Path: path, Fix: "AmbientCapabilities=CAP_DAC_READ_SEARCH in the unit (docs/service.md)"}
	info, err := os.Stat(path)
	if err != nil {
		f.Why = err.Error()
		return f
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return f
	}
	owner, group := userName(stat.Uid), groupName(stat.Gid)
	f.Why = fmt.Sprintf("mode %04o, owner %s, group %s", info.Mode().Perm(), owner, group)
	groupBit := os.FileMode(0o040)
	if info.IsDir() {
		groupBit = 0o010
	}
	switch {
	case info.Mode().Perm()&groupBit != 0 && stat.Gid != 0:
		f.Fix = "SupplementaryGroups=" + group + " in the unit (docs/service.md)"
	case isOfProcess(paths, path):
		f.Fix = "AmbientCapabilities=CAP_SYS_PTRACE in the unit (docs/service.md)"
	}
	return f
}

// isOfProcess reports whether a path belongs to a process in procfs.
func isOfProcess(paths host.Paths, path string) bool {
	rest, ok := strings.CutPrefix(path, strings.TrimSuffix(HostPath(paths, "/proc"), "/")+"/")
	pid, _, _ := strings.Cut(rest, "/")
	_, err := strconv.Atoi(pid)
	return ok && err == nil
}

func userName(id uint32) string {
	if u, err := user.LookupId(fmt.Sprint(id)); err == nil {
		return u.Username
	}
	return fmt.Sprint(id)
}

func groupName(id uint32) string {
	if g, err := user.LookupGroupId(fmt.Sprint(id)); err == nil {
		return g.Name
	}
	return fmt.Sprint(id)
}
