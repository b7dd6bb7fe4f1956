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
	set         *Set
	current     int      // of the set's families
	hasSamples  bool     // of the current family there are samples
	present     []bool   // by family, as are asked and sources
	sourceKnown []bool   // whether its source is known
	sources     []Source // of expectations that name no collector
	tallies     []tally
	observeFunc metric.SampleFunc // observe, bound once

	missing        []string // of the expectation at hand
	unnamedCount   int
	unknownSources []Source
	familyKnown    bool // of the family of the clause at hand
}

// A tally is what is counted for a clause, or for one value of it.
type tally struct {
	seen, good  int
	value       float64 // sum, least or greatest of the good; the worst of a selection
	failing     []string
	moreFailing int // failing ones that are not kept
}

// Begin begins an evaluation.
func (s *Set) Begin() *Evaluation {
	if e, ok := s.pool.Get().(*Evaluation); ok {
		e.reset()
		return e
	}
	n := len(s.families)
	e := &Evaluation{set: s, present: make([]bool, n), sourceKnown: make([]bool, n), sources: make([]Source, n), tallies: make([]tally, s.tallies)}
	e.observeFunc = e.observeSample
	return e
}

func (e *Evaluation) reset() {
	clear(e.present)
	clear(e.sourceKnown)
	for i := range e.tallies {
		e.tallies[i] = tally{failing: e.tallies[i].failing[:0]}
	}
}

// Observe takes the samples of the needed families from one source of several.
func (e *Evaluation) Observe(each metric.Samples) {
	for i, family := range e.set.families {
		e.current, e.hasSamples = i, false
		each(family, e.observeFunc)
		e.present[i] = e.present[i] || e.hasSamples
	}
}

// observeSample takes one sample of the current family.
func (e *Evaluation) observeSample(labels metric.Labels, v float64) {
	e.hasSamples = true
	for _, c := range e.set.clauses[e.current] {
		if !c.selection.matches(labels) {
			continue
		}
		if part := c.tallyIndex(labels); part >= 0 {
			e.tallies[c.firstTally+part].add(c, labels, v)
		}
	}
}

func (t *tally) add(c *clause, labels metric.Labels, v float64) {
	holds := c.selection.comparison
	first := t.seen == 0
	t.seen++
	switch {
	case holds.holds(v):
		t.good++
	case c.function == funcEach:
		t.addFailing(&c.selection, labels)
	}
	switch {
	case c.function == funcEach:
		if first || v != v || holds.shortfall(v) > holds.shortfall(t.value) { // once NaN, it stays
			t.value = v
		}
	case !holds.holds(v):
	case c.function == funcSum:
		t.value += v
	case c.function == funcMin && (t.good == 1 || v < t.value || v != v),
		c.function == funcMax && (t.good == 1 || v > t.value || v != v):
		t.value = v
	}
}

// addFailing keeps what series it was that failed.
func (t *tally) addFailing(s *selection, labels metric.Labels) {
	if len(t.failing) == maxMissing {
		t.moreFailing++
		return
	}
	sorted := slices.Clone(labels)
	slices.SortFunc(sorted, func(a, b metric.Label) int { return strings.Compare(string(a.Name), string(b.Name)) })
	one := selection{metric: s.metric, comparison: s.comparison}
	for _, l := range sorted {
		if len(l.Value) > 0 {
			one.matchers = append(one.matchers, matcher{label: string(l.Name), sign: "=", value: string(l.Value)})
		}
	}
	t.failing = append(t.failing, one.String())
}

// holds reports whether a clause holds, going by one of its tallies.
func (t *tally) holds(c *clause) bool {
	switch c.function {
	case funcEach:
		return t.seen > 0 && t.good == t.seen
	case funcAny:
		return t.good > 0
	case funcCount:
		return c.total.holds(float64(t.good))
	}
	return t.good > 0 && c.total.holds(t.value)
}

// verdict is what is found of a clause.
type verdict uint8

const (
	verdictHolds        verdict = iota
	verdictFails                // it does not hold
	verdictUnknown              // whoever has the samples could not answer
	verdictNotRequested         // whoever has the samples was not asked in this scrape
)

// evaluateClause says what is found of a clause, and notes what is missing.
func (e *Evaluation) evaluateClause(x *Expectation, c *clause, source func(collector, family string) Source) verdict {
	from, present := e.sourceOf(x, c, source), e.present[c.family]
	e.familyKnown = present || from.Declared
	switch {
	case !present && !from.Requested:
		return verdictNotRequested
	case from.Reason != "" && !(present && !from.Declared):
		if !slices.Contains(e.unknownSources, from) {
			e.unknownSources = append(e.unknownSources, from)
		}
		return verdictUnknown
	}
	v := verdictHolds
	for part := range c.tallyCount() {
		t := &e.tallies[c.firstTally+part]
		// Of what nobody has even heard of, not even nothing is expected: it is
		// misspelled, or the file that had it is gone.
		if e.familyKnown && t.holds(c) {
			continue
		}
		v = verdictFails
		for _, one := range t.failing {
			e.addMissing(one)
		}
		e.unnamedCount += t.moreFailing
		if len(t.failing) == 0 {
			e.addMissing(c.forValue(part).String())
		}
	}
	return v
}

// sourceOf returns where the samples of a clause come from. Who has a family that
// several expectations look at is asked once.
func (e *Evaluation) sourceOf(x *Expectation, c *clause, source func(collector, family string) Source) Source {
	if x.Collector != "" {
		return source(x.Collector, c.selection.metric)
	}
	if !e.sourceKnown[c.family] {
		e.sourceKnown[c.family], e.sources[c.family] = true, source("", c.selection.metric)
	}
	return e.sources[c.family]
}

// addMissing notes a missing thing, once.
func (e *Evaluation) addMissing(text string) {
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
		e.unnamedCount++
	default:
		e.missing = append(e.missing, text)
	}
}

// numbers returns what is observed and what is wanted, where a clause has them.
// Seen is false when there is nothing that could be observed.
func (e *Evaluation) numbers(c *clause) (observed, wanted float64, seen, numeric bool) {
	all := e.tallies[c.firstTally : c.firstTally+c.tallyCount()]
	t := &all[0]
	switch {
	case c.label != "":
		n := 0
		for i := range all {
			if e.familyKnown && all[i].holds(c) {
				n++
			}
		}
		return float64(n), float64(len(all)), true, true
	case c.function == funcCount:
		return float64(t.good), c.total.number, true, true
	case c.function == funcSum, c.function == funcMin, c.function == funcMax:
		return t.value, c.total.number, t.good > 0, true
	case c.function == funcEach && c.selection.comparison.op != opNone:
		return t.value, c.selection.comparison.number, t.seen > 0, true
	}
	return 0, 0, false, false
}
