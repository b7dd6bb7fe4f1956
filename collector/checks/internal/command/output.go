package command

import (
	"io"
	"slices"
)

// A headBuffer keeps the first max bytes; a negative max is no limit.
type headBuffer struct {
	max        int
	buf        []byte
	overflowed bool
}

// readFrom reads to the end, or until there are more than max bytes, which it
// reports. Then the writer blocks until it is killed.
func (h *headBuffer) readFrom(r io.Reader) (overflowed bool) {
	for {
		if len(h.buf) == cap(h.buf) {
			h.buf = slices.Grow(h.buf, max(512, len(h.buf)))
		}
		n, err := r.Read(h.buf[len(h.buf):cap(h.buf)])
		h.buf = h.buf[:len(h.buf)+n]
		if h.max >= 0 && len(h.buf) > h.max {
			h.overflowed = true
			return true
		}
		if err != nil {
			return false
		}
	}
}

func (h *headBuffer) bytes() []byte {
	if h.overflowed {
		return h.buf[:h.max]
	}
	return h.buf
}

// A tailBuffer keeps the last max bytes; a negative max is no limit.
type tailBuffer struct {
	max int
	buf []byte
}

func (t *tailBuffer) readFrom(r io.Reader) {
	if t.max < 0 {
		t.buf, _ = io.ReadAll(r) // up to an error
		return
	}
	for {
		if len(t.buf) == cap(t.buf) {
			t.makeRoom()
		}
		n, err := r.Read(t.buf[len(t.buf):cap(t.buf)])
		t.buf = t.buf[:len(t.buf)+n]
		if err != nil {
			return
		}
	}
}

// makeRoom grows the buffer up to 2*max, then drops all but the last max bytes.
func (t *tailBuffer) makeRoom() {
	if len(t.buf) < 2*t.max {
		t.buf = slices.Grow(t.buf, min(max(512, len(t.buf)), 2*t.max-len(t.buf)))
		return
	}
	t.buf = t.buf[:copy(t.buf, t.bytes())]
}

func (t *tailBuffer) bytes() []byte {
	if t.max < 0 {
		return t.buf
	}
	return t.buf[max(len(t.buf)-t.max, 0):]
}
