package netlink

import (
	"encoding/binary"
	"fmt"

	"golang.org/x/sys/unix"
)

// Native is the byte order of the numbers in messages, unless a protocol says
// otherwise.
var Native = binary.NativeEndian

// An Attribute is a struct nlattr: its type without flag bits, and its data.
type Attribute struct {
	Type uint16
	Data []byte
}

// NextAttribute cuts the first attribute off b. It fails if the length of the
// attribute is less than its header, or more than b has.
func NextAttribute(b []byte) (a Attribute, rest []byte, err error) {
	if len(b) < unix.SizeofNlAttr {
		return a, nil, fmt.Errorf("want an attribute, have %d bytes", len(b))
	}
	size := int(Native.Uint16(b))
	if size < unix.SizeofNlAttr || size > len(b) {
		return a, nil, fmt.Errorf("want an attribute of at most %d bytes, have %d", len(b), size)
	}
	a = Attribute{Native.Uint16(b[2:]) & typeMask, b[unix.SizeofNlAttr:size]}
	return a, b[min((size+3)&^3, len(b)):], nil
}

// typeMask clears NLA_F_NESTED and NLA_F_NET_BYTEORDER.
const typeMask = 0x3fff

// EachAttribute calls each for the attributes of b, until it returns an error.
func EachAttribute(b []byte, each func(Attribute) error) error {
	for len(b) > 0 {
		a, rest, err := NextAttribute(b)
		if err == nil {
			err = each(a)
		}
		if err != nil {
			return err
		}
		b = rest
	}
	return nil
}

// Each calls each for the nested attributes of a.
func (a Attribute) Each(each func(Attribute) error) error {
	if err := EachAttribute(a.Data, each); err != nil {
		return fmt.Errorf("attribute %d: %w", a.Type, err)
	}
	return nil
}

// Uint8 sets v to the data of an attribute of one byte.
func (a Attribute) Uint8(v *uint8) error {
	if err := a.CheckSize(1); err != nil {
		return err
	}
	*v = a.Data[0]
	return nil
}

// Uint16 sets v to the data of an attribute of two bytes.
func (a Attribute) Uint16(v *uint16) error {
	if err := a.CheckSize(2); err != nil {
		return err
	}
	*v = Native.Uint16(a.Data)
	return nil
}

// Uint32 sets v to the data of an attribute of four bytes.
func (a Attribute) Uint32(v *uint32) error {
	if err := a.CheckSize(4); err != nil {
		return err
	}
	*v = Native.Uint32(a.Data)
	return nil
}

// Uint64 sets v to the data of an attribute of eight bytes.
func (a Attribute) Uint64(v *uint64) error {
	if err := a.CheckSize(8); err != nil {
		return err
	}
	*v = Native.Uint64(a.Data)
	return nil
}

// CheckSize returns an error unless the attribute has a size in bytes.
func (a Attribute) CheckSize(size int) error {
	if len(a.Data) != size {
		return fmt.Errorf("attribute %d: want %d bytes, have %d", a.Type, size, len(a.Data))
	}
	return nil
}

// Text returns the data up to its first NUL.
func (a Attribute) Text() []byte {
	for i, c := range a.Data {
		if c == 0 {
			return a.Data[:i]
		}
	}
	return a.Data
}

// AppendAttribute appends an attribute with its padding to a request.
func AppendAttribute(b []byte, typ uint16, data []byte) []byte {
	b = Native.AppendUint16(b, uint16(unix.SizeofNlAttr+len(data)))
	b = append(Native.AppendUint16(b, typ), data...)
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	return b
}
