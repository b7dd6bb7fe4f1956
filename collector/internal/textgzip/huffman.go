package textgzip

import (
	"cmp"
	"math/bits"
	"slices"
)

// Numbers of symbols, and their meaning. See RFC 1951, section 3.2.5.
const (
	literalSymbols  = 286
	distanceSymbols = 30
	endOfBlock      = 256
	maxCodeLength   = 15
	minMatch        = 3
	maxMatch        = 258
)

// A code is the bits of a symbol, the first one lowest, with the extra bits that
// follow it.
type code struct {
	bits   uint32
	length uint8
}

// codeLengths returns the lengths of a Huffman code for symbols with frequencies,
// of which at least two are not zero.
func codeLengths(frequencies []uint32, limit int) []uint8 {
	for weights := slices.Clone(frequencies); ; {
		lengths := huffman(weights)
		if int(slices.Max(lengths)) <= limit {
			return lengths
		}
		for i, w := range weights {
			if w > 0 {
				weights[i] = w/2 + 1
			}
		}
	}
}

// huffman returns the lengths of an optimal code, which may be long.
func huffman(weights []uint32) []uint8 {
	type node struct {
		weight      uint64
		left, right int // -1: a leaf
		symbol      int
	}
	var nodes []node
	for symbol, w := range weights {
		if w > 0 {
			nodes = append(nodes, node{uint64(w), -1, -1, symbol})
		}
	}
	slices.SortStableFunc(nodes, func(a, b node) int { return cmp.Compare(a.weight, b.weight) })
	leaves := len(nodes)
	// Leaves and inner nodes are two queues of increasing weights.
	leaf, inner := 0, leaves
	take := func() int {
		if leaf < leaves && (inner >= len(nodes) || nodes[leaf].weight <= nodes[inner].weight) {
			leaf++
			return leaf - 1
		}
		inner++
		return inner - 1
	}
	for range leaves - 1 {
		a, b := take(), take()
		nodes = append(nodes, node{nodes[a].weight + nodes[b].weight, a, b, -1})
	}
	lengths := make([]uint8, len(weights))
	depths := make([]uint8, len(nodes))
	for i := len(nodes) - 1; i >= 0; i-- {
		n := nodes[i]
		if n.left < 0 {
			lengths[n.symbol] = depths[i]
			continue
		}
		depths[n.left], depths[n.right] = depths[i]+1, depths[i]+1
	}
	return lengths
}

// assignCodes returns the codes of symbols with given lengths. See RFC 1951,
// section 3.2.2.
func assignCodes(lengths []uint8) []code {
	var count, next [maxCodeLength + 1]uint32
	for _, n := range lengths {
		if n > 0 {
			count[n]++
		}
	}
	for n := 1; n < len(next); n++ {
		next[n] = (next[n-1] + count[n-1]) << 1
	}
	codes := make([]code, len(lengths))
	for i, n := range lengths {
		if n > 0 {
			codes[i] = code{bits.Reverse32(next[n]) >> (32 - n), n}
			next[n]++
		}
	}
	return codes
}

// lengthSymbol returns the symbol of a length with its extra bits.
func lengthSymbol(n int) (symbol int, extra uint32, extraBits uint8) {
	if n == maxMatch {
		return 285, 0, 0
	}
	n -= minMatch
	if n < 8 {
		return 257 + n, 0, 0
	}
	width := bits.Len(uint(n)) - 3
	return 257 + 4*width + n>>width, uint32(n & (1<<width - 1)), uint8(width)
}

// distanceSymbol returns the symbol of a distance with its extra bits.
func distanceSymbol(d int) (symbol int, extra uint32, extraBits uint8) {
	d--
	if d < 4 {
		return d, 0, 0
	}
	width := bits.Len(uint(d)) - 2
	return 2*width + d>>width, uint32(d & (1<<width - 1)), uint8(width)
}

// An instruction is a symbol of the code of code lengths with its extra bits. See
// RFC 1951, section 3.2.7.
type instruction struct {
	symbol    uint8
	extra     uint32
	extraBits uint8
}

// instructions returns the instructions for code lengths, none of which is zero.
func instructions(lengths []uint8) (all []instruction) {
	for i := 0; i < len(lengths); {
		n := lengths[i]
		all = append(all, instruction{symbol: n})
		i++
		run := 0
		for i+run < len(lengths) && lengths[i+run] == n {
			run++
		}
		for run >= 3 {
			repeat := min(run, 6)
			all = append(all, instruction{16, uint32(repeat - 3), 2})
			i += repeat
			run -= repeat
		}
	}
	return all
}
