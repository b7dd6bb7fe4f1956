package scrape

import (
	"bytes"
	"context"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

// emitText emits the families of a text as external ones, in their order.
func emitText(out *metric.Sink, text string) {
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(text))
	if err != nil {
		panic(err) // which becomes the collector's state
	}
	var names []string
	for name := range families {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int { return strings.Index(text, a) - strings.Index(text, b) })
	for _, name := range names {
		family, err := metric.NewExternalFamily(families[name])
		if err != nil {
			panic(err)
		}
		out.EmitExternal(family)
	}
}

// scrapeBoth scrapes on both roads and returns the lines of both with a prefix,
// which must be the same but for their order.
func scrapeBoth(t *testing.T, engine *Engine, req Request, prefixes ...string) []string {
	t.Helper()
	reg := prometheus.NewPedanticRegistry()
	reg.MustRegister(engine.Collector(context.Background(), req))
	ordinary, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	text := engine.AppendText(context.Background(), nil, req)
	parser := expfmt.NewTextParser(model.LegacyValidation)
	parsed, err := parser.TextToMetricFamilies(bytes.NewReader(text))
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	var fast []*dto.MetricFamily
	for _, f := range parsed {
		fast = append(fast, f)
	}
	lines := func(families []*dto.MetricFamily) []string {
		var all []string
		for _, f := range families {
			for _, m := range f.Metric {
				slices.SortFunc(m.Label, func(a, b *dto.LabelPair) int { return strings.Compare(a.GetName(), b.GetName()) })
			}
			var b bytes.Buffer
			if _, err := expfmt.MetricFamilyToText(&b, f); err != nil {
				t.Fatal(err)
			}
			for line := range strings.Lines(b.String()) {
				if f.GetHelp() == "" && strings.HasPrefix(line, "# HELP ") {
					continue
				}
				name := strings.TrimPrefix(strings.TrimPrefix(line, "# HELP "), "# TYPE ")
				if slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(name, p) }) {
					all = append(all, strings.TrimSuffix(line, "\n"))
				}
			}
		}
		slices.Sort(all)
		return all
	}
	a, b := lines(fast), lines(ordinary)
	if !slices.Equal(a, b) {
		t.Errorf("text:\n%s\nmetrics:\n%s", strings.Join(a, "\n"), strings.Join(b, "\n"))
	}
	return a
}

// TestExternalFamilies emits external families with names that collectors and
// the exporter itself declare. Those of a collector are left out if the
// collector serves the family in the same scrape; of those of the exporter, the
// series that it has itself are left out.
func TestExternalFamilies(t *testing.T) {
	engine := NewEngine()
	own := engine.Families()
	goroutines := own.Gauge("go_goroutines", "Goroutines.")
	pauses := own.Summary("go_pause_seconds", "Pauses.", 0, 1)
	info := own.Gauge("go_info", "Version.", "version")
	own.Counter("go_silent_total", "Not emitted.")
	engine.OnScrape(func(out *metric.Sink) {
		out.Emit(goroutines, 7)
		out.EmitSummary(pauses, []float64{1, 2}, 3, 2)
		out.Emit(info, 1, "go1\n\xff")
	})
	hasArrays := true
	arrays := unit(t, "array", func(f *metric.Family, out *metric.Sink) error {
		if hasArrays {
			out.Emit(f, 1, "md0")
		}
		return nil
	})
	texts := unit(t, "texts", func(_ *metric.Family, out *metric.Sink) error {
		emitText(out, `# TYPE node_array gauge
node_array{device="sda"} 2
# TYPE backup_ok gauge
backup_ok 1
# HELP go_goroutines Other words.
# TYPE go_goroutines gauge
go_goroutines 8
go_goroutines{foo=""} 9
go_goroutines{foo="bar"} 10
# TYPE go_info untyped
go_info{version="go1\n�"} 2
go_info{version="go2"} 3
# TYPE go_pause_seconds summary
go_pause_seconds{quantile="0.5"} 4
go_pause_seconds_sum 4
go_pause_seconds_count 1
go_pause_seconds{quantile="0.5",job="a"} 5
go_pause_seconds_sum{job="a"} 5
go_pause_seconds_count{job="a"} 1
# TYPE go_silent_total gauge
go_silent_total 11
# TYPE node_scrape_collector_success counter
node_scrape_collector_success{collector="mine"} 1
`)
		return nil
	})
	more := unit(t, "mores", func(_ *metric.Family, out *metric.Sink) error {
		emitText(out, "# TYPE backup_ok gauge\nbackup_ok{x=\"1\"} 1\n# TYPE go_goroutines gauge\ngo_goroutines{foo=\"bar\"} 12\n")
		return nil
	})
	req := Request{Units: []*collect.Unit{texts, arrays, more}}
	rest := []string{
		"# HELP go_goroutines Goroutines.",
		"# HELP go_info Version.",
		"# HELP go_pause_seconds Pauses.",
		"# TYPE backup_ok gauge",
		"# TYPE go_goroutines gauge",
		"# TYPE go_info gauge",
		"# TYPE go_pause_seconds summary",
		"# TYPE go_silent_total gauge",
		"# TYPE node_array gauge",
		"backup_ok 1",
		"go_goroutines 7",
		`go_goroutines{foo="bar"} 10`,
		`go_info{version="go1\n` + "\ufffd" + `"} 1`,
		`go_info{version="go2"} 3`,
		"go_pause_seconds_count 2",
		`go_pause_seconds_count{job="a"} 1`,
		"go_pause_seconds_sum 3",
		`go_pause_seconds_sum{job="a"} 5`,
		`go_pause_seconds{job="a",quantile="0.5"} 5`,
		`go_pause_seconds{quantile="0"} 1`,
		`go_pause_seconds{quantile="1"} 2`,
		"go_silent_total 11",
	}
	check := func(what string, more ...string) {
		t.Helper()
		have := scrapeBoth(t, engine, req, "node_array", "backup", "go_")
		want := append(slices.Clone(rest), more...)
		slices.Sort(want)
		if !slices.Equal(have, want) {
			t.Errorf("%s:\n%s\nwant\n%s", what, strings.Join(have, "\n"), strings.Join(want, "\n"))
		}
	}
	check("with arrays", "# HELP node_array A toy.", `node_array{device="md0"} 1`)
	hasArrays = false
	check("without arrays", `node_array{device="sda"} 2`)
	if have := scrapeBoth(t, engine, req, `node_scrape_collector_success{collector="mine"`); len(have) > 0 {
		t.Errorf("series of another type are served: %v", have)
	}
	req.Want = func(name string) bool { return name == "go_goroutines" || name == "backup_ok" }
	text := string(engine.AppendText(context.Background(), nil, req))
	if want := "# TYPE backup_ok gauge\nbackup_ok 1\n# HELP go_goroutines Goroutines.\n# TYPE go_goroutines gauge\ngo_goroutines 7\ngo_goroutines{foo=\"bar\"} 10\n"; text != want {
		t.Errorf("selected families:\n%swant\n%s", text, want)
	}
}

// TestExpectExternalFamilies evaluates expectations over external families, and
// over the series of external families that joined others.
func TestExpectExternalFamilies(t *testing.T) {
	texts := unit(t, "texts", func(_ *metric.Family, out *metric.Sink) error {
		emitText(out, "node_array{device=\"sda\"} 2\nnode_scrape_collector_success{collector=\"mine\"} 1\n")
		return nil
	})
	arrays := unit(t, "array", func(*metric.Family, *metric.Sink) error { return nil })
	req := Request{Units: []*collect.Unit{texts, arrays}, Expect: set(t, "array: node_array == 2", "success: count(node_scrape_collector_success) == 3")}
	want := "ok{name=\"array\"} 1\nok{name=\"success\"} 1\n"
	if have := evaluate(t, req); !strings.HasPrefix(have, want) {
		t.Errorf("have\n%swant\n%s", have, want)
	}
}

func TestExternalFamiliesDoNotAllocate(t *testing.T) {
	plain := func(name string) *collect.Unit {
		return unit(t, name, func(f *metric.Family, out *metric.Sink) error { out.Emit(f, 1, "a"); return nil })
	}
	text, typ, one := "backup_ok", dto.MetricType_GAUGE, 1.0
	family, err := metric.NewExternalFamily(&dto.MetricFamily{Name: &text, Type: &typ, Metric: []*dto.Metric{{Gauge: &dto.Gauge{Value: &one}}}})
	if err != nil {
		t.Fatal(err)
	}
	texts := unit(t, "texts", func(_ *metric.Family, out *metric.Sink) error { out.EmitExternal(family); return nil })
	allocs := func(units ...*collect.Unit) float64 {
		engine := NewEngine()
		var b []byte
		least := math.Inf(1)
		for range 50 { // a run that has to wait allocates a timer
			least = min(least, testing.AllocsPerRun(1, func() { b = engine.AppendText(context.Background(), b[:0], Request{Units: units}) }))
		}
		return least
	}
	if with, without := allocs(plain("a"), texts), allocs(plain("a"), plain("b")); with > without {
		t.Errorf("%v allocations with an external family, %v without", with, without)
	}
}
