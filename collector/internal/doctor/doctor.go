// Package doctor finds out why a collector shows less than it could: which of
// the files that it reads are missing, which are forbidden, and what one thing
// would change that. It looks at files and reads none.
package doctor

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/hostexporter/host_exporter/collector/internal/host"
)

// maxFiles is how many files of one pattern are looked at: there can be one for
// every thread of the host, and all of them are alike.
const maxFiles = 256

// A FileAccess is what was seen of the files of one collector.
type FileAccess struct {
	PatternCount int // that the collector reads
	MatchCount   int // of them, those with a file
	Unreadable   []UnreadableFile
}

// A UnreadableFile is a file that is there and that the exporter may not read.
type UnreadableFile struct {
	Path string // of the first of its kind
	More int    // files of the same pattern that are forbidden too
	Why  string // such as "mode 0400, owner root, group root"
	Fix  string
}

// Inspect looks for the files that match patterns such as
// /sys/class/net/*/mtu, below the given roots.
func Inspect(paths host.Paths, patterns []string) FileAccess {
	s := FileAccess{PatternCount: len(patterns)}
	for _, pattern := range patterns {
		files, err := filepath.Glob(HostPath(paths, pattern))
		if err != nil || len(files) == 0 {
			if f, ok := unsearchableFolder(HostPath(paths, pattern)); ok {
				s.add(f)
			}
			continue
		}
		s.MatchCount++
		if forbidden := unreadablePaths(files[:min(len(files), maxFiles)]); len(forbidden) > 0 {
			f := explain(forbidden[0])
			f.More = len(forbidden) - 1
			s.add(f)
		}
	}
	return s
}

// add adds what is forbidden, unless it is already there: a folder that is
// closed closes all the patterns below it.
func (s *FileAccess) add(f UnreadableFile) {
	for _, known := range s.Unreadable {
		if known.Path == f.Path {
			return
		}
	}
	s.Unreadable = append(s.Unreadable, f)
}

// HostPath returns where a path is below the roots of a host.
func HostPath(p host.Paths, path string) string {
	for _, root := range []struct{ at, is string }{{"/proc", p.Procfs}, {"/sys", p.Sysfs}, {"/run/udev/data", p.UdevData}} {
		if root.is != "" && (path == root.at || strings.HasPrefix(path, root.at+"/")) {
			return filepath.Join(root.is, strings.TrimPrefix(path, root.at))
		}
	}
	if p.Rootfs != "" {
		return filepath.Join(p.Rootfs, path)
	}
	return path
}

// unreadablePaths returns the files that exist and may not be read.
func unreadablePaths(files []string) []string {
	var forbidden []string
	for _, f := range files {
		if err := checkReadable(f); errors.Is(err, fs.ErrPermission) {
			forbidden = append(forbidden, f)
		}
	}
	return forbidden
}

// checkReadable reports whether the process may read a file, with the identity that
// it reads with.
func checkReadable(path string) error {
	return unix.Faccessat(unix.AT_FDCWD, path, unix.R_OK, unix.AT_EACCESS)
}

// unsearchableFolder looks for a folder on the way to a pattern that may not be
// searched, behind which the files cannot be seen.
func unsearchableFolder(pattern string) (UnreadableFile, bool) {
	path := "/"
	for elem := range strings.SplitSeq(strings.Trim(pattern, "/"), "/") {
		if err := unix.Faccessat(unix.AT_FDCWD, path, unix.X_OK, unix.AT_EACCESS); errors.Is(err, fs.ErrPermission) {
			return explain(path), true
		}
		if strings.ContainsAny(elem, "*?[") {
			break
		}
		path = filepath.Join(path, elem)
	}
	return UnreadableFile{}, false
}

// explain says why a file may not be read, and what would change that.
func explain(path string) UnreadableFile {
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
	wanted := os.FileMode(0o040)
	if info.IsDir() {
		wanted = 0o010
	}
	switch {
	case info.Mode().Perm()&wanted != 0 && stat.Gid != 0:
		f.Fix = "SupplementaryGroups=" + group + " in the unit (docs/service.md)"
	case info.Mode().Perm() == 0 || strings.HasPrefix(path, "/proc/") && isNumber(strings.SplitN(path, "/", 4)[2]):
		f.Fix = "AmbientCapabilities=CAP_SYS_PTRACE in the unit (docs/service.md)"
	}
	return f
}

func isNumber(s string) bool {
	_, err := strconv.Atoi(s)
	return err == nil
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
