package host

import (
	"bytes"
	"syscall"

	"golang.org/x/sys/unix"
)

const (
	linesBuffer  = 64 << 10 // more than one read of a /proc file returns
	maxLinesSize = 1 << 30  // bounds a file that never ends
)

// Lines calls fn for each line of a file, without its newline. It is for files
// that can have many megabytes, such as /proc/net/udp: Read would keep a buffer
// of that size. It stops at the first error of fn and returns it. A line is
// valid during the call only, and fn must not use the reader.
func (r *Reader) Lines(fn func(line []byte) error, elem ...string) error {
	r.setPath(elem)
	fd, err := r.open(unix.O_RDONLY)
	if err != nil {
		return err
	}
	defer closeFD(fd)
	if cap(r.buf) < linesBuffer {
		r.buf = make([]byte, 0, linesBuffer)
	}
	b := r.buf[:cap(r.buf)]
	partial, total := 0, 0 // partial: length of an incomplete line at the start of b
	for {
		n, err := r.read(fd, b[partial:])
		if err != nil {
			return r.pathError("read", err)
		}
		if n == 0 {
			break
		}
		rest := b[:partial+n]
		for i := bytes.IndexByte(rest, '\n'); i >= 0; i = bytes.IndexByte(rest, '\n') {
			if err := fn(rest[:i]); err != nil {
				return err
			}
			rest = rest[i+1:]
		}
		partial = copy(b, rest)
		if total += n; partial == len(b) || total > maxLinesSize {
			return r.pathError("read", syscall.EFBIG)
		}
	}
	if partial > 0 {
		return fn(b[:partial])
	}
	return nil
}
