package checks

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/hostexporter/host_exporter/collector/checks/internal/merge"
	"github.com/hostexporter/host_exporter/collector/internal/flight"
	"github.com/hostexporter/host_exporter/collector/internal/host"
)

// maxTextfileBytes is the maximum size of a file: about 100,000 series.
const maxTextfileBytes = 16 << 20

// textfileSettleTime is for how long after its last change a file is parsed at every
// scrape. Within a tick of the file system's clock, which may be two seconds, it can
// change again with the same stamp.
const textfileSettleTime = 2 * time.Second

// A textfileSource is a directory, or a pattern of directories or files. It has a
// flight of its own, so that a source that hangs does not block others.
type textfileSource struct {
	pattern string
	reader  *host.Reader
	now     func() time.Time
	flight  flight.Flight[[]textfileDir]
	run     *flight.Run[[]textfileDir] // to wait for

	cache map[string]*textfileFile // by path; of the run in flight
}

// A textfileDir is a directory at one moment, or a file that a pattern matches.
type textfileDir struct {
	path   string
	isFile bool // one file
	files  []*textfileFile
	err    error
}

// A textfileFile is a file at one moment. It is immutable.
type textfileFile struct {
	path      string
	stamp     textfileStamp
	cacheable bool   // with the same stamp, its content is the same
	refusal   string // reason why it is refused as a whole; or empty
	errs      []error
	invalid   int          // series dropped because they are not valid
	source    merge.Source // its families, sorted by name
}

// A textfileStamp changes when a file does. It has the change time, too, because cp -p
// and rsync -t restore the modification time.
type textfileStamp struct {
	device, inode uint64
	size          int64
	mtime, ctime  unix.Timespec
}

func newTextfileSource(h *host.Host, pattern string) *textfileSource {
	return &textfileSource{
		flight:  flight.Flight[[]textfileDir]{Source: h.Calls.Source()},
		pattern: pattern,
		reader:  h.Files.Reader(),
		now:     h.Now,
		cache:   map[string]*textfileFile{},
	}
}

// startRun starts a run, or joins one that an earlier scrape abandoned.
func (s *textfileSource) startRun() {
	s.run, _ = s.flight.Go(func() ([]textfileDir, error) { return s.read(), nil })
}

// waitForRun returns the result of the run. The timeout counts from the start of the
// run, so that only one scrape waits for a run that hangs.
func (s *textfileSource) waitForRun(ctx context.Context, timeout time.Duration) ([]textfileDir, error) {
	if !s.run.Wait(ctx, s.run.StartTime.Add(timeout)) {
		return nil, fmt.Errorf("%s: %w", s.pattern, s.run.Unfinished(fmt.Errorf("no answer after %v", timeout)))
	}
	dirs, err := s.run.Result()
	if err != nil { // a panic
		return nil, fmt.Errorf("%s: %w", s.pattern, err)
	}
	return dirs, nil
}

// read reads all directories, and drops files that are gone from the cache.
func (s *textfileSource) read() []textfileDir {
	var dirs []textfileDir
	found := 0
	for _, name := range expandPattern(s.reader, s.pattern) {
		d := s.readMatch(path.Clean(name))
		found += len(d.files)
		dirs = append(dirs, d)
	}
	if len(s.cache) > found {
		current := make(map[string]*textfileFile, found)
		for _, d := range dirs {
			for _, f := range d.files {
				current[f.path] = f
			}
		}
		s.cache = current
	}
	return dirs
}

// readMatch reads a match of the pattern: a *.prom file or a directory, whose name may
// also end in .prom.
func (s *textfileSource) readMatch(name string) textfileDir {
	if !strings.HasSuffix(name, ".prom") {
		return s.readDir(name)
	}
	st, err := s.reader.Stat(name)
	switch {
	case err == nil && st.Mode&unix.S_IFMT == unix.S_IFDIR:
		d := s.readDir(name)
		if d.err == nil && len(d.files) == 0 {
			d.err = fmt.Errorf("%s: want a file, have a directory without *.prom files", name)
		}
		return d
	case host.Gone(err) && name == path.Clean(s.pattern): // which matches nothing
		return textfileDir{path: name, err: err}
	}
	d := textfileDir{path: name, isFile: true}
	if f := s.readFile(name); f != nil {
		s.cache[name] = f
		d.files = append(d.files, f)
	}
	return d
}

func (s *textfileSource) readDir(dir string) textfileDir {
	names, err := s.reader.Names(dir)
	if err != nil {
		return textfileDir{path: dir, err: err}
	}
	slices.Sort(names) // the order of node_exporter
	d := textfileDir{path: dir}
	for _, name := range names {
		if !strings.HasSuffix(name, ".prom") {
			continue
		}
		if f := s.readFile(path.Join(dir, name)); f != nil {
			s.cache[f.path] = f
			d.files = append(d.files, f)
		}
	}
	return d
}

// readFile returns a file from the cache, or parses it. It returns nil if the file was
// removed after it was listed.
func (s *textfileSource) readFile(name string) *textfileFile {
	st, err := s.reader.Stat(name)
	if err != nil {
		if _, noLink := s.reader.Link(name); host.Gone(err) && noLink != nil {
			return nil
		}
		return refusedFile(name, "unreadable", err) // a dangling link was not removed
	}
	stamp := stampOf(st)
	if f := s.cache[name]; f != nil && f.cacheable && f.stamp == stamp {
		return f
	}
	switch {
	case st.Mode&unix.S_IFMT != unix.S_IFREG:
		return refusedFile(name, "not_a_file", fmt.Errorf("%s: want a regular file", name))
	case st.Size > maxTextfileBytes:
		return refusedFile(name, "too_large", fmt.Errorf("%s: want at most %d bytes, have %d", name, maxTextfileBytes, st.Size))
	}
	return s.parse(name, stamp, s.reader.Read)
}

// parse reads and parses a file. It refuses a file that changes meanwhile: a job is
// writing it in place, and any part of it may be missing.
func (s *textfileSource) parse(name string, stamp textfileStamp, read func(...string) ([]byte, error)) *textfileFile {
	cacheable := s.now().Sub(stamp.changeTime()) > textfileSettleTime
	b, err := read(name)
	switch {
	case host.Gone(err):
		return nil
	case err != nil:
		return refusedFile(name, "unreadable", err)
	}
	f := parseTextfile(name, b)
	f.stamp, f.cacheable = stamp, cacheable
	if st, err := s.reader.Stat(name); f.refusal == "" && err == nil && stampOf(st).rewrittenSince(stamp) {
		return refusedFile(name, "half_written", fmt.Errorf("%s: changed while it was read", name))
	}
	return f
}

// refusedFile returns a file that is refused as a whole.
func refusedFile(name, reason string, err error) *textfileFile {
	return &textfileFile{path: name, refusal: reason, errs: []error{err}}
}

func stampOf(st unix.Stat_t) textfileStamp {
	// The types of these fields differ between architectures.
	return textfileStamp{uint64(st.Dev), uint64(st.Ino), int64(st.Size), st.Mtim, st.Ctim} //nolint:unconvert
}

// rewrittenSince reports whether the file was written in place since before. A file
// that was replaced by another one was complete when it was read.
func (s textfileStamp) rewrittenSince(before textfileStamp) bool {
	return s.device == before.device && s.inode == before.inode && (s.size != before.size || s.mtime != before.mtime)
}

// changeTime returns the time of the last change of any kind.
func (s textfileStamp) changeTime() time.Time {
	mtime, ctime := time.Unix(s.mtime.Unix()), time.Unix(s.ctime.Unix())
	if mtime.After(ctime) {
		return mtime
	}
	return ctime
}

// expandPattern returns the paths that a pattern matches. It returns the pattern itself
// if there is nothing to expand or no match, so that reading it returns an error.
func expandPattern(r *host.Reader, pattern string) []string {
	if !strings.ContainsAny(pattern, `*?[\`) {
		return []string{pattern}
	}
	found := []string{"."}
	if path.IsAbs(pattern) {
		found = []string{"/"}
	}
	for elem := range strings.SplitSeq(pattern, "/") {
		var next []string
		for _, dir := range found {
			next = append(next, matchElement(r, dir, elem)...)
		}
		found = next
	}
	if len(found) == 0 {
		return []string{pattern}
	}
	return found
}

// matchElement returns the paths in dir that match one element of a pattern. A
// directory that cannot be listed has none.
func matchElement(r *host.Reader, dir, elem string) []string {
	if !strings.ContainsAny(elem, `*?[\`) {
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
