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

// A State says how a run of a collector went, in one word.
type State string

// Every run ends with one of these.
const (
	OK      State = "ok"      // all was read
	Partial State = "partial" // some parts could not be read, the rest is served
	NoData  State = "no_data" // the host does not have what the collector reads
	Failed  State = "error"   // the collector gave up
	Timeout State = "timeout" // the collector is late; what it reads is not served
	Panic   State = "panic"   // the collector has a bug; what it read is not served
)

// Success is what node_scrape_collector_success tells of a reason: whether
// the samples are to be trusted as far as they go.
func (r State) Success() bool { return r == OK || r == Partial }

// A Status is what is known of a Unit at one moment.
type Status struct {
	State    State // of the last run; empty before the first
	Err      error // why the reason is not ok, if it is known
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

	mu        sync.Mutex
	last      *metric.Sink // text of the last run that may be served
	status    Status
	abandoned *flight.Run[outcome] // the run that was told late
	kept      [2]outcome           // the last run of each mode
}

// An Option is one setting of a collector, as text, and as it stands in a
// configuration file.
type Option struct{ Name, Value, YAML string }

var _ prometheus.Collector = (*Unit)(nil)

// outcome is what a run leaves to those who waited for it.
type outcome struct {
	mode     metric.Mode
	started  time.Time
	state    State
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

// UnitByName returns the unit of a name, or nil.
func UnitByName(units []*Unit, name string) *Unit {
	for _, u := range units {
		if u.Spec.Name == name {
			return u
		}
	}
	return nil
}

// Set returns the families that the collector has declared.
func (u *Unit) Set() *metric.Set { return u.set }

// Status returns what is known of the unit now.
func (u *Unit) Status() Status {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.status
}

// update is the one run: it is never called twice at the same time.
func (u *Unit) update(mode metric.Mode) outcome {
	u.work.Reset(mode)
	started := time.Now()
	err := u.updateRecovering(deadline{context.Background(), started.Add(u.Timeout)})
	out := outcome{mode: mode, started: started, duration: time.Since(started)}

	parts, more := u.work.Errors()
	var panicked *flight.PanicError
	switch {
	case errors.As(err, &panicked):
		out.state = Panic
		u.work.Reset(mode)
		_ = level.Error(u.log).Log("msg", "Collector panicked", "err", err, "stack", panicked.Stack)
	case errors.Is(err, ErrNoData):
		out.state = NoData
	case err != nil, len(parts) > 0 && u.work.SampleCount() == 0:
		out.state = Failed
	case len(parts) > 0:
		out.state = Partial
	default:
		out.state = OK
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

func (u *Unit) updateRecovering(ctx context.Context) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = flight.NewPanicError(p)
		}
	}()
	return u.collector.Update(ctx, u.work)
}

// finish publishes a run: its text, and its state.
func (u *Unit) finish(out outcome, err error, parts []error, more int) {
	u.mu.Lock()
	defer u.mu.Unlock()
	s := &u.status
	s.Finished, s.Duration, s.Samples = u.now(), out.duration, u.work.SampleCount()
	s.Stuck = time.Time{}
	s.Errors += uint64(len(parts) + more)
	if err != nil && out.state != NoData {
		s.Errors++
	}
	if out.state == Panic {
		s.Panics++
	}
	u.setState(out.state, joined(err, parts, more))
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

// setState notes the reason of a run, and logs it when it is not that of the
// run before: what stays broken is told once, not at every scrape.
func (u *Unit) setState(reason State, err error) {
	s := &u.status
	s.Err = err
	if reason == s.State {
		return
	}
	first := s.State == ""
	s.State, s.Since = reason, u.now()
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
	return u.AppendTextObserving(b, want, nil)
}

// AppendTextObserving is AppendText that has feed look at the samples of the same
// run, unless it is nil. Feed must not keep what it is given.
func (u *Unit) AppendTextObserving(b []byte, want metric.Filter, feed func(metric.Samples)) []byte {
	u.mu.Lock()
	defer u.mu.Unlock()
	if feed != nil {
		feed(func(name string, look metric.SampleFunc) { u.last.VisitSamples(name, u.reserved, look) })
	}
	return u.last.AppendText(b, want, u.reserved)
}

// Describe implements prometheus.Collector. A unit whose families are not all
// known in advance describes none, which makes it an unchecked collector.
func (u *Unit) Describe(ch chan<- *prometheus.Desc) {
	if u.set.IsDynamic() {
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
		r.Abandon()
	}
	for _, m := range result.Metrics {
		ch <- m
	}
}
