package expect

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

// maxMissing is the maximum number of missing things that an expectation names.
const maxMissing = 20

// maxText is the maximum length of the name of a missing thing in bytes: a
// mount point may have 4 KiB.
const maxText = 400

// An Evaluation evaluates a Set over the samples of one scrape. It is not for
// concurrent use, and not for use after Finish.
type Evaluation struct {
	set         *Set
	current     int      // index of the family that is being observed
	hasSamples  bool     // the current family has samples
	present     []bool   // the family has samples, by index of the family
	sourceKnown []bool   // sources has the family's source, by index of the family
	sources     []Source // of families in expectations without a collector
	tallies     []tally
	observeFunc metric.SampleFunc // observeSample, allocated once

	// Of the expectation that is being evaluated.
	missing        []string
	unnamedCount   int // missing things in excess of maxMissing
	unknownSources []Source
	familyKnown    bool // the family of the clause is declared or has samples
}

// A tally counts the samples of a clause, or of one value of its label.
type tally struct {
	count       int     // samples that match
	holdCount   int     // samples that match and for which the comparison holds
	value       float64 // sum, min or max of those for which it holds; of funcEach, the worst of all
	failing     []string
	moreFailing int // failing series in excess of maxMissing
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

// Observe adds the samples of the set's families from one source. It may be
// called for several sources.
func (e *Evaluation) Observe(samples metric.Samples) {
	for i, family := range e.set.families {
		e.current, e.hasSamples = i, false
		samples(family, e.observeFunc)
		e.present[i] = e.present[i] || e.hasSamples
	}
}

// observeSample adds one sample of the current family.
func (e *Evaluation) observeSample(labels metric.Labels, v float64) {
	e.hasSamples = true
	for _, c := range e.set.clauses[e.current] {
		if !c.selection.matches(labels) {
			continue
		}
		if i := c.tallyIndex(labels); i >= 0 {
			e.tallies[c.firstTally+i].add(c, labels, v)
		}
	}
}

func (t *tally) add(c *clause, labels metric.Labels, v float64) {
	comparison := c.selection.comparison
	first := t.count == 0
	t.count++
	holds := comparison.holds(v)
	switch {
	case holds:
		t.holdCount++
	case c.function == funcEach:
		t.addFailing(&c.selection, labels)
	}
	switch {
	case c.function == funcEach:
		if first || v != v || comparison.shortfall(v) > comparison.shortfall(t.value) { // NaN is the worst
			t.value = v
		}
	case !holds:
	case c.function == funcSum:
		t.value += v
	case c.function == funcMin && (t.holdCount == 1 || v < t.value || v != v),
		c.function == funcMax && (t.holdCount == 1 || v > t.value || v != v):
		t.value = v
	}
}

// addFailing records a series for which the comparison does not hold.
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

// holds reports whether a clause holds for the samples of the tally.
func (t *tally) holds(c *clause) bool {
	switch c.function {
	case funcEach:
		return t.count > 0 && t.holdCount == t.count
	case funcAny:
		return t.holdCount > 0
	case funcCount:
		return c.total.holds(float64(t.holdCount))
	}
	return t.holdCount > 0 && c.total.holds(t.value)
}

// A verdict is the result of evaluating a clause.
type verdict uint8

const (
	verdictHolds verdict = iota
	verdictFails
	verdictUnknown      // the collector of the samples failed
	verdictNotRequested // the collector of the samples is not part of the scrape
)

// evaluateClause returns the verdict on a clause, and adds what is missing.
func (e *Evaluation) evaluateClause(x *Expectation, c *clause, find SourceFunc) verdict {
	source, present := e.sourceOf(x, c, find), e.present[c.family]
	e.familyKnown = present || source.Declared
	switch {
	case !present && !source.Requested:
		return verdictNotRequested
	case source.Reason != "" && !(present && !source.Declared):
		if !slices.Contains(e.unknownSources, source) {
			e.unknownSources = append(e.unknownSources, source)
		}
		return verdictUnknown
	}
	v := verdictHolds
	for i := range c.tallyCount() {
		t := &e.tallies[c.firstTally+i]
		// An unknown family fails even count(x) == 0: its name is misspelled,
		// or the file that had it is gone.
		if e.familyKnown && t.holds(c) {
			continue
		}
		v = verdictFails
		for _, series := range t.failing {
			e.addMissing(series)
		}
		e.unnamedCount += t.moreFailing
		if len(t.failing) == 0 {
			e.addMissing(c.forValue(i).String())
		}
	}
	return v
}

// sourceOf returns the source of a clause's family. For expectations without a
// collector it calls find once for each family.
func (e *Evaluation) sourceOf(x *Expectation, c *clause, find SourceFunc) Source {
	if x.Collector != "" {
		return find(x.Collector, c.selection.metric)
	}
	if !e.sourceKnown[c.family] {
		e.sourceKnown[c.family], e.sources[c.family] = true, find("", c.selection.metric)
	}
	return e.sources[c.family]
}

// addMissing adds the name of a missing thing, once.
func (e *Evaluation) addMissing(text string) {
	text = metric.Printable(text)
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

// numbers returns the observed and the wanted number of a clause. hasNumbers is
// false if the clause compares no number, hasObserved if it selects no sample.
func (e *Evaluation) numbers(c *clause) (observed, wanted float64, hasObserved, hasNumbers bool) {
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
		return float64(t.holdCount), c.total.number, true, true
	case c.function == funcSum, c.function == funcMin, c.function == funcMax:
		return t.value, c.total.number, t.holdCount > 0, true
	case c.function == funcEach && c.selection.comparison.op != opNone:
		return t.value, c.selection.comparison.number, t.count > 0, true
	}
	return 0, 0, false, false
}
