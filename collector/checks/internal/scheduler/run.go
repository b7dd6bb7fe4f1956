package scheduler

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/hostexporter/host_exporter/collector/checks/internal/definition"
	"github.com/hostexporter/host_exporter/collector/internal/flight"
)

// stuckMargin is how much longer than its timeout and grace period a run may take
// before it counts as stuck. It is for a Runner that does not return in time.
const stuckMargin = 10 * time.Second

// class returns the slots for a check.
func (s *Scheduler) class(def definition.Definition) *slots {
	if def.Slow {
		return &s.slots[1]
	}
	return &s.slots[0]
}

// dispatch starts queued checks while slots are free.
func (s *Scheduler) dispatch(class *slots) {
	for !s.closed && class.free > 0 && len(class.queue) > 0 {
		c := class.queue[0]
		class.queue = slices.Delete(class.queue, 0, 1)
		c.waiting = false
		class.free--
		s.start(c)
	}
}

// dequeue removes a check from its queue.
func (s *Scheduler) dequeue(c *check) {
	if c.waiting {
		class := s.class(c.def)
		class.queue = slices.DeleteFunc(class.queue, func(q *check) bool { return q == c })
		c.waiting = false
	}
}

// start starts a run in a slot that the caller has taken.
func (s *Scheduler) start(c *check) {
	ctx, cancel := context.WithCancel(context.Background())
	r := &run{check: c, def: c.def, startMonotonic: time.Now(), startTime: s.wall(), cancel: cancel}
	c.run = r
	s.touch(c)
	r.stuckTimer = time.AfterFunc(r.def.Timeout+r.def.KillGrace+stuckMargin, func() { s.markStuck(r) })
	s.running.Add(1)
	go func() {
		defer s.running.Done()
		defer cancel()
		s.finish(r, s.call(ctx, r))
	}()
}

// call runs a check. A panic fails this run only.
func (s *Scheduler) call(ctx context.Context, r *run) (out Outcome) {
	defer func() {
		if p := recover(); p != nil {
			out = Outcome{Reason: Spawn, Err: flight.NewPanicError(p)}
		}
		if out.Duration == 0 {
			out.Duration = time.Since(r.startMonotonic)
		}
	}()
	return s.o.Run(ctx, r.def)
}

// finish records a run and releases its slot.
func (s *Scheduler) finish(r *run, out Outcome) {
	s.mu.Lock()
	defer s.unlockAndLog()
	c := r.check
	r.stuckTimer.Stop()
	c.run = nil
	s.touch(c)
	if !r.cancelled && !r.stuck {
		s.record(c, r, out)
	}
	if c.removed {
		s.drop(c)
	}
	if c.rerun && !s.closed {
		c.rerun = false
		s.enqueue(c)
	}
	s.release(r)
}

// markStuck records a run that does not end, and releases its slot for other
// checks. The check does not run again before that run has ended.
func (s *Scheduler) markStuck(r *run) {
	s.mu.Lock()
	defer s.unlockAndLog()
	if r.check.run != r {
		return // it has just ended
	}
	s.touch(r.check)
	if !r.cancelled {
		s.record(r.check, r, Outcome{
			Reason:   Stuck,
			Err:      fmt.Errorf("still running after %v, and cannot be killed", time.Since(r.startMonotonic).Round(time.Millisecond)),
			Duration: time.Since(r.startMonotonic),
		})
	}
	s.release(r)
	r.stuck = true
}

// release releases the slot of a run, once.
func (s *Scheduler) release(r *run) {
	if r.stuck {
		return
	}
	class := s.class(r.def)
	class.free++
	s.dispatch(class)
}

// cancel cancels the run of a check, whose outcome is not recorded.
func (s *Scheduler) cancel(c *check) {
	s.touch(c)
	s.dequeue(c)
	if c.run != nil {
		c.run.cancelled = true
		c.run.cancel()
	}
}
