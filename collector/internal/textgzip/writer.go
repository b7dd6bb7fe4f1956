package textgzip

import (
	"encoding/binary"
	"slices"
)

// A writer writes one gzip member of one block, with codes of its own. While
// counting, it counts symbols instead.
type writer struct {
	counting bool
	counts   counts

	block   []uint8 // the header of the block, one bit in each byte
	literal [256]code
	length  [maxMatch + 1]code // with extra bits
	dist    [distanceSymbols]code
	endCode code

	out    []byte // with length as capacity
	n      int    // bytes in out
	buffer uint64 // bits that are not in out
	bits   uint
}

type counts struct {
	literal  [literalSymbols]uint32
	distance [distanceSymbols]uint32
}

// build builds codes from the counts. Each symbol has one.
func (w *writer) build() {
	w.counts.literal[endOfBlock]++
	// What was not in one text may be in the next.
	for i := range w.counts.literal {
		w.counts.literal[i] = 16*w.counts.literal[i] + 1
	}
	for i := range w.counts.distance {
		w.counts.distance[i] = 16*w.counts.distance[i] + 1
	}
	literalLengths := codeLengths(w.counts.literal[:], maxCodeLength)
	distanceLengths := codeLengths(w.counts.distance[:], maxCodeLength)
	codes := assignCodes(literalLengths)
	copy(w.literal[:], codes)
	w.endCode = codes[endOfBlock]
	for n := minMatch; n <= maxMatch; n++ {
		symbol, extra, extraBits := lengthSymbol(n)
		c := codes[symbol]
		w.length[n] = code{c.bits | extra<<c.length, c.length + extraBits}
	}
	copy(w.dist[:], assignCodes(distanceLengths))
	w.buildBlock(instructions(slices.Concat(literalLengths, distanceLengths)))
}

// buildBlock builds the header of the block.
func (w *writer) buildBlock(lengths []instruction) {
	var frequencies [19]uint32
	frequencies[0] = 1 // at least two symbols
	for _, i := range lengths {
		frequencies[i.symbol]++
	}
	codeLengths := codeLengths(frequencies[:], 7)
	codes := assignCodes(codeLengths)
	w.block = nil
	add := func(bits uint32, n uint8) {
		for ; n > 0; n-- {
			w.block = append(w.block, uint8(bits&1))
			bits >>= 1
		}
	}
	add(1, 1) // the last block
	add(2, 2) // of dynamic codes
	add(literalSymbols-257, 5)
	add(distanceSymbols-1, 5)
	add(19-4, 4)
	for _, symbol := range [19]int{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15} {
		add(uint32(codeLengths[symbol]), 3)
	}
	for _, i := range lengths {
		add(codes[i.symbol].bits, codes[i.symbol].length)
		add(i.extra, i.extraBits)
	}
}

// begin begins a gzip member that is appended to b.
func (w *writer) begin(b []byte) {
	b = append(b, 0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff)
	w.out, w.n = b[:cap(b)], len(b)
	w.buffer, w.bits = 0, 0
	w.reserve(len(w.block))
	for _, bit := range w.block {
		w.add(code{uint32(bit), 1})
	}
}

// end ends the block, and returns the output.
func (w *writer) end() []byte {
	w.reserve(1)
	w.add(w.endCode)
	w.bits = (w.bits + 7) &^ 7
	w.flush()
	b := w.out[:w.n]
	w.out = nil
	return b
}

// reserve makes room for the codes of a number of bytes.
func (w *writer) reserve(n int) {
	if room := 2*n + 16; len(w.out)-w.n < room && !w.counting {
		b := slices.Grow(w.out[:w.n], room)
		w.out = b[:cap(b)]
	}
}

// flush moves whole bytes to out.
func (w *writer) flush() {
	binary.LittleEndian.PutUint64(w.out[w.n:], w.buffer)
	w.n += int(w.bits / 8)
	w.buffer >>= w.bits &^ 7
	w.bits &= 7
}

// add adds a code. Before and after, less than 8 bits are buffered.
func (w *writer) add(c code) {
	w.buffer |= uint64(c.bits) << w.bits
	w.bits += uint(c.length)
	w.flush()
}

// literals writes bytes as they are.
func (w *writer) literals(b []byte) {
	if w.counting {
		for _, c := range b {
			w.counts.literal[c]++
		}
		return
	}
	buffer, n := w.buffer, w.bits
	for _, c := range b {
		l := w.literal[c]
		buffer |= uint64(l.bits) << n
		if n += uint(l.length); n >= 48 {
			binary.LittleEndian.PutUint64(w.out[w.n:], buffer)
			w.n += int(n / 8)
			buffer >>= n &^ 7
			n &= 7
		}
	}
	w.buffer, w.bits = buffer, n
	w.flush()
}

// match writes that n bytes are repeated from a distance.
func (w *writer) match(n, distance int) {
	for n > maxMatch {
		piece := maxMatch
		if n < maxMatch+minMatch {
			piece -= minMatch
		}
		w.match(piece, distance)
		n -= piece
	}
	symbol, extra, extraBits := distanceSymbol(distance)
	if w.counting {
		length, _, _ := lengthSymbol(n)
		w.counts.literal[length]++
		w.counts.distance[symbol]++
		return
	}
	// The codes of a length have at most 20 bits, those of a distance 28.
	length, code := w.length[n], w.dist[symbol]
	w.buffer |= uint64(length.bits) << w.bits
	w.bits += uint(length.length)
	w.buffer |= uint64(code.bits|extra<<code.length) << w.bits
	w.bits += uint(code.length + extraBits)
	w.flush()
}
