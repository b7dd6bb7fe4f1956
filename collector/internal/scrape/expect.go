package scrape

import (
	"slices"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/expect"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

// An evaluation evaluates the expectations and the health rules of a request.
// Without any its fields are zero.
type evaluation struct {
	req     Request
	expect  *expect.Evaluation
	health  *expect.Evaluation
	observe func(metric.Samples)
}

func beginEvaluation(req Request) evaluation {
	v := evaluation{req: req}
	if req.Expect != nil {
		v.expect = req.Expect.Begin()
		v.observe = v.expect.Observe
	}
	if req.Health != nil {
		v.health = req.Health.Rules.Begin()
	}
	switch {
	case v.health == nil:
	case v.expect == nil:
		v.observe = v.health.Observe
	default:
		v.observe = func(samples metric.Samples) {
			v.expect.Observe(samples)
			v.health.Observe(samples)
		}
	}
	if evaluate := v.observe; req.Observe != nil {
		v.observe = func(samples metric.Samples) {
			if evaluate != nil {
				evaluate(samples)
			}
			req.Observe(samples)
		}
	}
	return v
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

// emit emits the results of the expectations, and then that of the health rules,
// which can be about expectations. The sink must have the engine's own samples:
// both can be about them, too.
func (v evaluation) emit(e *Engine, sink *metric.Sink, results []collect.Result) {
	if v.expect != nil || v.req.Health != nil || v.req.Observe != nil {
		v.emitResults(e, sink, results)
	}
}

func (v evaluation) emitResults(e *Engine, sink *metric.Sink, results []collect.Result) {
	find := func(collector, family string) expect.Source {
		if collector == "" && e.set.OfSample(family) != nil {
			return expect.Source{Requested: true, Declared: true}
		}
		return source(v.req, results, collector, family)
	}
	own := func(name string, fn metric.SampleFunc) { sink.VisitSamples(name, noneReserved, fn) }
	if v.expect != nil {
		v.expect.Observe(own)
		v.expect.Finish(find, e.expectations, sink)
	}
	if v.req.Observe != nil {
		v.req.Observe(own)
	}
	if v.req.Health == nil {
		return
	}
	if v.health != nil {
		v.health.Observe(own)
	}
	if v.req.Health.Own != nil {
		v.req.Health.Own(own)
	}
	report := v.req.Health.Rules.Report(v.health, find)
	if v.req.Health.Export {
		report.Emit(e.health, sink)
	}
	if v.req.Health.Report != nil {
		v.req.Health.Report(report)
	}
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
