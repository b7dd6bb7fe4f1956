package hba

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/hostexporter/host_exporter/collector/internal/flight"
)

// How long a source of the state of paths may take for an answer, and how old
// an answer may be to be served for want of a newer one.
const (
	askBudget = time.Second
	askMaxAge = 5 * time.Minute
)

var errNoAnswerYet = errors.New("no answer yet")

// An asker asks a question again and again, once at a time, and keeps the last
// good answer. Who asks waits for the budget; after an answer that took longer
// than that nobody waits, until one came in time: a source that hangs costs one
// scrape a second, and no scrape more than that.
//
// It is for one who asks, but what it asks may outlast the asking.
type asker[T any] struct {
	flight flight.Flight[T]

	mu    sync.Mutex
	last  T
	taken time.Time // when the last good answer was asked for; zero: there is none
	slow  bool      // the last answer did not come in time
}

// ask asks, and returns what is wrong if there is no new answer.
func (a *asker[T]) ask(ctx context.Context, now time.Time, question func() (T, error)) error {
	run, _ := a.flight.Go(func() (T, error) {
		v, err := question()
		a.keep(v, now, err)
		return v, err
	})
	until := run.StartTime.Add(askBudget)
	if a.isSlow() {
		until = run.StartTime
	}
	if deadline, ok := ctx.Deadline(); ok { // in time to answer who asks
		if latest := deadline.Add(-time.Until(deadline) / 10); latest.Before(until) {
			until = latest
		}
	}
	if !run.Wait(ctx, until) {
		a.setSlow()
		return errNoAnswerYet
	}
	_, err := run.Result()
	return err
}

func (a *asker[T]) keep(v T, asked time.Time, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	var late interface{ Timeout() bool }
	a.slow = errors.As(err, &late) && late.Timeout()
	if err == nil {
		a.last, a.taken = v, asked
	}
}

func (a *asker[T]) isSlow() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.slow
}

func (a *asker[T]) setSlow() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.slow = true
}

// answer returns the last good answer and its age, and whether there ever was
// one.
func (a *asker[T]) answer(now time.Time) (v T, age time.Duration, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.last, max(now.Sub(a.taken), 0), !a.taken.IsZero()
}
