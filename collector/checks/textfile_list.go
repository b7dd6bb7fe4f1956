package checks

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/trust"
)

// A textfileDir is a directory at one moment, or a file that a pattern matches.
type textfileDir struct {
	entries []textfileEntry
	absent  bool // a pattern does not match it
	err     error
}

// A textfileEntry is a name in a directory at one moment.
type textfileEntry struct {
	path   string
	isLink bool
	owner  uint32 // of the link, if it is one
	mode   uint32
	stamp  textfileStamp
	err    error // it has no status
}

// list lists the files of all sources. It reports what does not answer in time, and
// what cannot be read.
func (c *textfileCollector) list(ctx context.Context, report func(...error)) []textfileEntry {
	matches := make([][]string, len(c.patterns)) // of each pattern
	var expand []textfileTask[[]string]
	for i, pattern := range c.patterns {
		if !isPattern(pattern) {
			matches[i] = []string{pattern}
			continue
		}
		expand = append(expand, textfileTask[[]string]{
			key: pattern,
			run: func() ([]string, error) { return expandPattern(c.filesystem.Reader(), pattern), nil },
			done: func(found []string, err error) {
				matches[i] = found
				c.reportTask(pattern, err, report)
			},
		})
	}
	c.expansions.do(ctx, expand)

	var lists []textfileTask[textfileDir]
	var dirs []*textfileDir // of lists
	seen := map[string]*textfileDir{}
	for i, pattern := range c.patterns {
		for _, match := range matches[i] {
			name := path.Clean(match)
			if seen[name] != nil {
				continue
			}
			d := &textfileDir{}
			seen[name] = d
			dirs = append(dirs, d)
			isMatch := match != pattern && isPattern(pattern)
			lists = append(lists, textfileTask[textfileDir]{
				key: name,
				run: func() (textfileDir, error) { return c.readMatch(name, isMatch), nil },
				done: func(have textfileDir, err error) {
					*d = have
					c.reportTask(name, err, report)
				},
			})
		}
	}
	c.listings.do(ctx, lists)
	for i, pattern := range c.patterns {
		isPresent := func(match string) bool { return !seen[path.Clean(match)].absent }
		if len(matches[i]) > 0 && !slices.ContainsFunc(matches[i], isPresent) {
			seen[path.Clean(matches[i][0])].err = noMatch(c.filesystem.Path(pattern))
		}
	}
	var entries []textfileEntry
	for _, d := range dirs {
		if d.err != nil {
			report(d.err)
		}
		entries = append(entries, d.entries...)
	}
	if c.mayOverlap {
		entries = uniqueEntries(entries)
	}
	return entries
}

// reportTask reports the error of a task, with its path if that is a panic.
func (c *textfileCollector) reportTask(name string, err error, report func(...error)) {
	switch {
	case err == nil:
	case strings.HasPrefix(err.Error(), name+": "):
		report(err)
	default:
		report(fmt.Errorf("%s: %w", name, err))
	}
}

// readMatch lists a *.prom file or a directory, whose name may also end in .prom.
func (c *textfileCollector) readMatch(name string, isMatch bool) textfileDir {
	var d textfileDir
	f, err := c.openFolder(path.Dir(name))
	if isMatch && err != nil && !errors.Is(err, trust.ErrUnsafe) {
		return textfileDir{absent: true}
	}
	if !strings.HasSuffix(name, ".prom") {
		if err == nil {
			f.Close()
		}
		d = c.readDir(name)
		if isMatch && host.Gone(d.err) {
			return textfileDir{absent: true}
		}
		return d
	}
	if err == nil {
		defer f.Close()
		var e textfileEntry
		e, err = c.stat(f, name)
		if e.mode&unix.S_IFMT == unix.S_IFDIR || e.isLink && c.isFolder(name) {
			d = c.readDir(name)
			if d.err == nil && len(d.entries) == 0 {
				d.err = fmt.Errorf("%s: want a file, have a directory without *.prom files", name)
			}
			return d
		}
		if err == nil {
			d.entries = []textfileEntry{e}
		}
	}
	switch {
	case !host.Gone(err):
		d.err = err
	case isMatch:
		d.absent = true
	default:
		d.err = noMatch(c.filesystem.Path(name))
	}
	return d
}

// noMatch returns the error of what does not exist.
func noMatch(name string) error {
	op := "open"
	if strings.HasSuffix(name, ".prom") {
		op = "stat"
	}
	return &fs.PathError{Op: op, Path: name, Err: unix.ENOENT}
}

func (c *textfileCollector) isFolder(name string) bool {
	f, err := c.openFolder(name)
	if err == nil {
		f.Close()
	}
	return err == nil
}

func (c *textfileCollector) openFolder(dir string) (*trust.Folder, error) {
	located, err := c.filesystem.Locate(dir)
	if err != nil {
		return nil, err
	}
	return trust.OpenFolder(located)
}

func (c *textfileCollector) readDir(dir string) (d textfileDir) {
	f, err := c.openFolder(dir)
	if err != nil {
		return textfileDir{err: err}
	}
	defer f.Close()
	names, err := f.Names()
	if err != nil {
		return textfileDir{err: err}
	}
	slices.Sort(names) // the order of node_exporter
	for _, name := range names {
		if !strings.HasSuffix(name, ".prom") {
			continue
		}
		e, err := c.stat(f, path.Join(dir, name))
		switch {
		case host.Gone(err): // removed after it was listed
			continue
		case err != nil:
			e.err = err
		}
		d.entries = append(d.entries, e)
	}
	return d
}

// stat returns a file of an open folder.
func (c *textfileCollector) stat(f *trust.Folder, name string) (textfileEntry, error) {
	e := textfileEntry{path: name}
	st, err := f.Stat(path.Base(name))
	if err == nil {
		e.mode, e.owner, e.stamp = uint32(st.Mode), st.Uid, stampOf(st) //nolint:unconvert // differs between architectures
		e.isLink = e.mode&unix.S_IFMT == unix.S_IFLNK
	}
	return e, err
}

// uniqueEntries removes the files that are there before: a pattern of files may match
// files of a directory.
func uniqueEntries(entries []textfileEntry) []textfileEntry {
	seen := make(map[string]bool, len(entries))
	return slices.DeleteFunc(entries, func(e textfileEntry) bool {
		there := seen[e.path]
		seen[e.path] = true
		return there
	})
}

func isPattern(name string) bool { return strings.ContainsAny(name, `*?[\`) }

// expandPattern returns the paths that a pattern may match. It does not look for what
// follows the last element with a wildcard: that is in directories of others, where it
// may hang. It returns the pattern itself if there is no match, so that reading it
// returns an error.
func expandPattern(r *host.Reader, pattern string) []string {
	found := []string{"."}
	if path.IsAbs(pattern) {
		found = []string{"/"}
	}
	for rest, more := pattern, true; more; {
		var elem string
		elem, rest, more = strings.Cut(rest, "/")
		var next []string
		for _, dir := range found {
			next = append(next, matchElement(r, dir, elem)...)
		}
		found = next
		if more && isPattern(elem) && !isPattern(rest) {
			for i, dir := range found {
				found[i] = path.Join(dir, rest)
			}
			break
		}
	}
	if len(found) == 0 {
		return []string{pattern}
	}
	return found
}

// matchElement returns the paths in dir that match one element of a pattern. A
// directory that cannot be listed has none.
func matchElement(r *host.Reader, dir, elem string) []string {
	if !isPattern(elem) {
		if p := path.Join(dir, elem); r.Exists(p) {
			return []string{p}
		}
		return nil
	}
	names, _ := r.Names(dir)
	names = slices.DeleteFunc(names, func(name string) bool {
		ok, _ := path.Match(elem, name) // an invalid pattern matches nothing
		return !ok
	})
	slices.Sort(names)
	for i, name := range names {
		names[i] = path.Join(dir, name)
	}
	return names
}

// refusalOf returns the reason for which a file is refused that cannot be opened.
func refusalOf(err error) string {
	switch {
	case errors.Is(err, trust.ErrNotRegular):
		return "not_a_file"
	case errors.Is(err, trust.ErrUnsafe):
		return "unsafe"
	}
	return "unreadable"
}
