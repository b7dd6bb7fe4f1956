// Package flight holds the one concurrency primitive of the exporter: one run
// at a time, shared by whoever asks meanwhile, and abandoned by those who can
// wait no longer.
//
// A system call that hangs cannot be cancelled. What can be done is not to
// wait for it, and not to start a second one. Deadlines, isolation of hung
// devices, and scrapes that share their work all follow from that.
package flight

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"
	"time"
)

// A Flight runs functions one after another. The zero value is ready. It is
// safe for concurrent use.
type Flight[T any] struct {
	mu  sync.Mutex
	run *Run[T]
}

// A Run is one call of a function, in progress or finished.
type Run[T any] struct {
	StartTime time.Time
	done      chan struct{}
	value     T
	err       error
}

// A PanicError is what a run ends with when its function panics.
type PanicError struct {
	Value any
	Stack []byte
}

// NewPanicError returns the error of a panic that was recovered with value p. It
// is to be called by the function that recovers, for the stack.
func NewPanicError(p any) error { return &PanicError{p, debug.Stack()} }

func (e *PanicError) Error() string { return fmt.Sprintf("panic: %v", e.Value) }

// Go joins the run in progress, or starts fn in a goroutine of its own when
// there is none. It never blocks. started tells which of the two happened.
func (f *Flight[T]) Go(fn func() (T, error)) (run *Run[T], started bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.run != nil {
		return f.run, false
	}
	r := &Run[T]{StartTime: time.Now(), done: make(chan struct{})}
	f.run = r
	go func() {
		defer func() {
			if p := recover(); p != nil {
				r.err = NewPanicError(p)
			}
			f.mu.Lock()
			f.run = nil
			f.mu.Unlock()
			close(r.done)
		}()
		r.value, r.err = fn()
	}()
	return r, true
}

// Current returns the run in progress, or nil.
func (f *Flight[T]) Current() *Run[T] {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.run
}

// patience is how often others are let through before a timer is set: most
// runs need nothing but their turn, and are over by then.
const patience = 3

// Done is closed when the run has finished.
func (r *Run[T]) Done() <-chan struct{} { return r.done }

// Result returns what the function returned. It may be called after Done.
func (r *Run[T]) Result() (T, error) { return r.value, r.err }

// Wait waits for the run until the deadline or until ctx is done, and reports
// whether it has finished. A run that has finished is told so however late the
// question comes; for one that has not, a deadline in the past does not wait.
func (r *Run[T]) Wait(ctx context.Context, deadline time.Time) bool {
	for range patience {
		select {
		case <-r.done:
			return true
		default:
			runtime.Gosched()
		}
	}
	left := time.Until(deadline)
	if left <= 0 {
		return false
	}
	timer := time.NewTimer(left)
	defer timer.Stop()
	select {
	case <-r.done:
		return true
	case <-timer.C:
	case <-ctx.Done():
	}
	return false
}
