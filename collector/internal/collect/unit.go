package collect

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/hostexporter/host_exporter/collector/internal/flight"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

// A State is the result of a collector's run in one word.
type State string

// The states of a run.
const (
	OK      State = "ok"      // everything was read
	Partial State = "partial" // some parts could not be read, the rest is served
	NoData  State = "no_data" // the host does not have what the collector reads
	Failed  State = "error"   // the collector returned an error, or read no part
	Timeout State = "timeout" // the run is late and is not served
	Panic   State = "panic"   // the collector has a bug; the run is not served
)

// Success returns the value of node_scrape_collector_success for a state:
// whether the samples can be trusted.
func (s State) Success() bool { return s == OK || s == Partial }

// A Status is a snapshot of a Unit.
type Status struct {
	State       State     // of the last run; empty before the first
	Err         error     // the error of a state other than OK, if there is one
	Since       time.Time // when State last changed
	Finished    time.Time // when the last run ended
	Duration    time.Duration
	SampleCount int
	LateSince   time.Time // when the run in progress began, if it is late; otherwise zero

	Errors        uint64 // failed runs, and parts that could not be read
	Panics        uint64
	DroppedSeries uint64 // series of all runs in excess of the maximum
}

// A Unit is one enabled collector. It implements prometheus.Collector, and
// keeps its own state.
//
// A Unit is safe for concurrent use. Concurrent callers share one run, so that
// two servers that scrape at once cost one reading.
type Unit struct {
	Spec    Spec
	Options []Option // in effect
	Paths   []string // values of options that are paths
	Timeout time.Duration
	// Interval is the maximum age of an outcome that is served again. Zero
	// means that every reading starts a run.
	Interval time.Duration
	// MaxSeries is the maximum number of series of a run; 0 means no limit.
	MaxSeries int
	// Declared is that of Env. Without one, it is Reserved.
	Declared func(name string) bool

	set       *metric.Set
	collector Collector
	log       log.Logger
	now       func() time.Time
	flight    flight.Flight[outcome]
	runs      [2]func() (outcome, error) // by mode
	built     time.Time
	since     atomic.Int64 // when the scrape of the run in progress began, in nanoseconds after built

	runSinks [2]*metric.Sink // by mode; that of the run in progress belongs to it

	mu           sync.Mutex
	lastSinks    [2]*metric.Sink // of the last run that may be served, by mode
	status       Status
	abandonedRun *flight.Run[outcome] // the last run that Abandon counted
	cache        [2]outcome           // of the last run, by mode
	names        []string             // of the declared families that the last run served
	omitted      map[string]bool      // external families that OmitSeries has logged
}

// An Option is one option of a collector with its value, as text and as written
// in a configuration file.
type Option struct{ Name, Value, YAML string }

var _ prometheus.Collector = (*Unit)(nil)

// An outcome is what a run returns to its callers.
type outcome struct {
	mode     metric.Mode
	started  time.Time
	state    State
	duration time.Duration
	metrics  []prometheus.Metric
	families Families // in metrics mode
	drops    []metric.Drop
}

// Families are the families that one or more runs serve.
type Families struct {
	Names    []string // of declared families
	External []External
}

// An External is an external family with the unit that emitted it.
type External struct {
	*metric.ExternalFamily
	Unit *Unit
}

// NewUnit builds the collector of a Spec with the given options.
func NewUnit(spec Spec, h *host.Host, logger log.Logger, reserved func(string) bool, options map[string][]string) (*Unit, error) {
	set := metric.NewSet()
	u := &Unit{
		Spec:      spec,
		Timeout:   spec.Timeout,
		MaxSeries: DefaultMaxSeries,
		Declared:  reserved,
		set:       set,
		log:       log.With(logger, "collector", spec.Name),
		now:       h.Now,
		flight:    flight.Flight[outcome]{Source: h.Calls.Source()},
		built:     time.Now(),
		runSinks:  [2]*metric.Sink{metric.Text: metric.NewSink(set)},
		lastSinks: [2]*metric.Sink{metric.Text: metric.NewSink(set)},
	}
	if u.Timeout == 0 {
		u.Timeout = DefaultTimeout
	}
	for _, mode := range []metric.Mode{metric.Text, metric.Metrics} {
		u.runs[mode] = func() (outcome, error) { return u.update(mode), nil }
	}
	var err error
	env := &Env{Host: h, Metrics: set, Log: u.log, Reserved: reserved}
	env.Declared = func(name string) bool { return u.Declared(name) }
	u.collector, err = spec.Build.New(env, options)
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
		if f.IsPath {
			u.Paths = append(u.Paths, paths(f.Value)...)
		}
	}
	return u, nil
}

// paths returns the paths that an option has.
func paths(v Value) []string {
	if list, ok := v.(*Strings); ok {
		return list.All()
	}
	return slices.DeleteFunc([]string{v.String()}, func(p string) bool { return p == "" })
}

// UnitByName returns the unit with a name, or nil.
func UnitByName(units []*Unit, name string) *Unit {
	for _, u := range units {
		if u.Spec.Name == name {
			return u
		}
	}
	return nil
}

// UseWorkers makes workers do the runs, instead of a goroutine for each. It must
// not be called once runs have begun.
func (u *Unit) UseWorkers(w *flight.Workers) { u.flight.Workers = w }

// Set returns the families that the collector has declared.
func (u *Unit) Set() *metric.Set { return u.set }

// Status returns the unit's current status.
func (u *Unit) Status() Status {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.status
}

// update does one run. It is never called twice at the same time.
func (u *Unit) update(mode metric.Mode) outcome {
	if u.runSinks[mode] == nil { // few clients want metrics mode
		u.runSinks[mode], u.lastSinks[mode] = metric.NewSink(u.set), metric.NewSink(u.set)
	}
	sink := u.runSinks[mode]
	sink.Reset(mode)
	sink.Guard(u.MaxSeries, u.lastSinks[mode])
	started := time.Now()
	ctx := &runContext{deadline: started.Add(u.Timeout)}
	if since := u.since.Load(); since >= 0 {
		ctx.since = u.built.Add(time.Duration(since))
	}
	err := u.updateRecovering(ctx, sink)
	sink.Finish()
	out := outcome{mode: mode, started: started, duration: time.Since(started), drops: sink.Drops()}

	parts, more := sink.Errors()
	if len(parts) > 0 && errors.Is(err, ErrNoData) {
		err = nil // what could not be read is not absent
	}
	var panicked *flight.PanicError
	switch {
	case errors.As(err, &panicked):
		out.state, out.drops = Panic, nil
		sink.Reset(mode)
		if u.Status().State != Panic { // a lasting bug is not logged at every scrape
			_ = level.Error(u.log).Log("msg", "Collector panicked", "err", err, "stack", panicked.Stack)
		}
	case errors.Is(err, ErrNoData):
		out.state = NoData
	case err != nil, len(parts) > 0 && sink.SampleCount() == 0 && len(out.drops) == 0:
		out.state = Failed
	case len(parts) > 0, len(out.drops) > 0:
		out.state = Partial
	default:
		out.state = OK
	}
	if len(out.drops) > 0 {
		parts = append([]error{u.dropError(out.drops, sink.SampleCount())}, parts...)
	}
	if mode == metric.Metrics {
		out.metrics = sink.TakeMetrics(allReserved)
		u.appendFamilies(&out.families, sink)
	}
	u.finish(out, sink, err, parts, more)
	return out
}

// maxNamedDrops is the maximum number of dropped families that an error names.
const maxNamedDrops = 5

// dropError returns the error of a run that dropped families, and exports a
// number of series.
func (u *Unit) dropError(drops []metric.Drop, exported int) error {
	total := exported
	var names []string
	for i, d := range drops {
		total += d.SeriesCount
		if i < maxNamedDrops {
			names = append(names, fmt.Sprintf("%s (%d)", d.Name, d.SeriesCount))
		}
	}
	if more := len(drops) - maxNamedDrops; more > 0 {
		names = append(names, fmt.Sprintf("%d more", more))
	}
	if total <= u.MaxSeries {
		return fmt.Errorf("the last run had more than %d series: dropped %s once more", u.MaxSeries, strings.Join(names, ", "))
	}
	return fmt.Errorf("want at most %d series, have %d: dropped %s: to export more, set --collector.max-series=%s=N",
		u.MaxSeries, total, strings.Join(names, ", "), u.Spec.Name)
}

// A runContext has a deadline but is never done. Most collectors wait in
// system calls, which nothing can cancel, and a timer for each run would be a
// considerable part of the cost of a scrape. A collector that makes calls that
// can be cancelled derives a context with context.WithDeadline.
type runContext struct {
	deadline time.Time
	since    time.Time // when the scrape began; zero: not known
}

func (c *runContext) Deadline() (time.Time, bool) { return c.deadline, true }
func (c *runContext) Done() <-chan struct{}       { return nil }
func (c *runContext) Err() error                  { return nil }

func (c *runContext) Value(key any) any {
	if key == (host.SinceKey{}) {
		return &c.since
	}
	return nil
}

func (u *Unit) updateRecovering(ctx context.Context, out *metric.Sink) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = flight.NewPanicError(p)
		}
	}()
	return u.collector.Update(ctx, out)
}

// finish publishes the text and the state of a run, and logs a change of the
// state.
func (u *Unit) finish(out outcome, sink *metric.Sink, err error, parts []error, more int) {
	u.publish(out, sink, err, parts, more).log(u.log)
}

func (u *Unit) publish(out outcome, sink *metric.Sink, err error, parts []error, more int) stateChange {
	u.mu.Lock()
	defer u.mu.Unlock()
	s := &u.status
	s.Finished, s.Duration, s.SampleCount = u.now(), out.duration, sink.SampleCount()
	s.LateSince = time.Time{}
	s.Errors += uint64(len(parts) + more)
	if err != nil && out.state != NoData {
		s.Errors++
	}
	if out.state == Panic {
		s.Panics++
	}
	for _, d := range out.drops {
		s.DroppedSeries += uint64(d.SeriesCount)
	}
	change := u.setState(out.state, joinErrors(err, parts, more))
	u.names = sink.AppendNames(u.names[:0])
	u.runSinks[out.mode], u.lastSinks[out.mode] = u.lastSinks[out.mode], sink
	u.runSinks[out.mode].Release()
	u.cache[out.mode] = outcome{}
	if u.Interval > 0 { // without an interval it would hold a host's metrics in memory for nothing
		u.cache[out.mode] = out
	}
	return change
}

// joinErrors joins the error of a run and those of its parts in one line.
func joinErrors(err error, parts []error, more int) error {
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

// setState sets the state of a run. It is called under the lock; the returned
// change is logged without it.
func (u *Unit) setState(state State, err error) stateChange {
	s := &u.status
	change := stateChange{s.State, state, err}
	s.Err = err
	if change.before != state {
		s.State, s.Since = state, u.now()
	}
	return change
}

// A stateChange is the state of a run and that of the run before.
type stateChange struct {
	before, state State
	err           error
}

// log logs the state only if it differs from the one before: a lasting failure
// is not logged at every scrape.
func (c stateChange) log(logger log.Logger) {
	if c.state == c.before {
		return
	}
	switch c.state {
	case OK:
		if c.before != "" && c.before != NoData {
			_ = level.Info(logger).Log("msg", "Collector recovered")
		}
	case NoData:
		_ = level.Debug(logger).Log("msg", "Collector has no data on this host", "err", c.err)
	case Partial:
		_ = level.Warn(logger).Log("msg", "Collector could not read everything", "err", c.err)
	default:
		_ = level.Error(logger).Log("msg", "Collector failed", "state", c.state, "err", c.err)
	}
}

// appendFamilies appends the families that a run serves.
func (u *Unit) appendFamilies(all *Families, sink *metric.Sink) {
	all.Names = sink.AppendNames(all.Names)
	for _, f := range sink.External() {
		all.External = append(all.External, External{f, u})
	}
}

// Serves reports whether the last run served a declared family of a name.
func (u *Unit) Serves(name string) bool {
	if !u.set.Has(name) {
		return false
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	return slices.Contains(u.names, name)
}

// OmitSeries logs that series of an external family are omitted because the
// exporter itself has them; once for each family.
func (u *Unit) OmitSeries(family string, n int) {
	if u.isFirstOmission(family) {
		_ = level.Warn(u.log).Log("msg", "Series of the exporter's own name dropped", "family", family, "series", n)
	}
}

func (u *Unit) isFirstOmission(family string) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.omitted[family] {
		return false
	}
	if u.omitted == nil {
		u.omitted = map[string]bool{}
	}
	u.omitted[family] = true
	return true
}

// AppendText appends the text of the last run in text mode. A reading in that
// mode must have been waited for. External families of declared names are left
// out.
func (u *Unit) AppendText(b []byte, want metric.Filter) []byte {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.lastSinks[metric.Text].AppendText(b, want, u.Declared)
}

// AppendDeclared is AppendText without external families. It appends those, and
// the names of the others, to families, and passes the samples of the others to
// observe, unless it is nil. Observe must not retain them. It returns the
// families that the run dropped.
func (u *Unit) AppendDeclared(b []byte, want metric.Filter, families *Families, observe func(metric.Samples)) ([]byte, []metric.Drop) {
	u.mu.Lock()
	defer u.mu.Unlock()
	last := u.lastSinks[metric.Text]
	u.appendFamilies(families, last)
	if observe != nil {
		observe(func(name string, fn metric.SampleFunc) { last.VisitSamples(name, allReserved, fn) })
	}
	return last.AppendText(b, want, allReserved), last.Drops()
}

func allReserved(string) bool { return true }

// Describe implements prometheus.Collector. A unit whose descriptions are not
// all known in advance has none, which makes it an unchecked collector.
func (u *Unit) Describe(ch chan<- *prometheus.Desc) {
	if !u.set.IsFixed() {
		return
	}
	for _, f := range u.set.Families() {
		ch <- f.Desc()
	}
}

// Collect implements prometheus.Collector. It never sends an invalid metric: a
// collector that is late or fails only loses samples of its own.
func (u *Unit) Collect(ch chan<- prometheus.Metric) {
	r := u.Begin(metric.Metrics)
	result, ok := r.Wait(context.Background(), r.Deadline().Add(u.Timeout))
	if !ok {
		r.Abandon()
	}
	metrics := result.Metrics
	for _, f := range result.Families.External {
		if !u.Declared(f.Name()) {
			metrics = f.AppendMetrics(metrics)
		}
	}
	for _, m := range metrics {
		ch <- m
	}
}
