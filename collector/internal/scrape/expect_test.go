package scrape

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-kit/log"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/expect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

// A toy is a collector made of a function, with one family of its own.
type toy struct {
	family *metric.Family
	update func(f *metric.Family, out *metric.Sink) error
}

func (c *toy) Update(_ context.Context, out *metric.Sink) error { return c.update(c.family, out) }

// unit returns a collector that declares node_NAME. If its name ends in s, it
// is dynamic, as a collector of text files.
func unit(t *testing.T, name string, update func(f *metric.Family, out *metric.Sink) error) *collect.Unit {
	t.Helper()
	spec := collect.Spec{Name: name, Timeout: timeout(name), Build: collect.Plain(func(env *collect.Env) *toy {
		if strings.HasSuffix(name, "s") {
			env.Metrics.AllowDynamic()
		}
		return &toy{env.Metrics.Gauge("node_"+name, "A toy.", "device"), update}
	})}
	u, err := collect.NewUnit(spec, &host.Host{Now: time.Now}, log.NewNopLogger(), noneReserved, nil)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// timeout returns a short timeout for collectors that hang, and otherwise the
// default.
func timeout(name string) time.Duration {
	if strings.HasPrefix(name, "hung") {
		return 20 * time.Millisecond
	}
	return 0
}

func emitExternal(out *metric.Sink, name string) {
	one, typ := 1.0, dto.MetricType_GAUGE
	family, err := metric.NewExternalFamily(&dto.MetricFamily{Name: &name, Type: &typ, Metric: []*dto.Metric{{Gauge: &dto.Gauge{Value: &one}}}})
	if err != nil {
		panic(err) // which becomes the collector's state
	}
	out.EmitExternal(family)
}

// evaluate scrapes on both roads and returns the results of the expectations,
// which must be the same.
func evaluate(t *testing.T, req Request) string {
	t.Helper()
	engine := NewEngine()
	text := expectations(string(engine.AppendText(context.Background(), nil, req)))
	reg := prometheus.NewPedanticRegistry()
	reg.MustRegister(engine.Collector(context.Background(), req))
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	parser := expfmt.NewTextParser(model.LegacyValidation)
	fast, err := parser.TextToMetricFamilies(bytes.NewReader(engine.AppendText(context.Background(), nil, req)))
	if err != nil {
		t.Fatal(err)
	}
	if a, b := sortedExpectations(slices.Collect(maps.Values(fast))), sortedExpectations(families); a != b || a == "" != (text == "") {
		t.Errorf("text:\n%smetrics:\n%s", a, b)
	}
	return text
}

// sortedExpectations returns the results of the expectations, with sorted
// series and labels.
func sortedExpectations(families []*dto.MetricFamily) string {
	var lines []string
	for _, f := range families {
		for _, m := range f.Metric {
			slices.SortFunc(m.Label, func(a, b *dto.LabelPair) int { return strings.Compare(a.GetName(), b.GetName()) })
		}
		var b bytes.Buffer
		_, _ = expfmt.MetricFamilyToText(&b, f) // a bytes.Buffer does not fail
		lines = append(lines, strings.SplitAfter(expectations(b.String()), "\n")...)
	}
	slices.Sort(lines)
	return strings.Join(lines, "")
}

// expectations returns the results of the expectations in a text.
func expectations(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if rest, ok := strings.CutPrefix(line, "host_exporter_expectation_"); ok {
			b.WriteString(rest)
		}
	}
	return b.String()
}

func set(t *testing.T, expressions ...string) *expect.Set {
	t.Helper()
	var list []*expect.Expectation
	for _, e := range expressions {
		name, expression, _ := strings.Cut(e, ": ")
		name, collector, _ := strings.Cut(name, "@")
		x, err := expect.New(name, expression)
		if err != nil {
			t.Fatal(err)
		}
		x.Collector = collector
		list = append(list, x)
	}
	return expect.NewSet(list...)
}

func TestExpect(t *testing.T) {
	good := unit(t, "good", func(f *metric.Family, out *metric.Sink) error {
		out.Emit(f, 1, "eth0")
		out.Emit(f, 0, "eth1")
		return nil
	})
	part := unit(t, "part", func(f *metric.Family, out *metric.Sink) error {
		out.Emit(f, 1, "eth0")
		out.Error(errors.New("eth1: input/output error"))
		return nil
	})
	none := unit(t, "none", func(*metric.Family, *metric.Sink) error { return collect.ErrNoData })
	bad := unit(t, "bad", func(f *metric.Family, out *metric.Sink) error {
		out.Emit(f, 1, "eth0")
		return errors.New("it broke")
	})
	files := unit(t, "files", func(_ *metric.Family, out *metric.Sink) error {
		emitExternal(out, "backup_ok")
		return nil
	})
	release := make(chan struct{})
	hung := unit(t, "hung", func(*metric.Family, *metric.Sink) error { <-release; return nil })
	hungFiles := unit(t, "hungfiles", func(*metric.Family, *metric.Sink) error { <-release; return nil })
	defer close(release)

	all := []*collect.Unit{good, part, none, bad, files, hung}
	expectationSet := set(t,
		"both: node_good == 1",
		"each: node_good >= 0 for each device in ('eth0', 'eth1')",
		"part: node_part for each device in ('eth0', 'eth1')",
		"none: node_none",
		"nothing: count(node_none) == 0",
		"bad: node_bad",
		"hung: node_hung",
		"file: backup_ok == 1",
		"gone: count(backup_gone) == 0",
		"self: node_scrape_collector_success == 1 for each collector in ('good', 'hung')",
		"named@files: backup_gone",
	)
	for _, tc := range []struct {
		name string
		req  Request
		want string
	}{
		{"all", Request{Units: all}, `ok{name="both"} 0
ok{name="each"} 1
ok{name="part"} 0
ok{name="none"} 0
ok{name="nothing"} 1
ok{name="file"} 1
ok{name="gone"} 0
ok{name="self"} 0
ok{name="named"} 0
missing{name="both",missing="node_good{device=\"eth1\"} == 1"} 1
missing{name="part",missing="node_part{device=\"eth1\"}"} 1
missing{name="none",missing="node_none"} 1
missing{name="gone",missing="count(backup_gone) == 0"} 1
missing{name="self",missing="node_scrape_collector_success{collector=\"hung\"} == 1"} 1
missing{name="named",missing="backup_gone"} 1
observed{name="both"} 0
observed{name="each"} 2
observed{name="part"} 1
observed{name="nothing"} 0
observed{name="file"} 1
observed{name="gone"} 0
observed{name="self"} 1
wanted{name="both"} 1
wanted{name="each"} 2
wanted{name="part"} 2
wanted{name="nothing"} 0
wanted{name="file"} 1
wanted{name="gone"} 0
wanted{name="self"} 2
unknown{name="bad",collector="bad",reason="error"} 1
unknown{name="hung",collector="hung",reason="timeout"} 1
`},
		{"collect[]=none&collect[]=files", Request{Units: []*collect.Unit{none, files}, Filtered: true}, `ok{name="none"} 0
ok{name="nothing"} 1
ok{name="file"} 1
ok{name="self"} 0
ok{name="named"} 0
missing{name="none",missing="node_none"} 1
missing{name="self",missing="node_scrape_collector_success{collector=\"good\"} == 1"} 1
missing{name="self",missing="node_scrape_collector_success{collector=\"hung\"} == 1"} 1
missing{name="named",missing="backup_gone"} 1
observed{name="nothing"} 0
observed{name="file"} 1
observed{name="self"} 0
wanted{name="nothing"} 0
wanted{name="file"} 1
wanted{name="self"} 2
`},
		{"no files in time", Request{Units: []*collect.Unit{none, hungFiles}, Expect: set(t, "file: backup_ok", "named@hungfiles: backup_ok", "elsewhere@none: backup_ok")},
			`ok{name="elsewhere"} 0
missing{name="elsewhere",missing="backup_ok"} 1
unknown{name="file",collector="hungfiles",reason="timeout"} 1
unknown{name="named",collector="hungfiles",reason="timeout"} 1
`},
		{"no files in time, and others not requested", Request{Units: []*collect.Unit{hungFiles}, Filtered: true, Expect: set(t, "file: backup_ok", "good: node_good", "named@hungfiles: backup_ok")},
			"unknown{name=\"named\",collector=\"hungfiles\",reason=\"timeout\"} 1\n"},
		{"other families", Request{Units: []*collect.Unit{good}, Want: func(name string) bool { return name == "host_exporter_expectation_ok" }, Expect: set(t, "a: node_good")},
			"ok{name=\"a\"} 1\n"},
	} {
		if tc.req.Expect == nil {
			tc.req.Expect = expectationSet
		}
		if tc.req.Want != nil { // only for text
			if have := expectations(string(NewEngine().AppendText(context.Background(), nil, tc.req))); have != tc.want {
				t.Errorf("%s:\n%swant\n%s", tc.name, have, tc.want)
			}
			continue
		}
		if have := evaluate(t, tc.req); have != tc.want {
			t.Errorf("%s:\n%swant\n%s", tc.name, have, tc.want)
		}
	}
	if text := string(NewEngine().AppendText(context.Background(), nil, Request{Units: all})); strings.Contains(text, "expectation") {
		t.Errorf("without expectations:\n%s", text)
	}
	text := NewEngine().AppendText(context.Background(), nil, Request{Units: all, Expect: expectationSet})
	problems, err := promlint.New(bytes.NewReader(text)).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		if strings.Contains(p.Metric, "expectation") {
			t.Errorf("%s: %s", p.Metric, p.Text)
		}
	}
}

// TestExpectDroppedFamilies has collectors that exceed their maximum: whether
// the host has what a dropped family is about is unknown, not wrong.
func TestExpectDroppedFamilies(t *testing.T) {
	big := unit(t, "big", func(f *metric.Family, out *metric.Sink) error {
		for _, device := range []string{"eth0", "eth1", "eth2"} {
			out.Emit(f, 1, device)
		}
		return nil
	})
	files := unit(t, "files", func(_ *metric.Family, out *metric.Sink) error {
		emitExternal(out, "job_a")
		emitExternal(out, "job_b")
		return nil
	})
	big.MaxSeries, files.MaxSeries = 2, 1
	req := Request{Units: []*collect.Unit{big, files}, Expect: set(t,
		"each: node_big == 1 for each device in ('eth0', 'eth3')",
		"none: count(node_big) == 0",
		"named@big: node_big",
		"kept: job_a",
		"file: job_b",
		"gone: job_c",
		"self: host_exporter_series_dropped_total > 0 for each collector in ('big', 'files')",
	)}
	const want = `ok{name="kept"} 1
ok{name="gone"} 0
ok{name="self"} 1
missing{name="gone",missing="job_c"} 1
observed{name="self"} 2
wanted{name="self"} 2
unknown{name="each",collector="big",reason="partial"} 1
unknown{name="none",collector="big",reason="partial"} 1
unknown{name="named",collector="big",reason="partial"} 1
unknown{name="file",collector="files",reason="partial"} 1
`
	if have := evaluate(t, req); have != want {
		t.Errorf("have\n%swant\n%s", have, want)
	}
	big.MaxSeries = 0
	if have := evaluate(t, req); !strings.Contains(have, "ok{name=\"named\"} 1\n") || strings.Contains(have, "unknown{name=\"each\"") {
		t.Errorf("without a limit:\n%s", have)
	}
}

// TestDroppedSeriesTotal counts the dropped series of all runs.
func TestDroppedSeriesTotal(t *testing.T) {
	u := unit(t, "big", func(f *metric.Family, out *metric.Sink) error {
		for _, device := range []string{"eth0", "eth1", "eth2"} {
			out.Emit(f, 1, device)
		}
		return nil
	})
	engine := NewEngine()
	for i, max := range []int{3, 2, 2, 3, 3} {
		u.MaxSeries = max
		text := string(engine.AppendText(context.Background(), nil, Request{Units: []*collect.Unit{u}}))
		want := []string{"", " 3", " 6", " 9", " 9"}[i] // dropped once more in the run after
		_, have, _ := strings.Cut(text, "host_exporter_series_dropped_total{collector=\"big\"}")
		if have, _, _ = strings.Cut(have, "\n"); have != want {
			t.Errorf("run %d: have%s, want%s:\n%s", i, have, want, text)
		}
	}
}

// TestExpectCachedSamples removes a device while cached samples are served: the
// expectations are evaluated over the cached samples.
func TestExpectCachedSamples(t *testing.T) {
	exists := true
	u := unit(t, "slow", func(f *metric.Family, out *metric.Sink) error {
		if exists {
			out.Emit(f, 1, "eth0")
		}
		return nil
	})
	u.Interval = time.Hour
	req := Request{Units: []*collect.Unit{u}, Expect: set(t, "slow: node_slow")}
	const ok, gone = "ok{name=\"slow\"} 1\n", "ok{name=\"slow\"} 0\nmissing{name=\"slow\",missing=\"node_slow\"} 1\n"
	if have := evaluate(t, req); have != ok {
		t.Errorf("at first:\n%s", have)
	}
	exists = false
	if have := evaluate(t, req); have != ok {
		t.Errorf("cached:\n%s", have)
	}
	u.Interval = 0
	if have := evaluate(t, req); have != gone {
		t.Errorf("read again:\n%s", have)
	}
}
