package collect

import (
	"context"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/hostexporter/host_exporter/collector/internal/flight"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

// A Reading is a run that somebody waits for.
type Reading struct {
	unit *Unit
	mode metric.Mode
	run  *flight.Run[outcome] // nil: what was kept will do
	kept outcome
}

// A Result is what became of a Reading.
type Result struct {
	State    State
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
	good := k.state == OK || k.state == Partial || k.state == NoData
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
	return r.run.StartTime.Add(r.unit.Timeout)
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
			return Result{State: Panic}, true
		}
		if out.mode == r.mode {
			return out.result(), true
		}
		// Somebody else had it read for the other road: it is our turn now.
		r.run = r.unit.start(r.mode)
	}
}

func (o outcome) result() Result {
	return Result{o.state, o.duration, time.Since(o.started), o.metrics}
}

// Abandon tells that nobody waits for the reading any longer.
func (r *Reading) Abandon() Result {
	u := r.unit
	now := time.Now()
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.abandoned != r.run && u.flight.Current() == r.run {
		u.abandoned = r.run
		u.status.Stuck = r.run.StartTime
		u.status.Errors++
		u.setState(Timeout, fmt.Errorf("no answer after %v", now.Sub(r.run.StartTime).Round(time.Millisecond)))
	}
	return Result{State: Timeout, Duration: now.Sub(r.run.StartTime)}
}
