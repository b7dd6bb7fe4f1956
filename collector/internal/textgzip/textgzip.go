// Package textgzip compresses expositions in text format with gzip. Successive
// expositions of a host have the same HELP and TYPE lines, and almost the same
// distribution of bytes: an Encoder finds the repetitions within those lines once,
// and builds its Huffman codes once. That takes a third of the time of a general
// compressor, for the same size. See RFC 1951 and RFC 1952.
package textgzip

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"math/bits"
)

// An Encoder compresses expositions. It compresses other text too, less well. It
// is not for concurrent use.
type Encoder struct {
	writer
	text []byte

	// In samples, table has the position of the last four bytes with a hash,
	// counted from the first exposition, so that it need not be cleared.
	table [1 << tableBits]uint32
	base  uint32 // position of text

	headers      map[string]*header // by name
	headersSize  int                // bytes of their texts
	lastHeader   *header
	round        uint64 // counts passes over a text
	index        *headerIndex
	learnedBytes int // length of the text from which the codes were built
}

const (
	tableBits = 12
	window    = 32 << 10 // maximum distance of a repetition
)

// New returns an Encoder.
func New() *Encoder { return &Encoder{headers: map[string]*header{}} }

// Append appends the compressed text to b.
func (e *Encoder) Append(b, text []byte) []byte {
	e.text = text
	known := len(e.headers)
	e.counting = true
	if e.learnedBytes > 0 && len(text) <= 2*e.learnedBytes {
		e.counting = false
		e.begin(b)
		e.tokens()
	}
	if e.counting || len(e.headers) > known {
		e.learn()
		e.begin(b)
		e.tokens()
	}
	e.index, e.text = nil, nil
	b = e.end()
	b = binary.LittleEndian.AppendUint32(b, crc32.ChecksumIEEE(text))
	return binary.LittleEndian.AppendUint32(b, uint32(len(text)))
}

// learn builds the codes for the text.
func (e *Encoder) learn() {
	e.counting = true
	e.counts = counts{}
	e.tokens() // finds the headers
	e.counts = counts{}
	e.tokens()
	e.build()
	e.counting = false
	e.learnedBytes = max(len(e.text), 1)
}

// tokens finds the repetitions in the text, and writes or counts them.
func (e *Encoder) tokens() {
	e.round++
	if e.base > 1<<30 {
		clear(e.table[:])
		e.base = 0
	}
	e.base += window + 1 // so that no earlier position is within the window, and none is zero
	e.lastHeader = nil
	line := -1 // start of the last line, or of the last header's name
	for at := 0; at < len(e.text); {
		if e.text[at] == '#' {
			if h := e.headerAt(at); h != nil {
				e.header(h, at)
				line = at + h.nameOffset
				at += len(h.text)
				continue
			}
		}
		end := at + bytes.IndexByte(e.text[at:], '\n') + 1
		if end == at {
			end = len(e.text)
		}
		e.line(at, end, line)
		line, at = at, end
	}
	e.base += uint32(len(e.text))
}

// line writes a line, given the start of another line that may begin alike.
func (e *Encoder) line(at, end, last int) {
	e.reserve(end - at)
	literals := at
	if last >= 0 && at-last <= window {
		if n := commonLength(e.text[last:], e.text[at:end]); isShorter(n, at-last) {
			e.match(n, at-last)
			at += n
			literals = at
		}
	}
	text := e.text
	// Values rarely repeat, so that only names and labels are searched.
	for stop := at + bytes.LastIndexByte(text[at:end], ' '); at+4 <= stop; {
		four := binary.LittleEndian.Uint32(text[at:])
		slot := &e.table[four*0x9e3779b1>>(32-tableBits)]
		distance := int(e.base) + at - int(*slot)
		*slot = e.base + uint32(at)
		if distance <= window && distance <= at && binary.LittleEndian.Uint32(text[at-distance:]) == four {
			if n := commonLength(text[at-distance:], text[at:end]); isShorter(n, distance) {
				e.literals(text[literals:at])
				e.match(n, distance)
				at += n
				literals = at
				continue
			}
		}
		at++
	}
	e.literals(text[literals:end])
}

// isShorter reports whether a repetition of n bytes is probably shorter than the
// bytes.
func isShorter(n, distance int) bool {
	switch {
	case distance <= 256:
		return n >= 4
	case distance <= 4096:
		return n >= 5
	}
	return n >= 6
}

// commonLength returns how many bytes at the start are the same.
func commonLength(a, b []byte) int {
	n, limit := 0, min(len(a), len(b))
	for ; n+8 <= limit; n += 8 {
		if d := binary.LittleEndian.Uint64(a[n:]) ^ binary.LittleEndian.Uint64(b[n:]); d != 0 {
			return n + bits.TrailingZeros64(d)/8
		}
	}
	for n < limit && a[n] == b[n] {
		n++
	}
	return n
}
