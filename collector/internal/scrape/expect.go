package scrape

import (
	"slices"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/expect"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

// An evaluation evaluates the expectations of a request. Without expectations
// its fields are zero.
type evaluation struct {
	req        Request
	evaluation *expect.Evaluation
	observe    func(metric.Samples)
}

func beginEvaluation(req Request) evaluation {
	if req.Expect == nil {
		return evaluation{}
	}
	e := req.Expect.Begin()
	return evaluation{req, e, e.Observe}
}

// observeExternal passes the samples of external families to the evaluation.
func (v evaluation) observeExternal(families []collect.External) {
	if v.observe == nil {
		return
	}
	v.observe(func(name string, fn metric.SampleFunc) {
		for _, f := range families {
			f.VisitSamples(name, fn)
		}
	})
}

// emit emits the results of the expectations. The sink must have the engine's
// own samples: expectations can be about them too.
func (v evaluation) emit(e *Engine, sink *metric.Sink, results []collect.Result) {
	if v.evaluation == nil {
		return
	}
	v.observe(func(name string, fn metric.SampleFunc) { sink.VisitSamples(name, noneReserved, fn) })
	v.evaluation.Finish(func(collector, family string) expect.Source {
		if collector == "" && e.set.OfSample(family) != nil {
			return expect.Source{Requested: true, Declared: true}
		}
		return source(v.req, results, collector, family)
	}, e.expectations, sink)
}

// source returns the source of a family. A family that no collector declares
// can belong to any dynamic collector, such as one of text files: if one of
// them failed, the source is that one.
func source(req Request, results []collect.Result, collector, family string) expect.Source {
	var failed expect.Source
	for i, u := range req.Units {
		s := expect.Source{Requested: true, Declared: u.Set().OfSample(family) != nil}
		dropped := slices.ContainsFunc(results[i].Drops, func(d metric.Drop) bool { return d.HasSample(family) })
		switch state := results[i].State; {
		case leavesUnknown(state):
			s.Collector, s.Reason = u.Spec.Name, string(state)
		case dropped:
			s.Collector, s.Reason = u.Spec.Name, string(collect.Partial)
		}
		if u.Spec.Name == collector || collector == "" && (s.Declared || dropped) {
			return s
		}
		if collector == "" && s.Reason != "" && u.Set().IsDynamic() {
			failed = s
		}
	}
	if req.Filtered {
		return expect.Source{} // the family can belong to a collector that is not requested
	}
	failed.Requested = true
	return failed
}

// leavesUnknown reports whether a run in a state leaves unknown what the host
// has. NoData is a result, and a part that a Partial run could not read counts
// as absent. But a family that it dropped is unknown.
func leavesUnknown(s collect.State) bool {
	return s == collect.Timeout || s == collect.Panic || s == collect.Failed
}
