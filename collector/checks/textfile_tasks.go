package checks

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/hostexporter/host_exporter/collector/internal/flight"
)

// taskPatience is for how long a task delays those after it.
const taskPatience = 50 * time.Millisecond

// textfileTasks run functions that may hang, each by itself: one that hangs costs only
// its own result. They are not safe for concurrent use.
type textfileTasks[T any] struct {
	calls      *flight.Source
	maxPending int // maximum number of tasks of one owner that hang; of all but root, 16 times that
	timeout    time.Duration
	tasks      map[string]*textfileTask[T] // by key
}

func newTextfileTasks[T any](calls *flight.Source, maxPending int, timeout time.Duration) textfileTasks[T] {
	return textfileTasks[T]{calls: calls, maxPending: maxPending, timeout: timeout, tasks: map[string]*textfileTask[T]{}}
}

// A textfileTask is one function. No second run starts while one hangs.
type textfileTask[T any] struct {
	key    string
	owner  uint32 // the user who can make it hang
	run    func() (T, error)
	done   func(T, error)
	flight flight.Flight[T]
}

// do runs tasks and passes the result of each to its done, in the order of the tasks but
// for slow ones, which are last. A late task has an error; the timeout counts from the
// start of its run, so that only one scrape waits for a run that hangs.
func (t *textfileTasks[T]) do(ctx context.Context, tasks []textfileTask[T]) {
	deadline := time.Now().Add(t.timeout)
	pending := t.pending()
	var slow []func()
	for i := range tasks {
		next := &tasks[i]
		task, running := t.tasks[next.key]
		if !running {
			if !t.awaitRoom(ctx, pending, next.owner, deadline) {
				next.done(*new(T), fmt.Errorf("%s: not read: others of user %d do not answer", next.key, next.owner))
				continue
			}
			task = &textfileTask[T]{owner: next.owner, flight: flight.Flight[T]{Source: t.calls}}
			t.tasks[next.key] = task
		}
		run, started := task.flight.Go(next.run)
		if run.Wait(ctx, earlier(run.StartTime.Add(taskPatience), deadline)) {
			delete(t.tasks, next.key)
			next.done(run.Result())
			continue
		}
		if started {
			pending[next.owner] = append(pending[next.owner], run)
		}
		slow = append(slow, func() {
			if !run.Wait(ctx, run.StartTime.Add(t.timeout)) {
				next.done(*new(T), fmt.Errorf("%s: %w", next.key, run.Unfinished(fmt.Errorf("no answer after %v", t.timeout))))
				return
			}
			delete(t.tasks, next.key)
			next.done(run.Result())
		})
	}
	for _, wait := range slow {
		wait()
	}
}

// pending returns the runs of earlier scrapes that have not returned, by owner, and
// forgets tasks that have.
func (t *textfileTasks[T]) pending() map[uint32][]*flight.Run[T] {
	all := map[uint32][]*flight.Run[T]{}
	for key, task := range t.tasks {
		if run := task.flight.Current(); run != nil {
			all[task.owner] = append(all[task.owner], run)
		} else {
			delete(t.tasks, key)
		}
	}
	return all
}

// awaitRoom waits until the owner has less than maxPending runs that have not returned,
// and reports whether that is so.
func (t *textfileTasks[T]) awaitRoom(ctx context.Context, pending map[uint32][]*flight.Run[T], owner uint32, deadline time.Time) bool {
	all := 0
	for _, runs := range pending {
		all += len(runs)
	}
	if owner != 0 && all >= 16*t.maxPending {
		return false
	}
	for len(pending[owner]) >= t.maxPending {
		oldest := pending[owner][0]
		if !oldest.Wait(ctx, earlier(oldest.StartTime.Add(t.timeout), deadline)) {
			pending[owner] = slices.DeleteFunc(pending[owner], isDone[T])
			return len(pending[owner]) < t.maxPending
		}
		pending[owner] = pending[owner][1:]
	}
	return true
}

func isDone[T any](run *flight.Run[T]) bool {
	select {
	case <-run.Done():
		return true
	default:
		return false
	}
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
