package host

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// SinceKey is the key under which the context of a run has a *time.Time: when its
// scrape began. What another collector has read since then is not read again.
type SinceKey struct{}

// Since returns when the scrape of a context began, or the zero time if it is not
// known.
func Since(ctx context.Context) time.Time {
	if t, ok := ctx.Value(SinceKey{}).(*time.Time); ok {
		return *t
	}
	return time.Time{}
}

// An answer is what one reading returned. It does not change while it has users.
type answer struct {
	begun time.Time
	data  []byte
	err   error
	users atomic.Int32
}

// lastAnswer shares one reading between those who need it in the same scrape. The
// zero value is ready. It is safe for concurrent use.
type lastAnswer struct {
	mu   sync.Mutex
	last *answer
}

// take returns the last answer if its reading began after a time and isCurrent
// returns true, and otherwise that of read, which may use the memory of the
// buffer. A caller meanwhile waits for it. Each taken answer must be put back.
func (s *lastAnswer) take(since time.Time, isCurrent func() bool, read func(buf []byte) ([]byte, error)) *answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.last
	if a == nil || since.IsZero() || a.begun.Before(since) || !isCurrent() {
		if a == nil || a.users.Load() > 0 {
			a = &answer{}
		}
		s.last = nil // if read panics
		a.begun = time.Now()
		a.data, a.err = read(a.data[:0])
		s.last = a
	}
	a.users.Add(1)
	return a
}

// put ends the use of a taken answer.
func (a *answer) put() { a.users.Add(-1) }

// sharedFiles are the files of a tree that several collectors read.
type sharedFiles struct {
	mu       sync.Mutex
	byPath   map[string]*SharedFile
	contents map[string]*sharedContent // by path
	since    time.Time                 // when the last scrape with contents began
}

// A SharedFile is a file that several collectors read: /proc/stat has the times
// of CPUs and the number of interrupts. In one scrape it is read once. It is safe
// for concurrent use.
type SharedFile struct {
	path string

	answer lastAnswer
	reader *Reader // used under the lock of answer
}

// Shared returns a file of one record in the tree, the same for each call.
func (t Tree) Shared(elem ...string) *SharedFile {
	path := strings.Join(elem, "/")
	if t.shared == nil { // a host without files
		t.shared = &sharedFiles{}
	}
	t.shared.mu.Lock()
	defer t.shared.mu.Unlock()
	f := t.shared.byPath[path]
	if f == nil {
		f = &SharedFile{path: path, reader: t.Reader().KeepOpen().WholeReads()}
		if t.shared.byPath == nil {
			t.shared.byPath = map[string]*SharedFile{}
		}
		t.shared.byPath[path] = f
	}
	return f
}

// Read calls fn with the content of the file, which must not be changed and is
// valid during the call. It adds the path of the file to a Malformed error of fn
// without one. The content is that of the scrape of the context, or is read anew
// if it has none.
func (f *SharedFile) Read(ctx context.Context, fn func(b []byte) error) error {
	return f.ReadSince(Since(ctx), fn)
}

// ReadSince is Read for content that may have been read since a time.
func (f *SharedFile) ReadSince(since time.Time, fn func(b []byte) error) error {
	a := f.answer.take(since, always, func(buf []byte) ([]byte, error) {
		f.reader.buf = buf
		b, err := f.reader.Read(f.path)
		f.reader.buf = nil
		return b, err
	})
	defer a.put()
	if a.err != nil {
		return a.err
	}
	if err := fn(a.data); err != nil {
		return f.At(err)
	}
	return nil
}

// At is Reader.At for the file.
func (f *SharedFile) At(err error) error {
	return atPath(err, f.reader.tree, func() string { return f.reader.tree.Path(f.path) })
}
