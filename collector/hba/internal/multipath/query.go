package multipath

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/hostexporter/host_exporter/collector/internal/flight"
	"github.com/hostexporter/host_exporter/collector/internal/host"
)

// queryTimeout is how long a query may take, maxAge how old an answer may be to
// stand in for a newer one.
const (
	queryTimeout = time.Second
	maxAge       = 5 * time.Minute
)

var errNoAnswerYet = errors.New("no answer yet")

// A cachedQuery queries a source at each scrape, one query at a time, and keeps
// the last good answer. A scrape waits for queryTimeout; after an answer that
// took longer no scrape waits, until one came in time: a source that hangs costs
// one scrape a second, and the others nothing.
//
// It is for one caller at a time, whom a query may outlast.
type cachedQuery[T any] struct {
	flight flight.Flight[T]

	mu      sync.Mutex
	last    T
	started time.Time // when the query of the last good answer started; zero: there is none
	slow    bool      // the last answer did not come in time
}

func newCachedQuery[T any](h *host.Host) cachedQuery[T] {
	return cachedQuery[T]{flight: flight.Flight[T]{Source: h.Calls.Source()}}
}

// run queries the source, and returns why there is no new answer.
func (q *cachedQuery[T]) run(ctx context.Context, now time.Time, query func() (T, error)) error {
	run, _ := q.flight.Go(func() (T, error) {
		v, err := query()
		q.keep(v, now, err)
		return v, err
	})
	until := run.StartTime.Add(queryTimeout)
	if q.isSlow() {
		until = run.StartTime
	}
	if deadline, ok := ctx.Deadline(); ok { // leave the caller time for the rest
		if latest := deadline.Add(-time.Until(deadline) / 10); latest.Before(until) {
			until = latest
		}
	}
	if !run.Wait(ctx, until) {
		q.setSlow()
		return run.Unfinished(errNoAnswerYet)
	}
	_, err := run.Result()
	return err
}

func (q *cachedQuery[T]) keep(v T, started time.Time, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	var late interface{ Timeout() bool }
	q.slow = errors.As(err, &late) && late.Timeout()
	if err == nil {
		q.last, q.started = v, started
	}
}

func (q *cachedQuery[T]) isSlow() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.slow
}

func (q *cachedQuery[T]) setSlow() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.slow = true
}

// answer returns the last good answer and its age, and whether there ever was
// one.
func (q *cachedQuery[T]) answer(now time.Time) (v T, age time.Duration, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.last, max(now.Sub(q.started), 0), !q.started.IsZero()
}
