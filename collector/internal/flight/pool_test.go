package flight

import (
	"context"
	"math"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// hang starts a run that returns when release is closed.
func hang(s *Source, inProgress *atomic.Int32, release <-chan struct{}) *Run[int] {
	f := &Flight[int]{Source: s}
	r, _ := f.Go(func() (int, error) {
		inProgress.Add(1)
		defer inProgress.Add(-1)
		<-release
		return 1, nil
	})
	return r
}

// TestPoolBoundsSourcesTogether has three sources that all hang: the first gets
// half of the places, the next ones half of the rest.
func TestPoolBoundsSourcesTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewPool(16)
		release := make(chan struct{})
		var runs []*Run[int]
		var inProgress atomic.Int32
		for i, want := range []int{8, 4, 2, 1, 1, 0} {
			s := p.Source()
			if room := s.Room(); room != want {
				t.Errorf("source %d: room for %d, want %d", i, room, want)
			}
			for range 100 {
				runs = append(runs, hang(s, &inProgress, release))
			}
			synctest.Wait()
			if s.Held() != want || s.Room() != 0 {
				t.Errorf("source %d: holds %d places, want %d; room for %d, want 0", i, s.Held(), want, s.Room())
			}
		}
		if n := inProgress.Load(); n != 16 {
			t.Errorf("%d runs in progress, want 16", n)
		}
		if !runs[99].Queued() || runs[99].Unfinished(nil) != ErrQueued || runs[0].Queued() || runs[0].Unfinished(nil) != nil {
			t.Error("the wrong runs are queued")
		}
		if runs[99].Wait(context.Background(), time.Now().Add(time.Second)) {
			t.Error("a queued run has finished")
		}
		close(release)
		for i, r := range runs {
			if !r.Wait(context.Background(), time.Now().Add(time.Second)) || r.Queued() {
				t.Errorf("run %d has not finished", i)
			}
		}
		if s := p.Source(); s.Room() != 8 {
			t.Errorf("room for %d, want 8: places are lost", s.Room())
		}
	})
}

// TestQueueOfAnotherSource queues runs of two sources: the one at its bound must
// not hold up the other.
func TestQueueOfAnotherSource(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewPool(2)
		greedy, modest := p.Source(), p.Source()
		var inProgress atomic.Int32
		forever, release := make(chan struct{}), make(chan struct{})
		defer close(forever)
		hang(greedy, &inProgress, forever)
		hang(modest, &inProgress, release)
		beyond := hang(greedy, &inProgress, forever)
		next := hang(modest, &inProgress, release)
		if !beyond.Queued() || !next.Queued() {
			t.Error("there are more places than two")
		}
		close(release)
		synctest.Wait()
		if !next.Wait(context.Background(), time.Time{}) || !beyond.Queued() {
			t.Error("the run of the other source has not got its place")
		}
	})
}

func TestPanicReturnsItsPlace(t *testing.T) {
	p := NewPool(1)
	for range 3 {
		f := Flight[int]{Source: p.Source()}
		r, _ := f.Go(func() (int, error) { panic("boom") })
		if !r.Wait(t.Context(), inTenSeconds()) || r.Queued() {
			t.Fatal("no place")
		}
	}
}

func TestNoPool(t *testing.T) {
	s := (*Pool)(nil).Source()
	if s.Room() != math.MaxInt || s.Held() != 0 {
		t.Error("a source without a pool has a bound")
	}
}
