// Package scrape turns units into one answer: it runs them side by side under
// one deadline, adds what there is to tell about the run itself, and hands out
// the whole as text or as prometheus.Metrics.
package scrape

import (
	"context"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/expect"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

// slots is how many units read at the same time. More gain nothing (reading
// /proc and /sys is kernel CPU time) and fight for kernel locks.
const slots = 4

// slotTime is how long a unit may keep its slot. One that takes longer waits for
// something other than a CPU; it goes on without a slot, so that any number
// of hung units cannot hold up the others.
const slotTime = 50 * time.Millisecond

// An Engine scrapes units. It is safe for concurrent use.
type Engine struct {
	set          *metric.Set
	duration     *metric.Family
	success      *metric.Family
	state        *metric.Family
	errors       *metric.Family
	panics       *metric.Family
	age          *metric.Family
	expectations *expect.Families
	sinks        sync.Pool
	onScrape     []func(*metric.Sink)
}

// NewEngine returns an engine.
func NewEngine() *Engine {
	set := metric.NewSet()
	return &Engine{
		set:          set,
		duration:     set.Gauge("node_scrape_collector_duration_seconds", "How long the collector took, or has been taking if it is late.", "collector"),
		success:      set.Gauge("node_scrape_collector_success", "Whether the collector delivered: 1 also when some parts could not be read.", "collector"),
		state:        set.Gauge("host_exporter_collector_state", "How the collector's last run went, as 1 for its reason: ok, partial, no_data, error, timeout or panic.", "collector", "reason"),
		errors:       set.Counter("host_exporter_collector_errors_total", "Runs that failed, and parts that a run could not read; absent until there is one.", "collector"),
		age:          set.Gauge("host_exporter_collector_age_seconds", "How long ago the collector read what is served: only of collectors with an interval of their own, the others read at every scrape.", "collector"),
		panics:       set.Counter("host_exporter_collector_panics_total", "Runs that ended in a panic."),
		expectations: expect.Declare(set),
		sinks:        sync.Pool{New: func() any { return metric.NewSink(set) }},
	}
}

// Families returns the families that the engine adds of its own.
func (e *Engine) Families() *metric.Set { return e.set }

// OnScrape has fn emit samples of families in Families at every scrape. It is for
// the time of building: not while scrapes are under way. Scrapes may call fn
// at the same time.
func (e *Engine) OnScrape(fn func(out *metric.Sink)) { e.onScrape = append(e.onScrape, fn) }

// A Request is one scrape.
type Request struct {
	Units    []*collect.Unit
	Want     metric.Filter // nil: all families
	Deadline time.Time     // zero: only the units' own timeouts count
	Filtered bool          // Units are not all that are enabled
	Expect   *expect.Set   // what to hold the samples against; nil: nothing
}

// AppendText scrapes and appends the exposition in text format. When ctx ends
// early, nobody is left to read the answer: it returns b as it was.
func (e *Engine) AppendText(ctx context.Context, b []byte, req Request) []byte {
	results := e.run(ctx, metric.Text, req)
	if ctx.Err() != nil {
		return b
	}
	held := beginEvaluation(req)
	for i, u := range req.Units {
		if hasSamples(results[i].State) {
			b = u.AppendTextObserving(b, req.Want, held.observe)
		}
	}
	sink := e.sinks.Get().(*metric.Sink)
	defer e.sinks.Put(sink)
	sink.Reset(metric.Text)
	e.emitState(sink, req.Units, results)
	held.emit(e, sink, results)
	return sink.AppendText(b, req.Want, noneReserved)
}

// Collector returns a collector that makes the given scrape when it is
// collected. It describes nothing: its families are known by their units.
func (e *Engine) Collector(ctx context.Context, req Request) prometheus.Collector {
	return scrapeCollector{ctx, e, req}
}

type scrapeCollector struct {
	ctx    context.Context
	engine *Engine
	req    Request
}

func (c scrapeCollector) Describe(chan<- *prometheus.Desc) {}

func (c scrapeCollector) Collect(ch chan<- prometheus.Metric) {
	results := c.engine.run(c.ctx, metric.Metrics, c.req)
	held := beginEvaluation(c.req)
	for i, r := range results {
		for _, m := range r.Metrics {
			ch <- m
		}
		if held.observe != nil {
			held.observe(c.req.Units[i].Set().SamplesOf(r.Metrics))
		}
	}
	sink := metric.NewSink(c.engine.set)
	sink.Reset(metric.Metrics)
	c.engine.emitState(sink, c.req.Units, results)
	held.emit(c.engine, sink, results)
	for _, m := range sink.Metrics(noneReserved) {
		ch <- m
	}
}

func noneReserved(string) bool { return false }

// hasSamples reports whether a run that ended so left samples to serve: all that
// a collector emitted before it gave up, but nothing of a run that is late or
// was cut off in the middle of a statement.
func hasSamples(r collect.State) bool { return r != collect.Timeout && r != collect.Panic }

// run has all units read and waits for them, each until its own deadline or
// that of the request.
func (e *Engine) run(ctx context.Context, mode metric.Mode, req Request) []collect.Result {
	deadline := req.Deadline
	if deadline.IsZero() {
		deadline = time.Now().Add(time.Hour)
	}
	readings := make([]collect.Reading, len(req.Units))
	results := make([]collect.Result, len(req.Units))
	finished := make([]bool, len(req.Units))
	oldest := 0
	for i, u := range req.Units {
		if i-oldest == slots {
			results[oldest], finished[oldest] = readings[oldest].Wait(ctx, earliest(deadline, time.Now().Add(slotTime)))
			oldest++
		}
		readings[i] = u.Begin(mode)
	}
	for i := range readings {
		r := &readings[i]
		if finished[i] {
			continue
		}
		if results[i], finished[i] = r.Wait(ctx, deadline); finished[i] {
			continue
		}
		if ctx.Err() != nil { // the client has left: the unit is not to blame
			results[i] = collect.Result{State: collect.Timeout}
			continue
		}
		results[i] = r.Abandon()
	}
	return results
}

func earliest(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// emitState emits what there is to say about the scrape.
func (e *Engine) emitState(out *metric.Sink, units []*collect.Unit, results []collect.Result) {
	var panics uint64
	for i, u := range units {
		name, r, status := u.Spec.Name, results[i], u.Status()
		out.Emit(e.duration, float64(r.Duration.Microseconds())/1e6, name)
		out.Bool(e.success, r.State.Success() || r.State == collect.NoData && u.Spec.NoDataIsSuccess, name)
		out.Emit(e.state, 1, name, string(r.State))
		if status.Errors > 0 { // most never have any, on thousands of hosts
			out.Emit(e.errors, float64(status.Errors), name)
		}
		if u.Interval > 0 && hasSamples(r.State) {
			out.Emit(e.age, r.Age.Seconds(), name)
		}
		panics += status.Panics
	}
	out.Emit(e.panics, float64(panics))
	for _, emit := range e.onScrape {
		emit(out)
	}
}
