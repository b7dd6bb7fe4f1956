package golden

import (
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/snapshot"
)

// Record copies the files that match the patterns, such as /sys/class/net/*/mtu,
// from the host below root ("" for the live one) into an archive. Of a folder it
// records the existence, not the content. A file that cannot be read becomes a
// Fault, as does one in CAPTURE/errors.tsv below root (lines of path, tab,
// errno).
func Record(root string, patterns []string) (*Archive, error) {
	r := recorder{root: root, seen: map[string]bool{}, faults: map[string]string{}, archive: &Archive{Description: "Describe the host in a sentence.\n"}}
	if b, err := os.ReadFile(filepath.Join(root, "CAPTURE/errors.tsv")); err == nil && root != "" {
		for line := range strings.Lines(string(b)) {
			file, errno, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
			r.faults[file] = errno
		}
	}
	for _, p := range patterns {
		for _, file := range r.match(p) {
			if err := r.add(file, 0); err != nil {
				return nil, err
			}
		}
	}
	return r.archive, nil
}

type recorder struct {
	root    string
	seen    map[string]bool
	faults  map[string]string // by path, the errno's name
	archive *Archive
}

// match expands a pattern, in natural order. Faults of a capture are not in the
// tree, so they are matched by name.
func (r *recorder) match(pattern string) []string {
	found, _ := filepath.Glob(r.root + pattern) // a bad pattern matches nothing
	for i := range found {
		found[i] = strings.TrimPrefix(found[i], r.root)
	}
	dir, base := path.Split(pattern)
	dirs, _ := filepath.Glob(r.root + strings.TrimSuffix(dir, "/"))
	for _, d := range dirs {
		real, err := filepath.EvalSymlinks(d)
		if err != nil {
			continue
		}
		for file := range r.faults {
			if path.Dir(file) == strings.TrimPrefix(real, r.root) {
				if ok, _ := path.Match(base, path.Base(file)); ok {
					// The path that the pattern takes, for the links on it.
					found = append(found, path.Join(strings.TrimPrefix(d, r.root), path.Base(file)))
				}
			}
		}
	}
	slices.SortFunc(found, host.CompareNatural)
	return slices.Compact(found)
}

// ownView holds the links of procfs that lead each process to itself. They are
// recorded as their targets.
var ownView = map[string]bool{"/proc/self": true, "/proc/thread-self": true, "/proc/net": true, "/proc/mounts": true}

// add records a path, and the symbolic links on the way to it.
func (r *recorder) add(file string, depth int) error {
	if depth > 40 {
		return fmt.Errorf("%s: too many symbolic links", file)
	}
	parts := strings.Split(strings.TrimPrefix(file, "/"), "/")
	for i := range parts {
		prefix := "/" + strings.Join(parts[:i+1], "/")
		info, err := os.Lstat(r.root + prefix)
		if err != nil {
			if errno := r.faults[prefix]; errno != "" {
				r.put(prefix, Entry{Kind: Fault, Target: strings.TrimPrefix(errno, "lstat: ")})
			}
			return nil // gone while it was recorded
		}
		if info.Mode()&os.ModeSymlink == 0 || ownView[prefix] {
			continue
		}
		target, err := os.Readlink(r.root + prefix)
		if err != nil {
			return nil
		}
		r.put(prefix, Entry{Kind: Link, Target: target})
		if !path.IsAbs(target) {
			target = path.Join(path.Dir(prefix), target)
		}
		rest := append([]string{target}, parts[i+1:]...)
		return r.add(strings.Join(rest, "/"), depth+1)
	}
	info, err := os.Stat(r.root + file)
	if err != nil {
		return nil
	}
	switch {
	case info.IsDir():
		r.put(file, Entry{Kind: Folder})
		return nil
	case info.Mode()&os.ModeNamedPipe != 0:
		r.put(file, Entry{Kind: Fifo})
		return nil
	case !info.Mode().IsRegular():
		return nil
	}
	b, err := host.NewTree(r.root).Reader().Read(file)
	if err != nil {
		var errno syscall.Errno
		if errors.As(err, &errno) {
			r.put(file, Entry{Kind: Fault, Target: snapshot.ErrnoName(errno)})
		}
		return nil
	}
	r.put(file, Entry{Kind: File, Data: slices.Clone(b), Mode: 0o644})
	return nil
}

func (r *recorder) put(file string, e Entry) {
	if r.seen[file] {
		return
	}
	r.seen[file] = true
	e.Path, e.Moment = strings.TrimPrefix(file, "/"), 1
	r.archive.Entries = append(r.archive.Entries, e)
}
