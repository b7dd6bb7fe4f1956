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

// maxTextfile bounds a file: 100,000 series or so. Nobody means to have more
// served from one.
const maxTextfile = 16 << 20

// textfileSettles is how long a file is parsed at every scrape after it
// changed. Within one tick of the file system's clock, which may be a second or
// two, it can change again and look the same.
const textfileSettles = 2 * time.Second

// A textfileSource is one directory, or one pattern of directories or files. It
// has its own run in flight, so that one that hangs costs only its own files.
type textfileSource struct {
	pattern string
	reader  *host.Reader
	now     func() time.Time
	flight  flight.Flight[[]textfileDir]
	run     *flight.Run[[]textfileDir] // the one to wait for

	known map[string]*textfileFile // by path; belongs to the run in flight
}

// A textfileDir is a directory at one moment, or one file that a pattern found.
type textfileDir struct {
	path   string
	single bool // one file
	files  []*textfileFile
	err    error
}

// A textfileFile is a file as it was when it was parsed last. It is immutable.
type textfileFile struct {
	path    string
	stamp   textfileStamp
	settled bool   // parsing it again would give the same
	refused string // as a whole, in a word why; empty: it is not
	errs    []error
	invalid int          // series that are left out because nobody could read them
	source  merge.Source // its families, sorted by name
}

// A textfileStamp changes when a file does. The change time is in it because
// cp -p and rsync -t set the other one back.
type textfileStamp struct {
	device, inode uint64
	size          int64
	mtime, ctime  unix.Timespec
}

func newTextfileSource(h *host.Host, pattern string) *textfileSource {
	return &textfileSource{
		pattern: pattern,
		reader:  h.Files.Reader(),
		now:     h.Now,
		known:   map[string]*textfileFile{},
	}
}

// begin starts a run, or joins one that a scrape before could not wait for.
func (s *textfileSource) begin() {
	s.run, _ = s.flight.Go(func() ([]textfileDir, error) { return s.read(), nil })
}

// wait returns what the run finds. It waits for the patience once, and not at
// each scrape again while the run hangs.
func (s *textfileSource) wait(ctx context.Context, patience time.Duration) ([]textfileDir, error) {
	if !s.run.Wait(ctx, s.run.StartTime.Add(patience)) {
		return nil, fmt.Errorf("%s: no answer after %v", s.pattern, patience)
	}
	dirs, err := s.run.Result()
	if err != nil { // a panic
		return nil, fmt.Errorf("%s: %w", s.pattern, err)
	}
	return dirs, nil
}

// read reads all directories.
func (s *textfileSource) read() []textfileDir {
	var dirs []textfileDir
	found := 0
	for _, name := range expand(s.reader, s.pattern) {
		d := s.readMatch(path.Clean(name))
		found += len(d.files)
		dirs = append(dirs, d)
	}
	if len(s.known) > found {
		current := make(map[string]*textfileFile, found)
		for _, d := range dirs {
			for _, f := range d.files {
				current[f.path] = f
			}
		}
		s.known = current
	}
	return dirs
}

// readMatch reads what the pattern has found: a directory, or a *.prom file. A
// directory may be called so, too.
func (s *textfileSource) readMatch(name string) textfileDir {
	if !strings.HasSuffix(name, ".prom") {
		return s.readDir(name)
	}
	st, err := s.reader.Stat(name)
	switch {
	case err == nil && st.Mode&unix.S_IFMT == unix.S_IFDIR:
		d := s.readDir(name)
		if d.err == nil && len(d.files) == 0 {
			d.err = fmt.Errorf("%s: a folder in place of a file, and without *.prom files", name)
		}
		return d
	case host.Gone(err) && name == path.Clean(s.pattern): // which has found nothing
		return textfileDir{path: name, err: err}
	}
	d := textfileDir{path: name, single: true}
	if f := s.file(name); f != nil {
		s.known[name] = f
		d.files = append(d.files, f)
	}
	return d
}

func (s *textfileSource) readDir(dir string) textfileDir {
	names, err := s.reader.Names(dir)
	if err != nil {
		return textfileDir{path: dir, err: err}
	}
	slices.Sort(names) // so that the first one is the same as with node_exporter
	d := textfileDir{path: dir}
	for _, name := range names {
		if !strings.HasSuffix(name, ".prom") {
			continue
		}
		if f := s.file(path.Join(dir, name)); f != nil {
			s.known[f.path] = f
			d.files = append(d.files, f)
		}
	}
	return d
}

// file returns a file, parsed now if that has to be. It returns nil when the
// file went away after it was listed.
func (s *textfileSource) file(name string) *textfileFile {
	st, err := s.reader.Stat(name)
	if err != nil {
		if _, noLink := s.reader.Link(name); host.Gone(err) && noLink != nil {
			return nil
		}
		return refuse(name, "unreadable", err) // a link that leads nowhere did not go away
	}
	stamp := stampOf(st)
	if f := s.known[name]; f != nil && f.settled && f.stamp == stamp {
		return f
	}
	switch {
	case st.Mode&unix.S_IFMT != unix.S_IFREG:
		return refuse(name, "not_a_file", fmt.Errorf("%s: not an ordinary file", name))
	case st.Size > maxTextfile:
		return refuse(name, "too_large", fmt.Errorf("%s: %d bytes, more than the %d that a file may have", name, st.Size, maxTextfile))
	}
	return s.parse(name, stamp, s.reader.Read)
}

// parse reads and parses a file. One that changes meanwhile is being written in
// place: what was read may be any part of it, and end at the end of a line.
func (s *textfileSource) parse(name string, stamp textfileStamp, read func(...string) ([]byte, error)) *textfileFile {
	settled := s.now().Sub(stamp.last()) > textfileSettles
	b, err := read(name)
	switch {
	case host.Gone(err):
		return nil
	case err != nil:
		return refuse(name, "unreadable", err)
	}
	f := parseTextfile(name, b)
	f.stamp, f.settled = stamp, settled
	if st, err := s.reader.Stat(name); f.refused == "" && err == nil && stampOf(st).writtenSince(stamp) {
		return refuse(name, "half_written", fmt.Errorf("%s: was written while it was read", name))
	}
	return f
}

// refuse returns a file of which nothing is served.
func refuse(name, reason string, err error) *textfileFile {
	return &textfileFile{path: name, refused: reason, errs: []error{err}}
}

func stampOf(st unix.Stat_t) textfileStamp {
	// The types of these fields differ between architectures.
	return textfileStamp{uint64(st.Dev), uint64(st.Ino), int64(st.Size), st.Mtim, st.Ctim} //nolint:unconvert
}

// writtenSince reports whether it is that of the same file, written since. A
// file that was replaced by another was whole when it was read.
func (s textfileStamp) writtenSince(before textfileStamp) bool {
	return s.device == before.device && s.inode == before.inode && (s.size != before.size || s.mtime != before.mtime)
}

// last returns when the file was changed last, in any way.
func (s textfileStamp) last() time.Time {
	mtime, ctime := time.Unix(s.mtime.Unix()), time.Unix(s.ctime.Unix())
	if mtime.After(ctime) {
		return mtime
	}
	return ctime
}

// expand returns the directories that a pattern stands for: itself when there
// is nothing to expand or nothing to be found, so that reading it tells.
func expand(r *host.Reader, pattern string) []string {
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
			next = append(next, match(r, dir, elem)...)
		}
		found = next
	}
	if len(found) == 0 {
		return []string{pattern}
	}
	return found
}

// match returns the paths in dir that match one element of a pattern. A folder
// that cannot be listed has none.
func match(r *host.Reader, dir, elem string) []string {
	if !strings.ContainsAny(elem, `*?[\`) {
		if p := path.Join(dir, elem); r.Exists(p) {
			return []string{p}
		}
		return nil
	}
	names, _ := r.Names(dir)
	names = slices.DeleteFunc(names, func(name string) bool {
		ok, _ := path.Match(elem, name) // a bad pattern matches nothing
		return !ok
	})
	slices.Sort(names)
	for i, name := range names {
		names[i] = path.Join(dir, name)
	}
	return names
}
