package expect

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

// maxMissing is how many missing things an expectation tells by name.
const maxMissing = 20

// maxText bounds the text of a missing thing: a mount point may have 4 KiB.
const maxText = 400

// An Evaluation holds the samples of one scrape against a Set. It is not for
// concurrent use, and not for use after Finish.
type Evaluation struct {
	set     *Set
	current int      // of the set's families
	any     bool     // of the current family there are samples
	present []bool   // by family, as are asked and sources
	asked   []bool   // whether its source is known
	sources []Source // of expectations that name no collector
	tallies []tally
	look    metric.SampleFunc // observe, bound once

	missing []string // of the expectation at hand
	unnamed int
	unknown []Source
	heard   bool // of the family of the clause at hand
}

// A tally is what is counted for a clause, or for one value of it.
type tally struct {
	seen, good int
	value      float64 // sum, least or greatest of the good; the worst of a selection
	failing    []string
	more       int // failing ones that are not kept
}

// Begin begins an evaluation.
func (s *Set) Begin() *Evaluation {
	if e, ok := s.pool.Get().(*Evaluation); ok {
		e.reset()
		return e
	}
	n := len(s.families)
	e := &Evaluation{set: s, present: make([]bool, n), asked: make([]bool, n), sources: make([]Source, n), tallies: make([]tally, s.tallies)}
	e.look = e.observe
	return e
}

func (e *Evaluation) reset() {
	clear(e.present)
	clear(e.asked)
	for i := range e.tallies {
		e.tallies[i] = tally{failing: e.tallies[i].failing[:0]}
	}
}

// Feed takes the samples of the needed families from one source of several.
func (e *Evaluation) Feed(each metric.Samples) {
	for i, family := range e.set.families {
		e.current, e.any = i, false
		each(family, e.look)
		e.present[i] = e.present[i] || e.any
	}
}

// observe takes one sample of the current family.
func (e *Evaluation) observe(labels metric.Labels, v float64) {
	e.any = true
	for _, c := range e.set.clauses[e.current] {
		if !c.selection.matches(labels) {
			continue
		}
		if part := c.part(labels); part >= 0 {
			e.tallies[c.first+part].add(c, labels, v)
		}
	}
}

func (t *tally) add(c *clause, labels metric.Labels, v float64) {
	holds := c.selection.holds
	first := t.seen == 0
	t.seen++
	switch {
	case holds.of(v):
		t.good++
	case c.function == isEach:
		t.fail(&c.selection, labels)
	}
	switch {
	case c.function == isEach:
		if first || v != v || holds.lacks(v) > holds.lacks(t.value) { // once NaN, it stays
			t.value = v
		}
	case !holds.of(v):
	case c.function == isSum:
		t.value += v
	case c.function == isMin && (t.good == 1 || v < t.value || v != v),
		c.function == isMax && (t.good == 1 || v > t.value || v != v):
		t.value = v
	}
}

// fail keeps what series it was that failed.
func (t *tally) fail(s *selection, labels metric.Labels) {
	if len(t.failing) == maxMissing {
		t.more++
		return
	}
	sorted := slices.Clone(labels)
	slices.SortFunc(sorted, func(a, b metric.Label) int { return strings.Compare(string(a.Name), string(b.Name)) })
	one := selection{metric: s.metric, holds: s.holds}
	for _, l := range sorted {
		if len(l.Value) > 0 {
			one.matchers = append(one.matchers, matcher{label: string(l.Name), sign: "=", value: string(l.Value)})
		}
	}
	t.failing = append(t.failing, one.String())
}

// fulfilled reports whether a clause holds, going by one of its tallies.
func (t *tally) fulfilled(c *clause) bool {
	switch c.function {
	case isEach:
		return t.seen > 0 && t.good == t.seen
	case isAny:
		return t.good > 0
	case isCount:
		return c.total.of(float64(t.good))
	}
	return t.good > 0 && c.total.of(t.value)
}

// verdict is what is found of a clause.
type verdict uint8

const (
	kept     verdict = iota
	broken           // it does not hold
	unknown          // whoever has the samples could not answer
	notAsked         // whoever has the samples was not asked in this scrape
)

// judge says what is found of a clause, and notes what is missing.
func (e *Evaluation) judge(x *Expectation, c *clause, source func(collector, family string) Source) verdict {
	from, present := e.from(x, c, source), e.present[c.family]
	e.heard = present || from.Declared
	switch {
	case !present && !from.Asked:
		return notAsked
	case from.Reason != "" && !(present && !from.Declared):
		if !slices.Contains(e.unknown, from) {
			e.unknown = append(e.unknown, from)
		}
		return unknown
	}
	v := kept
	for part := range c.parts() {
		t := &e.tallies[c.first+part]
		// Of what nobody has even heard of, not even nothing is expected: it is
		// misspelled, or the file that had it is gone.
		if e.heard && t.fulfilled(c) {
			continue
		}
		v = broken
		for _, one := range t.failing {
			e.miss(one)
		}
		e.unnamed += t.more
		if len(t.failing) == 0 {
			e.miss(c.narrowed(part).String())
		}
	}
	return v
}

// from returns where the samples of a clause come from. Who has a family that
// several expectations look at is asked once.
func (e *Evaluation) from(x *Expectation, c *clause, source func(collector, family string) Source) Source {
	if x.Collector != "" {
		return source(x.Collector, c.selection.metric)
	}
	if !e.asked[c.family] {
		e.asked[c.family], e.sources[c.family] = true, source("", c.selection.metric)
	}
	return e.sources[c.family]
}

// miss notes a missing thing, once.
func (e *Evaluation) miss(text string) {
	text = metric.Clean(text)
	if len(text) > maxText {
		end := maxText
		for !utf8.RuneStart(text[end]) {
			end--
		}
		text = text[:end] + "…"
	}
	switch {
	case slices.Contains(e.missing, text):
	case len(e.missing) == maxMissing:
		e.unnamed++
	default:
		e.missing = append(e.missing, text)
	}
}

// numbers returns what is observed and what is wanted, where a clause has them.
// Seen is false when there is nothing that could be observed.
func (e *Evaluation) numbers(c *clause) (observed, wanted float64, seen, numeric bool) {
	all := e.tallies[c.first : c.first+c.parts()]
	t := &all[0]
	switch {
	case c.label != "":
		n := 0
		for i := range all {
			if e.heard && all[i].fulfilled(c) {
				n++
			}
		}
		return float64(n), float64(len(all)), true, true
	case c.function == isCount:
		return float64(t.good), c.total.number, true, true
	case c.function == isSum, c.function == isMin, c.function == isMax:
		return t.value, c.total.number, t.good > 0, true
	case c.function == isEach && c.selection.holds.op != none:
		return t.value, c.selection.holds.number, t.seen > 0, true
	}
	return 0, 0, false, false
}
