package textgzip

import (
	"bytes"
	"encoding/binary"
)

// A header is the HELP and TYPE lines of a family. Its repetitions are those of
// parts of headers, so that they are valid wherever these are in a text.
type header struct {
	text       []byte
	nameOffset int // of the name in the last line
	parts      []part

	at    int    // position in the text of the round
	round uint64 // the last one that had the header
	next  *header
}

// A part is some literal bytes, and then a repetition of n bytes in a header.
type part struct {
	literals, n, offset uint16
	source              *header
}

const (
	// maxHeader is the maximum length of a header that is kept.
	maxHeader = 1 << 10
	// maxHeaders is the maximum length of all headers that are kept.
	maxHeaders = 1 << 20
	// headerLead is the length of "# HELP " and "# TYPE ", before the name.
	headerLead = 7
)

// headerAt returns the header at a position of the text, or nil if there is none
// that can be kept.
func (e *Encoder) headerAt(at int) *header {
	rest := e.text[at:]
	last := e.lastHeader
	if last != nil && last.next != nil && bytes.HasPrefix(rest, last.next.text) {
		e.lastHeader = last.next
		return last.next
	}
	if len(rest) < headerLead {
		return nil
	}
	end := bytes.IndexByte(rest[headerLead:], ' ')
	if end < 0 {
		return nil
	}
	name := rest[headerLead : headerLead+end]
	h := e.headers[string(name)]
	if h == nil || !bytes.HasPrefix(rest, h.text) {
		if h = e.newHeader(at, name); h == nil {
			return nil
		}
	}
	if last != nil {
		last.next = h
	}
	e.lastHeader = h
	return h
}

// newHeader keeps the header at a position, in place of another one of its name.
func (e *Encoder) newHeader(at int, name []byte) *header {
	rest := e.text[at:min(at+maxHeader, len(e.text))]
	end, last := 0, 0 // last: start of the last line
	for end < len(rest) && rest[end] == '#' {
		size := bytes.IndexByte(rest[end:], '\n') + 1
		if size == 0 {
			return nil
		}
		last = end
		end += size
	}
	if len(name) == 0 || e.headersSize+end > maxHeaders || !bytes.HasPrefix(rest[min(last+headerLead, end):end], name) {
		return nil
	}
	h := &header{text: bytes.Clone(rest[:end]), nameOffset: last + headerLead, at: at, round: e.round}
	if old := e.headers[string(name)]; old != nil {
		e.headersSize -= len(old.text)
	}
	e.headersSize += end
	e.headers[string(name)] = h
	e.findParts(h)
	return h
}

// header writes a header of the text.
func (e *Encoder) header(h *header, at int) {
	h.at, h.round = at, e.round
	e.reserve(len(h.text))
	literals, i := at, at
	for _, p := range h.parts {
		i += int(p.literals)
		if distance := i - p.source.at - int(p.offset); p.source.round == e.round && distance > 0 && distance <= window {
			e.literals(e.text[literals:i])
			e.match(int(p.n), distance)
			literals = i + int(p.n)
		}
		i += int(p.n)
	}
	e.literals(e.text[literals : at+len(h.text)])
}

// A headerIndex finds the words of headers. It is needed only for new headers.
type headerIndex struct {
	last    map[uint32]int32 // index in entries of the last word by its first four bytes
	entries []indexEntry
}

type indexEntry struct {
	header   *header
	offset   int
	previous int32
}

// maxCandidates is the maximum number of earlier words to compare.
const maxCandidates = 64

// findParts finds the repetitions in a header that is in the text of this round.
func (e *Encoder) findParts(h *header) {
	if e.index == nil {
		e.index = &headerIndex{last: map[uint32]int32{}}
		for _, other := range e.headers {
			if other != h && other.round == e.round {
				e.index.add(other)
			}
		}
	}
	literals := 0
	for i := 0; i+4 <= len(h.text); {
		best := part{}
		if isWordStart(h.text, i) {
			best = e.index.find(h, i)
			e.index.addWord(h, i)
		}
		if best.n == 0 {
			i++
			continue
		}
		start := i
		for start > literals && best.offset > 0 && best.n < maxHeader && h.text[start-1] == best.source.text[best.offset-1] {
			start--
			best.offset--
			best.n++
		}
		best.literals = uint16(start - literals)
		h.parts = append(h.parts, best)
		for literals = start + int(best.n); i < literals; i++ {
			if i+4 <= len(h.text) && isWordStart(h.text, i) {
				e.index.addWord(h, i)
			}
		}
	}
}

func isWordStart(b []byte, i int) bool {
	return i == 0 || !isWordByte(b[i-1])
}

func isWordByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}

// find returns the best repetition at a position of a header, without literals.
func (x *headerIndex) find(h *header, i int) (best part) {
	next, ok := x.last[binary.LittleEndian.Uint32(h.text[i:])]
	for n := 0; ok && n < maxCandidates && next >= 0; n++ {
		entry := &x.entries[next]
		next = entry.previous
		distance := h.at + i - entry.header.at - entry.offset
		if distance > window || distance <= 0 {
			continue
		}
		// That within a header must not depend on bytes that follow.
		length := commonLength(entry.header.text[entry.offset:], h.text[i:])
		if isShorter(length, distance) && length > int(best.n) {
			best = part{n: uint16(length), offset: uint16(entry.offset), source: entry.header}
		}
	}
	return best
}

func (x *headerIndex) add(h *header) {
	for i := 0; i+4 <= len(h.text); i++ {
		if isWordStart(h.text, i) {
			x.addWord(h, i)
		}
	}
}

func (x *headerIndex) addWord(h *header, i int) {
	key := binary.LittleEndian.Uint32(h.text[i:])
	previous, ok := x.last[key]
	if !ok {
		previous = -1
	}
	x.last[key] = int32(len(x.entries))
	x.entries = append(x.entries, indexEntry{h, i, previous})
}
