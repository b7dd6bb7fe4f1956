package expect

import "github.com/hostexporter/host_exporter/collector/internal/metric"

// A Source is the collector of a family's samples, as far as a scrape knows it.
type Source struct {
	Requested bool   // the scrape includes the collector, or all collectors
	Declared  bool   // a collector declares the family, so that no samples mean a count of 0
	Collector string // the name of the collector, if it failed
	Reason    string // the state of the collector, if it failed
}

// A SourceFunc returns the source of a family. An empty collector stands for
// any.
type SourceFunc func(collector, family string) Source

// Families are the metric families of the results.
type Families struct {
	ok, missing, unnamedCount, observed, wanted, unknown *metric.Family
}

// Declare declares the metric families of the results.
func Declare(set *metric.Set) *Families {
	return &Families{
		ok:           set.Gauge("host_exporter_expectation_ok", "Whether the expectation holds; absent if this scrape cannot evaluate it.", "name"),
		missing:      set.Gauge("host_exporter_expectation_missing", "Condition of the expectation that does not hold, always 1; at most 20 for each expectation.", "name", "missing"),
		unnamedCount: set.Gauge("host_exporter_expectation_missing_unnamed", "Number of conditions that do not hold and are not named; absent if all are named.", "name"),
		observed:     set.Gauge("host_exporter_expectation_observed", "Number that the expectation compares: a count, a sum, the worst value, or the items that hold.", "name"),
		wanted:       set.Gauge("host_exporter_expectation_wanted", "Number with which the observed one is compared.", "name"),
		unknown:      set.Gauge("host_exporter_expectation_unknown", "Collector whose failure leaves the expectation unknown, always 1.", "name", "collector", "reason"),
	}
}

// Finish evaluates all expectations and emits the results to out.
func (e *Evaluation) Finish(find SourceFunc, f *Families, out *metric.Sink) {
	for _, x := range e.set.list {
		e.emit(x, find, f, out)
	}
	e.set.pool.Put(e)
}

// A Result is the result of one expectation.
type Result struct {
	Expectation *Expectation
	Verdict     Verdict
	Failing     []Series // that make it fail
	More        int      // failing series in addition
	Unknown     []Source // collectors that failed, so that a part of it is unknown
}

// A Verdict says whether an expectation holds.
type Verdict uint8

// The verdicts. One that fails may also be unknown in part.
const (
	None Verdict = iota // the scrape does not have what it is about
	Holds
	Fails
	Unknown
)

// Results evaluates all expectations, and calls fn with each result. Its slices
// are valid until fn returns.
func (e *Evaluation) Results(find SourceFunc, fn func(Result)) {
	for _, x := range e.set.list {
		fn(e.result(x, find))
	}
	e.set.pool.Put(e)
}

// result evaluates one expectation. It does not hold if one clause does not;
// otherwise it is unknown if the verdict on one clause is.
func (e *Evaluation) result(x *Expectation, find SourceFunc) Result {
	e.failing, e.unnamedCount, e.unknownSources = e.failing[:0], 0, e.unknownSources[:0]
	var counts [verdictNotRequested + 1]int
	for _, c := range x.clauses {
		counts[e.evaluateClause(x, c, find)]++
	}
	r := Result{Expectation: x, Failing: e.failing, More: e.unnamedCount, Unknown: e.unknownSources}
	switch {
	case counts[verdictFails] > 0:
		r.Verdict = Fails
	case counts[verdictUnknown] > 0:
		r.Verdict = Unknown
	case counts[verdictNotRequested] == 0, x.Optional && counts[verdictHolds] > 0:
		r.Verdict = Holds
	}
	return r
}

// emit emits the result of one expectation.
func (e *Evaluation) emit(x *Expectation, find SourceFunc, f *Families, out *metric.Sink) {
	r := e.result(x, find)
	if r.Verdict == Holds || r.Verdict == Fails {
		out.Bool(f.ok, r.Verdict == Holds, x.Name)
	}
	e.missing = e.missing[:0]
	for _, s := range r.Failing {
		e.addMissing(s.text)
	}
	for _, m := range e.missing {
		out.Emit(f.missing, 1, x.Name, m)
	}
	if e.unnamedCount > 0 {
		out.Emit(f.unnamedCount, float64(e.unnamedCount), x.Name)
	}
	for _, u := range e.unknownSources {
		out.Emit(f.unknown, 1, x.Name, u.Collector, u.Reason)
	}
	if len(x.clauses) > 1 || len(r.Unknown) > 0 || r.Verdict == None { // with several clauses there is no single number
		return
	}
	if observed, wanted, hasObserved, hasNumbers := e.numbers(x.clauses[0]); hasNumbers {
		if hasObserved {
			out.Emit(f.observed, observed, x.Name)
		}
		out.Emit(f.wanted, wanted, x.Name)
	}
}
