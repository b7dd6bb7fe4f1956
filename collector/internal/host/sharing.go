package host

import (
	"bytes"
	"context"
	"encoding/binary"
	"strings"
	"time"
)

// A sharedPath matches paths of a tree.
type sharedPath struct {
	prefix, suffix string // before the first star, and after the last one
	slashes        int
	exact          bool // the prefix is the whole path
}

// matches is fast: collectors of storage read thousands of other paths.
func (s *sharedPath) matches(path []byte) bool {
	if s.exact {
		return string(path) == s.prefix
	}
	rest := len(path) - len(s.suffix)
	return rest >= len(s.prefix) && string(path[:len(s.prefix)]) == s.prefix && string(path[rest:]) == s.suffix &&
		bytes.Count(path, []byte("/")) == s.slashes
}

// Share makes the reader share small files and folders with other readers of the tree
// that do: within a scrape, each is read once. In a path, a star stands for one element
// or a part of it. It returns the reader. Each run begins with BeginRun.
//
// See [Tree.Shared] for large files.
func (r *Reader) Share(paths ...string) *Reader {
	for _, p := range paths {
		prefix, _, hasStar := strings.Cut(p, "*")
		r.shares = append(r.shares, sharedPath{prefix, p[strings.LastIndexByte(p, '*')+1:], strings.Count(p, "/"), !hasStar})
	}
	return r
}

// BeginRun sets the scrape of the next reads of a reader that shares, from the context. It
// shares nothing in a run that belongs to none.
func (r *Reader) BeginRun(ctx context.Context) { r.since = Since(ctx) }

// A sharedContent is a file or a folder that readers share.
type sharedContent struct {
	lastAnswer
	used time.Time // when the last scrape began that needed it; under the lock of sharedFiles
}

// sharedContent returns the last path if the reader shares it, and otherwise nil.
func (r *Reader) sharedContent() *sharedContent {
	if r.since.IsZero() || r.tree.shared == nil {
		return nil
	}
	path := bytes.TrimPrefix(r.path[len(r.tree.root):len(r.path)-1], []byte("/"))
	for i := range r.shares {
		if r.shares[i].matches(path) {
			return r.tree.shared.content(path, r.since)
		}
	}
	return nil
}

// content returns the content of a path for a scrape.
func (s *sharedFiles) content(path []byte, since time.Time) *sharedContent {
	s.mu.Lock()
	defer s.mu.Unlock()
	if since.After(s.since) {
		for p, c := range s.contents {
			if c.used.Before(s.since) { // the device is gone
				delete(s.contents, p)
			}
		}
		s.since = since
	}
	c := s.contents[string(path)]
	if c == nil {
		if s.contents == nil {
			s.contents = map[string]*sharedContent{}
		}
		c = &sharedContent{}
		s.contents[string(path)] = c
	}
	if since.After(c.used) {
		c.used = since
	}
	return c
}

// takeFile returns the content of a shared file, which is the last path.
func (r *Reader) takeFile(c *sharedContent) ([]byte, error) {
	a := c.take(r.since, always, func(buf []byte) ([]byte, error) {
		b, err := r.readFile()
		return append(buf, b...), err
	})
	defer a.put()
	if a.err != nil {
		return nil, a.err
	}
	r.buf = append(r.buf[:0], a.data...)
	return r.buf, nil
}

// takeEntries calls fn for each entry of a shared folder, which is the last path.
func (r *Reader) takeEntries(c *sharedContent, fn func(inode uint64, name []byte)) error {
	a := c.take(r.since, always, func(buf []byte) ([]byte, error) {
		err := r.readEntries(func(inode uint64, name []byte) {
			buf = append(append(binary.NativeEndian.AppendUint64(buf, inode), name...), 0)
		})
		return buf, err
	})
	defer a.put()
	for b := a.data; a.err == nil && len(b) > 8; {
		inode := binary.NativeEndian.Uint64(b)
		name, rest, _ := bytes.Cut(b[8:], []byte{0})
		fn(inode, name)
		b = rest
	}
	return a.err
}

func always() bool { return true }
