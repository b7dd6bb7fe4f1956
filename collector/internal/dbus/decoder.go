package dbus

import (
	"encoding/binary"
	"fmt"
)

// A Decoder reads the values of a message, one after another. It allocates
// nothing: text is part of the message. After the first value that is not
// there, it returns zeros; see Err.
type Decoder struct {
	b         []byte
	pos       int
	bigEndian bool
	failed    bool
}

// Err returns an error if the message ended before a value did, or if text
// lacked the NUL at its end.
func (d *Decoder) Err() error {
	if d.failed {
		return fmt.Errorf("malformed at byte %d of %d", d.pos, len(d.b))
	}
	return nil
}

func (d *Decoder) align(n int) { d.pos = (d.pos + n - 1) &^ (n - 1) }

// take returns the next n bytes, or nil.
func (d *Decoder) take(n int) []byte {
	if d.failed || d.pos > len(d.b) || n > len(d.b)-d.pos {
		d.failed = true
		return nil
	}
	d.pos += n
	return d.b[d.pos-n : d.pos]
}

func (d *Decoder) byte() byte {
	if b := d.take(1); b != nil {
		return b[0]
	}
	return 0
}

// Uint32 reads a value of type u.
func (d *Decoder) Uint32() uint32 {
	d.align(4)
	b := d.take(4)
	switch {
	case b == nil:
		return 0
	case d.bigEndian:
		return binary.BigEndian.Uint32(b)
	}
	return binary.LittleEndian.Uint32(b)
}

// Uint64 reads a value of type t.
func (d *Decoder) Uint64() uint64 {
	d.align(8)
	b := d.take(8)
	switch {
	case b == nil:
		return 0
	case d.bigEndian:
		return binary.BigEndian.Uint64(b)
	}
	return binary.LittleEndian.Uint64(b)
}

// Text reads a value of type s or o.
func (d *Decoder) Text() []byte {
	n := d.Uint32()
	if uint64(n) >= uint64(len(d.b)) {
		d.failed = true
		return nil
	}
	return d.text(int(n))
}

// Signature reads a value of type g.
func (d *Decoder) Signature() []byte { return d.text(int(d.byte())) }

func (d *Decoder) text(n int) []byte {
	b := d.take(n + 1)
	if b == nil || b[n] != 0 {
		d.failed = true
		return nil
	}
	return b[:n]
}

// Array reads the length of an array whose elements have an alignment, and
// returns where it ends, for More.
func (d *Decoder) Array(alignment int) (end int) {
	n := d.Uint32()
	d.align(alignment)
	if d.failed || d.pos > len(d.b) || uint64(n) > uint64(len(d.b)-d.pos) {
		d.failed = true
		return 0
	}
	return d.pos + int(n)
}

// More reports whether an array has more elements.
func (d *Decoder) More(end int) bool { return !d.failed && d.pos < end }

// Struct moves to the next struct.
func (d *Decoder) Struct() { d.align(8) }
