package metric

import (
	"bytes"
	"math"
)

// A buffer has the samples of one family in one run.
type buffer struct {
	series  *series   // those of the samples are the first ones
	values  []float64 // in text mode
	count   int       // of emitted samples, including those of a dropped family
	maximum int       // of count, after which makeRoom has to be called
	dropped bool      // the samples are counted and not kept
	shared  bool      // series is that of the last run, so it must not change
	spare   *series   // to be reused for other series
}

// series are the series of a family in the order of their samples. Most runs
// have the same ones in the same order as the last run. They share them: to
// compare labels is cheaper than to render them, and series that differed from
// each other still do.
type series struct {
	text    []byte   // of each series: name, labels, and the blank before the value
	ends    []uint32 // of each series in text
	escaped bool     // text may have label values that are not plain
}

// at returns the text of the i-th series.
func (s *series) at(i int) []byte {
	start := uint32(0)
	if i > 0 {
		start = s.ends[i-1]
	}
	return s.text[start:s.ends[i]]
}

// maxRetainedBuffer is the maximum size, in bytes, of a buffer that a sink
// keeps between runs without need. A larger one is allocated again with the
// length of the last run: one allocation for thousands of samples, rather than
// twice the memory.
const maxRetainedBuffer = 256 << 10

func (b *buffer) reset() {
	spare := b.spare
	if b.series != nil {
		spare = b.series
	}
	*b = buffer{values: b.values[:0], maximum: math.MaxInt, spare: spare}
}

// follow makes the buffer expect the series of the last run.
func (b *buffer) follow(last *buffer) {
	b.series, b.shared = last.series, last.series != nil
	if b.spare == last.series {
		b.spare = nil
	}
}

// release frees what is too large to be kept.
func (b *buffer) release() {
	if cap(b.values)*8 > maxRetainedBuffer {
		b.values = nil
	}
	for _, s := range []**series{&b.series, &b.spare} {
		if *s != nil && cap((*s).text) > maxRetainedBuffer {
			*s = nil
		}
	}
}

// add adds the series of the next sample, with the given text.
func (b *buffer) add(text []byte, plain bool) {
	if b.shared {
		if b.count < len(b.series.ends) && bytes.Equal(b.series.at(b.count), text) {
			return
		}
		b.unshare()
	}
	if b.series == nil {
		b.series = b.takeSpare()
	}
	s := b.series
	s.text = append(s.text, text...)
	s.ends = append(s.ends, uint32(len(s.text)))
	s.escaped = s.escaped || !plain
}

// unshare copies the series of the samples so far from those of the last run.
func (b *buffer) unshare() {
	last := b.series
	b.series, b.shared = b.takeSpare(), false
	if b.series.text == nil {
		b.series.text = make([]byte, 0, len(last.text)+len(last.text)/16)
		b.series.ends = make([]uint32, 0, len(last.ends)+len(last.ends)/16)
	}
	b.series.addAll(last, b.count)
}

// shrink frees series of the last run if more than half of them are gone, and
// they are not few.
func (b *buffer) shrink() {
	if last := b.series; b.shared && len(last.ends) > 100 && b.count < len(last.ends)/2 {
		b.series, b.shared = &series{}, false
		b.series.addAll(last, b.count)
	}
}

// addAll adds the first n of other series.
func (s *series) addAll(other *series, n int) {
	if n > 0 {
		s.text = append(s.text, other.text[:other.ends[n-1]]...)
		s.ends = append(s.ends, other.ends[:n]...)
	}
	s.escaped = other.escaped
}

// takeSpare returns series that are empty.
func (b *buffer) takeSpare() *series {
	s := b.spare
	if b.spare = nil; s == nil {
		return &series{}
	}
	*s = series{text: s.text[:0], ends: s.ends[:0]}
	return s
}

// matches reports whether the i-th series is that of a family with the given
// label values. It may be false if label values are not plain, and is false if
// labels are optional.
//
// Plain values have no quotes. So the text has two for each label, as many as
// are compared outside of the given values: these have none, and are plain too.
func (s *series) matches(i int, f *Family, labels []string) bool {
	if i >= len(s.ends) || s.escaped || f.optional != nil {
		return false
	}
	text, leads := s.at(i), f.textOf().leads
	n := len(leads[0])
	for i, l := range labels {
		lead := leads[i+1]
		end := n + len(l)
		if n = end + len(lead); n > len(text) || text[end] != '"' || string(text[end-len(l):end]) != l ||
			i+1 < len(labels) && string(text[end:n]) != string(lead) {
			return false
		}
	}
	return n == len(text)
}

// appendText appends the samples as text.
func (b *buffer) appendText(text []byte) []byte {
	for i, v := range b.values {
		text = append(appendValue(append(text, b.series.at(i)...), v), '\n')
	}
	return text
}
