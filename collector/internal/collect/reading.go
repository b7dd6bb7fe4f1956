package collect

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/hostexporter/host_exporter/collector/internal/flight"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

// A Reading is one caller's wait for a run of a Unit, or for its cached
// outcome.
type Reading struct {
	unit  *Unit
	mode  metric.Mode
	since time.Time
	run   *flight.Run[outcome] // nil: the outcome is cache
	cache outcome
}

// A Result is the result of a Reading.
type Result struct {
	State    State
	Duration time.Duration
	Age      time.Duration       // since the run began
	Metrics  []prometheus.Metric // of declared families, in metrics mode
	Families Families            // in metrics mode
	Drops    []metric.Drop       // families that the run dropped, the largest first
}

// Begin is BeginSince for a unit that is read by itself.
func (u *Unit) Begin(mode metric.Mode) Reading { return u.BeginSince(mode, time.Time{}) }

// BeginSince starts a run or joins the one in progress. If the last run is younger
// than the interval, its outcome is used instead. What other units have read since
// a time, when the scrape began, is not read again.
func (u *Unit) BeginSince(mode metric.Mode, since time.Time) Reading {
	if u.Interval > 0 {
		if cache, ok := u.cachedOutcome(mode); ok {
			return Reading{unit: u, mode: mode, cache: cache}
		}
	}
	return Reading{unit: u, mode: mode, since: since, run: u.start(mode, since)}
}

// cachedOutcome returns the outcome of the last run in a mode, and whether it
// may be served again. A failed run is never served again. Scrapes are not
// quite on time, so an outcome expires a little early: with an interval of four
// scrapes, every fourth scrape starts a run.
func (u *Unit) cachedOutcome(mode metric.Mode) (outcome, bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	o := u.cache[mode]
	good := o.state == OK || o.state == Partial || o.state == NoData
	return o, good && time.Since(o.started) < u.Interval-min(u.Interval/20, time.Second)
}

func (u *Unit) start(mode metric.Mode, since time.Time) *flight.Run[outcome] {
	u.since.Store(int64(since.Sub(u.built)))
	run, _ := u.flight.Go(u.runs[mode])
	return run
}

// Deadline returns when the collector's own timeout ends, or the zero time for
// a cached outcome.
func (r *Reading) Deadline() time.Time {
	if r.run == nil {
		return time.Time{}
	}
	return r.run.StartTime.Add(r.unit.Timeout)
}

// Wait waits for the result until deadline, and at most until the collector's
// own. It reports false if the deadline passes first; Wait may then be called
// again with a later one.
func (r *Reading) Wait(ctx context.Context, deadline time.Time) (Result, bool) {
	if r.run == nil {
		return r.cache.result(), true
	}
	for {
		if d := r.Deadline(); d.Before(deadline) {
			deadline = d
		}
		if !r.run.Wait(ctx, deadline) {
			return Result{}, false
		}
		out, err := r.run.Result()
		r.run.Release()
		if err != nil { // a panic outside Update, whose own panics are recovered
			out = outcome{mode: r.mode, state: Panic, started: time.Now()}
		}
		if out.mode == r.mode {
			r.run, r.cache = nil, out
			return out.result(), true
		}
		// The run that this reading joined was for the other road.
		r.run = r.unit.start(r.mode, r.since)
	}
}

func (o outcome) result() Result {
	return Result{o.state, o.duration, time.Since(o.started), o.metrics, o.families, o.drops}
}

// Abandon stops waiting. The run goes on. If the collector's own deadline has
// passed, the unit's state becomes Timeout; a deadline of the caller that is
// earlier is not the collector's failure.
func (r *Reading) Abandon() Result {
	duration := time.Since(r.run.StartTime)
	r.setLate(duration).log(r.unit.log)
	return Result{State: Timeout, Duration: duration}
}

// setLate sets the state of the unit to Timeout, once for each run.
func (r *Reading) setLate(duration time.Duration) stateChange {
	u := r.unit
	u.mu.Lock()
	defer u.mu.Unlock()
	if time.Now().Before(r.Deadline()) || u.abandonedRun == r.run || u.flight.Current() != r.run {
		return stateChange{}
	}
	u.abandonedRun = r.run
	u.status.LateSince = r.run.StartTime
	u.status.Errors++
	late := r.run.Unfinished(errors.New("no answer"))
	return u.setState(Timeout, fmt.Errorf("%w after %v", late, duration.Round(time.Millisecond)))
}
