package host

import (
	"bytes"
	"syscall"

	"golang.org/x/sys/unix"
)

const (
	linesBuffer  = 16 << 10 // more than one read of a /proc file returns, which is a page
	maxLinesSize = 1 << 30  // bounds a file that never ends
)

// Lines calls fn for each line of a file, without its newline. It is for files
// that can have many megabytes, such as /proc/net/udp: Read would keep a buffer
// of that size. It stops at the first error of fn and returns it. A line is
// valid during the call only, and fn must not use the reader.
func (r *Reader) Lines(fn func(line []byte) error, elem ...string) error {
	r.setPath(elem)
	if r.tree.source != nil {
		return r.sourceLines(fn)
	}
	fd, kept, err := r.openFile()
	if err != nil {
		return err
	}
	begun, err := r.readLines(fd, kept, fn)
	if kept && !begun {
		if fd, err = r.openat(unix.O_RDONLY); err != nil {
			return err
		}
		_, err = r.readLines(fd, false, fn)
	}
	return err
}

// readLines is Lines for an open file, which it closes unless it is kept open.
// It reports whether the first read succeeded.
func (r *Reader) readLines(fd int, kept bool, fn func(line []byte) error) (begun bool, err error) {
	ok := false
	defer r.closeFile(fd, kept, &ok)
	if cap(r.buf) < linesBuffer {
		r.buf = make([]byte, 0, linesBuffer)
	}
	b := r.buf[:cap(r.buf)]
	partial, total := 0, 0 // partial: length of an incomplete line at the start of b
	for {
		n, err := r.readAt(fd, b[partial:], total)
		if ok = err == nil; !ok {
			return begun, r.pathError("read", err)
		}
		begun = true
		if n == 0 {
			break
		}
		rest := b[:partial+n]
		for i := bytes.IndexByte(rest, '\n'); i >= 0; i = bytes.IndexByte(rest, '\n') {
			if err := fn(rest[:i]); err != nil {
				return true, err
			}
			rest = rest[i+1:]
		}
		partial = copy(b, rest)
		if total += n; partial == len(b) || total > maxLinesSize {
			return true, r.pathError("read", syscall.EFBIG)
		}
		if r.record > 0 && partial == 0 && n < pageSize-r.record {
			return true, nil
		}
	}
	if partial > 0 {
		return true, fn(b[:partial])
	}
	return true, nil
}

// sourceLines is Lines for a tree that has a source.
func (r *Reader) sourceLines(fn func(line []byte) error) error {
	b, err := r.readSource()
	if err != nil {
		return err
	}
	for line := range bytes.Lines(b) {
		if err := fn(bytes.TrimSuffix(line, []byte("\n"))); err != nil {
			return err
		}
	}
	return nil
}
