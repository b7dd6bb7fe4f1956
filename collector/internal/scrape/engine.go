package scrape

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/expect"
	"github.com/hostexporter/host_exporter/collector/internal/health"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

// slots is the maximum number of units that read at once. More do not help:
// reading /proc and /sys takes kernel CPU time, and contends for kernel locks.
const slots = 4

// slotTime is how long a unit keeps its slot. A unit that takes longer waits
// for something other than a CPU. It goes on without a slot, so that hung units
// do not delay the others.
const slotTime = 50 * time.Millisecond

// An Engine scrapes units. It is safe for concurrent use.
type Engine struct {
	set          *metric.Set
	duration     *metric.Family
	success      *metric.Family
	state        *metric.Family
	errors       *metric.Family
	drops        *metric.Family
	panics       *metric.Family
	age          *metric.Family
	expectations *expect.Families
	health       *metric.Family
	scratch      sync.Pool // of *scratch
	onScrape     []func(*metric.Sink)
}

// A scratch holds buffers that scrapes reuse.
type scratch struct {
	own      *metric.Sink // the engine's own samples
	families collect.Families
	served   map[string]bool // by the names of external families
	readings []collect.Reading
	results  []collect.Result
	waited   []bool // by reading: whether it has its result
}

// NewEngine returns an Engine.
func NewEngine() *Engine {
	set := metric.NewSet()
	return &Engine{
		set:          set,
		duration:     set.Gauge("node_scrape_collector_duration_seconds", "Duration of the collector's run; of a late run, its duration so far.", "collector"),
		success:      set.Gauge("node_scrape_collector_success", "Whether the collector succeeded, possibly without some parts that could not be read.", "collector"),
		state:        set.Gauge("host_exporter_collector_state", "State of the collector's last run, always 1: ok, partial, no_data, error, timeout or panic.", "collector", "reason"),
		errors:       set.Counter("host_exporter_collector_errors_total", "Failed runs of the collector, and parts that it could not read; absent without any.", "collector"),
		drops:        set.Counter("host_exporter_series_dropped_total", "Series left out because the collector exceeds --collector.max-series; absent without any.", "collector"),
		age:          set.Gauge("host_exporter_collector_age_seconds", "Age of the collector's samples; only of collectors with an interval.", "collector"),
		panics:       set.Counter("host_exporter_collector_panics_total", "Runs that ended in a panic."),
		expectations: expect.Declare(set),
		health:       health.Declare(set),
		scratch:      sync.Pool{New: func() any { return &scratch{own: metric.NewSink(set), served: map[string]bool{}} }},
	}
}

// Families returns the families that the engine itself emits.
func (e *Engine) Families() *metric.Set { return e.set }

// OnScrape adds a function that emits samples of families in Families at every
// scrape. It must not be called once scrapes have begun. Scrapes call fn
// concurrently.
func (e *Engine) OnScrape(fn func(out *metric.Sink)) { e.onScrape = append(e.onScrape, fn) }

// AppendText scrapes and appends the exposition in text format. It returns b
// unchanged if ctx is done before.
func (e *Engine) AppendText(ctx context.Context, b []byte, req Request) []byte {
	buffers := e.scratch.Get().(*scratch)
	defer e.scratch.Put(buffers)
	results := e.run(ctx, metric.Text, req, buffers)
	defer clear(results)
	if ctx.Err() != nil {
		return b
	}
	if req.Buffer != nil {
		b = req.Buffer()
	}
	families, own := &buffers.families, buffers.own
	families.Names = families.Names[:0]
	clear(families.External)
	families.External = families.External[:0]
	evaluation := beginEvaluation(req)
	for i, u := range req.Units {
		if hasSamples(results[i].State) {
			b, results[i].Drops = u.AppendDeclared(b, req.Want, families, evaluation.observe)
		}
	}
	own.Reset(metric.Text)
	e.emitState(own, req.Units, results)
	clear(buffers.served)
	served := serveExternal(families, own, buffers.served)
	for _, f := range served {
		if req.Want == nil || req.Want(f.Name()) {
			b = f.AppendText(b)
		}
	}
	evaluation.observeExternal(served)
	evaluation.emit(e, own, results)
	return own.AppendText(b, req.Want, noneReserved)
}

// Observe scrapes without rendering: for what the request does with the samples.
func (e *Engine) Observe(ctx context.Context, req Request) {
	req.Want = func(string) bool { return false }
	e.AppendText(ctx, nil, req)
}

// serveExternal returns the external families to serve: those whose names no
// collector serves in the same scrape, and of several of a name the first. Series of
// the exporter's own families join these in the sink, except those that the exporter
// has itself. Served is an empty map.
func serveExternal(families *collect.Families, own *metric.Sink, served map[string]bool) []collect.External {
	if len(families.External) == 0 {
		return nil
	}
	// There are many names without an external family, or many external families, but
	// one look at each of them is enough.
	for _, f := range families.External {
		served[f.Name()] = false
	}
	for _, name := range families.Names {
		if _, external := served[name]; external {
			served[name] = true
		}
	}
	all := families.External[:0]
	for _, f := range families.External {
		name := f.Name()
		switch {
		case served[name]:
		case own.Serves(name):
			if omitted := own.Join(f.ExternalFamily); omitted > 0 {
				f.Unit.OmitSeries(name, omitted)
			}
		default:
			served[name] = true
			all = append(all, f)
		}
	}
	return all
}

// Collector returns a collector that makes the scrape when it is collected. It
// is an unchecked collector.
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
	results := c.engine.run(c.ctx, metric.Metrics, c.req, &scratch{})
	if c.req.Buffer != nil {
		c.req.Buffer()
	}
	evaluation := beginEvaluation(c.req)
	var families collect.Families
	for i, r := range results {
		for _, m := range r.Metrics {
			ch <- m
		}
		families.Names = append(families.Names, r.Families.Names...)
		families.External = append(families.External, r.Families.External...)
		if evaluation.observe != nil {
			evaluation.observe(c.req.Units[i].Set().SamplesOf(r.Metrics))
		}
	}
	own := metric.NewSink(c.engine.set)
	own.Reset(metric.Metrics)
	c.engine.emitState(own, c.req.Units, results)
	served := serveExternal(&families, own, map[string]bool{})
	evaluation.observeExternal(served)
	evaluation.emit(c.engine, own, results)
	metrics := own.Metrics(noneReserved)
	for _, f := range served {
		metrics = f.AppendMetrics(metrics)
	}
	for _, m := range metrics {
		ch <- m
	}
}

func noneReserved(string) bool { return false }

// hasSamples reports whether the samples of a run in a state are served: those
// before an error are, those of a late run and before a panic are not.
func hasSamples(s collect.State) bool { return s != collect.Timeout && s != collect.Panic }

// run starts all units and waits for each until its own deadline or that of the
// request, whichever is first. The results are in a buffer.
func (e *Engine) run(ctx context.Context, mode metric.Mode, req Request, buffers *scratch) []collect.Result {
	started, deadline := time.Now(), req.Deadline
	if deadline.IsZero() {
		deadline = started.Add(time.Hour)
	}
	readings := resize(&buffers.readings, len(req.Units))
	defer clear(readings)
	results := resize(&buffers.results, len(req.Units))
	hasResult := resize(&buffers.waited, len(req.Units))
	oldest := 0
	for i, u := range req.Units {
		if i-oldest == slots {
			results[oldest], hasResult[oldest] = readings[oldest].Wait(ctx, earliest(deadline, time.Now().Add(slotTime)))
			oldest++
		}
		readings[i] = u.BeginSince(mode, started)
	}
	for i := range readings {
		r := &readings[i]
		if hasResult[i] {
			continue
		}
		if results[i], hasResult[i] = r.Wait(ctx, deadline); hasResult[i] {
			continue
		}
		if ctx.Err() != nil { // the client disconnected: the unit is not late
			results[i] = collect.Result{State: collect.Timeout}
			continue
		}
		results[i] = r.Abandon()
	}
	return results
}

// resize returns a slice of n zero elements in a buffer.
func resize[T any](buffer *[]T, n int) []T {
	*buffer = slices.Grow((*buffer)[:0], n)[:n]
	clear(*buffer)
	return *buffer
}

func earliest(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// emitState emits the state of each unit, and the samples of the OnScrape
// functions.
func (e *Engine) emitState(out *metric.Sink, units []*collect.Unit, results []collect.Result) {
	var panics uint64
	for i, u := range units {
		name, r, status := u.Spec.Name, results[i], u.Status()
		if r.State != collect.NoData || !u.Spec.Native { // alerts list the collectors of node_exporter that have no data
			out.Emit(e.duration, float64(r.Duration.Microseconds())/1e6, name)
			out.Bool(e.success, r.State.Success() || r.State == collect.NoData && u.Spec.NoDataIsSuccess, name)
		}
		out.Emit(e.state, 1, name, string(r.State))
		if status.Errors > 0 { // most collectors of most hosts never have any
			out.Emit(e.errors, float64(status.Errors), name)
		}
		if status.DroppedSeries > 0 {
			out.Emit(e.drops, float64(status.DroppedSeries), name)
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
