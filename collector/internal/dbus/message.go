package dbus

import (
	"encoding/binary"
	"fmt"
)

// Types of messages.
const (
	typeCall   = 1
	typeReturn = 2
	typeError  = 3
	typeSignal = 4
)

// Codes of header fields.
const (
	fieldPath        = 1
	fieldInterface   = 2
	fieldMember      = 3
	fieldErrorName   = 4
	fieldReplySerial = 5
	fieldDestination = 6
	fieldSender      = 7
	fieldSignature   = 8
)

const (
	headSize = 16 // up to the length of the header fields, with it

	// noAutoStart is a flag: the bus must not start a service that does not run.
	noAutoStart = 2

	// maxMessage is a quarter of what the specification allows: a hundred
	// thousand units have 20 MB.
	maxMessage = 32 << 20
)

// A message is a message that was received. Its fields are valid until the next
// one is read.
type message struct {
	kind        byte
	replySerial uint32

	path, iface, member []byte
	errorName, sender   []byte
	signature           []byte
	body                Decoder
}

// size returns the size of the message that begins with head.
func size(head []byte) (int, error) {
	d, err := newDecoder(head)
	if err != nil {
		return 0, err
	}
	d.pos = 4
	body := d.Uint32()
	d.pos = 12
	fields := d.Uint32()
	if n := headSize + (uint64(fields)+7)&^7 + uint64(body); n <= maxMessage {
		return int(n), nil
	}
	return 0, fmt.Errorf("want a message of at most %d bytes, have %d and %d", maxMessage, fields, body)
}

// newDecoder returns a decoder of a message, which begins with its byte order.
func newDecoder(b []byte) (Decoder, error) {
	if b[0] != 'l' && b[0] != 'B' {
		return Decoder{}, fmt.Errorf("want a message that begins with l or B, have %q", b[:1])
	}
	return Decoder{b: b, bigEndian: b[0] == 'B'}, nil
}

// parse parses a message of the size that size returned.
func (m *message) parse(b []byte) error {
	d, err := newDecoder(b)
	if err != nil {
		return err
	}
	*m = message{kind: b[1]}
	d.pos = 4
	body := int(d.Uint32())
	if body > len(b)-headSize {
		return fmt.Errorf("want a body within %d bytes, have %d", len(b), body)
	}
	whole := d.b
	d.b = b[:len(b)-body]
	d.pos = 12
	for end := d.Array(8); d.More(end); {
		d.align(8)
		code, signature := d.byte(), d.Signature()
		if d.failed {
			break
		}
		switch string(signature) {
		case "s", "o":
			m.setText(code, d.Text())
		case "g":
			m.setText(code, d.Signature())
		case "u":
			if v := d.Uint32(); code == fieldReplySerial {
				m.replySerial = v
			}
		default:
			return fmt.Errorf("want a header field of type s, o, g or u, have %q", signature)
		}
	}
	if err := d.Err(); err != nil {
		return fmt.Errorf("header: %w", err)
	}
	m.body = Decoder{b: whole[len(b)-body:], bigEndian: d.bigEndian}
	return nil
}

func (m *message) setText(code byte, text []byte) {
	switch code {
	case fieldPath:
		m.path = text
	case fieldInterface:
		m.iface = text
	case fieldMember:
		m.member = text
	case fieldErrorName:
		m.errorName = text
	case fieldSender:
		m.sender = text
	case fieldSignature:
		m.signature = text
	}
}

// appendCall appends a call of a method to b, which is a sequence of messages.
// All arguments are strings.
func appendCall(b []byte, serial uint32, destination, path, iface, member string, args ...string) []byte {
	e := encoder{b: b, start: len(b)}
	e.b = append(e.b, 'l', typeCall, noAutoStart, 1)
	e.uint32(0)
	e.uint32(serial)
	e.uint32(0)
	fields := len(e.b)
	e.field(fieldPath, 'o', path)
	e.field(fieldInterface, 's', iface)
	e.field(fieldMember, 's', member)
	if destination != "" {
		e.field(fieldDestination, 's', destination)
	}
	if len(args) > 0 {
		e.align(8)
		e.b = append(e.b, fieldSignature, 1, 'g', 0, byte(len(args)))
		for range args {
			e.b = append(e.b, 's')
		}
		e.b = append(e.b, 0)
	}
	binary.LittleEndian.PutUint32(e.b[e.start+12:], uint32(len(e.b)-fields))
	e.align(8)
	body := len(e.b)
	for _, arg := range args {
		e.text(arg)
	}
	binary.LittleEndian.PutUint32(e.b[e.start+4:], uint32(len(e.b)-body))
	return e.b
}

// An encoder writes one message, little-endian.
type encoder struct {
	b     []byte
	start int
}

func (e *encoder) align(n int) {
	for (len(e.b)-e.start)%n != 0 {
		e.b = append(e.b, 0)
	}
}

func (e *encoder) uint32(v uint32) {
	e.align(4)
	e.b = binary.LittleEndian.AppendUint32(e.b, v)
}

func (e *encoder) text(s string) {
	e.uint32(uint32(len(s)))
	e.b = append(append(e.b, s...), 0)
}

func (e *encoder) field(code, typ byte, text string) {
	e.align(8)
	e.b = append(e.b, code, 1, typ, 0)
	e.text(text)
}
