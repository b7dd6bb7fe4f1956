package snapshot

import (
	"encoding/binary"
	"fmt"
	"io"
	"strconv"
)

const (
	busHead       = 16 // up to the length of the header fields, with it
	maxBusMessage = 32 << 20
	maxBusDepth   = 64 // of types within types; the specification allows less

	maxBusSignature = 255
)

var errBusDepth = fmt.Errorf("want at most %d D-Bus types within each other", maxBusDepth)

// Types of D-Bus messages.
const (
	busCall   = "1"
	busReturn = "2"
	busError  = "3"
)

// A busMessage is a D-Bus message. Numbers are as busctl writes them.
type busMessage struct {
	kind, serial, replySerial    string
	path, iface, member          string
	errorName, destination, sign string
	sender                       string
	words                        []string // values of the body
}

// busMessageSize returns the size of the message that begins with head.
func busMessageSize(head []byte) (int, error) {
	order, err := busOrder(head[0])
	if err != nil {
		return 0, err
	}
	body, fields := uint64(order.Uint32(head[4:])), uint64(order.Uint32(head[12:]))
	n := busHead + (fields+7)&^7 + body
	if n > maxBusMessage {
		return 0, fmt.Errorf("want a D-Bus message of at most %d bytes, have %d", maxBusMessage, n)
	}
	return int(n), nil
}

func busOrder(b byte) (binary.ByteOrder, error) {
	switch b {
	case 'l':
		return binary.LittleEndian, nil
	case 'B':
		return binary.BigEndian, nil
	}
	return nil, fmt.Errorf("want a D-Bus message that begins with l or B, have %q", b)
}

// readBusMessage reads one message.
func readBusMessage(r io.Reader) (*busMessage, error) {
	b := make([]byte, busHead)
	if _, err := io.ReadFull(r, b); err != nil {
		return nil, err
	}
	size, err := busMessageSize(b)
	if err != nil {
		return nil, err
	}
	b = append(b, make([]byte, size-busHead)...)
	if _, err := io.ReadFull(r, b[busHead:]); err != nil {
		return nil, err
	}
	return parseBusMessage(b)
}

// parseBusMessage parses a message of the size that busMessageSize returned.
func parseBusMessage(b []byte) (*busMessage, error) {
	order, err := busOrder(b[0])
	if err != nil {
		return nil, err
	}
	d := busDecoder{b: b, order: order}
	// Byte order, type, flags, version, length of the body, serial number, fields.
	head, err := d.all("yyyyuua(yv)", nil)
	if err != nil {
		return nil, err
	}
	m := &busMessage{kind: head[1], serial: head[5]}
	for f := head[7:]; len(f) >= 3; f = f[3:] { // code, signature, value
		text := f[2]
		if s, err := strconv.Unquote(text); err == nil {
			text = s
		}
		for code, field := range map[string]*string{
			"1": &m.path, "2": &m.iface, "3": &m.member, "4": &m.errorName,
			"5": &m.replySerial, "6": &m.destination, "7": &m.sender, "8": &m.sign,
		} {
			if f[0] == code {
				*field = text
			}
		}
	}
	d.align(8)
	if d.pos > len(b) {
		return nil, io.ErrUnexpectedEOF
	}
	body := busDecoder{b: b[d.pos:], order: order}
	m.words, err = body.all(m.sign, nil)
	return m, err
}

// A busDecoder reads values in the wire format of D-Bus as the words of busctl: it is
// the counterpart of DBusEncoder.
type busDecoder struct {
	b     []byte
	pos   int
	depth int
	order binary.ByteOrder
}

func (d *busDecoder) align(n int) { d.pos = (d.pos + n - 1) &^ (n - 1) }

func (d *busDecoder) take(n int) ([]byte, error) {
	if n < 0 || d.pos > len(d.b) || n > len(d.b)-d.pos {
		return nil, io.ErrUnexpectedEOF
	}
	d.pos += n
	return d.b[d.pos-n : d.pos], nil
}

// all appends the words of all values of a signature.
func (d *busDecoder) all(signature string, words []string) ([]string, error) {
	for signature != "" {
		one, err := firstType(signature)
		if err != nil {
			return words, err
		}
		if words, err = d.one(one, words); err != nil {
			return words, err
		}
		signature = signature[len(one):]
	}
	return words, nil
}

// firstType returns the first complete type of a signature.
func firstType(signature string) (string, error) {
	if len(signature) > maxBusSignature {
		return "", fmt.Errorf("want a D-Bus signature of at most %d bytes, have %d", maxBusSignature, len(signature))
	}
	depth := 0
	for i, c := range []byte(signature) {
		switch c {
		case '(', '{':
			depth++
		case ')', '}':
			depth--
		}
		if depth < 0 || depth > maxBusDepth {
			break
		}
		if depth == 0 && c != 'a' {
			return signature[:i+1], nil
		}
	}
	return "", fmt.Errorf("want a D-Bus signature, have %q", signature)
}

func (d *busDecoder) one(signature string, words []string) ([]string, error) {
	if d.depth++; d.depth > maxBusDepth {
		return words, errBusDepth
	}
	defer func() { d.depth-- }()
	if size := busSizes(signature[0]); size > 0 {
		d.align(size)
		b, err := d.take(size)
		if err != nil {
			return words, err
		}
		return append(words, d.number(signature[0], b)), nil
	}
	switch signature[0] {
	case '(', '{':
		d.align(8)
		return d.all(signature[1:len(signature)-1], words)
	case 's', 'o':
		text, err := d.text(4)
		return append(words, strconv.QuoteToASCII(text)), err
	case 'g':
		text, err := d.text(1)
		return append(words, strconv.QuoteToASCII(text)), err
	case 'v':
		inner, err := d.text(1)
		if err != nil {
			return words, err
		}
		return d.all(inner, append(words, inner))
	case 'a':
		return d.array(signature[1:], words)
	}
	return words, fmt.Errorf("want a D-Bus type, have %q", signature)
}

// busSizes returns the size of numbers of a type, which is their alignment, or 0.
func busSizes(typ byte) int {
	switch typ {
	case 'y':
		return 1
	case 'n', 'q':
		return 2
	case 'b', 'i', 'u', 'h':
		return 4
	case 'x', 't', 'd':
		return 8
	}
	return 0
}

func (d *busDecoder) number(typ byte, b []byte) string {
	switch typ {
	case 'y':
		return strconv.Itoa(int(b[0]))
	case 'n':
		return strconv.Itoa(int(int16(d.order.Uint16(b))))
	case 'q':
		return strconv.Itoa(int(d.order.Uint16(b)))
	case 'b':
		return strconv.FormatBool(d.order.Uint32(b) != 0)
	case 'i':
		return strconv.Itoa(int(int32(d.order.Uint32(b))))
	case 'x':
		return strconv.FormatInt(int64(d.order.Uint64(b)), 10)
	case 't', 'd': // no service that is asked has a d
		return strconv.FormatUint(d.order.Uint64(b), 10)
	}
	return strconv.FormatUint(uint64(d.order.Uint32(b)), 10)
}

// text reads text whose length has a number of bytes.
func (d *busDecoder) text(size int) (string, error) {
	d.align(size)
	b, err := d.take(size)
	if err != nil {
		return "", err
	}
	n := uint32(b[0])
	if size == 4 {
		n = d.order.Uint32(b)
	}
	if uint64(n) >= uint64(len(d.b)) {
		return "", io.ErrUnexpectedEOF
	}
	b, err = d.take(int(n) + 1)
	if err != nil {
		return "", err
	}
	return string(b[:n]), nil
}

func (d *busDecoder) array(element string, words []string) ([]string, error) {
	d.align(4)
	b, err := d.take(4)
	if err != nil {
		return words, err
	}
	n := d.order.Uint32(b)
	d.align(busAlignment(element[0]))
	if d.pos > len(d.b) || uint64(n) > uint64(len(d.b)-d.pos) {
		return words, io.ErrUnexpectedEOF
	}
	at, count := len(words), 0
	words = append(words, "")
	for end := d.pos + int(n); d.pos < end; count++ {
		before := d.pos
		if words, err = d.one(element, words); err != nil {
			return words, err
		}
		if d.pos == before {
			return words, fmt.Errorf("want elements of an array with at least a byte, have %q", element)
		}
	}
	words[at] = strconv.Itoa(count)
	return words, nil
}

// busAlignment returns the alignment of a type.
func busAlignment(typ byte) int {
	switch typ {
	case '(', '{':
		return 8
	case 's', 'o', 'a':
		return 4
	case 'g', 'v':
		return 1
	}
	return max(busSizes(typ), 1)
}
