package metric

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

func noneReserved(string) bool { return false }

func TestTextHasOneBlockPerFamily(t *testing.T) {
	set := NewSet()
	reads := set.Counter("node_disk_reads_completed_total", "Reads.\nIn \\ two  lines.", "device")
	load := set.Gauge("node_load1", "Load.")
	set.Gauge("node_unused", "Never emitted.")
	cpu := set.Counter("node_cpu_seconds_total", "Time.", "cpu", "mode")
	s := NewSink(set)
	for _, dev := range []string{"sda", `s"d\b`} {
		s.Emit(reads, 7, dev)
		s.Emit(load, 0.25)
	}
	s.Emit(cpu, 1234567.89, "0", "user")
	want := `# HELP node_disk_reads_completed_total Reads. In \\ two lines.
# TYPE node_disk_reads_completed_total counter
node_disk_reads_completed_total{device="sda"} 7
node_disk_reads_completed_total{device="s\"d\\b"} 7
# HELP node_load1 Load.
# TYPE node_load1 gauge
node_load1 0.25
node_load1 0.25
# HELP node_cpu_seconds_total Time.
# TYPE node_cpu_seconds_total counter
node_cpu_seconds_total{cpu="0",mode="user"} 1234567.89
`
	if got := string(s.AppendText(nil, nil, noneReserved)); got != want {
		t.Errorf("text:\n%s\nwant:\n%s", got, want)
	}
	only := func(name string) bool { return name == "node_load1" }
	if got := string(s.AppendText(nil, only, noneReserved)); strings.Count(got, "\n") != 4 {
		t.Errorf("filtered text:\n%s", got)
	}
	s.Reset(Text)
	if got := s.AppendText(nil, nil, noneReserved); len(got) != 0 || s.SampleCount() != 0 {
		t.Errorf("after Reset: %d samples, %q", s.SampleCount(), got)
	}
}

func TestClean(t *testing.T) {
	for in, want := range map[string]string{
		"plain":            "plain",
		"a\xffb":           "a\uFFFDb",
		"\xff\xfe\x80":     "\uFFFD",
		"\xffa\xe2\x82":    "\uFFFDa\uFFFD",
		"\uFFFD\xff\uFFFD": "\uFFFD\uFFFD\uFFFD",
		"a\x00\n\tb":       "a\x00\n\tb",
		"\u0085x\x7f":      "\u0085x\x7f",
		"größe":            "größe",
	} {
		if got := Clean(in); got != want {
			t.Errorf("Clean(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestPrintable(t *testing.T) {
	for in, want := range map[string]string{
		"plain":           "plain",
		"a\xff\xfeb":      "a\uFFFD\uFFFDb",
		"a\x00\n\t\x1bb":  "ab",
		"\u0085x\x7f":     "x",
		"größe":           "größe",
		"\u009b31mx":      "31mx",
		"a\u202eb\u2066c": "abc",
		"a\u2028b\u200fc": "abc",
	} {
		if got := Printable(in); got != want {
			t.Errorf("Printable(%q) = %q, want %q", in, got, want)
		}
	}
}

// TestHostileLabels parses an exposition with hostile label values.
func TestHostileLabels(t *testing.T) {
	set := NewSet()
	f := set.Gauge("m", "h", "l")
	for _, v := range []string{
		"", `"`, `\`, `\"`, "a\"b\\c\xff\x01\"", "\xff\"", "é\"", strings.Repeat(`\"`, 50),
		"\n", "\\n", "\\\n", "a\nb\n\"\n", "é\n\xff\n\xff\"", "\r\t\x00\x7f\u0085", "x\xff\xff\\\xffy",
	} {
		s := NewSink(set)
		s.Emit(f, 1, v)
		p := expfmt.NewTextParser(model.UTF8Validation)
		got, err := p.TextToMetricFamilies(strings.NewReader(string(s.AppendText(nil, nil, noneReserved))))
		if err != nil {
			t.Errorf("%q: %v", v, err)
			continue
		}
		if l := got["m"].Metric[0].Label[0].GetValue(); l != Clean(v) {
			t.Errorf("%q is parsed as %q, want %q", v, l, Clean(v))
		}
	}
}

// TestOmitEmpty emits samples of a family with optional labels on both roads.
func TestOmitEmpty(t *testing.T) {
	set := NewSet()
	f := set.Gauge("m", "H.", "a", "b", "c")
	all := set.Counter("n", "H.", "a")
	set.OmitEmpty(f, "a", "c")
	set.OmitEmpty(all, "a")
	emit := func(s *Sink) {
		s.Emit(f, 1, "x\xff", "", "y\n")
		s.Emit(f, 2, "", "z", "")
		s.Emit(f, 3, "", "", "\"")
		s.Emit(all, 4, "")
		s.Emit(all, 5, "x")
	}
	s := NewSink(set)
	emit(s)
	want := "# HELP m H.\n# TYPE m gauge\nm{a=\"x\ufffd\",b=\"\",c=\"y\\n\"} 1\nm{b=\"z\"} 2\nm{b=\"\",c=\"\\\"\"} 3\n" +
		"# HELP n H.\n# TYPE n counter\nn 4\nn{a=\"x\"} 5\n"
	if have := string(s.AppendText(nil, nil, noneReserved)); have != want {
		t.Errorf("have\n%swant\n%s", have, want)
	}
	s.Reset(Metrics)
	emit(s)
	reg := prometheus.NewPedanticRegistry()
	reg.MustRegister(unchecked(s.Metrics(noneReserved)))
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, family := range families {
		slices.SortFunc(family.Metric, func(a, b *dto.Metric) int {
			return int(a.GetGauge().GetValue() + a.GetCounter().GetValue() - b.GetGauge().GetValue() - b.GetCounter().GetValue())
		})
		if _, err := expfmt.MetricFamilyToText(&b, family); err != nil {
			t.Fatal(err)
		}
	}
	if b.String() != want {
		t.Errorf("metrics:\n%swant\n%s", b.String(), want)
	}
	s.Reset(Text)
	if n := testing.AllocsPerRun(10, func() { s.Reset(Text); emit(s) }); n > 1 { // the cleaned label
		t.Errorf("%v allocations", n)
	}
}

// unchecked is a collector of metrics that it does not describe.
type unchecked []prometheus.Metric

func (unchecked) Describe(chan<- *prometheus.Desc) {}
func (u unchecked) Collect(ch chan<- prometheus.Metric) {
	for _, m := range u {
		ch <- m
	}
}

func TestCleanName(t *testing.T) {
	set := NewSet()
	if got := set.Gauge("9node-a.b", "h").Name(); got != "_node_a_b" {
		t.Errorf("name = %q", got)
	}
}

func TestDeclareTwice(t *testing.T) {
	set := NewSet()
	if set.Gauge("a", "h", "x") != set.Gauge("a", "other", "x") {
		t.Error("the same declaration gives two families")
	}
	defer func() {
		if recover() == nil {
			t.Error("no panic for two types of one name")
		}
	}()
	set.Counter("a", "h", "x")
}

func TestWrongLabelCountPanics(t *testing.T) {
	set := NewSet()
	f := set.Gauge("a", "h", "x")
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	NewSink(set).Emit(f, 1)
}

func TestKeyed(t *testing.T) {
	set := NewSet()
	calls := 0
	k := set.Keyed(func(key string) *Family {
		calls++
		if key == "no" {
			return nil
		}
		return set.Gauge("m_"+key, "h")
	})
	for range 3 {
		if k.Family([]byte("no")) != nil || k.Family([]byte("a")).Name() != "m_a" {
			t.Error("wrong family")
		}
	}
	if calls != 2 || !set.IsDynamic() {
		t.Errorf("%d calls, dynamic %v", calls, set.IsDynamic())
	}
}

func TestReservedExternalFamily(t *testing.T) {
	name, help, val, typ := "m", "h", 3.0, dto.MetricType_GAUGE
	mf := &dto.MetricFamily{Name: &name, Help: &help, Type: &typ, Metric: []*dto.Metric{{Gauge: &dto.Gauge{Value: &val}}}}
	s := NewSink(NewSet())
	family, err := NewExternalFamily(mf)
	if err != nil {
		t.Fatal(err)
	}
	s.EmitExternal(family)
	reserved := func(n string) bool { return n == "m" }
	if got := s.AppendText(nil, nil, reserved); len(got) != 0 {
		t.Errorf("reserved name is served: %s", got)
	}
	if got := s.Metrics(reserved); len(got) != 0 {
		t.Errorf("reserved name is collected: %v", got)
	}
	if got := string(s.AppendText(nil, nil, noneReserved)); got != "# HELP m h\n# TYPE m gauge\nm 3\n" {
		t.Errorf("text: %q", got)
	}
	if got := s.Metrics(noneReserved); len(got) != 1 {
		t.Errorf("metrics: %v", got)
	}
}

func TestExternalFamilyIsRenderedOnce(t *testing.T) {
	name, val, typ := "m", 3.0, dto.MetricType_GAUGE
	f, err := NewExternalFamily(&dto.MetricFamily{Name: &name, Type: &typ, Metric: []*dto.Metric{{Gauge: &dto.Gauge{Value: &val}}}})
	if err != nil {
		t.Fatal(err)
	}
	s := NewSink(NewSet())
	run := func() {
		s.Reset(Text)
		s.EmitExternal(f)
	}
	run()
	if n := testing.AllocsPerRun(10, run); n > 0 {
		t.Errorf("%v allocations a run, want none", n)
	}
	if got := string(s.AppendText(nil, nil, noneReserved)); got != "# TYPE m gauge\nm 3\n" || s.SampleCount() != 1 {
		t.Errorf("%d samples, %q", s.SampleCount(), got)
	}
	if s.Reset(Text); len(s.AppendText(nil, nil, noneReserved)) != 0 {
		t.Error("an external family is still there after Reset")
	}
	if _, err := NewExternalFamily(&dto.MetricFamily{Name: &name}); err == nil {
		t.Error("a family without series is accepted")
	}
}

func TestSummary(t *testing.T) {
	set := NewSet()
	f := set.Summary("s_seconds", "Pauses.", 0, 0.5, 1)
	s := NewSink(set)
	s.EmitSummary(f, []float64{1, 2.5, 4}, 7.5, 3)
	want := "# HELP s_seconds Pauses.\n# TYPE s_seconds summary\ns_seconds{quantile=\"0\"} 1\ns_seconds{quantile=\"0.5\"} 2.5\n" +
		"s_seconds{quantile=\"1\"} 4\ns_seconds_sum 7.5\ns_seconds_count 3\n"
	if got := string(s.AppendText(nil, nil, noneReserved)); got != want {
		t.Errorf("text:\n%s\nwant:\n%s", got, want)
	}
	s.Reset(Metrics)
	s.EmitSummary(f, []float64{1, 2.5, 4}, 7.5, 3)
	var m dto.Metric
	if err := s.Metrics(noneReserved)[0].Write(&m); err != nil || m.Summary.GetSampleCount() != 3 || m.Summary.GetSampleSum() != 7.5 || len(m.Summary.Quantile) != 3 {
		t.Errorf("metric %v, %v", &m, err)
	}
}

func TestErrorsAreBounded(t *testing.T) {
	s := NewSink(NewSet())
	for i := range 50 {
		s.Error(fmt.Errorf("error %d", i))
	}
	if errs, more := s.Errors(); len(errs) != maxErrors || more != 50-maxErrors {
		t.Errorf("%d errors kept, %d more", len(errs), more)
	}
}

// FuzzValue parses what appendValue writes.
func FuzzValue(f *testing.F) {
	for _, v := range []float64{0, 1, -1, 0.1, 0.25, 1e15, 1 << 53, 1<<53 + 2, 12345.678, -0.005, 0.0005, 0.000001, -12.000305, 1.000001e-6, 9007199254.740991, 1e300,
		math.MaxFloat64, math.SmallestNonzeroFloat64, math.Inf(1), math.Inf(-1), 9007199254740.993} {
		f.Add(v)
	}
	f.Fuzz(func(t *testing.T, v float64) {
		text := string(appendValue(nil, v))
		got, err := strconv.ParseFloat(text, 64)
		if err != nil || got != v && !(math.IsNaN(v) && math.IsNaN(got)) {
			t.Errorf("%v is written as %s and parsed as %v, %v", v, text, got, err)
		}
	})
}

func TestEmitDoesNotAllocate(t *testing.T) {
	set := NewSet()
	f := set.Counter("node_cpu_seconds_total", "Time.", "cpu", "mode")
	s := NewSink(set)
	raw := []byte("cpu17")
	run := func() {
		s.Reset(Text)
		for i := range 100 {
			s.Emit(f, float64(i)/100, string(raw), "user")
		}
	}
	run()
	if n := testing.AllocsPerRun(10, run); n > 0 {
		t.Errorf("%v allocations a run, want none", n)
	}
}
