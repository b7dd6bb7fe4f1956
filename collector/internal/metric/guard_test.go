package metric

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// runs are the runs of one collector, on one road.
type runs struct {
	mode      Mode
	limit     int
	run, last *Sink
}

func newRuns(set *Set, mode Mode, limit int) *runs {
	return &runs{mode, limit, NewSink(set), NewSink(set)}
}

// next makes a run and returns its sink, which is valid until the next but one.
func (r *runs) next(emit func(*Sink)) *Sink {
	out := r.run
	out.Reset(r.mode)
	out.Guard(r.limit, r.last)
	emit(out)
	out.Finish()
	r.run, r.last = r.last, r.run
	r.run.Release()
	return out
}

// formatRun returns the samples of a run, those of external families with their
// headers, and its errors.
func formatRun(t testing.TB, s *Sink) string {
	t.Helper()
	var b strings.Builder
	if s.mode == Text {
		for line := range strings.Lines(string(s.AppendText(nil, nil, noneReserved))) {
			if !strings.HasPrefix(line, "#") {
				b.WriteString(line)
			}
		}
	} else {
		metrics := s.Metrics(noneReserved)
		for _, f := range s.set.Families() {
			for _, m := range metrics {
				if f.hasMetric(m) {
					b.WriteString(formatMetric(t, f, m))
				}
			}
		}
		for _, m := range metrics {
			if _, ok := m.(externalMetric); ok {
				fmt.Fprintln(&b, m.Desc())
			}
		}
	}
	errs, more := s.Errors()
	fmt.Fprintf(&b, "%v and %d more, %d samples, dropped %v\n", errors.Join(errs...), more, s.SampleCount(), s.Drops())
	return b.String()
}

// formatMetric returns a metric as a line of text, with its labels in the order
// of declaration.
func formatMetric(t testing.TB, f *Family, m prometheus.Metric) string {
	var one dto.Metric
	if err := m.Write(&one); err != nil {
		t.Fatal(err)
	}
	labels := make([]string, len(f.labels))
	for _, l := range one.Label {
		labels[slices.Index(f.labels, l.GetName())] = l.GetValue()
	}
	line, _ := NewSink(NewSet()).renderSeries(f, labels)
	return string(append(appendValue(line, one.GetGauge().GetValue()), '\n'))
}

func TestRepeatedSeries(t *testing.T) {
	for _, mode := range []Mode{Text, Metrics} {
		set := NewSet()
		plain, one, two := set.Gauge("plain", "P."), set.Gauge("one", "O.", "a"), set.Gauge("two", "T.", "a", "b")
		optional := set.Gauge("optional", "O.", "a", "b")
		set.OmitEmpty(optional, "a", "b")
		summary := set.Summary("s", "S.", 0.5)
		r := newRuns(set, mode, 0)
		for _, tc := range []struct {
			emit func(*Sink)
			want string
		}{
			{func(s *Sink) {
				s.Emit(one, 1, "x")
				s.Emit(two, 1, "x", "y")
				s.Emit(plain, 1)
			}, "plain 1\none{a=\"x\"} 1\ntwo{a=\"x\",b=\"y\"} 1\n<nil> and 0 more, 3 samples, dropped []\n"},
			{func(s *Sink) {
				for i := range 2 {
					s.Emit(plain, float64(i))
					s.Emit(one, float64(i), "x")
					s.Emit(two, float64(i), "x", "y")
					s.Emit(two, float64(i), "x", fmt.Sprint("z", i))
				}
				s.Emit(one, 2, "z")
			}, `plain 0
one{a="x"} 0
one{a="z"} 2
two{a="x",b="y"} 0
two{a="x",b="z0"} 0
two{a="x",b="z1"} 1
a second plain
a second one{a="x"}
a second two{a="x",b="y"} and 0 more, 6 samples, dropped []
`},
			{func(s *Sink) { // equal only in the exposition
				for i, v := range []string{"a\xffb", "a\xfe\xffb", "\xff", "\uFFFD", `"`, `\"`, `" 1`, `"`, "é", "é"} {
					s.Emit(one, float64(i), v)
				}
			}, `one{a="a` + "\uFFFD" + `b"} 0
one{a="` + "\uFFFD" + `"} 2
one{a="\""} 4
one{a="\\\""} 5
one{a="\" 1"} 6
one{a="é"} 8
a second one{a="a` + "\uFFFD" + `b"}
a second one{a="` + "\uFFFD" + `"}
a second one{a="\""}
a second one{a="é"} and 0 more, 6 samples, dropped []
`},
			{func(s *Sink) {
				for i, b := range []string{"", "y", "\n", "", "y"} {
					s.Emit(optional, float64(i), "", b)
				}
			}, `optional 0
optional{b="y"} 1
optional{b="\n"} 2
a second optional
a second optional{b="y"} and 0 more, 3 samples, dropped []
`},
			{func(s *Sink) { // the line of the last run, but with fewer quotes
				s.Emit(two, 1, `x",b="y`, "")
				s.Emit(two, 1, "x", `y"} 1`)
				s.Emit(two, 1, `x`, "y")
			}, `two{a="x\",b=\"y",b=""} 1
two{a="x",b="y\"} 1"} 1
two{a="x",b="y"} 1
<nil> and 0 more, 3 samples, dropped []
`},
		} {
			for range 3 { // with the series of the run before, and with others
				if have := formatRun(t, r.next(tc.emit)); have != tc.want {
					t.Errorf("mode %v: have\n%swant\n%s", mode, have, tc.want)
				}
			}
		}
		s := r.next(func(s *Sink) {
			s.EmitSummary(summary, []float64{1}, 2, 3)
			s.EmitSummary(summary, []float64{4}, 5, 6)
		})
		if errs, _ := s.Errors(); len(errs) != 1 || errs[0].Error() != "a second s" || s.SampleCount() != 3 {
			t.Errorf("mode %v: two summaries: errors %v, %d samples", mode, errs, s.SampleCount())
		}
	}
}

// FuzzRepeatedSeries makes three runs that begin with the same series, on both
// roads, and compares them with a map.
func FuzzRepeatedSeries(f *testing.F) {
	f.Add("a b c", "a b c d", "a c b b")
	f.Add(`x",b="y`, "x y\" \\", "x \"")
	f.Add("a,,b a", "a b,a", "\xff \x01 \uFFFD")
	f.Fuzz(func(t *testing.T, first, second, third string) {
		set := NewSet()
		plain, one, two := set.Gauge("plain", "P."), set.Gauge("one", "O.", "a"), set.Gauge("two", "T.", "a", "b")
		text, metrics := newRuns(set, Text, 0), newRuns(set, Metrics, 0)
		for _, series := range []string{first, second, second, third, first} {
			words := strings.Split(series, " ")
			emit := func(s *Sink) {
				for i, word := range words {
					a, b, _ := strings.Cut(word, ",")
					s.Emit(one, float64(i), word)
					s.Emit(two, float64(i), a, b)
					if word == "" {
						s.Emit(plain, float64(i))
					}
				}
			}
			var want strings.Builder
			n := 0
			errs := map[*Family][]string{}
			for _, f := range []*Family{plain, one, two} {
				seen := map[string]bool{}
				for i, word := range words {
					a, b, _ := strings.Cut(word, ",")
					labels := map[*Family][]string{plain: {}, one: {word}, two: {a, b}}[f]
					if f == plain && word != "" {
						continue
					}
					var key []byte
					for i, l := range labels {
						key, _ = appendLabel(append(key, f.textOf().leads[i]...), l)
					}
					key = append(key, f.textOf().leads[len(labels)]...)
					if seen[string(key)] {
						errs[f] = append(errs[f], "a second "+strings.TrimSuffix(string(key), " "))
						continue
					}
					seen[string(key)] = true
					n++
					fmt.Fprintf(&want, "%s%d\n", key, i)
				}
			}
			all := slices.Concat(errs[plain], errs[one], errs[two])
			kept := all[:min(len(all), maxErrors)]
			joined := strings.Join(kept, "\n")
			if joined == "" {
				joined = "<nil>"
			}
			fmt.Fprintf(&want, "%s and %d more, %d samples, dropped []\n", joined, len(all)-len(kept), n)
			for _, r := range []*runs{text, metrics} {
				if have := formatRun(t, r.next(emit)); have != want.String() {
					t.Errorf("mode %v: have\n%swant\n%s", r.mode, have, want.String())
				}
			}
		}
	})
}

// emitCounts emits as many samples of each family as counts has, device by
// device.
func emitCounts(families []*Family, counts []int) func(*Sink) {
	return func(s *Sink) {
		for i := range slices.Max(counts) {
			for f, n := range counts {
				if i < n {
					s.Emit(families[f], float64(i), fmt.Sprint(i))
				}
			}
		}
	}
}

func TestMaxSeries(t *testing.T) {
	for _, tc := range []struct {
		name   string
		counts []int
		want   []int // numbers of kept samples
	}{
		{"at the limit", []int{40, 30, 30}, []int{40, 30, 30}},
		{"one above", []int{41, 30, 30}, []int{0, 30, 30}},
		{"two of one size", []int{40, 41, 41}, []int{40, 41, 0}},
		{"one above the limit alone", []int{99, 101, 1}, []int{99, 0, 1}},
		{"without end", []int{60, 10_000, 30}, []int{60, 0, 30}},
		{"two without end", []int{60, 10_000, 30_000}, []int{60, 0, 0}},
		{"all above the limit", []int{1000, 1000, 1000}, []int{0, 0, 0}},
		{"all within, none after", []int{90, 5, 3}, []int{90, 5, 3}},
		{"back to a few", []int{0, 10, 20}, []int{0, 10, 20}},
	} {
		for _, mode := range []Mode{Text, Metrics} {
			set := NewSet()
			var families []*Family
			for _, name := range []string{"a", "b", "c"} {
				families = append(families, set.Gauge(name, "A toy.", "i"))
			}
			r := newRuns(set, mode, 100)
			for i := range 4 {
				s := r.next(emitCounts(families, tc.counts))
				var kept, drops []int
				for _, f := range families {
					n := 0
					s.VisitSamples(f.name, noneReserved, func(Labels, float64) { n++ })
					kept = append(kept, n)
				}
				var want []int
				for j, n := range tc.counts {
					if n != tc.want[j] {
						want = append(want, n)
					}
				}
				for _, d := range s.Drops() {
					drops = append(drops, d.SeriesCount)
				}
				slices.Sort(want)
				slices.Sort(drops)
				if !slices.Equal(kept, tc.want) || !slices.Equal(drops, want) {
					t.Errorf("%s, mode %v, run %d: kept %v, dropped %v; want %v, %v", tc.name, mode, i, kept, drops, tc.want, want)
				}
			}
		}
	}
}

// TestMaxSeriesRecovers has a family that is too large for one run: it is
// exported again in the next but one.
func TestMaxSeriesRecovers(t *testing.T) {
	set := NewSet()
	f := []*Family{set.Gauge("a", "A.", "i"), set.Gauge("b", "B.", "i")}
	r := newRuns(set, Text, 10)
	for i, tc := range []struct {
		counts []int
		want   int
		drops  string
	}{
		{[]int{6, 4}, 10, "[]"},
		{[]int{7, 4}, 4, "[{a 7 1}]"},
		{[]int{7, 4}, 4, "[{a 7 1}]"},
		{[]int{6, 4}, 4, "[{a 6 1}]"}, // only counted
		{[]int{6, 4}, 10, "[]"},
		{[]int{6, 5}, 5, "[{a 6 1}]"},
		{[]int{4, 20}, 0, "[{b 20 1} {a 4 1}]"},
		{[]int{4, 20}, 4, "[{b 20 1}]"},
		{[]int{4, 0}, 4, "[]"},
	} {
		s := r.next(emitCounts(f, tc.counts))
		if have := fmt.Sprint(s.Drops()); s.SampleCount() != tc.want || have != tc.drops {
			t.Errorf("run %d of %v: %d samples, dropped %v; want %d, %v", i, tc.counts, s.SampleCount(), have, tc.want, tc.drops)
		}
	}
}

func TestMaxSeriesOfExternalFamilies(t *testing.T) {
	external := func(name string, n int) *ExternalFamily {
		typ, one := dto.MetricType_HISTOGRAM, uint64(1)
		family := &dto.MetricFamily{Name: &name, Type: &typ}
		for range n {
			family.Metric = append(family.Metric, &dto.Metric{Histogram: &dto.Histogram{SampleCount: &one}})
		}
		f, err := NewExternalFamily(family)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	small, large := external("small", 1), external("large", 40)
	for _, mode := range []Mode{Text, Metrics} {
		set := NewSet()
		f := set.Gauge("a", "A.", "i")
		r := newRuns(set, mode, 20)
		for range 3 {
			s := r.next(func(s *Sink) {
				s.EmitExternal(large)
				s.EmitExternal(small)
				emitCounts([]*Family{f}, []int{5})(s)
			})
			drops := s.Drops()
			if s.SampleCount() != 5+3 || len(drops) != 1 || drops[0].SeriesCount != 120 { // +Inf, sum and count of each
				t.Fatalf("mode %v: %d samples, dropped %v", mode, s.SampleCount(), drops)
			}
			for name, want := range map[string]bool{"large": true, "large_bucket": true, "large_count": true, "large_total": false, "larger": false, "small": false} {
				if drops[0].HasSample(name) != want {
					t.Errorf("dropped %v: has %s: %v", drops[0], name, !want)
				}
			}
			if have := formatRun(t, s); strings.Contains(have, "large_") {
				t.Errorf("mode %v:\n%s", mode, have)
			}
		}
	}
}

// TestMaxSeriesBoundsMemory has collectors that emit without end. The memory of
// their samples is that of twice the limit at most.
func TestMaxSeriesBoundsMemory(t *testing.T) {
	const limit, samples, line = 1000, 20_000, len(`family_00{device="device 000000"} `)
	for _, mode := range []Mode{Text, Metrics} {
		for _, n := range []int{1, 3, 40} {
			set := NewSet()
			var families []*Family
			for i := range n {
				families = append(families, set.Gauge(fmt.Sprintf("family_%02d", i), "F.", "device"))
			}
			r := newRuns(set, mode, limit)
			for range 3 {
				s := r.next(func(s *Sink) {
					for i := range samples {
						s.Emit(families[i%n], float64(i), fmt.Sprintf("device %06d", i))
						if i%16 > 0 {
							continue
						}
						text, values := 0, cap(s.metrics)
						for i := range s.buffers {
							values += cap(s.buffers[i].values)
							if series := s.buffers[i].series; series != nil {
								text += cap(series.text)
							}
						}
						// Append grows a slice by up to its size.
						if text > 2*2*limit*line || values > 2*2*limit {
							t.Fatalf("mode %v, %d families: %d bytes of text, %d values after %d samples", mode, n, text, values, i)
						}
					}
				})
				dropped := 0
				for _, d := range s.Drops() {
					dropped += d.SeriesCount
				}
				if s.SampleCount() > limit || s.SampleCount()+dropped != samples {
					t.Errorf("mode %v, %d families: %d samples, %d dropped", mode, n, s.SampleCount(), dropped)
				}
			}
		}
	}
}

// TestGuardDoesNotAllocate makes runs with the same series, and with others each
// time.
func TestGuardDoesNotAllocate(t *testing.T) {
	set := NewSet()
	f := set.Gauge("a", "A.", "x", "y")
	r := newRuns(set, Text, 100)
	for i, series := range [][][]string{
		{{"plain", "x"}},
		{{"plain", "x"}, {"a \"quote\"", "y"}},
		{{"größe", "z"}, {"plain", "x"}},
	} {
		for _, isSteady := range []bool{true, false} {
			n := 0
			run := func() {
				r.next(func(s *Sink) {
					for _, labels := range series {
						s.Emit(f, 0.25, labels...)
					}
					if !isSteady {
						n++
						s.Emit(f, 0.25, "turn", []string{"a", "b", "c"}[n%3])
					}
				})
			}
			for range 4 {
				run()
			}
			if n := testing.AllocsPerRun(10, run); n > 0 {
				t.Errorf("%d, steady %v: %v allocations in a run, want none", i, isSteady, n)
			}
		}
	}
}

// TestSeriesAreFreed has a family that loses most of its series: their text is
// freed.
func TestSeriesAreFreed(t *testing.T) {
	set := NewSet()
	f := []*Family{set.Gauge("a", "A.", "i")}
	r := newRuns(set, Text, 0)
	for _, n := range []int{10_000, 10_000, 20, 20, 20} {
		if s := r.next(emitCounts(f, []int{n})); s.SampleCount() != n || strings.Count(string(s.AppendText(nil, nil, noneReserved)), "\na{") != n {
			t.Fatalf("%d samples, want %d", s.SampleCount(), n)
		}
	}
	if text := r.last.buffers[0].series.text; cap(text) > 1000 {
		t.Errorf("%d bytes of text for 20 series", cap(text))
	}
}
