package metric

import (
	"bytes"
	"math"
)

// A buffer has the samples of one family in one run.
type buffer struct {
	text    []byte // a line for each sample; in metrics mode without its value
	count   int    // of emitted samples, including those of a dropped family
	maximum int    // of count, after which makeRoom has to be called
	dropped bool   // the samples are counted and not kept

	// Most runs emit the series of the last run in the same order. As long as
	// they do, they differ from each other, as those of the last run do.
	last        []byte // text of the last run
	at, next    int    // where the next line of last begins, and the one after it
	escaped     bool   // text has label values that are not plain
	lastEscaped bool   // last has some
	changed     bool   // the series are not those of the last run
}

// maxRetainedBuffer is the maximum size, in bytes, of a buffer that a sink
// keeps between runs. A larger one is allocated again with the length of the
// last run: one allocation for thousands of samples, rather than twice the
// memory.
const maxRetainedBuffer = 256 << 10

func (b *buffer) reset() {
	*b = buffer{text: b.text[:0], maximum: math.MaxInt}
}

// release frees text that is too large to be kept.
func (b *buffer) release() {
	if cap(b.text) > maxRetainedBuffer {
		b.text = nil
	}
}

// appendSeries appends the name and the labels of a sample to text, and returns
// it. To copy them from the last run is faster than to render them.
func (b *buffer) appendSeries(f *Family, labels []string) []byte {
	text := b.text
	if text == nil {
		text = make([]byte, 0, len(b.last)+len(b.last)/16)
	}
	if n := b.matchSeries(f, labels); n > 0 {
		text = append(text, b.last[b.at:b.at+n]...)
		b.at = b.next
		return text
	}
	start := len(text)
	for i, l := range labels {
		var plain bool
		text, plain = appendLabel(append(text, f.leads[i]...), l)
		b.escaped = b.escaped || !plain
	}
	text = append(text, f.leads[len(labels)]...)
	if bytes.HasPrefix(b.last[b.at:], text[start:]) {
		b.at = b.next
	} else {
		b.at, b.changed = len(b.last), true
	}
	return text
}

// matchSeries returns the length of the name and the labels in the next line of
// the last run, if its label values are plain and equal to the given ones, and
// otherwise 0.
//
// The line has two quotes for each label, and as many are matched outside of the
// given values. So these have none, and need no other escapes either.
func (b *buffer) matchSeries(f *Family, labels []string) int {
	if b.at == len(b.last) {
		return 0
	}
	line := b.last[b.at:]
	line = line[:bytes.IndexByte(line, '\n')]
	b.next = b.at + len(line) + 1
	if b.lastEscaped {
		return 0
	}
	n := len(f.leads[0])
	for i, l := range labels {
		end := n + len(l)
		if end >= len(line) || line[end] != '"' || string(line[n:end]) != l {
			return 0
		}
		lead := f.leads[i+1]
		n = end + len(lead)
		if i+1 < len(labels) && (n > len(line) || string(line[end:n]) != string(lead)) {
			return 0
		}
	}
	return n
}
