package scheduler

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	dto "github.com/prometheus/client_model/go"

	"github.com/hostexporter/host_exporter/collector/checks/internal/definition"
)

// every returns a check that is due in each interval.
func every(name string, interval time.Duration) definition.Definition {
	d := definition.New(name)
	d.Command = []string{"/bin/true"}
	d.Interval = interval
	d.Timeout = min(d.Timeout, interval)
	return d
}

// A testScheduler is a scheduler with a fake runner.
type testScheduler struct {
	*Scheduler
	t *testing.T

	mu               sync.Mutex
	play             func(ctx context.Context, d definition.Definition) Outcome
	runs             map[string][]time.Time
	inProgressByName map[string]int // runs in progress
	maxInProgress    int            // at the same time
	inProgress       int
}

// newTestScheduler returns a started scheduler.
func newTestScheduler(t *testing.T, o Options, play func(context.Context, definition.Definition) Outcome) *testScheduler {
	t.Helper()
	s := &testScheduler{t: t, play: play, runs: map[string][]time.Time{}, inProgressByName: map[string]int{}}
	o.Run = s.run
	o.Hostname = "host"
	s.Scheduler = New(o)
	s.Start()
	t.Cleanup(func() {
		if err := s.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return s
}

func (s *testScheduler) run(ctx context.Context, d definition.Definition) Outcome {
	s.mu.Lock()
	s.runs[d.Name] = append(s.runs[d.Name], time.Now())
	if s.inProgressByName[d.Name]++; s.inProgressByName[d.Name] > 1 {
		s.t.Errorf("%s overlaps itself", d.Name)
	}
	s.inProgress++
	s.maxInProgress = max(s.maxInProgress, s.inProgress)
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		s.inProgressByName[d.Name]--
		s.inProgress--
		s.mu.Unlock()
	}()
	return s.play(ctx, d)
}

func (s *testScheduler) apply(defs ...definition.Definition) {
	s.t.Helper()
	if err := s.Apply(defs); err != nil {
		s.t.Fatal(err)
	}
	synctest.Wait()
}

// state returns the state of a check.
func (s *testScheduler) state(name string) State {
	s.t.Helper()
	synctest.Wait()
	all := s.States(nil)
	i := slices.IndexFunc(all, func(st State) bool { return st.Definition.Name == name })
	if i < 0 {
		s.t.Fatalf("there is no check %s", name)
	}
	return all[i]
}

func (s *testScheduler) started(name string) []time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.runs[name])
}

// sleep waits on the fake clock.
func sleep(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

// runFor returns a runner whose runs take this long and publish a value.
func runFor(d time.Duration) func(context.Context, definition.Definition) Outcome {
	return func(ctx context.Context, def definition.Definition) Outcome {
		select {
		case <-time.After(d):
			return outcomeWith(def.Name, 1)
		case <-ctx.Done():
			return Outcome{Reason: Signal}
		}
	}
}

// outcomeWith returns the outcome of a run that publishes one series.
func outcomeWith(name string, value float64) Outcome {
	family := &dto.MetricFamily{
		Name: &name, Type: dto.MetricType_GAUGE.Enum(),
		Metric: []*dto.Metric{{Gauge: &dto.Gauge{Value: &value}}},
	}
	return Outcome{HasExitCode: true, Families: []*dto.MetricFamily{family}}
}

// value returns the value that a check publishes.
func (s State) value(t *testing.T) float64 {
	t.Helper()
	if s.Publication == nil {
		t.Fatalf("%s has nothing published", s.Definition.Name)
	}
	return s.Publication.Families[0].Metric[0].Gauge.GetValue()
}

func TestFirstRunAndInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		s := newTestScheduler(t, Options{}, runFor(time.Second))
		a, b := every("a", time.Minute), every("b", time.Minute)
		s.apply(a, b)
		sleep(10 * time.Minute)
		var first []time.Duration
		for _, d := range []definition.Definition{a, b} {
			times, _ := d.Schedule("host")
			due := times.First(start)
			first = append(first, due.Sub(start))
			runs := s.started(d.Name)
			if len(runs) != 10 {
				t.Errorf("%s ran %d times", d.Name, len(runs))
			}
			for i, at := range runs {
				if want := due.Add(time.Duration(i) * time.Minute); !at.Equal(want) {
					t.Errorf("%s: run %d at %v, want %v", d.Name, i, at, want)
				}
			}
		}
		if first[0] == first[1] || max(first[0], first[1]) >= time.Minute {
			t.Errorf("the first runs are after %v", first)
		}
	})
}

func TestNoOverlap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestScheduler(t, Options{}, runFor(25*time.Second))
		d := every("a", 10*time.Second)
		d.Timeout = 10 * time.Second // which the fake run ignores; it is not stuck before the grace period
		d.KillGrace = 10 * time.Second
		s.apply(d)
		sleep(time.Until(s.state("a").Next)) // it starts
		sleep(time.Minute - time.Nanosecond)
		// Slots at 0, 10, 20, 30, 40 and 50: runs from 0 to 25 and from 30 to 55.
		st := s.state("a")
		if len(s.started("a")) != 2 || fmt.Sprint(st.Skips) != "[{running 4}]" || st.Runs != 2 {
			t.Errorf("%d started, %+v", len(s.started("a")), st)
		}
	})
}

func TestConcurrencyLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestScheduler(t, Options{Concurrency: 2, SlowConcurrency: 1}, runFor(7*time.Second))
		var defs []definition.Definition
		for i := range 6 {
			d := every(fmt.Sprintf("c%d", i), 20*time.Second)
			d.Slow = i == 5
			defs = append(defs, d)
		}
		s.apply(defs...)
		sleep(10 * time.Minute)
		if s.maxInProgress != 3 {
			t.Errorf("%d ran at the same time, want 2 and a slow one", s.maxInProgress)
		}
		// Five checks of 7 s need 35 s of every 20 s, and have two slots.
		for _, d := range defs {
			if st := s.state(d.Name); st.Runs < 28 || st.Skips != nil {
				t.Errorf("%s: %d runs, skipped %v", d.Name, st.Runs, st.Skips)
			}
		}
	})
}

func TestSkippedWhileQueued(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestScheduler(t, Options{Concurrency: 1}, func(ctx context.Context, d definition.Definition) Outcome {
			if d.Name == "hog" {
				return runFor(55*time.Second)(ctx, d)
			}
			return runFor(time.Second)(ctx, d)
		})
		hog, small := every("hog", time.Hour), every("small", 10*time.Second)
		hog.Timeout = time.Hour
		s.apply(hog)
		sleep(time.Until(s.state("hog").Next))
		s.apply(hog, small)
		sleep(60 * time.Second)
		st := s.state("small")
		// It waits from its first slot, before 10 s, to 55 s; the slots 10, 20, 30,
		// 40 and perhaps 50 s later are skipped.
		busy := uint64(0)
		for at := s.firstOf(small) + 10*time.Second; at < 55*time.Second; at += 10 * time.Second {
			busy++
		}
		if len(st.Skips) != 1 || st.Skips[0] != (Count{"busy", busy}) || st.Runs < 1 {
			t.Errorf("skipped %v, want busy %d; %d runs", st.Skips, busy, st.Runs)
		}
	})
}

// firstOf returns how long after Apply the first slot of a check is.
func (s *testScheduler) firstOf(d definition.Definition) time.Duration {
	times, err := d.Schedule("host")
	if err != nil {
		s.t.Fatal(err)
	}
	now := time.Now()
	return times.First(now).Sub(now)
}

// TestTwoHundredChecks runs 200 checks every 10 s.
func TestTwoHundredChecks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestScheduler(t, Options{}, runFor(100*time.Millisecond))
		var defs []definition.Definition
		for i := range 200 {
			defs = append(defs, every(fmt.Sprintf("c%03d", i), 10*time.Second))
		}
		s.apply(defs...)
		sleep(2*time.Minute + 5*time.Second) // the last ones may wait for a slot
		for _, d := range defs {
			st := s.state(d.Name)
			if st.Runs < 12 || st.Runs > 13 || st.Skips != nil || st.Failures != nil {
				t.Errorf("%s: %d runs, skipped %v, failed %v", d.Name, st.Runs, st.Skips, st.Failures)
			}
		}
		if s.maxInProgress != 4 {
			t.Errorf("%d at the same time", s.maxInProgress)
		}
	})
}

func TestTTL(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		next := outcomeWith("a", 7)
		s := newTestScheduler(t, Options{}, func(context.Context, definition.Definition) Outcome {
			mu.Lock()
			defer mu.Unlock()
			return next
		})
		s.apply(every("a", time.Minute)) // ttl: 3 minutes
		if st := s.state("a"); st.HasRun || st.HasPublished || st.Publication != nil {
			t.Errorf("before the first run: %+v", st)
		}
		sleep(time.Until(s.state("a").Next))
		ran := time.Now()
		mu.Lock()
		next = Outcome{Reason: Exit, HasExitCode: true, ExitCode: 3, Families: outcomeWith("a", 8).Families}
		mu.Unlock()
		sleep(3*time.Minute - time.Nanosecond)
		st := s.state("a")
		if st.value(t) != 7 || st.Up() || st.LastOutcome.ExitCode != 3 || fmt.Sprint(st.Failures) != "[{exit 2}]" || !st.LastSuccess.Equal(ran) || st.Series != 1 {
			t.Errorf("failing for almost 3 minutes: %+v", st)
		}
		sleep(time.Nanosecond)
		if st := s.state("a"); st.Publication != nil || !st.HasPublished || st.Series != 0 {
			t.Errorf("failing for 3 minutes: %+v", st)
		}
		mu.Lock()
		next = outcomeWith("a", 9)
		mu.Unlock()
		sleep(time.Minute)
		if st := s.state("a"); st.value(t) != 9 || !st.Up() {
			t.Errorf("recovered: %+v", st)
		}
	})
}

func TestSuspension(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		hangs := true
		s := newTestScheduler(t, Options{}, func(context.Context, definition.Definition) Outcome {
			mu.Lock()
			defer mu.Unlock()
			if hangs {
				return Outcome{Reason: Timeout}
			}
			return outcomeWith("a", 1)
		})
		s.apply(every("a", 10*time.Minute))
		sleep(time.Until(s.state("a").Next))
		start := time.Now()
		sleep(8 * time.Hour)
		var minutes []int
		for _, at := range s.started("a") {
			minutes = append(minutes, int(at.Sub(start)/time.Minute))
		}
		// After the fifth, at 40 minutes, the pause is 20 minutes; then 40; then an hour.
		if have := fmt.Sprint(minutes); have != "[0 10 20 30 40 60 100 160 220 280 340 400 460]" {
			t.Errorf("runs at minutes %s", have)
		}
		st := s.state("a")
		if !st.Suspended || fmt.Sprint(st.Skips) != "[{suspended 36}]" {
			t.Errorf("%+v", st)
		}
		// 480 minutes passed: the next run is at 520.
		if want := start.Add(520 * time.Minute); !st.Next.Equal(want) {
			t.Errorf("next at %v, want %v", st.Next, want)
		}
		mu.Lock()
		hangs = false
		mu.Unlock()
		sleep(61 * time.Minute)
		if st := s.state("a"); st.Suspended || !st.Up() || time.Until(st.Next) > 10*time.Minute {
			t.Errorf("after a success: %+v", st)
		}
	})
}

func TestStuck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		s := newTestScheduler(t, Options{Concurrency: 1}, func(ctx context.Context, d definition.Definition) Outcome {
			if d.Name == "dead" {
				<-release
			}
			return outcomeWith(d.Name, 1)
		})
		s.apply(every("dead", time.Minute), every("other", time.Minute))
		sleep(5 * time.Minute)
		st := s.state("dead")
		if fmt.Sprint(st.Failures) != "[{stuck 1}]" || !st.Running || !st.Suspended || len(s.started("dead")) != 1 {
			t.Errorf("stuck: %+v", st)
		}
		if st := s.state("other"); st.Runs < 4 {
			t.Errorf("another check waits for the stuck one: %+v", st)
		}
		close(release)
		synctest.Wait()
		if st := s.state("dead"); st.Running || st.Runs != 1 {
			t.Errorf("when the stuck run ended: %+v", st)
		}
	})
}

func TestPanicFailsOneRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestScheduler(t, Options{}, func(context.Context, definition.Definition) Outcome { panic("bug") })
		s.apply(every("a", time.Minute))
		sleep(3 * time.Minute)
		if st := s.state("a"); st.Runs != 3 || fmt.Sprint(st.Failures) != "[{spawn 3}]" || st.LastOutcome.Err.Error() != "panic: bug" {
			t.Errorf("%+v", st)
		}
	})
}
