package scrape

import (
	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/expect"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

// evaluation is what a scrape is held against.
type evaluation struct {
	req        Request
	evaluation *expect.Evaluation
	observe    func(metric.Samples) // nil when nothing is expected
}

func beginEvaluation(req Request) evaluation {
	if req.Expect == nil {
		return evaluation{}
	}
	e := req.Expect.Begin()
	return evaluation{req, e, e.Observe}
}

// emit emits how the expectations are met. What the scrape tells of itself has
// to be in the sink already: it may be expected too.
func (h evaluation) emit(e *Engine, sink *metric.Sink, results []collect.Result) {
	if h.evaluation == nil {
		return
	}
	h.observe(func(name string, look metric.SampleFunc) { sink.VisitSamples(name, noneReserved, look) })
	h.evaluation.Finish(func(collector, family string) expect.Source {
		if collector == "" && e.set.OfSample(family) != nil {
			return expect.Source{Requested: true, Declared: true}
		}
		return source(h.req, results, collector, family)
	}, e.expectations, sink)
}

// source says where the samples of a family come from. Where no collector has
// declared it and no name is given, it may be one that makes up names as it
// goes, as those that serve files do: while such a one cannot answer, nobody
// knows.
func source(req Request, results []collect.Result, collector, family string) expect.Source {
	var perhaps expect.Source
	for i, u := range req.Units {
		s := expect.Source{Requested: true, Declared: u.Set().OfSample(family) != nil}
		if reason := results[i].State; leavesUnknown(reason) {
			s.Collector, s.Reason = u.Spec.Name, string(reason)
		}
		if u.Spec.Name == collector || collector == "" && s.Declared {
			return s
		}
		if collector == "" && s.Reason != "" && u.Set().IsDynamic() {
			perhaps = s
		}
	}
	if req.Filtered {
		return expect.Source{} // it may be one that was not asked
	}
	perhaps.Requested = true
	return perhaps
}

// leavesUnknown reports whether a run that ended so leaves it open what there is on
// the host. No data is an answer, and of a run that read some parts only, what
// it could not read is as good as gone.
func leavesUnknown(r collect.State) bool {
	return r == collect.Timeout || r == collect.Panic || r == collect.Failed
}
