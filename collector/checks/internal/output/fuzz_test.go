package output

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/hostexporter/host_exporter/collector/internal/flight"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

// collectorOf is a prometheus.Collector of metrics.
type collectorOf []prometheus.Metric

func (collectorOf) Describe(chan<- *prometheus.Desc) {}
func (g collectorOf) Collect(ch chan<- prometheus.Metric) {
	for _, m := range g {
		ch <- m
	}
}

// checkResult checks what holds for every result: it can be exported on both roads,
// its series are unique and at most max-series, and its names are not reserved.
func checkResult(t *testing.T, p *Parser, got Result) {
	t.Helper()
	var panicked *flight.PanicError
	if errors.As(got.Err, &panicked) {
		t.Fatalf("%v\n%s", panicked, panicked.Stack)
	}
	if got.Err != nil && len(got.Families) > 0 || got.Series > p.o.MaxSeries || len(got.Problems) > maxProblems {
		t.Fatalf("%+v", got)
	}
	sink := metric.NewSink(metric.NewSet())
	for _, family := range got.Families {
		if metric.ReservedPrefix(family.GetName()) != "" {
			t.Errorf("%s is reserved", family.GetName())
		}
		external, err := metric.NewExternalFamily(family)
		if err != nil {
			t.Fatal(err)
		}
		sink.EmitExternal(external)
	}
	never := func(string) bool { return false }
	text := sink.AppendText(nil, nil, never)
	parser := expfmt.NewTextParser(model.LegacyValidation)
	if _, err := parser.TextToMetricFamilies(bytes.NewReader(text)); err != nil {
		t.Fatalf("%v:\n%s", err, text)
	}
	seen := map[string]bool{}
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		if name := line[:strings.LastIndexByte(line, ' ')]; seen[name] {
			t.Errorf("duplicate %s:\n%s", name, text)
		} else {
			seen[name] = true
		}
	}
	if len(seen) != got.Series {
		t.Errorf("want %d series, have %d:\n%s", got.Series, len(seen), text)
	}
	reg := prometheus.NewPedanticRegistry()
	reg.MustRegister(collectorOf(sink.Metrics(never)))
	if _, err := reg.Gather(); err != nil {
		t.Fatalf("%v:\n%s", err, text)
	}
}

// fuzz parses any text with all parsers.
func fuzz(f *testing.F, seeds []string, options ...Options) {
	var parsers []*Parser
	for _, o := range options {
		o.Quote = true
		p, err := New(o)
		if err != nil {
			f.Fatal(err)
		}
		parsers = append(parsers, p)
	}
	for _, seed := range seeds {
		f.Add([]byte(seed), 0)
		f.Add([]byte(seed[:len(seed)/2]), 3)
	}
	f.Fuzz(func(t *testing.T, text []byte, code int) {
		for _, p := range parsers {
			checkResult(t, p, p.Parse(text, code))
		}
	})
}

// fuzzMetrics returns a schema with names that fuzzing finds easily.
func fuzzMetrics() []Metric {
	return []Metric{
		{Name: "a", Labels: []string{"x"}, Min: at(-5), Max: at(5)},
		{Name: "b_total", Type: Counter, From: "b"},
		{Name: "c_seconds", From: "c", Unit: "ms"},
		{Name: "d_info", From: "d", Type: Info, Labels: []string{"x", "y"}},
	}
}

func FuzzPrometheus(f *testing.F) {
	fuzz(f, []string{
		"", "a 1\n", "a 1", "a{b=\"c\"} 1 5\n", "# TYPE a gauge\na{b=\"c\"} 1\na 2\n", "# HELP a x\\ny\n# TYPE a counter\na NaN\n",
		"# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 2\nh_sum 3\nh_count 2\n", "# TYPE s summary\ns{quantile=\"0.5\"} 1\ns_sum 3\ns_count 2\n",
		"# TYPE a counter\na_total{b=\"}#\\\"\"} 1 # {t=\"1\"} 2 3\na_created 1\n# EOF\n", "# TYPE h gaugehistogram\nh_gcount 1\nh_gsum 2\nh_bucket{le=\"+Inf\"} 1\n# EOF",
		"# TYPE a info\na_info{x=\"1\"} 1\n# TYPE s stateset\ns{s=\"b\"} 0\n# UNIT s x\n# EOF\n", "{\"a\",b=\"c\"} 1\n", "go_x 1\na{__x=\"1\"} 1\n", "b 1\nc 2\nd{x=\"1\"} 1\n",
	}, Options{Format: Prometheus, MaxSeries: 8}, Options{Format: Prometheus, Metrics: fuzzMetrics()})
}

func FuzzKV(f *testing.F) {
	fuzz(f, []string{"a 1\n", "a=1 ms\n", "a{x=\"1\",y=\"2\\\"\"} 2 KiB\n", "a{x=\"1\"}=3\n b = 4%\n", "c=5\nd{x=\"1\"} 1\n# x\n\n", "a{=\n"},
		Options{Format: KV, MaxSeries: 4}, Options{Format: KV, Metrics: append(fuzzMetrics(), Metric{Name: "e", Enum: map[string]float64{"on": 1, "": 0}})})
}

func FuzzJSON(f *testing.F) {
	fuzz(f, []string{`{"a":[{"n":"x","v":1.5},{"n":2,"v":"on"}]}`, `[1,true,null,"a",{"b":1e400}]`, `{"a":{"n":{},"v":[]}}`, "\"\\ud800\"", `9999999999999999999999`},
		Options{Format: JSON, MaxSeries: 8, Metrics: []Metric{
			{Name: "a", Each: ".a[]?", Value: ".v", LabelValues: map[string]string{"n": ".n"}},
			{Name: "b", Each: "..", Value: ".", LabelValues: map[string]string{"t": "type", "s": "tojson"}},
			{Name: "c_total", Type: Counter, Each: "..", Value: ".", Enum: map[string]float64{"on": 1, "true": 2}},
		}})
}

// FuzzJQ evaluates any expression: each must end.
func FuzzJQ(f *testing.F) {
	for _, s := range []string{".", "..", ".a[]?", "[range(9)]", "def f: f; f", "input", "$ENV", "halt_error", "tojson|tonumber", "@sh", "error", "label $x|break $x", "limit(3;repeat(1))", "splits(\"a\")", "getpath([\"a\",0])", "now|todate"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, source string) {
		p, err := New(Options{Quote: true, Format: JSON, MaxSeries: 4, JQTimeout: 5 * time.Millisecond, Metrics: []Metric{{Name: "x", Value: source}}})
		if err == nil {
			checkResult(t, p, p.Parse([]byte(`{"a":[1,"2",null]}`), 0))
		}
	})
}

// FuzzRegexp matches any pattern with any text.
func FuzzRegexp(f *testing.F) {
	for _, s := range []string{`(?P<value>\d+)`, `(?P<l>\w+) (?P<value>[\d.]+) ?(?P<unit>\w+)?`, `(?m)^(?P<value>.*)$`, `(?P<value>)`, `((?P<value>a*)*)*b`} {
		f.Add(s, []byte("a 1.5 s\nb 2\n\xff 3"), true)
		f.Add(s, []byte("aaaaaaaaaaaaaaaa\n"), false)
	}
	f.Fuzz(func(t *testing.T, pattern string, text []byte, whole bool) {
		p, err := New(Options{Quote: true, Format: Regexp, MaxSeries: 4, Metrics: []Metric{{Name: "x_seconds", Pattern: pattern, Whole: whole}}})
		if err == nil {
			checkResult(t, p, p.Parse(text, 0))
		}
	})
}

func FuzzNagios(f *testing.F) {
	fuzz(f, []string{"OK | a=1;2;3;4;5 'b c'=6ms;@1:2;~:3\nlong | d=7c\ne=8%", "x|a=U;;;U;U 'b''c'=1 =", "|'", "|a=1KB;1:;:2"},
		Options{Format: Nagios, Name: "x", MaxSeries: 8}, Options{Format: Nagios, Name: "x", Metrics: []Metric{{Name: "a"}, {Name: "b_seconds", From: "b c"}}})
}

func FuzzNumberAndExit(f *testing.F) {
	fuzz(f, []string{"1", " -1.5e3 ms\n", "on", "1 2", ".", "1e", "+.5%"},
		Options{Format: Number, Name: "x"}, Options{Format: Number, Metrics: []Metric{{Name: "x_seconds", Unit: "ms", Type: Counter}}},
		Options{Format: Exit, Name: "x"}, Options{Format: Exit, Metrics: []Metric{{Name: "x", Enum: map[string]float64{"0": 1}}}})
}
