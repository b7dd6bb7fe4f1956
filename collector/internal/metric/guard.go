package metric

import (
	"bytes"
	"cmp"
	"fmt"
	"hash/maphash"
	"math"
	"math/bits"
	"slices"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// A guard bounds the number of series of a run, and removes repeated ones.
type guard struct {
	limit   int // maximum number of series after Finish
	maximum int // maximum number of samples that are kept during the run
	drops   []Drop
	seed    maphash.Seed
	table   []uint32 // of removeRepeats
}

// A Drop is a family that is left out because its collector emits too many
// series.
type Drop struct {
	Name        string
	SeriesCount int
	typ         dto.MetricType
}

// HasSample reports whether the family may have samples with a name.
func (d Drop) HasSample(name string) bool {
	return mayHaveSample(&dto.MetricFamily{Name: &d.Name, Type: &d.typ}, name)
}

func newGuard() guard {
	return guard{limit: math.MaxInt, maximum: math.MaxInt, seed: maphash.MakeSeed()}
}

// reset returns the guard for the next run.
func (g *guard) reset() guard {
	return guard{limit: math.MaxInt, maximum: math.MaxInt, seed: g.seed, table: g.table}
}

// Guard begins a run of at most maxSeries series; 0 means no limit. Last is the
// sink of the last run, which must not change before Finish.
func (s *Sink) Guard(maxSeries int, last *Sink) {
	if maxSeries > 0 {
		// Which families are the largest is known at the end of the run. Until
		// then twice as many samples are kept, so that one family that grows
		// without end costs no other family.
		s.limit, s.maximum = maxSeries, 2*maxSeries
	}
	// The others have never had a sample: their buffers are made when needed.
	families := s.set.Families()
	for i := range min(len(families), len(last.buffers)) {
		f := families[i]
		b := s.buffer(f)
		b.maximum = s.limit
		if f.excess && maxSeries > 0 {
			b.maximum, b.dropped = 0, true
			continue
		}
		b.follow(&last.buffers[i])
	}
}

// Finish ends a run. It removes repeated series, reports each as an error, and
// keeps the first of them. Then it drops the largest families until the others
// are within the limit.
func (s *Sink) Finish() {
	families := s.set.Families()
	for i := range s.buffers {
		b := &s.buffers[i]
		if b.count > 1 && !b.shared && !b.dropped {
			s.removeRepeats(families[i])
		}
		b.shrink()
	}
	if s.sampleCount > s.limit {
		s.drop(s.largest(false)...)
	}
	for i := range s.buffers {
		if b := &s.buffers[i]; b.dropped && b.count > 0 {
			s.drops = append(s.drops, Drop{families[i].name, b.count, families[i].typ})
		}
		families[i].excess = false
	}
	if len(s.drops) == 0 {
		return
	}
	slices.SortStableFunc(s.drops, func(a, b Drop) int { return cmp.Compare(b.SeriesCount, a.SeriesCount) })
	// In the next run these are dropped from the start, and take no memory.
	for _, i := range s.largest(true) {
		if i < len(s.buffers) {
			families[i].excess = true
		}
	}
}

// Drops returns the families that the run dropped, the largest first. The slice
// is not reused.
func (s *Sink) Drops() []Drop { return s.drops }

// makeRoom makes room for n samples of a family if a maximum is reached, and
// reports whether they are to be kept. It counts those that are not.
func (s *Sink) makeRoom(f *Family, n int) bool {
	b := &s.buffers[f.index]
	switch {
	case b.dropped:
	case b.count+n > b.maximum:
		s.drop(f.index)
	case s.sampleCount+n > s.maximum:
		s.drop(s.largest(false)...)
	}
	if b.dropped {
		b.count += n
	}
	return !b.dropped
}

// drop drops families, by the indexes of largest.
func (s *Sink) drop(indexes ...int) {
	families := s.set.Families()
	descs := map[*prometheus.Desc]bool{}
	for _, i := range indexes {
		if i < len(s.buffers) {
			b := &s.buffers[i]
			s.sampleCount -= b.count
			*b = buffer{count: b.count, dropped: true}
			descs[families[i].Desc()] = true
			continue
		}
		f := &s.external[i-len(s.buffers)]
		s.drops = append(s.drops, Drop{(*f).family.GetName(), (*f).sampleCount, (*f).family.GetType()})
		s.sampleCount -= (*f).sampleCount
		*f = nil
	}
	s.metrics = slices.DeleteFunc(s.metrics, func(m prometheus.Metric) bool {
		if variant, ok := m.(variantMetric); ok {
			return s.buffers[variant.family.index].dropped
		}
		return descs[m.Desc()]
	})
	s.external = slices.DeleteFunc(s.external, func(f *ExternalFamily) bool { return f == nil })
}

// largest returns the indexes of the largest families, without which the others
// are within the limit: of those that are kept, or of all. Indexes of external
// families follow those of buffers. Of families of one size, the last one goes
// first.
func (s *Sink) largest(all bool) []int {
	var indexes []int
	count := func(i int) int {
		if i < len(s.buffers) {
			return s.buffers[i].count
		}
		return s.external[i-len(s.buffers)].sampleCount
	}
	total := 0
	for i := range len(s.buffers) + len(s.external) {
		if all || i >= len(s.buffers) || !s.buffers[i].dropped {
			indexes = append(indexes, i)
			total += count(i)
		}
	}
	slices.SortFunc(indexes, func(a, b int) int { return cmp.Or(cmp.Compare(count(b), count(a)), cmp.Compare(b, a)) })
	for n, i := range indexes {
		if total <= s.limit {
			return indexes[:n]
		}
		total -= count(i)
	}
	return indexes
}

// removeRepeats removes the samples of a family whose series has a sample
// before.
func (s *Sink) removeRepeats(f *Family) {
	b := &s.buffers[f.index]
	all := b.series
	kept := series{text: all.text[:0], ends: all.ends[:0], escaped: all.escaped}
	// An open hash table of the series that are kept: the number of each, plus 1.
	mask := 1<<bits.Len(uint(b.count+b.count/2)) - 1
	s.table = slices.Grow(s.table[:0], mask+1)[:mask+1]
	clear(s.table)
	var repeats []int // numbers of the samples that are not kept
	start := uint32(0)
	for i, end := range all.ends {
		text := all.text[start:end]
		start = end
		slot := int(maphash.Bytes(s.seed, text)) & mask
		for s.table[slot] != 0 && !bytes.Equal(kept.at(int(s.table[slot])-1), text) {
			slot = (slot + 1) & mask
		}
		if s.table[slot] != 0 {
			repeats = append(repeats, i)
			s.reportRepeat(string(text[:len(text)-1]))
			continue
		}
		if s.mode == Text {
			b.values[len(kept.ends)] = b.values[i]
		}
		kept.text = append(kept.text, text...)
		kept.ends = append(kept.ends, uint32(len(kept.text)))
		s.table[slot] = uint32(len(kept.ends))
	}
	if len(s.table) > maxRetainedBuffer/4 {
		s.table = nil
	}
	if repeats == nil {
		return
	}
	*all = kept
	b.count -= len(repeats)
	s.sampleCount -= len(repeats)
	if s.mode == Text {
		b.values = b.values[:b.count]
		return
	}
	line := -1
	s.metrics = slices.DeleteFunc(s.metrics, func(m prometheus.Metric) bool {
		if !f.hasMetric(m) {
			return false
		}
		line++
		_, isRepeat := slices.BinarySearch(repeats, line)
		return isRepeat
	})
}

// reportRepeat reports that a series was emitted before.
func (s *Sink) reportRepeat(series string) { s.Error(fmt.Errorf("a second %s", series)) }
