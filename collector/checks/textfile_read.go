package checks

import (
	"context"
	"errors"
	"fmt"
	"path"
	"time"

	"golang.org/x/sys/unix"

	"github.com/hostexporter/host_exporter/collector/checks/internal/families"
	"github.com/hostexporter/host_exporter/collector/checks/internal/merge"
	"github.com/hostexporter/host_exporter/collector/internal/host"
)

// textfileSettleTime is for how long after its last change a file is parsed at every
// scrape. Within a tick of the file system's clock, which may be two seconds, it can
// change again with the same stamp.
const textfileSettleTime = 2 * time.Second

// A textfileFile is a file at one moment. It is immutable.
type textfileFile struct {
	path      string
	owner     uint32
	stamp     textfileStamp
	cacheable bool   // with the same stamp, its content is the same
	refusal   string // reason why it is refused as a whole; or empty
	errs      []error
	invalid   int          // series dropped because they are not valid
	source    merge.Source // its families, sorted by name
	memory    int64        // that its families take, in bytes
}

// A textfileStamp changes when a file does. It has the change time, too, because cp -p
// and rsync -t restore the modification time.
type textfileStamp struct {
	device, inode uint64
	size          int64
	mtime, ctime  unix.Timespec
}

// A textfileContent is the content of a file, and what it takes to parse.
type textfileContent struct {
	owner     uint32
	stamp     textfileStamp
	cacheable bool
	unchanged bool // since it was parsed: there is no text
	text      []byte
	size      families.Size
}

// readFiles returns the files of entries. Those that have not changed since the last run
// are from the cache; the others are read and parsed while they fit into the budget.
func (c *textfileCollector) readFiles(ctx context.Context, entries []textfileEntry) []*textfileFile {
	files := make([]*textfileFile, len(entries)) // nil: removed after it was listed
	contents := make([]*textfileContent, len(entries))
	refuse := func(i int, reason string, err error) {
		files[i] = refusedFile(entries[i].path, reason, err)
		contents[i] = nil
	}
	// read reads the chosen entries.
	read := func(chosen func(i int, e *textfileEntry) bool) {
		held := int64(0)
		var tasks []textfileTask[*textfileContent]
		for i := range entries {
			e := &entries[i]
			if !chosen(i, e) {
				continue
			}
			cached := c.cache[e.path]
			tasks = append(tasks, textfileTask[*textfileContent]{
				key:   e.path,
				owner: e.owner,
				run:   func() (*textfileContent, error) { return c.readFile(e.path, cached) },
				done: func(have *textfileContent, err error) {
					var refusal *textfileRefusal
					switch {
					case errors.As(err, &refusal):
						refuse(i, refusal.reason, refusal.err)
					case host.Gone(err) && !e.isLink: // a dangling link was not removed
					case err != nil:
						refuse(i, "timeout", err)
					case have.unchanged:
						files[i] = cached
					case held+have.stamp.size > c.maxBytes():
						refuse(i, "limit", c.overLimit(e.path))
					default:
						size, line, err := families.Measure(have.text)
						if err != nil {
							refuse(i, "limit", fmt.Errorf("%s:%d: %w", e.path, line, err))
							return
						}
						have.size = size
						held += int64(len(have.text))
						contents[i] = have
					}
				},
			})
		}
		c.reads.do(ctx, tasks)
	}

	fresh := make([]bool, len(entries))
	for i := range entries {
		e := &entries[i]
		cached := c.cache[e.path]
		switch {
		case e.err != nil:
			refuse(i, "unreadable", e.err)
		case e.isLink:
		case e.mode&unix.S_IFMT != unix.S_IFREG:
			refuse(i, "not_a_file", fmt.Errorf("%s: want a regular file", e.path))
		case cached != nil && cached.cacheable && cached.stamp == e.stamp:
			files[i] = cached
		case e.stamp.size > c.maxFileBytes:
			refuse(i, "too_large", c.tooLarge(e.path, e.stamp.size))
		default:
			fresh[i] = true
		}
	}
	read(func(_ int, e *textfileEntry) bool { return e.isLink && e.err == nil })

	// Bytes, before the files are read.
	for _, i := range dropOver(c.maxBytes(), len(entries), func(i int) (uint32, int64) {
		switch {
		case contents[i] != nil:
			return contents[i].owner, contents[i].stamp.size
		case files[i] != nil && files[i].refusal == "":
			return files[i].owner, files[i].stamp.size
		case fresh[i]:
			return entries[i].owner, entries[i].stamp.size
		}
		return 0, 0
	}) {
		fresh[i] = false
		refuse(i, "limit", c.overLimit(entries[i].path))
	}
	read(func(i int, _ *textfileEntry) bool { return fresh[i] })

	// Memory, before the texts are parsed, and before each series gets all labels of its
	// family.
	budget := c.maxMemory()
	memory := func(i int) (uint32, int64) {
		switch {
		case contents[i] != nil:
			return contents[i].owner, memoryOf(contents[i].size)
		case files[i] != nil && files[i].refusal == "":
			return files[i].owner, files[i].memory
		}
		return 0, 0
	}
	for _, i := range dropOver(budget, len(entries), memory) {
		refuse(i, "limit", c.overLimit(entries[i].path))
	}
	parsed := make([]bool, len(entries))
	for i, have := range contents {
		if have != nil {
			files[i] = parseContent(entries[i].path, have)
			contents[i], parsed[i] = nil, true
		}
	}
	for _, i := range dropOver(budget, len(entries), memory) {
		refuse(i, "limit", c.overLimit(entries[i].path))
		parsed[i] = false
	}
	present := files[:0]
	for i, f := range files {
		if parsed[i] {
			f.normalize()
		}
		if f != nil {
			present = append(present, f)
		}
	}
	return present
}

// A textfileRefusal is the error of a file that is refused as a whole.
type textfileRefusal struct {
	reason string
	err    error
}

func (r *textfileRefusal) Error() string { return r.err.Error() }

// readFile reads a file, unless it is that in the cache. It refuses a file that changes
// meanwhile: a job is writing it in place, and any part of it may be missing.
func (c *textfileCollector) readFile(name string, cached *textfileFile) (*textfileContent, error) {
	_, err := c.filesystem.Locate(name) // may inject a fault
	if err != nil {
		return nil, &textfileRefusal{"unreadable", err}
	}
	folder, err := c.openFolder(path.Dir(name))
	if err != nil {
		return nil, &textfileRefusal{refusalOf(err), err}
	}
	defer folder.Close()
	f, err := folder.Open(path.Base(name))
	if err != nil {
		if e, statErr := c.stat(folder, name); host.Gone(err) && !e.isLink && host.Gone(statErr) {
			return nil, err
		}
		return nil, &textfileRefusal{refusalOf(err), err}
	}
	defer f.Close()
	have := &textfileContent{owner: f.Stat.Uid, stamp: stampOf(f.Stat)}
	if cached != nil && cached.cacheable && cached.stamp == have.stamp {
		have.unchanged = true
		return have, nil
	}
	if have.stamp.size > c.maxFileBytes {
		return nil, &textfileRefusal{"too_large", c.tooLarge(name, have.stamp.size)}
	}
	have.cacheable = c.now().Sub(have.stamp.changeTime()) > textfileSettleTime
	var all bool
	have.text, all, err = f.Read(c.maxFileBytes)
	switch {
	case err != nil:
		return nil, &textfileRefusal{"unreadable", err}
	case !all:
		return nil, &textfileRefusal{"too_large", c.tooLarge(name, c.maxFileBytes+1)}
	}
	if st, err := f.Restat(); err != nil || stampOf(st).rewrittenSince(have.stamp) {
		return nil, &textfileRefusal{"half_written", fmt.Errorf("%s: changed while it was read", name)}
	}
	return have, nil
}

func (c *textfileCollector) tooLarge(name string, size int64) error {
	return fmt.Errorf("%s: want at most %d bytes (--collector.textfile.max-bytes), have %d", name, c.maxFileBytes, size)
}

func (c *textfileCollector) overLimit(name string) error {
	return fmt.Errorf("%s: all files together take more than %d MiB of memory: dropped, as the largest file of the user with the most", name, c.maxMemory()>>20)
}

// refusedFile returns a file that is refused as a whole.
func refusedFile(name, reason string, err error) *textfileFile {
	return &textfileFile{path: name, refusal: reason, errs: []error{err}}
}

func stampOf(st unix.Stat_t) textfileStamp {
	// The types of these fields differ between architectures.
	return textfileStamp{uint64(st.Dev), uint64(st.Ino), int64(st.Size), st.Mtim, st.Ctim} //nolint:unconvert
}

// rewrittenSince reports whether the file was written in place since before.
func (s textfileStamp) rewrittenSince(before textfileStamp) bool {
	return s.size != before.size || s.mtime != before.mtime
}

// changeTime returns the time of the last change of any kind.
func (s textfileStamp) changeTime() time.Time {
	mtime, ctime := time.Unix(s.mtime.Unix()), time.Unix(s.ctime.Unix())
	if mtime.After(ctime) {
		return mtime
	}
	return ctime
}
