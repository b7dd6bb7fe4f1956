package flight

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func inTenSeconds() time.Time { return time.Now().Add(10 * time.Second) }

func TestRunsNeverOverlapAndAreShared(t *testing.T) {
	var f Flight[int]
	var running, runs atomic.Int32
	release := make(chan struct{})
	fn := func() (int, error) {
		if running.Add(1) != 1 {
			t.Error("two runs at once")
		}
		<-release
		running.Add(-1)
		return int(runs.Add(1)), nil
	}
	first, started := f.Go(fn)
	if !started {
		t.Fatal("the first call did not start a run")
	}
	var wg, joined sync.WaitGroup
	for range 20 {
		joined.Add(1)
		wg.Go(func() {
			r, started := f.Go(fn)
			joined.Done()
			if started || r != first {
				t.Error("a second run during the first")
			}
			if !r.Wait(t.Context(), inTenSeconds()) {
				t.Error("not finished")
			}
			if v, err := r.Result(); v != 1 || err != nil {
				t.Errorf("result %d, %v", v, err)
			}
		})
	}
	if first.Wait(t.Context(), time.Now().Add(-time.Second)) {
		t.Error("a blocked run is reported as finished")
	}
	if f.Current() != first {
		t.Error("the run in progress is not the current one")
	}
	joined.Wait()
	close(release)
	wg.Wait()
	if f.Current() != nil {
		t.Error("a finished run is still current")
	}
	if r, started := f.Go(fn); !started || !r.Wait(t.Context(), inTenSeconds()) {
		t.Error("no new run after the first")
	} else if v, _ := r.Result(); v != 2 {
		t.Errorf("result %d, want 2", v)
	}
}

func TestWaitEndsAtDeadlineAndCancellation(t *testing.T) {
	var f Flight[int]
	release := make(chan struct{})
	r, _ := f.Go(func() (int, error) { <-release; return 0, nil })
	if r.Wait(t.Context(), time.Now().Add(time.Millisecond)) {
		t.Error("finished before its release")
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if r.Wait(cancelled, inTenSeconds()) {
		t.Error("finished before its release")
	}
	close(release)
	if !r.Wait(t.Context(), inTenSeconds()) {
		t.Error("never finished")
	}
	if !r.Wait(t.Context(), time.Time{}) {
		t.Error("a finished run is reported as unfinished after the deadline")
	}
}

func TestPanicIsAnError(t *testing.T) {
	var f Flight[int]
	r, _ := f.Go(func() (int, error) { panic("boom") })
	if !r.Wait(t.Context(), inTenSeconds()) {
		t.Fatal("never finished")
	}
	var p *PanicError
	if _, err := r.Result(); !errors.As(err, &p) || p.Error() != "panic: boom" || len(p.Stack) == 0 {
		t.Errorf("err = %v", err)
	}
	if f.Current() != nil {
		t.Error("a run that panicked is still current")
	}
}

func TestReleasedRunIsUsedAgain(t *testing.T) {
	var f Flight[int]
	begin := func(fn func() (int, error)) *Run[int] {
		r, _ := f.Go(fn)
		return r
	}
	finish := func(r *Run[int], want int) {
		t.Helper()
		if !r.Wait(t.Context(), inTenSeconds()) {
			t.Fatal("not finished")
		}
		if v, err := r.Result(); v != want || err != nil {
			t.Errorf("result %d, %v, want %d", v, err, want)
		}
	}
	one := func() (int, error) { return 1, nil }
	release := make(chan struct{})
	first := begin(func() (int, error) { <-release; return 0, nil })
	if begin(one) != first {
		t.Fatal("a second run during the first")
	}
	first.Release() // by one of two callers, before it has finished
	close(release)
	finish(first, 0)
	second := begin(one)
	if second == first {
		t.Error("a run is used again that a caller has not released")
	}
	finish(first, 0)
	finish(second, 1)
	second.Release()
	if third := begin(one); third != second {
		t.Error("a run that its caller has released is not used again")
	} else {
		finish(third, 1)
	}
	first.Release()
}

func TestReleaseDoesNotAllocate(t *testing.T) {
	f := Flight[[10]int]{Workers: NewWorkers()}
	fn := func() (v [10]int, err error) { return v, nil }
	n := testing.AllocsPerRun(100, func() {
		r, _ := f.Go(fn)
		for !r.isFinished() {
			r.Wait(t.Context(), time.Time{})
		}
		r.Release()
	})
	if n >= 1 {
		t.Errorf("%v allocations for a run, want none", n)
	}
}
