package rtnl

import (
	"encoding/binary"
	"fmt"

	"golang.org/x/sys/unix"
)

var native = binary.NativeEndian

// attribute is one struct nlattr: its type without flag bits, and its data.
type attribute struct {
	typ  uint16
	data []byte
}

// next cuts the first attribute off b. It fails on one that is longer than
// what is left, or too short to be one.
func next(b []byte) (a attribute, rest []byte, err error) {
	if len(b) < unix.SizeofNlAttr {
		return a, nil, fmt.Errorf("%d bytes left over where an attribute should be", len(b))
	}
	size := int(native.Uint16(b))
	if size < unix.SizeofNlAttr || size > len(b) {
		return a, nil, fmt.Errorf("attribute of %d bytes in %d", size, len(b))
	}
	a = attribute{native.Uint16(b[2:]) & nlaTypeMask, b[unix.SizeofNlAttr:size]}
	return a, b[min((size+3)&^3, len(b)):], nil
}

// nlaTypeMask takes NLA_F_NESTED and NLA_F_NET_BYTEORDER off a type.
const nlaTypeMask = 0x3fff

func (a attribute) uint8(v *uint8) error {
	if err := a.want(1); err != nil {
		return err
	}
	*v = a.data[0]
	return nil
}

func (a attribute) uint32(v *uint32) error {
	if err := a.want(4); err != nil {
		return err
	}
	*v = native.Uint32(a.data)
	return nil
}

func (a attribute) want(size int) error {
	if len(a.data) != size {
		return fmt.Errorf("attribute %d has %d bytes, want %d", a.typ, len(a.data), size)
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

// nested returns the data of the first attribute of a type among those that
// are nested in a.
func (a attribute) nested(typ uint16) ([]byte, error) {
	for b := a.data; len(b) > 0; {
		inner, rest, err := next(b)
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
