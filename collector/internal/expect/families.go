package expect

import "github.com/hostexporter/host_exporter/collector/internal/metric"

// A Source is what a scrape knows of where the samples of a family come from.
type Source struct {
	Requested bool   // who has them was asked in this scrape, or everybody was
	Declared  bool   // somebody has declared the family, so that none means none
	Collector string // that could not answer
	Reason    string // why it could not; empty: it did
}

// Families are the families that tell how expectations are met.
type Families struct {
	ok, missing, unnamedCount, observed, wanted, unknown *metric.Family
}

// Declare declares the families.
func Declare(set *metric.Set) *Families {
	return &Families{
		ok:           set.Gauge("host_exporter_expectation_ok", "Whether the host is as expected; absent when this scrape cannot tell.", "name"),
		missing:      set.Gauge("host_exporter_expectation_missing", "What is expected and not there, or not as it should be; always 1. An expectation names twenty at most.", "name", "missing"),
		unnamedCount: set.Gauge("host_exporter_expectation_missing_unnamed", "How many more are missing than are named; absent when all are named.", "name"),
		observed:     set.Gauge("host_exporter_expectation_observed", "The number that is compared: a count or sum, the worst value, or how many of a list are as they should be.", "name"),
		wanted:       set.Gauge("host_exporter_expectation_wanted", "The number that it is compared with.", "name"),
		unknown:      set.Gauge("host_exporter_expectation_unknown", "Which collector could not answer, so that nobody knows whether the host is as expected; always 1.", "name", "collector", "reason"),
	}
}

// Evaluate is Begin, Feed and Finish for samples that come from one source.
func (s *Set) Evaluate(samples metric.Samples, source func(collector, family string) Source, to *Families, out *metric.Sink) {
	e := s.Begin()
	e.Observe(samples)
	e.Finish(source, to, out)
}

// Finish emits what was found.
func (e *Evaluation) Finish(source func(collector, family string) Source, to *Families, out *metric.Sink) {
	for _, x := range e.set.list {
		e.emit(x, source, to, out)
	}
	e.set.pool.Put(e)
}

// emit emits what was found of one expectation. One clause that does not hold
// is enough for a no; otherwise, one that cannot be told leaves the whole
// untold.
func (e *Evaluation) emit(x *Expectation, source func(collector, family string) Source, to *Families, out *metric.Sink) {
	e.missing, e.unnamedCount, e.unknownSources = e.missing[:0], 0, e.unknownSources[:0]
	var found [verdictNotRequested + 1]int
	for _, c := range x.clauses {
		found[e.evaluateClause(x, c, source)]++
	}
	told := found[verdictUnknown]+found[verdictNotRequested] == 0
	if told || found[verdictFails] > 0 {
		out.Bool(to.ok, found[verdictFails] == 0, x.Name)
	}
	for _, m := range e.missing {
		out.Emit(to.missing, 1, x.Name, m)
	}
	if e.unnamedCount > 0 {
		out.Emit(to.unnamedCount, float64(e.unnamedCount), x.Name)
	}
	for _, u := range e.unknownSources {
		out.Emit(to.unknown, 1, x.Name, u.Collector, u.Reason)
	}
	if !told || len(x.clauses) > 1 { // whose number would it be?
		return
	}
	if observed, wanted, seen, numeric := e.numbers(x.clauses[0]); numeric {
		if seen {
			out.Emit(to.observed, observed, x.Name)
		}
		out.Emit(to.wanted, wanted, x.Name)
	}
}
