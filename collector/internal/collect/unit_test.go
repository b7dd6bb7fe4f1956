package collect

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-kit/log"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

// A toy is a collector whose Update is a function.
type toy struct {
	update func(ctx context.Context, out *metric.Sink, value *metric.Family) error
	value  *metric.Family
}

func (c *toy) Update(ctx context.Context, out *metric.Sink) error { return c.update(ctx, out, c.value) }

type update = func(ctx context.Context, out *metric.Sink, value *metric.Family) error

func newToy(t *testing.T, timeout time.Duration, logs *bytes.Buffer, fn update) *Unit {
	t.Helper()
	spec := Spec{Name: "toy", Timeout: timeout, Build: Plain(func(env *Env) *toy {
		return &toy{fn, env.Metrics.Gauge("toy_value", "A value.")}
	})}
	logger := log.NewNopLogger()
	if logs != nil {
		logger = log.NewLogfmtLogger(logs)
	}
	u, err := NewUnit(spec, host.Live(host.Paths{}), logger, func(string) bool { return false }, nil)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// read makes one reading on the fast road, and returns its state and text.
func read(u *Unit) (State, string) {
	r := u.Begin(metric.Text)
	result, ok := r.Wait(context.Background(), time.Now().Add(time.Minute))
	if !ok {
		return r.Abandon().State, ""
	}
	return result.State, string(u.AppendText(nil, nil))
}

func TestStates(t *testing.T) {
	broken := errors.New("/proc/x: broken")
	for _, tc := range []struct {
		want      State
		hasSample bool
		errors    uint64
		fn        update
	}{
		{OK, true, 0, func(_ context.Context, out *metric.Sink, v *metric.Family) error { out.Emit(v, 1); return nil }},
		{Partial, true, 1, func(_ context.Context, out *metric.Sink, v *metric.Family) error {
			out.Emit(v, 1)
			out.Error(broken)
			return nil
		}},
		{Failed, false, 2, func(_ context.Context, out *metric.Sink, _ *metric.Family) error {
			out.Error(broken)
			out.Error(broken)
			return nil
		}},
		{Failed, true, 1, func(_ context.Context, out *metric.Sink, v *metric.Family) error { out.Emit(v, 1); return broken }},
		// What could not be read is not absent.
		{Failed, false, 1, func(_ context.Context, out *metric.Sink, _ *metric.Family) error { out.Error(broken); return ErrNoData }},
		{NoData, false, 0, func(context.Context, *metric.Sink, *metric.Family) error { return OrNoData(fs.ErrNotExist) }},
		{Failed, false, 1, func(context.Context, *metric.Sink, *metric.Family) error { return OrNoData(broken) }},
		{Panic, false, 1, func(_ context.Context, out *metric.Sink, v *metric.Family) error { out.Emit(v, 1); panic("bug") }},
	} {
		u := newToy(t, 0, nil, tc.fn)
		state, text := read(u)
		if state != tc.want || strings.Contains(text, "toy_value 1") != tc.hasSample {
			t.Errorf("state %s, text %q; want %s, with the sample %v", state, text, tc.want, tc.hasSample)
		}
		s := u.Status()
		if s.Errors != tc.errors || (s.Err == nil) != (tc.want == OK) || s.State != tc.want {
			t.Errorf("%s: status %+v, want %d errors", tc.want, s, tc.errors)
		}
	}
}

func TestLateCollectorHoldsOneGoroutineAndRecovers(t *testing.T) {
	release := make(chan struct{})
	var runs atomic.Int32
	u := newToy(t, 20*time.Millisecond, nil, func(_ context.Context, out *metric.Sink, v *metric.Family) error {
		if runs.Add(1) == 1 {
			<-release
		}
		out.Emit(v, 1)
		return nil
	})
	for range 50 {
		if state, text := read(u); state != Timeout || text != "" {
			t.Fatalf("state %s, text %q while it hangs", state, text)
		}
	}
	s := u.Status()
	if runs.Load() != 1 || s.Errors != 1 || s.LateSince.IsZero() || s.State != Timeout {
		t.Errorf("%d runs, status %+v", runs.Load(), s)
	}
	lateRun := u.flight.Current()
	close(release)
	<-lateRun.Done()
	if state, text := read(u); state != OK || !strings.Contains(text, "toy_value 1") {
		t.Errorf("state %s, text %q after the release", state, text)
	}
	if s := u.Status(); !s.LateSince.IsZero() || s.Err != nil {
		t.Errorf("status %+v after the release", s)
	}
}

// TestLogsStateChanges reads three times in each of some states: only the first
// reading of each is logged.
func TestLogsStateChanges(t *testing.T) {
	var logs bytes.Buffer
	var run func(out *metric.Sink, value *metric.Family) error
	u := newToy(t, 0, &logs, func(_ context.Context, out *metric.Sink, value *metric.Family) error { return run(out, value) })
	broken := errors.New("/proc/x: broken")
	ok := func(*metric.Sink, *metric.Family) error { return nil }
	for _, fn := range []func(*metric.Sink, *metric.Family) error{
		ok,
		func(*metric.Sink, *metric.Family) error { return broken },
		ok,
		func(out *metric.Sink, value *metric.Family) error { out.Emit(value, 1); out.Error(broken); return nil },
		ok,
		func(*metric.Sink, *metric.Family) error { return ErrNoData },
		ok,
	} {
		run = fn
		for range 3 {
			read(u)
		}
	}
	want := `level=error collector=toy msg="Collector failed" state=error err="/proc/x: broken"
level=info collector=toy msg="Collector recovered"
level=warn collector=toy msg="Collector could not read everything" err="/proc/x: broken"
level=info collector=toy msg="Collector recovered"
level=debug collector=toy msg="Collector has no data on this host" err="no data"
`
	if have := logs.String(); have != want {
		t.Errorf("have\n%swant\n%s", have, want)
	}
}

// TestBothRoadsShareOneFlight has many readers on both roads at once.
func TestBothRoadsShareOneFlight(t *testing.T) {
	var running atomic.Int32
	u := newToy(t, time.Minute, nil, func(_ context.Context, out *metric.Sink, v *metric.Family) error {
		if running.Add(1) > 1 {
			t.Error("two runs at once")
		}
		defer running.Add(-1)
		out.Emit(v, 1)
		return nil
	})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 50 {
				if _, text := read(u); !strings.Contains(text, "toy_value 1") {
					t.Errorf("text %q", text)
				}
			}
		})
		wg.Go(func() {
			for range 50 {
				reg := prometheus.NewPedanticRegistry()
				reg.MustRegister(u)
				if families, err := reg.Gather(); err != nil || len(families) != 1 {
					t.Errorf("%d families, %v", len(families), err)
				}
			}
		})
	}
	wg.Wait()
}

func TestOptions(t *testing.T) {
	var got *toyOptions
	build := With(toyOptions{every: Duration(time.Second), dirs: Strings{list: []string{"/a"}}, filter: Filter{Exclude: Pattern("^lo$")}},
		func(_ *Env, o toyOptions) (*toy, error) {
			got = &o
			return &toy{}, o.filter.Check("device", Filter{Exclude: Pattern("^lo$")})
		})
	new := func(set map[string][]string) error { _, err := build.New(&Env{}, set); return err }
	if err := new(nil); err != nil || got.every != Duration(time.Second) || got.dirs.All()[0] != "/a" || !got.filter.Ignores("lo") {
		t.Errorf("defaults: %+v, %v", got, err)
	}
	if err := new(map[string][]string{"deep": {"true"}, "every": {"2m"}, "dirs": {"/b", "/c"}, "device-include": {"^eth"}}); err != nil ||
		!bool(got.deep) || got.every != Duration(2*time.Minute) || got.dirs.String() != "/b,/c" || got.filter.Ignores("eth0") || !got.filter.Ignores("lo") {
		t.Errorf("set: %+v, %v", got, err)
	}
	for name, set := range map[string]map[string][]string{
		"both filters":   {"device-include": {"a"}, "device-exclude": {"b"}},
		"bad regexp":     {"device-include": {"("}},
		"unknown option": {"nonsense": {"1"}},
		"twice":          {"every": {"1s", "2s"}},
		"bad switch":     {"deep": {"maybe"}},
		"bad time span":  {"every": {"-1s"}},
	} {
		if err := new(set); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
	if err := new(nil); err != nil || got.dirs.String() != "/a" {
		t.Errorf("the defaults have changed: %+v, %v", got, err)
	}
}

type toyOptions struct {
	filter Filter
	deep   Bool
	every  Duration
	dirs   Strings
}

func (o *toyOptions) Fields() []Field {
	return append(o.filter.Fields("device"),
		Field{Name: "deep", Value: &o.deep}, Field{Name: "every", Value: &o.every}, Field{Name: "dirs", Value: &o.dirs})
}

// TestMaxSeries has a collector that exceeds its maximum: the largest family is
// dropped, and the error says how to export it. A second of two equal series is
// dropped too.
func TestMaxSeries(t *testing.T) {
	var large, parts int
	var u *Unit
	u = newToy(t, 0, nil, func(_ context.Context, out *metric.Sink, value *metric.Family) error {
		byIndex := u.Set().Gauge("toy_large", "A large family.", "i")
		for i := range large {
			out.Emit(byIndex, 1, strconv.Itoa(i))
		}
		for i := range parts {
			out.Error(fmt.Errorf("part %d: broken", i))
		}
		out.Emit(value, 1)
		out.Emit(value, 2)
		return nil
	})
	u.MaxSeries = 10
	const second, limit = "a second toy_value", "to export more, set --collector.max-series=toy=N"
	for _, tc := range []struct {
		large, parts int
		err          string
		dropped      uint64
	}{
		{9, 0, second, 0},
		{10, 0, "want at most 10 series, have 11: dropped toy_large (10): " + limit + "; " + second, 10},
		{10, 1, "want at most 10 series, have 11: dropped toy_large (10): " + limit + "; part 0: broken; " + second, 20},
		{9, 0, "the last run had more than 10 series: dropped toy_large (9) once more; " + second, 29},
		{9, 0, second, 29},
	} {
		large, parts = tc.large, tc.parts
		state, text := read(u)
		s := u.Status()
		if state != Partial || s.Err.Error() != tc.err || s.DroppedSeries != tc.dropped || !strings.Contains(text, "\ntoy_value 1\n") || strings.Contains(text, "toy_value 2") {
			t.Errorf("%d series: state %s, %d dropped, err %v; want %d, %s; text\n%s", large, state, s.DroppedSeries, s.Err, tc.dropped, tc.err, text)
		}
		if kept := strings.Contains(text, "toy_large"); kept == strings.Contains(tc.err, "dropped") || s.SampleCount != strings.Count("\n"+text, "\ntoy_") {
			t.Errorf("%d series: %d samples\n%s", large, s.SampleCount, text)
		}
	}
	parts = 0
	for i, tc := range []struct{ large, metrics, lines int }{{9, 10, 10}, {10, 1, 1}, {10, 1, 1}, {9, 1, 10}, {9, 10, 10}} {
		large = tc.large
		r := u.Begin(metric.Metrics)
		result, _ := r.Wait(context.Background(), time.Now().Add(time.Minute))
		_, text := read(u)
		if n := strings.Count("\n"+text, "\ntoy_"); result.State != Partial || len(result.Metrics) != tc.metrics || n != tc.lines {
			t.Errorf("on both roads, %d: state %s, %d metrics, then %d lines; want %d, %d", i, result.State, len(result.Metrics), n, tc.metrics, tc.lines)
		}
	}
}

// TestMaxSeriesAlone has a collector of one family, which is dropped: it is not a
// failure, since nothing is broken.
func TestMaxSeriesAlone(t *testing.T) {
	fail := false
	u := newToy(t, 0, nil, func(_ context.Context, out *metric.Sink, value *metric.Family) error {
		for range 3 {
			out.Emit(value, 1)
		}
		if fail {
			panic("bug")
		}
		return nil
	})
	for _, tc := range []struct {
		max  int
		fail bool
		want State
	}{{2, false, Partial}, {2, true, Panic}, {0, false, Partial}} {
		u.MaxSeries, fail = tc.max, tc.fail
		if state, _ := read(u); state != tc.want {
			t.Errorf("at most %d series: state %s, want %s: %v", tc.max, state, tc.want, u.Status().Err)
		}
	}
	if s := u.Status(); s.DroppedSeries != 3 || s.SampleCount != 1 {
		t.Errorf("%d dropped, %d samples", s.DroppedSeries, s.SampleCount)
	}
}

// TestStackIsLoggedOnce has a collector that panics at each scrape: its stack is
// logged when the panics begin.
func TestStackIsLoggedOnce(t *testing.T) {
	var logs bytes.Buffer
	fail := true
	u := newToy(t, 0, &logs, func(_ context.Context, out *metric.Sink, value *metric.Family) error {
		out.Emit(value, 1)
		if fail {
			panic("bug")
		}
		return nil
	})
	for i, tc := range []struct {
		fail   bool
		stacks int // logged so far
	}{{true, 1}, {true, 1}, {false, 1}, {true, 2}, {true, 2}} {
		fail = tc.fail
		read(u)
		if n := strings.Count(logs.String(), "stack="); n != tc.stacks {
			t.Errorf("run %d: %d stacks, want %d:\n%s", i+1, n, tc.stacks, logs.String())
		}
	}
	if s := u.Status(); s.Panics != 4 {
		t.Errorf("%d panics", s.Panics)
	}
}

// TestTextsAreOfOneRun has many readers of a collector whose series change, while
// its runs share the text of those that do not.
func TestTextsAreOfOneRun(t *testing.T) {
	run := 0
	var u *Unit
	u = newToy(t, time.Minute, nil, func(_ context.Context, out *metric.Sink, value *metric.Family) error {
		byName := u.Set().Gauge("toy_names", "Names.", "name")
		run++
		for i := range 20 + run/5%3 { // the same in five runs
			out.Emit(byName, float64(run), fmt.Sprintf("device%d-%d", i, run/15%2*(i/10)))
		}
		out.Emit(value, float64(run))
		return nil
	})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 300 {
				state, text := read(u)
				var n int
				if _, value, _ := strings.Cut(text, "\ntoy_value "); state == OK {
					_, _ = fmt.Sscan(value, &n)
				}
				var want strings.Builder
				fmt.Fprintf(&want, "# HELP toy_value A value.\n# TYPE toy_value gauge\ntoy_value %d\n# HELP toy_names Names.\n# TYPE toy_names gauge\n", n)
				for i := range 20 + n/5%3 {
					fmt.Fprintf(&want, "toy_names{name=\"device%d-%d\"} %d\n", i, n/15%2*(i/10), n)
				}
				if text != want.String() {
					t.Errorf("state %s, text\n%swant\n%s", state, text, want.String())
					return
				}
			}
		})
	}
	wg.Wait()
	if s := u.Status(); s.Errors != 0 {
		t.Errorf("%d errors: %v", s.Errors, s.Err)
	}
}
