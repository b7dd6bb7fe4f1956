package scheduler

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-kit/log"

	"github.com/hostexporter/host_exporter/collector/checks/internal/definition"
)

func TestApplySameDefinition(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestScheduler(t, Options{}, runFor(time.Second))
		a := every("a", time.Minute)
		s.apply(a)
		sleep(90 * time.Second)
		before := s.state("a")
		s.apply(a, every("b", time.Minute))
		s.apply(a)
		if after := s.state("a"); fmt.Sprint(after) != fmt.Sprint(before) {
			t.Errorf("have %+v\nwant %+v", after, before)
		}
		if all := s.States(nil); len(all) != 1 {
			t.Errorf("%d checks, want one", len(all))
		}
	})
}

// TestApplyWhileRunning changes a check in the middle of a run.
func TestApplyWhileRunning(t *testing.T) {
	for _, tc := range []struct {
		name   string
		change func(*definition.Definition)
		values bool // keeps published values
		again  bool // starts another run at once
	}{
		{"limits", func(d *definition.Definition) { d.Memory = 1 << 20; d.TTL = time.Hour }, true, true},
		{"interval", func(d *definition.Definition) { d.Interval = 2 * time.Minute }, true, true},
		{"labels", func(d *definition.Definition) { d.Labels = map[string]string{"a": "b"} }, false, false},
		{"command", func(d *definition.Definition) { d.Command = []string{"/bin/other"} }, false, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newTestScheduler(t, Options{}, runFor(5*time.Second))
				d := every("a", time.Minute)
				s.apply(d)
				sleep(time.Until(s.state("a").Next) + time.Minute + 2*time.Second) // in the second run
				if st := s.state("a"); !st.Running || st.Runs != 1 || st.Publication == nil {
					t.Fatalf("%+v", st)
				}
				tc.change(&d)
				s.apply(d)
				st := s.state("a")
				if (st.Publication != nil) != tc.values || st.Runs != 1 || st.Failures != nil {
					t.Errorf("values %v, %d runs, failed %v, want the cancelled run not counted", st.Publication, st.Runs, st.Failures)
				}
				if st.Running != tc.again {
					t.Errorf("running is %v, want %v", st.Running, tc.again)
				}
				sleep(time.Until(s.state("a").Next) + 6*time.Second)
				if st := s.state("a"); st.Runs < 2 || !st.Up() || st.Publication == nil {
					t.Errorf("afterwards: %+v", st)
				}
			})
		})
	}
}

// TestRestoreBeforeRunEnds removes a check and adds it again before its run ended.
func TestRestoreBeforeRunEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestScheduler(t, Options{}, func(ctx context.Context, d definition.Definition) Outcome {
			select {
			case <-ctx.Done():
				<-time.After(70 * time.Second) // it ignores the cancellation for a while
			case <-time.After(time.Hour):
			}
			return outcomeWith("a", 1)
		})
		d := every("a", time.Minute)
		d.Timeout = time.Minute
		s.apply(d)
		sleep(time.Until(s.state("a").Next) + 10*time.Second)
		s.apply()
		if all := s.States(nil); len(all) != 0 {
			t.Errorf("still there: %+v", all)
		}
		s.apply(d)
		sleep(62 * time.Second) // it is due, but the old run has not ended
		if st := s.state("a"); st.Runs != 0 || len(s.started("a")) != 1 || st.Skips != nil {
			t.Errorf("%d started, %+v", len(s.started("a")), st)
		}
		sleep(8 * time.Second)
		if len(s.started("a")) != 2 {
			t.Errorf("%d started, want the one that was due", len(s.started("a")))
		}
	})
}

func TestDisabled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestScheduler(t, Options{}, runFor(time.Second))
		d := every("a", time.Minute)
		d.Enabled = false
		s.apply(d)
		sleep(5 * time.Minute)
		if len(s.States(nil)) != 0 || len(s.started("a")) != 0 {
			t.Error("a disabled check runs, or has a state")
		}
		d.Enabled = true
		s.apply(d)
		sleep(5 * time.Minute)
		if len(s.started("a")) != 5 {
			t.Errorf("%d runs after it was enabled", len(s.started("a")))
		}
	})
}

func TestApplyErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestScheduler(t, Options{}, runFor(time.Second))
		s.apply(every("a", time.Minute))
		bad := definition.New("b")
		bad.Interval, bad.At = 0, "nonsense"
		for _, defs := range [][]definition.Definition{{bad}, {every("c", time.Minute), every("c", time.Hour)}} {
			if err := s.Apply(defs); err == nil || !strings.HasPrefix(err.Error(), "check ") {
				t.Errorf("err = %v", err)
			}
		}
		if all := s.States(nil); len(all) != 1 || all[0].Definition.Name != "a" {
			t.Errorf("an invalid Apply changed something: %+v", all)
		}
	})
}

// TestApplyConcurrentReaders reloads a thousand times while others read the states.
// The test does not end if a goroutine is left.
func TestApplyConcurrentReaders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestScheduler(t, Options{}, runFor(3*time.Second))
		done := make(chan struct{})
		var readers sync.WaitGroup
		for range 4 {
			readers.Go(func() {
				var states []State
				for {
					select {
					case <-done:
						return
					case <-time.After(10 * time.Millisecond):
						states = s.States(states[:0])
					}
				}
			})
		}
		for i := range 1000 {
			var defs []definition.Definition
			for j := range 20 {
				if (i+j)%3 == 0 {
					continue
				}
				d := every(fmt.Sprintf("c%02d", j), time.Duration(1+j%5)*time.Second)
				d.Output.MaxSeries = 1 + (i+j)%2
				defs = append(defs, d)
			}
			if err := s.Apply(defs); err != nil {
				t.Fatal(err)
			}
			<-time.After(100 * time.Millisecond)
		}
		s.apply()
		sleep(time.Minute)
		close(done)
		readers.Wait()
		if len(s.checks) != 0 || s.slots[0].free != 4 || s.slots[1].free != 2 || len(s.slots[0].queue) != 0 || s.inProgress != 0 {
			t.Errorf("left: %d checks, %+v, %d runs", len(s.checks), s.slots, s.inProgress)
		}
	})
}

func TestCloseTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		s := newTestScheduler(t, Options{}, func(context.Context, definition.Definition) Outcome {
			<-release
			return Outcome{}
		})
		s.apply(every("a", time.Minute))
		sleep(time.Minute)
		ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
		defer cancel()
		start := time.Now()
		err := s.Close(ctx)
		if err == nil || err.Error() != "checks still running: a" || time.Since(start) != 3*time.Second {
			t.Errorf("err = %v after %v", err, time.Since(start))
		}
		close(release)
	})
}

// TestClockSet sets the wall clock, which must neither cause many runs nor stop
// them.
func TestClockSet(t *testing.T) {
	if _, east := time.Now().Zone(); east%3600 != 0 {
		t.Skip("the time zone is not a whole number of hours from UTC")
	}
	synctest.Test(t, func(t *testing.T) {
		var offset atomic.Int64
		wall := func() time.Time { return time.Now().Add(time.Duration(offset.Load())) }
		s := newTestScheduler(t, Options{WallClock: wall}, runFor(time.Second))
		hourly := definition.New("hourly")
		hourly.Command, hourly.Interval, hourly.At = []string{"/bin/true"}, 0, "30 * * * *"
		s.apply(every("a", time.Minute), hourly)
		run := func(d time.Duration) (a, h int) {
			before, beforeH := len(s.started("a")), len(s.started("hourly"))
			sleep(d)
			return len(s.started("a")) - before, len(s.started("hourly")) - beforeH
		}
		want := func(what string, a, h, wantA, wantH int) {
			t.Helper()
			if a != wantA || h != wantH {
				t.Errorf("%s: %d and %d runs, want %d and %d", what, a, h, wantA, wantH)
			}
		}
		a, h := run(2 * time.Hour)
		want("undisturbed", a, h, 120, 2)
		// The fake clock starts at midnight UTC: it is 2:00 now.
		offset.Store(int64(30 * 24 * time.Hour)) // a month later, as after a suspended host
		a, h = run(10 * time.Minute)
		want("a month later", a, h, 10, 1)
		a, h = run(time.Hour)
		want("the hour after that", a, h, 60, 1)
		offset.Store(0) // it is 3:10 again
		a, h = run(time.Hour)
		want("back again", a, h, 60, 1)
		offset.Store(int64(-time.Hour)) // from 4:10 to 3:10: within cron's three hours
		a, h = run(time.Hour)
		want("an hour back", a, h, 60, 0) // 3:30 had a run already
		a, h = run(time.Hour)
		want("an hour later", a, h, 60, 1)
	})
}

// TestBlockedLog reads states while the log blocks.
func TestBlockedLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		read := make(chan struct{})
		logger := log.LoggerFunc(func(...any) error { <-read; return nil })
		s := newTestScheduler(t, Options{Log: logger, Concurrency: 1}, func(context.Context, definition.Definition) Outcome { return Outcome{Reason: Exit} })
		s.apply(every("a", time.Minute), every("b", time.Minute))
		sleep(5 * time.Minute)
		if a, b := s.state("a"), s.state("b"); a.Runs != 5 || b.Runs != 5 {
			t.Errorf("%d and %d runs", a.Runs, b.Runs)
		}
		close(read)
	})
}

// TestLog: changes are logged once.
func TestLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var lines []string
		fails := true
		logger := log.LoggerFunc(func(kv ...any) error {
			mu.Lock()
			defer mu.Unlock()
			lines = append(lines, fmt.Sprint(kv[2:]...))
			return nil
		})
		s := newTestScheduler(t, Options{Log: logger}, func(context.Context, definition.Definition) Outcome {
			mu.Lock()
			defer mu.Unlock()
			if fails {
				return Outcome{Reason: Timeout, Err: context.DeadlineExceeded, Stderr: "no answer\n"}
			}
			return outcomeWith("a", 1)
		})
		s.apply(every("a", time.Minute))
		sleep(10 * time.Minute)
		mu.Lock()
		fails = false
		mu.Unlock()
		sleep(time.Hour)
		mu.Lock()
		defer mu.Unlock()
		for i, want := range []string{"Check failed", "Check suspended", "Check recovered"} {
			if i >= len(lines) || !strings.Contains(lines[i], want) {
				t.Fatalf("line %d: want %s in\n%s", i, want, strings.Join(lines, "\n"))
			}
		}
		if len(lines) != 3 || !strings.Contains(lines[0], "no answer") {
			t.Errorf("lines:\n%s", strings.Join(lines, "\n"))
		}
	})
}
