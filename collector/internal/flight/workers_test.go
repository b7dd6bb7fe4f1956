package flight

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"testing"
	"time"
)

// idleCount returns the number of workers without a run.
func idleCount(w *Workers) int {
	w.idle.mu.Lock()
	defer w.idle.mu.Unlock()
	return len(w.idle.workers)
}

// awaitIdle waits until a number of workers is idle.
func awaitIdle(t *testing.T, w *Workers, want int) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); idleCount(w) != want; runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatalf("%d idle workers, want %d", idleCount(w), want)
		}
	}
}

// TestWorkersAreReused runs one function after another, and one that panics.
func TestWorkersAreReused(t *testing.T) {
	w := NewWorkers()
	f := Flight[int]{Workers: w}
	for i := range 10 {
		r, _ := f.Go(func() (int, error) {
			if i == 5 {
				panic("boom")
			}
			return i, nil
		})
		if !r.Wait(t.Context(), inTenSeconds()) {
			t.Fatal("never finished")
		}
		v, err := r.Result()
		var panicked *PanicError
		if i == 5 && !errors.As(err, &panicked) || i != 5 && (v != i || err != nil) {
			t.Errorf("run %d: %d, %v", i, v, err)
		}
		awaitIdle(t, w, 1)
	}
}

// TestHungRunsKeepTheirWorkers starts more runs than there are idle workers. None
// waits for another, and those that are too many end.
func TestHungRunsKeepTheirWorkers(t *testing.T) {
	const hung = 3 * maxIdleWorkers
	w := NewWorkers()
	release := make(chan struct{})
	var flights [hung]Flight[int]
	var runs []*Run[int]
	var running sync.WaitGroup
	for i := range flights {
		flights[i].Workers = w
		running.Add(1)
		r, _ := flights[i].Go(func() (int, error) { running.Done(); <-release; return i, nil })
		runs = append(runs, r)
	}
	running.Wait()
	other := Flight[int]{Workers: w}
	if r, _ := other.Go(func() (int, error) { return 1, nil }); !r.Wait(t.Context(), inTenSeconds()) {
		t.Error("a run waits for hung ones")
	}
	awaitIdle(t, w, 1)
	close(release)
	for i, r := range runs {
		if !r.Wait(context.Background(), inTenSeconds()) {
			t.Fatal("never finished")
		}
		if v, _ := r.Result(); v != i {
			t.Errorf("run %d: %d", i, v)
		}
	}
	awaitIdle(t, w, maxIdleWorkers)
}

// TestIdleWorkersEnd drops the reference to Workers.
func TestIdleWorkersEnd(t *testing.T) {
	idle := func() *idleWorkers {
		w := NewWorkers()
		f := Flight[int]{Workers: w}
		r, _ := f.Go(func() (int, error) { return 0, nil })
		r.Wait(t.Context(), inTenSeconds())
		awaitIdle(t, w, 1)
		return w.idle
	}()
	for deadline := time.Now().Add(10 * time.Second); ; {
		runtime.GC()
		idle.mu.Lock()
		closed := idle.closed && len(idle.workers) == 0
		idle.mu.Unlock()
		if closed {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("an idle worker outlives its Workers")
		}
	}
}
