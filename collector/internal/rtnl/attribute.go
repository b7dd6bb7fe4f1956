package rtnl

import (
	"encoding/binary"
	"fmt"

	"golang.org/x/sys/unix"
)

var native = binary.NativeEndian

// An attribute is a struct nlattr: its type without flag bits, and its data.
type attribute struct {
	typ  uint16
	data []byte
}

// nextAttribute cuts the first attribute off b. It fails if the length of the
// attribute is less than its header, or more than b has.
func nextAttribute(b []byte) (a attribute, rest []byte, err error) {
	if len(b) < unix.SizeofNlAttr {
		return a, nil, fmt.Errorf("want an attribute, have %d bytes", len(b))
	}
	size := int(native.Uint16(b))
	if size < unix.SizeofNlAttr || size > len(b) {
		return a, nil, fmt.Errorf("want an attribute of at most %d bytes, have %d", len(b), size)
	}
	a = attribute{native.Uint16(b[2:]) & typeMask, b[unix.SizeofNlAttr:size]}
	return a, b[min((size+3)&^3, len(b)):], nil
}

// typeMask clears NLA_F_NESTED and NLA_F_NET_BYTEORDER.
const typeMask = 0x3fff

func (a attribute) uint8(v *uint8) error {
	if err := a.checkSize(1); err != nil {
		return err
	}
	*v = a.data[0]
	return nil
}

func (a attribute) uint32(v *uint32) error {
	if err := a.checkSize(4); err != nil {
		return err
	}
	*v = native.Uint32(a.data)
	return nil
}

func (a attribute) checkSize(size int) error {
	if len(a.data) != size {
		return fmt.Errorf("attribute %d: want %d bytes, have %d", a.typ, size, len(a.data))
	}
	return nil
}

// text returns the data up to its first NUL.
func (a attribute) text() []byte {
	for i, c := range a.data {
		if c == 0 {
			return a.data[:i]
		}
	}
	return a.data
}

// nestedText returns the text of the first nested attribute of a type, or nil if
// there is none.
func (a attribute) nestedText(typ uint16) ([]byte, error) {
	for b := a.data; len(b) > 0; {
		inner, rest, err := nextAttribute(b)
		if err != nil {
			return nil, fmt.Errorf("attribute %d: %w", a.typ, err)
		}
		if inner.typ == typ {
			return inner.text(), nil
		}
		b = rest
	}
	return nil, nil
}
