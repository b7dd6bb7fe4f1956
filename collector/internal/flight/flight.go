// Package flight is the one concurrency primitive of the exporter: one run at a
// time, shared by all callers that arrive meanwhile, and abandoned by a caller
// whose deadline passes. A system call that hangs cannot be cancelled, but the
// exporter can stop waiting for it and need not start a second one. Deadlines,
// isolation of hung devices, and scrapes that share a run follow from that.
package flight

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"
	"time"
)

// A Flight runs functions one after another. The zero value is ready. It is
// safe for concurrent use.
type Flight[T any] struct {
	Source  *Source  // of the places for the runs; nil: no bound
	Workers *Workers // run the functions; nil: each has a goroutine of its own

	mu    sync.Mutex
	run   *Run[T]
	spare *Run[T] // for the next run
}

// A Run is one call of a function, in progress or finished.
type Run[T any] struct {
	StartTime time.Time
	queued    chan struct{} // closed when the run has its place; nil: it had one from the start
	flight    *Flight[T]
	fn        func() (T, error)
	value     T
	err       error

	// Of these, the flight has the lock.
	callers  int           // of Go that have not called Release
	finished bool          // value and err are set
	done     chan struct{} // closed when finished; made by Done
}

// A PanicError is the error of a run whose function panicked.
type PanicError struct {
	Value any
	Stack []byte
}

// NewPanicError returns the error of a panic with the recovered value p. Call it
// in the function that recovers: it records the stack.
func NewPanicError(p any) error { return &PanicError{p, debug.Stack()} }

func (e *PanicError) Error() string { return fmt.Sprintf("panic: %v", e.Value) }

// ErrQueued is the reason for an absent result of a run that is Queued.
var ErrQueued = errors.New("not read, too many reads hang")

// Go returns the run in progress, or starts fn in a goroutine when there is
// none: at once, or when there is a place for it. It never blocks. It reports
// whether the run is new.
func (f *Flight[T]) Go(fn func() (T, error)) (run *Run[T], started bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.run != nil {
		f.run.callers++
		return f.run, false
	}
	run = f.spare
	if f.spare = nil; run == nil {
		run = &Run[T]{}
	}
	run.StartTime, run.queued, run.flight, run.fn, run.callers = time.Now(), f.Source.acquire(), f, fn, 1
	f.run = run
	f.Workers.start(run)
	return run, true
}

// do implements task.
func (r *Run[T]) do() {
	if r.queued != nil {
		<-r.queued
	}
	defer func() {
		if p := recover(); p != nil {
			r.err = NewPanicError(p)
		}
		f := r.flight
		f.Source.release()
		f.mu.Lock()
		defer f.mu.Unlock()
		f.run, r.finished = nil, true
		if r.done != nil {
			close(r.done)
		}
	}()
	r.value, r.err = r.fn()
}

// Current returns the run in progress, or nil.
func (f *Flight[T]) Current() *Run[T] {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.run
}

// yields is how often Wait yields the processor before it sets a timer: most
// runs have finished by then.
const yields = 3

// Done returns a channel that is closed when the run has finished.
func (r *Run[T]) Done() <-chan struct{} {
	r.flight.mu.Lock()
	defer r.flight.mu.Unlock()
	if r.done == nil {
		r.done = make(chan struct{})
		if r.finished {
			close(r.done)
		}
	}
	return r.done
}

func (r *Run[T]) isFinished() bool {
	r.flight.mu.Lock()
	defer r.flight.mu.Unlock()
	return r.finished
}

// Release ends the use of the run by one caller of Go. A run that has finished and
// that all its callers have released is used again for the next one: half of the
// garbage of a scrape was runs. A caller that does not release leaves it to the
// garbage collector.
func (r *Run[T]) Release() {
	f := r.flight
	f.mu.Lock()
	defer f.mu.Unlock()
	if r.callers--; r.callers == 0 && r.finished {
		*r = Run[T]{}
		f.spare = r
	}
}

// Queued reports whether the run waits for a place: the runs that hold places
// hang.
func (r *Run[T]) Queued() bool {
	if r.queued == nil {
		return false
	}
	select {
	case <-r.queued:
		return false
	default:
		return true
	}
}

// Unfinished returns the error of a run that has not finished: ErrQueued if it
// is queued, otherwise late.
func (r *Run[T]) Unfinished(late error) error {
	if r.Queued() {
		return ErrQueued
	}
	return late
}

// Result returns what the function returned. Call it only after the run has
// finished.
func (r *Run[T]) Result() (T, error) { return r.value, r.err }

// Wait waits until the run has finished, the deadline passes or ctx is done, and
// reports whether the run has finished. With a deadline in the past it does not
// wait, and still reports true for a run that has finished.
func (r *Run[T]) Wait(ctx context.Context, deadline time.Time) bool {
	for range yields {
		if r.isFinished() {
			return true
		}
		runtime.Gosched()
	}
	remaining := time.Until(deadline)
	if remaining <= 0 {
		return false
	}
	timer := time.NewTimer(remaining)
	defer timer.Stop()
	select {
	case <-r.Done():
		return true
	case <-timer.C:
	case <-ctx.Done():
	}
	return false
}
