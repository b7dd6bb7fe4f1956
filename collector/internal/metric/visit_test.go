package metric

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// formatSamples returns the samples with a name, a line for each with its
// labels sorted.
func formatSamples(samples Samples, name string) string {
	var b strings.Builder
	samples(name, func(labels Labels, v float64) {
		var all []string
		for _, l := range labels {
			all = append(all, fmt.Sprintf("%s=%q", l.Name, l.Value))
		}
		slices.Sort(all)
		fmt.Fprintln(&b, strings.Join(all, ","), v)
	})
	return b.String()
}

func TestVisitSamples(t *testing.T) {
	const external = `# TYPE f_seconds histogram
f_seconds_bucket{q="a",le="0.5"} 1
f_seconds_sum{q="a"} 3.5
f_seconds_count{q="a"} 2
# TYPE g summary
g{quantile="0.9"} 7
g_sum 8
g_count 9
# TYPE a_sum gauge
a_sum 10
# TYPE reserved gauge
reserved 11
`
	for _, mode := range []Mode{Text, Metrics} {
		set := NewSet()
		a, aa, plain := set.Gauge("a", "A.", "x", "y"), set.Counter("aa", "AA.", "x"), set.Untyped("plain", "P.")
		s := set.Summary("s_seconds", "S.", 0, 0.5)
		set.Gauge("silent", "Never emitted.")
		optional := set.Gauge("optional", "O.", "x", "y", "z")
		set.OmitEmpty(optional, "x", "z")
		out := NewSink(set)
		out.Reset(mode)
		for _, v := range []string{"", "plain", `"`, `\`, `\"`, "a\"b\\c\xff\x01\"", `x" 5`, `{x="y"} 1,`, "é", "\n", "\\n", "\\\n} 1\n", "\x00\t", strings.Repeat(`\"`, 20)} {
			out.Emit(a, -1.5, v, "2")
			out.Emit(aa, 1e300, v)
			want := fmt.Sprintf("x=%q,y=\"2\" -1.5\n", Clean(v))
			if have := formatSamples(visitor(out), "a"); !strings.HasSuffix(have, want) {
				t.Errorf("mode %v: have %swant %s", mode, have, want)
			}
		}
		out.Emit(plain, 5)
		out.Emit(optional, 1, "", "", "")
		out.Emit(optional, 2, "a\n", "", "c")
		out.EmitSummary(s, []float64{0.25, 4}, 7.5, 3)
		parser := expfmt.NewTextParser(model.LegacyValidation)
		families, err := parser.TextToMetricFamilies(strings.NewReader(external))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"f_seconds", "g", "a_sum", "reserved"} {
			family, err := NewExternalFamily(families[name])
			if err != nil {
				t.Fatal(err)
			}
			out.EmitExternal(family)
		}
		for name, want := range map[string]string{
			"plain":            " 5\n",
			"s_seconds":        "quantile=\"0\" 0.25\nquantile=\"0.5\" 4\n",
			"s_seconds_sum":    " 7.5\n",
			"s_seconds_count":  " 3\n",
			"silent":           "",
			"optional":         "y=\"\" 1\nx=\"a\\n\",y=\"\",z=\"c\" 2\n",
			"nothing":          "",
			"plain_sum":        "",
			"f_seconds":        "",
			"f_seconds_bucket": "le=\"0.5\",q=\"a\" 1\nle=\"+Inf\",q=\"a\" 2\n",
			"f_seconds_sum":    "q=\"a\" 3.5\n",
			"f_seconds_count":  "q=\"a\" 2\n",
			"g":                "quantile=\"0.9\" 7\n",
			"g_sum":            " 8\n",
			"g_count":          " 9\n",
			"g_bucket":         "",
			"a_sum":            " 10\n",
			"reserved":         "",
		} {
			if have := formatSamples(visitor(out), name); have != want {
				t.Errorf("mode %v: %s: have\n%swant\n%s", mode, name, have, want)
			}
			if mode == Metrics {
				if have := formatSamples(set.SamplesOf(out.Metrics(isReserved)), name); have != want {
					t.Errorf("SamplesOf: %s: have\n%swant\n%s", name, have, want)
				}
			}
		}
	}
}

func isReserved(name string) bool { return name == "reserved" }

// visitor returns the samples of a sink.
func visitor(s *Sink) Samples {
	return func(name string, fn SampleFunc) { s.VisitSamples(name, isReserved, fn) }
}

// FuzzVisitSamples emits any label values as text and visits them.
func FuzzVisitSamples(f *testing.F) {
	f.Add("a", "b", 1.0)
	f.Add(`"\`, "\n\xff} 1", -0.001)
	f.Fuzz(func(t *testing.T, x, y string, v float64) {
		set := NewSet()
		a := set.Gauge("a", "A.", "x", "y")
		out := NewSink(set)
		out.Emit(a, v, x, y)
		out.Emit(a, v, y, x)
		want := fmt.Sprintf("x=%q,y=%q %v\nx=%q,y=%q %v\n", Clean(x), Clean(y), v, Clean(y), Clean(x), v)
		if have := formatSamples(visitor(out), "a"); have != want {
			t.Errorf("have\n%swant\n%s", have, want)
		}
	})
}

func TestVisitSamplesDoesNotAllocate(t *testing.T) {
	set := NewSet()
	a := set.Gauge("a", "A.", "x", "y")
	out := NewSink(set)
	for range 100 {
		out.Emit(a, 0.25, "one", "two")
	}
	n := 0
	fn := func(labels Labels, _ float64) { n += len(labels.Get("y")) }
	out.VisitSamples("a", isReserved, fn)
	if allocs := testing.AllocsPerRun(10, func() { out.VisitSamples("a", isReserved, fn) }); allocs > 0 || n == 0 {
		t.Errorf("%v allocations for 100 samples, want none", allocs)
	}
}
