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

// emit emits the result of one expectation. It does not hold if one clause does
// not; otherwise it is unknown if the verdict on one clause is.
func (e *Evaluation) emit(x *Expectation, find SourceFunc, f *Families, out *metric.Sink) {
	e.missing, e.unnamedCount, e.unknownSources = e.missing[:0], 0, e.unknownSources[:0]
	var counts [verdictNotRequested + 1]int
	for _, c := range x.clauses {
		counts[e.evaluateClause(x, c, find)]++
	}
	complete := counts[verdictUnknown]+counts[verdictNotRequested] == 0
	if complete || counts[verdictFails] > 0 {
		out.Bool(f.ok, counts[verdictFails] == 0, x.Name)
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
	if !complete || len(x.clauses) > 1 { // with several clauses there is no single number
		return
	}
	if observed, wanted, hasObserved, hasNumbers := e.numbers(x.clauses[0]); hasNumbers {
		if hasObserved {
			out.Emit(f.observed, observed, x.Name)
		}
		out.Emit(f.wanted, wanted, x.Name)
	}
}
