package collect

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/hostexporter/host_exporter/collector/internal/flight"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

// A Reason says how a run of a collector went, in one word.
type Reason string

// Every run ends with one of these.
const (
	OK      Reason = "ok"      // all was read
	Partial Reason = "partial" // some parts could not be read, the rest is served
	NoData  Reason = "no_data" // the host does not have what the collector reads
	Failed  Reason = "error"   // the collector gave up
	Timeout Reason = "timeout" // the collector is late; what it reads is not served
	Panic   Reason = "panic"   // the collector has a bug; what it read is not served
)

// Success is what node_scrape_collector_success tells of a reason: whether
// the samples are to be trusted as far as they go.
func (r Reason) Success() bool { return r == OK || r == Partial }

// A Status is what is known of a Unit at one moment.
type Status struct {
	Reason   Reason // of the last run; empty before the first
	Err      error  // why the reason is not ok, if it is known
	Since    time.Time
	Finished time.Time // when the last run ended
	Duration time.Duration
	Samples  int
	Stuck    time.Time // when the run in progress began, if it is late

	Errors uint64 // failed runs, and parts that could not be read
	Panics uint64
}

// A Unit is one enabled collector. It is an ordinary prometheus.Collector,
// and it knows its own state.
//
// A Unit is safe for concurrent use. Those who ask at the same time share one
// run, so that two servers that scrape cost one reading.
type Unit struct {
	Spec    Spec
	Options []Option // in effect
	Timeout time.Duration
	// Interval is how old what was read may be when it is served again. Zero
	// means that every reading reads.
	Interval time.Duration

	set       *metric.Set
	collector Collector
	log       log.Logger
	reserved  func(string) bool
	now       func() time.Time
	flight    flight.Flight[outcome]

	work *metric.Sink // belongs to the run in progress

	mu     sync.Mutex
	last   *metric.Sink // text of the last run that may be served
	status Status
	late   *flight.Run[outcome] // the run that was told late
	kept   [2]outcome           // the last run of each mode
}

// An Option is one setting of a collector, as text, and as it stands in a
// configuration file.
type Option struct{ Name, Value, YAML string }

var _ prometheus.Collector = (*Unit)(nil)

// outcome is what a run leaves to those who waited for it.
type outcome struct {
	mode     metric.Mode
	started  time.Time
	reason   Reason
	duration time.Duration
	metrics  []prometheus.Metric
}

// NewUnit builds the collector of a Spec with the given options.
func NewUnit(spec Spec, h *host.Host, logger log.Logger, reserved func(string) bool, options map[string][]string) (*Unit, error) {
	set := metric.NewSet()
	u := &Unit{
		Spec:     spec,
		Timeout:  spec.Timeout,
		set:      set,
		log:      log.With(logger, "collector", spec.Name),
		reserved: reserved,
		now:      h.Now,
		work:     metric.NewSink(set),
		last:     metric.NewSink(set),
	}
	if u.Timeout == 0 {
		u.Timeout = DefaultTimeout
	}
	var err error
	u.collector, err = spec.Build.New(&Env{Host: h, Metrics: set, Log: u.log, Reserved: reserved}, options)
	if err != nil {
		return nil, fmt.Errorf("collector %s: %w", spec.Name, err)
	}
	for _, f := range spec.Build.Fields() {
		for _, v := range options[f.Name] {
			if err := f.Value.Set(v); err != nil {
				return nil, fmt.Errorf("collector %s: %s: %w", spec.Name, f.Name, err)
			}
		}
		u.Options = append(u.Options, Option{f.Name, f.Value.String(), YAML(f.Value)})
	}
	return u, nil
}

// Set returns the families that the collector has declared.
func (u *Unit) Set() *metric.Set { return u.set }

// Status returns what is known of the unit now.
func (u *Unit) Status() Status {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.status
}

// A Reading is a run that somebody waits for.
type Reading struct {
	unit *Unit
	mode metric.Mode
	run  *flight.Run[outcome] // nil: what was kept will do
	kept outcome
}

// A Result is what became of a Reading.
type Result struct {
	Reason   Reason
	Duration time.Duration
	Age      time.Duration       // since the run began
	Metrics  []prometheus.Metric // in metrics mode
}

// Begin starts a run, or joins the one in progress, unless the last one is not
// older than the interval.
func (u *Unit) Begin(mode metric.Mode) Reading {
	if u.Interval > 0 {
		if kept, fresh := u.fresh(mode); fresh {
			return Reading{unit: u, mode: mode, kept: kept}
		}
	}
	return Reading{unit: u, mode: mode, run: u.start(mode)}
}

// fresh returns the last run of a mode when it may be served again. Scrapes are
// never quite on time: a run counts as old a little early, so that an interval
// of four scrapes means every fourth scrape. What failed is tried again.
func (u *Unit) fresh(mode metric.Mode) (outcome, bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	k := u.kept[mode]
	good := k.reason == OK || k.reason == Partial || k.reason == NoData
	return k, good && time.Since(k.started) < u.Interval-min(u.Interval/20, time.Second)
}

func (u *Unit) start(mode metric.Mode) *flight.Run[outcome] {
	run, _ := u.flight.Go(func() (outcome, error) { return u.update(mode), nil })
	return run
}

// Deadline returns when the reading is late.
func (r *Reading) Deadline() time.Time {
	if r.run == nil {
		return time.Time{}
	}
	return r.run.Started.Add(r.unit.Timeout)
}

// Wait waits for the reading until the deadline, and not beyond the
// collector's own. It reports false when the deadline came first; a later call
// with a later deadline may still have it.
func (r *Reading) Wait(ctx context.Context, deadline time.Time) (Result, bool) {
	if r.run == nil {
		return r.kept.result(), true
	}
	for {
		if own := r.Deadline(); own.Before(deadline) {
			deadline = own
		}
		if !r.run.Wait(ctx, deadline) {
			return Result{}, false
		}
		out, err := r.run.Result()
		if err != nil { // of the machinery around Update, which recovers itself
			return Result{Reason: Panic}, true
		}
		if out.mode == r.mode {
			return out.result(), true
		}
		// Somebody else had it read for the other road: it is our turn now.
		r.run = r.unit.start(r.mode)
	}
}

func (o outcome) result() Result {
	return Result{o.reason, o.duration, time.Since(o.started), o.metrics}
}

// GiveUp tells that nobody waits for the reading any longer.
func (r *Reading) GiveUp() Result {
	u := r.unit
	now := time.Now()
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.late != r.run && u.flight.Current() == r.run {
		u.late = r.run
		u.status.Stuck = r.run.Started
		u.status.Errors++
		u.become(Timeout, fmt.Errorf("no answer after %v", now.Sub(r.run.Started).Round(time.Millisecond)))
	}
	return Result{Reason: Timeout, Duration: now.Sub(r.run.Started)}
}

// update is the one run: it is never called twice at the same time.
func (u *Unit) update(mode metric.Mode) outcome {
	u.work.Reset(mode)
	started := time.Now()
	err := u.guard(deadline{context.Background(), started.Add(u.Timeout)})
	out := outcome{mode: mode, started: started, duration: time.Since(started)}

	parts, more := u.work.Errors()
	var panicked *flight.PanicError
	switch {
	case errors.As(err, &panicked):
		out.reason = Panic
		u.work.Reset(mode)
		_ = level.Error(u.log).Log("msg", "Collector panicked", "err", err, "stack", panicked.Stack)
	case errors.Is(err, ErrNoData):
		out.reason = NoData
	case err != nil, len(parts) > 0 && u.work.Samples() == 0:
		out.reason = Failed
	case len(parts) > 0:
		out.reason = Partial
	default:
		out.reason = OK
	}
	if mode == metric.Metrics {
		out.metrics = u.work.Metrics(u.reserved)
	}
	u.finish(out, err, parts, more)
	return out
}

// deadline is a context that knows its end and does not tell it: most
// collectors sit in system calls, which nothing can cancel, and a timer for
// each run would be a fair part of what a scrape costs. What can be cancelled
// makes a context of its own, with context.WithDeadline.
type deadline struct {
	context.Context
	at time.Time
}

func (d deadline) Deadline() (time.Time, bool) { return d.at, true }

func (u *Unit) guard(ctx context.Context) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = flight.Recovered(p)
		}
	}()
	return u.collector.Update(ctx, u.work)
}

// finish publishes a run: its text, and its state.
func (u *Unit) finish(out outcome, err error, parts []error, more int) {
	u.mu.Lock()
	defer u.mu.Unlock()
	s := &u.status
	s.Finished, s.Duration, s.Samples = u.now(), out.duration, u.work.Samples()
	s.Stuck = time.Time{}
	s.Errors += uint64(len(parts) + more)
	if err != nil && out.reason != NoData {
		s.Errors++
	}
	if out.reason == Panic {
		s.Panics++
	}
	u.become(out.reason, joined(err, parts, more))
	if out.mode == metric.Text {
		u.work, u.last = u.last, u.work
		u.work.Release()
	}
	u.kept[out.mode] = outcome{}
	if u.Interval > 0 { // or nobody will ask, and a host's metrics are large
		u.kept[out.mode] = out
	}
}

func joined(err error, parts []error, more int) error {
	switch {
	case more > 0:
	case len(parts) == 0:
		return err
	case err == nil && len(parts) == 1:
		return parts[0]
	}
	var all []string
	if err != nil {
		all = append(all, err.Error())
	}
	for _, p := range parts {
		all = append(all, p.Error())
	}
	if more > 0 {
		all = append(all, fmt.Sprintf("and %d more", more))
	}
	return errors.New(strings.Join(all, "; "))
}

// become notes the reason of a run, and logs it when it is not that of the
// run before: what stays broken is told once, not at every scrape.
func (u *Unit) become(reason Reason, err error) {
	s := &u.status
	s.Err = err
	if reason == s.Reason {
		return
	}
	first := s.Reason == ""
	s.Reason, s.Since = reason, u.now()
	switch {
	case reason == NoData:
		_ = level.Debug(u.log).Log("msg", "Collector has no data on this host", "err", err)
	case reason != OK:
		_ = level.Error(u.log).Log("msg", "Collector is in trouble", "state", reason, "err", err)
	case !first:
		_ = level.Info(u.log).Log("msg", "Collector is well again")
	}
}

// AppendText appends the text of the last run that was made for the fast road.
// Somebody must have waited for one.
func (u *Unit) AppendText(b []byte, want metric.Filter) []byte {
	return u.AppendTextAnd(b, want, nil)
}

// AppendTextAnd is AppendText that has feed look at the samples of the same
// run, unless it is nil. Feed must not keep what it is given.
func (u *Unit) AppendTextAnd(b []byte, want metric.Filter, feed func(metric.Each)) []byte {
	u.mu.Lock()
	defer u.mu.Unlock()
	if feed != nil {
		feed(func(name string, look metric.Look) { u.last.Each(name, u.reserved, look) })
	}
	return u.last.AppendText(b, want, u.reserved)
}

// Describe implements prometheus.Collector. A unit whose families are not all
// known in advance describes none, which makes it an unchecked collector.
func (u *Unit) Describe(ch chan<- *prometheus.Desc) {
	if u.set.IsOpen() {
		return
	}
	for _, f := range u.set.Families() {
		ch <- f.Desc()
	}
}

// Collect implements prometheus.Collector. A collector that is late or fails
// costs its own samples only: it sends what there is, and never an invalid
// metric.
func (u *Unit) Collect(ch chan<- prometheus.Metric) {
	r := u.Begin(metric.Metrics)
	result, ok := r.Wait(context.Background(), r.Deadline().Add(u.Timeout))
	if !ok {
		r.GiveUp()
	}
	for _, m := range result.Metrics {
		ch <- m
	}
}
