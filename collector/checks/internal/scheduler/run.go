package scheduler

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/hostexporter/host_exporter/collector/checks/internal/definition"
	"github.com/hostexporter/host_exporter/collector/internal/flight"
)

// stuckMargin is how much longer than its timeout and its grace a run may take
// before it is told stuck. Runners end in time by themselves, and tell what
// cannot be ended; this is for one that does not.
const stuckMargin = 10 * time.Second

// class returns the slots that a check takes one of.
func (s *Scheduler) class(def definition.Definition) *slots {
	if def.Slow {
		return &s.slots[1]
	}
	return &s.slots[0]
}

// dispatch starts the runs that wait for a slot, as long as there are slots.
func (s *Scheduler) dispatch(class *slots) {
	for !s.closed && class.free > 0 && len(class.queue) > 0 {
		c := class.queue[0]
		class.queue = slices.Delete(class.queue, 0, 1)
		c.waiting = false
		class.free--
		s.start(c)
	}
}

// withdraw takes a check out of the queue.
func (s *Scheduler) withdraw(c *check) {
	if c.waiting {
		class := s.class(c.def)
		class.queue = slices.DeleteFunc(class.queue, func(q *check) bool { return q == c })
		c.waiting = false
	}
}

// start starts a run, which has a slot already.
func (s *Scheduler) start(c *check) {
	ctx, cancel := context.WithCancel(context.Background())
	r := &run{check: c, def: c.def, started: time.Now(), wall: s.wall(), cancel: cancel}
	c.run = r
	r.watch = time.AfterFunc(r.def.Timeout+r.def.KillGrace+stuckMargin, func() { s.stuck(r) })
	s.running.Add(1)
	go func() {
		defer s.running.Done()
		defer cancel()
		s.finish(r, s.call(ctx, r))
	}()
}

// call runs the check. A panic costs this one run.
func (s *Scheduler) call(ctx context.Context, r *run) (out Outcome) {
	defer func() {
		if p := recover(); p != nil {
			out = Outcome{Reason: Spawn, Err: flight.NewPanicError(p)}
		}
		if out.Duration == 0 {
			out.Duration = time.Since(r.started)
		}
	}()
	return s.o.Run(ctx, r.def)
}

// finish accounts a run and lets the next one have its slot.
func (s *Scheduler) finish(r *run, out Outcome) {
	s.mu.Lock()
	defer s.unlock()
	c := r.check
	r.watch.Stop()
	c.run = nil
	if !r.ended && !r.stuck {
		s.account(c, r, out)
	}
	if c.gone {
		s.forget(c)
	}
	if c.again && !s.closed {
		c.again = false
		s.enqueue(c)
	}
	s.release(r)
}

// stuck tells that a run does not come to an end. It goes on, and no other of
// the same check is started, but it does not hold up others.
func (s *Scheduler) stuck(r *run) {
	s.mu.Lock()
	defer s.unlock()
	if r.check.run != r {
		return // it just finished
	}
	if !r.ended {
		s.account(r.check, r, Outcome{
			Reason:   Stuck,
			Err:      fmt.Errorf("no end after %v, and cannot be killed", time.Since(r.started).Round(time.Millisecond)),
			Duration: time.Since(r.started),
		})
	}
	s.release(r)
	r.stuck = true
}

// release gives the slot of a run back, once.
func (s *Scheduler) release(r *run) {
	if r.stuck {
		return
	}
	class := s.class(r.def)
	class.free++
	s.dispatch(class)
}

// end ends the run in progress of a check; nobody wants to know its outcome.
func (s *Scheduler) end(c *check) {
	s.withdraw(c)
	if c.run != nil {
		c.run.ended = true
		c.run.cancel()
	}
}
