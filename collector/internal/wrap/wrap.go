// Package wrap continues sums of counters of 32 bits. The kernel, or the reader
// of its file, adds up the counters of all CPUs as 64 bits. Each counter wraps at
// 2^32 by itself, and the sum then decreases by 2^32, which Prometheus takes for a
// reset to 0 and an increase to the rest of the sum.
package wrap

// A Sum is the sum of counters of 32 bits that are known one by one. Its zero
// value has none.
type Sum struct {
	last  []uint64 // counters, as last added
	total uint64
}

// Resize sets the number of counters. A change starts the sum over.
func (s *Sum) Resize(counters int) {
	if len(s.last) != counters {
		s.last, s.total = make([]uint64, counters), 0
	}
}

// Add adds the increase of a counter, by its index, since it was last added.
func (s *Sum) Add(i int, now uint64) {
	s.total += increase(s.last[i], now)
	s.last[i] = now
}

// Total returns the sum.
func (s *Sum) Total() uint64 { return s.total }

// A Total is a sum of counters of 32 bits that are not known.
type Total struct {
	read        uint64 // by the last call
	last, total uint64 // of the last call that did not hold the total
	corrections uint64
}

// Continue takes the sum as it was read, and returns it continued across the
// wraps of its counters. A sum that decreased otherwise keeps its value until it
// has caught up, unless it is less than half of what it was: then all counters
// have started over.
func (t *Total) Continue(now uint64) uint64 {
	decreased := now < t.read
	t.read = now
	switch {
	case now >= t.last:
		t.total += now - t.last
	case wrapped(t.last, now):
		t.corrections++
		t.total += increase(t.last, now)
	case now >= t.last/2:
		if decreased {
			t.corrections++
		}
		return t.total
	default:
		t.total = now
	}
	t.last = now
	return t.total
}

// Corrections returns how often the sum decreased without having started over.
func (t *Total) Corrections() uint64 { return t.corrections }

// increase returns the increase of a counter, which may have wrapped or started
// over.
func increase(last, now uint64) uint64 {
	switch {
	case now >= last:
		return now - last
	case wrapped(last, now):
		return uint64(uint32(now - last))
	}
	return now
}

// wrapped reports whether a number that decreased from last to now is one whose
// counters wrapped, and increased by less than half of their range.
func wrapped(last, now uint64) bool {
	return last-now > 1<<31 && uint32(now-last) < 1<<31
}
