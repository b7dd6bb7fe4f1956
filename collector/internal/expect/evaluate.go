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
	tables      []table
	observeFunc metric.SampleFunc // observeSample, allocated once

	// Of the expectation that is being evaluated.
	failing        []Series
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
	failing     []Series
	moreFailing int // failing series in excess of maxMissing
}

// A Series is a series, or a group of series, for which a comparison does not
// hold.
type Series struct {
	Labels   []LabelPair // sorted by name; none if the expectation is about a total
	Value    float64
	Limit    float64 // the number with which the value is compared
	Compared bool    // there are a Value and a Limit

	text string // the expression that does not hold
}

// Text returns the expression that does not hold.
func (s Series) Text() string { return s.text }

// A LabelPair is a label with a value that is not empty.
type LabelPair struct{ Name, Value string }

// Begin begins an evaluation.
func (s *Set) Begin() *Evaluation {
	if e, ok := s.pool.Get().(*Evaluation); ok {
		e.reset()
		return e
	}
	n := len(s.families)
	e := &Evaluation{set: s, present: make([]bool, n), sourceKnown: make([]bool, n), sources: make([]Source, n), tallies: make([]tally, s.tallies), tables: make([]table, s.tables)}
	e.observeFunc = e.observeSample
	return e
}

func (e *Evaluation) reset() {
	clear(e.present)
	clear(e.sourceKnown)
	for i := range e.tallies {
		e.tallies[i] = tally{failing: e.tallies[i].failing[:0]}
	}
	for i := range e.tables {
		e.tables[i].reset()
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
	for _, u := range e.set.uses[e.current] {
		c := u.clause
		switch u.role {
		case roleOther:
			if o := c.comparison().other; o.matches(labels) && o.comparison.holds(v) {
				e.tables[c.table].addOther(labels, v)
			}
		case roleUnless:
			if x := c.unless; x.selection.matches(labels) && x.selection.comparison.holds(v) {
				e.tables[c.table].addExcluded(labels, x.on)
			}
		default:
			if !c.selects(labels) {
				continue
			}
			if c.table >= 0 {
				e.tables[c.table].add(c, labels, v)
			} else if i := c.tallyIndex(labels); i >= 0 {
				e.tallies[c.firstTally+i].add(c, labels, v)
			}
		}
	}
}

func (t *tally) add(c *clause, labels metric.Labels, v float64) {
	comparison := c.selection.comparison
	holds := comparison.holds(v)
	if !holds && c.function == funcEach {
		t.addFailing(c, labels, v, comparison.number)
	}
	t.count++
	if c.function == funcEach {
		t.addWorst(comparison, v, holds)
	} else if holds {
		t.aggregate(c.function, v)
	}
}

// addWorst adds the value of a series to the tally of funcEach.
func (t *tally) addWorst(c comparison, v float64, holds bool) {
	if holds {
		t.holdCount++
	}
	if t.count == 1 || v != v || c.shortfall(v) > c.shortfall(t.value) { // NaN is the worst
		t.value = v
	}
}

// aggregate adds a value for which the comparison holds.
func (t *tally) aggregate(f function, v float64) {
	t.holdCount++
	switch {
	case f == funcSum:
		t.value += v
	case f == funcMin && (t.holdCount == 1 || v < t.value || v != v),
		f == funcMax && (t.holdCount == 1 || v > t.value || v != v):
		t.value = v
	}
}

// result returns the result of a total.
func (t *tally) result(f function) float64 {
	if f == funcCount {
		return float64(t.holdCount)
	}
	return t.value
}

// addFailing records a series for which the comparison does not hold.
func (t *tally) addFailing(c *clause, labels metric.Labels, v, limit float64) {
	if len(t.failing) == maxMissing {
		t.moreFailing++
		return
	}
	t.failing = append(t.failing, c.newSeries(pairs(labels), v, limit))
}

// newSeries returns a series of a clause that fails.
func (c *clause) newSeries(labels []LabelPair, v, limit float64) Series {
	one := clause{function: c.function, selection: selection{metric: c.selection.metric, comparison: c.selection.comparison}, total: c.total}
	for _, l := range labels {
		one.selection.matchers = append(one.selection.matchers, matcher{label: l.Name, sign: "=", value: l.Value})
	}
	if c.by != nil {
		one.selection.matchers = append(one.selection.matchers, c.selection.matchers...)
	}
	return Series{labels, v, limit, c.comparison().op != opNone, one.String()}
}

// pairs returns the labels that are not empty, sorted by name.
func pairs(labels metric.Labels) []LabelPair {
	var all []LabelPair
	for _, l := range labels {
		if len(l.Value) > 0 {
			all = append(all, LabelPair{string(l.Name), string(l.Value)})
		}
	}
	slices.SortFunc(all, func(a, b LabelPair) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// holds reports whether a clause holds for the samples of the tally.
func (t *tally) holds(c *clause) bool {
	switch {
	case c.isAboutSeries():
		return t.count > 0 && t.holdCount == t.count
	case c.function == funcAny:
		return t.holdCount > 0
	case c.function == funcCount:
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

// evaluateClause returns the verdict on a clause, and adds what fails.
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
	case x.Optional && !present:
		return verdictNotRequested
	}
	if c.table >= 0 {
		e.tables[c.table].compare(c, &e.tallies[c.firstTally])
	}
	v := verdictHolds
	for i := range c.tallyCount() {
		t := &e.tallies[c.firstTally+i]
		if x.Optional && t.count == 0 && c.isAboutSeries() {
			continue
		}
		// An unknown family fails even count(x) == 0: its name is misspelled,
		// or the file that had it is gone.
		if e.familyKnown && t.holds(c) {
			continue
		}
		v = verdictFails
		e.failing = append(e.failing, t.failing...)
		e.unnamedCount += t.moreFailing
		if len(t.failing) == 0 {
			one := c.forValue(i)
			e.failing = append(e.failing, Series{Value: t.result(c.function), Limit: c.comparison().number, Compared: t.count > 0 && c.comparison().op != opNone, text: one.String()})
		}
	}
	return v
}

// isAboutSeries reports whether the clause holds for each series or group by
// itself, and not for a total of all of them.
func (c *clause) isAboutSeries() bool { return c.function == funcEach || c.by != nil }

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
	case c.comparison().other != nil:
		return 0, 0, false, false
	case c.by != nil:
		return t.value, c.total.number, t.count > 0, true
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
