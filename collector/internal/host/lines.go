package host

import (
	"bytes"
	"syscall"

	"golang.org/x/sys/unix"
)

const (
	linesBuffer = 64 << 10 // more than a read of a /proc file gives
	linesLimit  = 1 << 30  // bounds a file that never ends
)

// Lines hands out the lines of a file, one by one and without their newlines.
// It is for files that can be many megabytes long, such as /proc/net/udp, of
// which Read would keep a buffer for ever. It stops at the first error of
// each, which it returns. A line is valid during the call only, and each must
// not use the reader.
func (r *Reader) Lines(each func(line []byte) error, elem ...string) error {
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
	held, total := 0, 0 // held: bytes of a line that is not whole yet
	for {
		n, errno := read(fd, b[held:])
		if errno != 0 {
			return r.pathError("read", errno)
		}
		if n == 0 {
			break
		}
		rest := b[:held+n]
		for i := bytes.IndexByte(rest, '\n'); i >= 0; i = bytes.IndexByte(rest, '\n') {
			if err := each(rest[:i]); err != nil {
				return err
			}
			rest = rest[i+1:]
		}
		held = copy(b, rest)
		if total += n; held == len(b) || total > linesLimit {
			return r.pathError("read", syscall.EFBIG)
		}
	}
	if held > 0 {
		return each(b[:held])
	}
	return nil
}
