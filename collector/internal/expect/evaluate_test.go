package expect

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

func noneReserved(string) bool { return false }

// host is the exposition of a host.
const host = `
# TYPE node_hba_fc_port_speed_bits_per_second gauge
node_hba_fc_port_speed_bits_per_second{adapter="host1"} 1.6e+10
node_hba_fc_port_speed_bits_per_second{adapter="host2"} 1.6e+10
node_hba_fc_port_speed_bits_per_second{adapter="host3"} 3.2e+10
node_hba_fc_port_speed_bits_per_second{adapter="host4"} 8e+09
# TYPE node_hba_multipath_usable_components gauge
node_hba_multipath_usable_components{map="mpatha",component="fabric"} 2
node_hba_multipath_usable_components{map="mpatha",component="target_port"} 4
node_hba_multipath_usable_components{map="mpathb",component="fabric"} 1
node_hba_multipath_usable_components{map="mpathb",component="target_port"} 2
# TYPE node_filesystem_size_bytes gauge
node_filesystem_size_bytes{device="/dev/sda1",mountpoint="/"} 1e+09
node_filesystem_size_bytes{device="/dev/sdb1",mountpoint="/data"} 2e+12
node_filesystem_size_bytes{device="a\"b\\c",mountpoint="/x {y=\"z\"} 5"} 7
# TYPE node_bonding_active gauge
node_bonding_active{master="bond0"} 2
node_bonding_active{master="bond1"} 1
# TYPE node_network_up gauge
node_network_up{device="eth0"} 1
node_network_up{device="eth1"} 0
node_network_up{device="bond0"} 1
# TYPE node_load1 gauge
node_load1 0.25
# TYPE node_bonding_slaves gauge
node_bonding_slaves{master="bond0"} 2
node_bonding_slaves{master="bond1"} 2
node_bonding_slaves{master="bond2"} 2
# TYPE paths gauge
paths{map="mpatha",health="good"} 3
paths{map="mpatha",health="bad"} 1
paths{map="mpathb",health="good"} 0
paths{map="mpathb",health="bad"} 2
# TYPE all gauge
all{map="mpatha"} 4
all{map="mpathb"} 2
# TYPE nan gauge
nan NaN
# TYPE limits gauge
limits{x="1"} -1.5
limits{x="2"} +Inf
`

// emit fills a sink with the families of an exposition, as external families or
// as declared ones.
func emit(t testing.TB, mode metric.Mode, external bool, text string) (*metric.Sink, *metric.Set) {
	t.Helper()
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	set := metric.NewSet()
	out := metric.NewSink(set)
	out.Reset(mode)
	for _, f := range families {
		if external {
			family, err := metric.NewExternalFamily(f)
			if err != nil {
				t.Fatal(err)
			}
			out.EmitExternal(family)
			continue
		}
		var names []string
		for _, l := range f.Metric[0].Label {
			names = append(names, l.GetName())
		}
		family := set.Gauge(f.GetName(), "Help.", names...)
		for _, m := range f.Metric {
			out.Emit(family, m.GetGauge().GetValue(), values(m)...)
		}
	}
	return out, set
}

func values(m *dto.Metric) []string {
	var all []string
	for _, l := range m.Label {
		all = append(all, l.GetValue())
	}
	return all
}

// evaluate evaluates a set over samples, and returns the samples of the results
// without the common prefix of their names.
func evaluate(t testing.TB, s *Set, samples *metric.Sink, find SourceFunc) string {
	t.Helper()
	set := metric.NewSet()
	families, out := Declare(set), metric.NewSink(set)
	e := s.Begin()
	e.Observe(func(name string, fn metric.SampleFunc) { samples.VisitSamples(name, noneReserved, fn) })
	e.Finish(find, families, out)
	var b strings.Builder
	for line := range strings.Lines(string(out.AppendText(nil, nil, noneReserved))) {
		if !strings.HasPrefix(line, "#") {
			b.WriteString(strings.ReplaceAll(strings.TrimPrefix(line, "host_exporter_expectation_"), `name="x"`, ""))
		}
	}
	return b.String()
}

func mustNew(t testing.TB, name, expression string) *Expectation {
	t.Helper()
	x, err := New(name, expression)
	if err != nil {
		t.Fatalf("%s: %v", expression, err)
	}
	return x
}

func TestVerdicts(t *testing.T) {
	for _, tc := range []struct{ expression, want string }{
		// Counts: three of the four ports have 16 Gbit/s or more.
		{`count(node_hba_fc_port_speed_bits_per_second >= 16e9) >= 3`, "ok{} 1\nobserved{} 3\nwanted{} 3\n"},
		{`count(node_hba_fc_port_speed_bits_per_second >= 16e9) >= 4`,
			"ok{} 0\nmissing{,missing=\"count(node_hba_fc_port_speed_bits_per_second >= 16e9) >= 4\"} 1\nobserved{} 3\nwanted{} 4\n"},
		{`count(node_hba_fc_port_speed_bits_per_second{adapter=~"host[12]"}) == 2`, "ok{} 1\nobserved{} 2\nwanted{} 2\n"},
		{`count(node_hba_fc_port_speed_bits_per_second{adapter!~"host[12]"}) == 2`, "ok{} 1\nobserved{} 2\nwanted{} 2\n"},
		{`count(node_hba_fc_port_speed_bits_per_second{adapter=~"host"}) == 0`, "ok{} 1\nobserved{} 0\nwanted{} 0\n"},
		{`count(node_network_up != 1) < 1`, "ok{} 0\nmissing{,missing=\"count(node_network_up != 1) < 1\"} 1\nobserved{} 1\nwanted{} 1\n"},

		// Totals.
		{`sum(node_bonding_active) == 3`, "ok{} 1\nobserved{} 3\nwanted{} 3\n"},
		{`min(node_bonding_active) > 1`, "ok{} 0\nmissing{,missing=\"min(node_bonding_active) > 1\"} 1\nobserved{} 1\nwanted{} 1\n"},
		{`max(node_bonding_active) <= 2`, "ok{} 1\nobserved{} 2\nwanted{} 2\n"},
		{`min(node_bonding_active > 1) > 1`, "ok{} 1\nobserved{} 2\nwanted{} 1\n"},
		{`min(limits) == -1.5 and max(limits) > 1e300`, "ok{} 1\n"},
		{`sum(node_bonding_active{master="bond7"}) <= 0`, "ok{} 0\nmissing{,missing=\"sum(node_bonding_active{master=\\\"bond7\\\"}) <= 0\"} 1\nwanted{} 0\n"},

		// All selected samples, of which there must be one.
		{`node_hba_multipath_usable_components{component="fabric"} >= 1`, "ok{} 1\nobserved{} 1\nwanted{} 1\n"},
		{`node_hba_multipath_usable_components{component="fabric"} >= 2`,
			"ok{} 0\nmissing{,missing=\"node_hba_multipath_usable_components{component=\\\"fabric\\\",map=\\\"mpathb\\\"} >= 2\"} 1\nobserved{} 1\nwanted{} 2\n"},
		{`node_bonding_active{master="bond0"} == 2`, "ok{} 1\nobserved{} 2\nwanted{} 2\n"},
		{`node_bonding_active{master="bond1"} == 2`, "ok{} 0\nmissing{,missing=\"node_bonding_active{master=\\\"bond1\\\"} == 2\"} 1\nobserved{} 1\nwanted{} 2\n"},
		{`node_bonding_active{master="bond2"} == 2`, "ok{} 0\nmissing{,missing=\"node_bonding_active{master=\\\"bond2\\\"} == 2\"} 1\nwanted{} 2\n"},
		{`node_bonding_active == 2`, "ok{} 0\nmissing{,missing=\"node_bonding_active{master=\\\"bond1\\\"} == 2\"} 1\nobserved{} 1\nwanted{} 2\n"},
		{`node_bonding_active <= 1`, "ok{} 0\nmissing{,missing=\"node_bonding_active{master=\\\"bond0\\\"} <= 1\"} 1\nobserved{} 2\nwanted{} 1\n"},
		{`node_bonding_active != 1`, "ok{} 0\nmissing{,missing=\"node_bonding_active{master=\\\"bond1\\\"} != 1\"} 1\nobserved{} 1\nwanted{} 1\n"},
		{`node_load1 < 4`, "ok{} 1\nobserved{} 0.25\nwanted{} 4\n"},
		{`nan != 1`, "ok{} 0\nmissing{,missing=\"nan != 1\"} 1\nobserved{} NaN\nwanted{} 1\n"},
		{`nan`, "ok{} 1\n"},

		// Existence.
		{`node_filesystem_size_bytes{mountpoint="/data"}`, "ok{} 1\n"},
		{`node_filesystem_size_bytes{mountpoint="/date"}`, "ok{} 0\nmissing{,missing=\"node_filesystem_size_bytes{mountpoint=\\\"/date\\\"}\"} 1\n"},
		{`node_filesystem_size_bytes{device='a"b\\c',mountpoint="/x {y=\"z\"} 5"} == 7`, "ok{} 1\nobserved{} 7\nwanted{} 7\n"},
		{`node_filesystem_size_bytes{fstype=""} > 0`, "ok{} 1\nobserved{} 7\nwanted{} 0\n"},
		{`node_filesystem_size_bytes{fstype!=""}`, "ok{} 0\nmissing{,missing=\"node_filesystem_size_bytes{fstype!=\\\"\\\"}\"} 1\n"},
		{`any(node_network_up == 0)`, "ok{} 1\n"},
		{`any(node_network_up > 1)`, "ok{} 0\nmissing{,missing=\"any(node_network_up > 1)\"} 1\n"},

		// Compared with other samples, those with the same labels.
		{`node_bonding_active >= node_bonding_slaves`, "ok{} 0\nmissing{,missing=\"node_bonding_active{master=\\\"bond1\\\"} >= node_bonding_slaves\"} 1\n"},
		{`node_bonding_active >= 0.5 * node_bonding_slaves`, "ok{} 1\n"},
		{`node_bonding_active > 0.5 * node_bonding_slaves{master="bond1"}`,
			"ok{} 0\nmissing{,missing=\"node_bonding_active{master=\\\"bond1\\\"} > 0.5 * node_bonding_slaves{master=\\\"bond1\\\"}\"} 1\n"},
		{`node_bonding_active >= (node_bonding_slaves > 2)`, "ok{} 0\nmissing{,missing=\"node_bonding_active >= (node_bonding_slaves > 2)\"} 1\n"},
		{`node_load1 < node_lood1`, "ok{} 0\nmissing{,missing=\"node_load1 < node_lood1\"} 1\n"},

		// Groups.
		{`sum by (map) (paths) >= 2`, "ok{} 1\nobserved{} 2\nwanted{} 2\n"},
		{`sum by (map) (paths{health="good"}) >= 1`, "ok{} 0\nmissing{,missing=\"sum(paths{map=\\\"mpathb\\\",health=\\\"good\\\"}) >= 1\"} 1\nobserved{} 0\nwanted{} 1\n"},
		{`sum by (map) (paths) == all`, "ok{} 1\n"},
		{`sum by (map) (paths{health="good"}) == all`,
			"ok{} 0\nmissing{,missing=\"sum(paths{map=\\\"mpatha\\\",health=\\\"good\\\"}) == all\"} 1\nmissing{,missing=\"sum(paths{map=\\\"mpathb\\\",health=\\\"good\\\"}) == all\"} 1\n"},
		{`count by (map) (paths > 0) == 2`, "ok{} 0\nmissing{,missing=\"count(paths{map=\\\"mpathb\\\"} > 0) == 2\"} 1\nobserved{} 1\nwanted{} 2\n"},
		{`max by (map) (paths) <= 2 and min by (map) (paths) >= 1`,
			"ok{} 0\nmissing{,missing=\"max(paths{map=\\\"mpatha\\\"}) <= 2\"} 1\nmissing{,missing=\"min(paths{map=\\\"mpathb\\\"}) >= 1\"} 1\n"},

		// Without some series.
		{`node_bonding_active == 2 unless on (master) node_bonding_slaves{master="bond1"}`, "ok{} 1\nobserved{} 2\nwanted{} 2\n"},
		{`node_bonding_active == 2 unless node_bonding_slaves > 2`, "ok{} 0\nmissing{,missing=\"node_bonding_active{master=\\\"bond1\\\"} == 2\"} 1\nobserved{} 1\nwanted{} 2\n"},
		{`node_bonding_active == 2 unless node_network_up`, "ok{} 0\nmissing{,missing=\"node_bonding_active{master=\\\"bond1\\\"} == 2\"} 1\nobserved{} 1\nwanted{} 2\n"},
		{`sum by (map) (paths{health="good"}) > 0 unless on (map) all == 2`, "ok{} 1\nobserved{} 3\nwanted{} 0\n"},

		// For each name.
		{`node_network_up == 1 for each device in ("eth0", "bond0")`, "ok{} 1\nobserved{} 2\nwanted{} 2\n"},
		{`node_network_up == 1 for each device in ("eth0", "eth1", "eth2", "bond0")`,
			"ok{} 0\nmissing{,missing=\"node_network_up{device=\\\"eth1\\\"} == 1\"} 1\nmissing{,missing=\"node_network_up{device=\\\"eth2\\\"} == 1\"} 1\nobserved{} 2\nwanted{} 4\n"},
		{`count(node_hba_multipath_usable_components >= 2) == 2 for each map in ("mpatha", "mpathb")`,
			"ok{} 0\nmissing{,missing=\"count(node_hba_multipath_usable_components{map=\\\"mpathb\\\"} >= 2) == 2\"} 1\nobserved{} 1\nwanted{} 2\n"},

		// Several clauses: those that fail are named, and there are no numbers.
		{`node_load1 < 4 and node_bonding_active{master="bond1"} == 2 and node_network_up == 1 for each device in ("eth2")`,
			"ok{} 0\nmissing{,missing=\"node_bonding_active{master=\\\"bond1\\\"} == 2\"} 1\nmissing{,missing=\"node_network_up{device=\\\"eth2\\\"} == 1\"} 1\n"},

		// An unknown family does not count as 0.
		{`count(node_lood1) == 0`, "ok{} 0\nmissing{,missing=\"count(node_lood1) == 0\"} 1\nobserved{} 0\nwanted{} 0\n"},
		{`count(node_lood1) == 0 for each x in ("1")`, "ok{} 0\nmissing{,missing=\"count(node_lood1{x=\\\"1\\\"}) == 0\"} 1\nobserved{} 0\nwanted{} 1\n"},
	} {
		for _, road := range []struct {
			mode     metric.Mode
			external bool
		}{{metric.Text, false}, {metric.Metrics, false}, {metric.Text, true}, {metric.Metrics, true}} {
			samples, set := emit(t, road.mode, road.external, host)
			s := NewSet(mustNew(t, "x", tc.expression))
			have := evaluate(t, s, samples, func(_, family string) Source {
				return Source{Requested: true, Declared: set.OfSample(family) != nil}
			})
			if have != tc.want {
				t.Errorf("%s (road %v):\n%swant\n%s", tc.expression, road, have, tc.want)
			}
			if again := evaluate(t, s, samples, func(_, family string) Source {
				return Source{Requested: true, Declared: set.OfSample(family) != nil}
			}); again != have {
				t.Errorf("%s (road %v): a second time it is\n%s", tc.expression, road, again)
			}
		}
	}
}

// TestUnknown has collectors that failed, or are not part of the scrape.
func TestUnknown(t *testing.T) {
	sources := map[string]Source{
		"read":  {Requested: true, Declared: true},
		"late":  {Requested: true, Declared: true, Collector: "c", Reason: "timeout"},
		"other": {},
		"typo":  {Requested: true},
		"files": {Requested: true, Collector: "textfile", Reason: "timeout"},
	}
	const late, files = "unknown{,collector=\"c\",reason=\"timeout\"} 1\n", "unknown{,collector=\"textfile\",reason=\"timeout\"} 1\n"
	for expression, want := range map[string]string{
		`read == 1`:                      "ok{} 1\nobserved{} 1\nwanted{} 1\n",
		`late`:                           late,
		`late and late > 1 and read`:     late,
		`late and read == 2`:             "ok{} 0\nmissing{,missing=\"read == 2\"} 1\n" + late,
		`other`:                          "",
		`other and read`:                 "",
		`other and read == 2`:            "ok{} 0\nmissing{,missing=\"read == 2\"} 1\n",
		`late and files`:                 late + files,
		`typo`:                           "ok{} 0\nmissing{,missing=\"typo\"} 1\n",
		`count(files) < 5`:               files,
		`count(read{x="none"}) == 0`:     "ok{} 1\nobserved{} 0\nwanted{} 0\n",
		`count(late) < 5 and other == 1`: late,
	} {
		samples, _ := emit(t, metric.Text, false, "# TYPE read gauge\nread{x=\"y\"} 1\n")
		have := evaluate(t, NewSet(mustNew(t, "x", expression)), samples, func(_, family string) Source { return sources[family] })
		if want = strings.ReplaceAll(want, `read == 2"`, `read{x=\"y\"} == 2"`); have != want {
			t.Errorf("%s:\n%swant\n%s", expression, have, want)
		}
	}
	// An external family with samples, while another dynamic collector failed.
	samples, _ := emit(t, metric.Text, true, "# TYPE files gauge\nfiles 1\n")
	if have := evaluate(t, NewSet(mustNew(t, "x", "files")), samples, func(string, string) Source { return sources["files"] }); have != "ok{} 1\n" {
		t.Errorf("with samples:\n%s", have)
	}
}

func TestMissingIsBounded(t *testing.T) {
	var b strings.Builder
	b.WriteString("# TYPE a gauge\n")
	for i := range 50 {
		fmt.Fprintf(&b, "a{n=\"%02d\"} 0\n", i)
	}
	b.WriteString("# TYPE b gauge\nb{n=\"" + strings.Repeat("ä", 4096) + "\"} 0\n")
	samples, _ := emit(t, metric.Text, false, b.String())
	s := NewSet(mustNew(t, "x", "a == 1 and b == 1"), mustNew(t, "long", "b == 1"))
	have := strings.Split(evaluate(t, s, samples, func(string, string) Source { return Source{Requested: true, Declared: true} }), "\n")
	if n := slices.Index(have, "missing_unnamed{} 31"); n < 0 || !slices.Contains(have, `missing{,missing="a{n=\"19\"} == 1"} 1`) {
		t.Errorf("have %s", have)
	}
	names := 0
	for _, line := range have {
		if strings.HasPrefix(line, "missing{,") {
			names++
		}
		if strings.Contains(line, "long") && len(line) > maxText+60 {
			t.Errorf("%d bytes: %s", len(line), line)
		}
	}
	if names != maxMissing {
		t.Errorf("%d names, want %d", names, maxMissing)
	}
}

// TestHostileValues has label values that become equal when they are cut or
// cleaned: a series must not be emitted twice.
func TestHostileValues(t *testing.T) {
	long := strings.Repeat("x", 2*maxText)
	for _, mode := range []metric.Mode{metric.Text, metric.Metrics} {
		samples := metric.NewSink(metric.NewSet())
		samples.Reset(mode)
		name, typ, zero := "a", dto.MetricType_GAUGE, 0.0
		f := &dto.MetricFamily{Name: &name, Type: &typ}
		for _, v := range []string{"q\x01", "q\x02", long + "1", long + "2", "\"}\n", "\u0085"} {
			label := "l"
			f.Metric = append(f.Metric, &dto.Metric{Label: []*dto.LabelPair{{Name: &label, Value: &v}}, Gauge: &dto.Gauge{Value: &zero}})
		}
		external, err := metric.NewExternalFamily(f)
		if err != nil {
			t.Fatal(err)
		}
		samples.EmitExternal(external)
		have := evaluate(t, NewSet(mustNew(t, "x", "a > 0")), samples, func(string, string) Source { return Source{Requested: true} })
		want := "ok{} 0\nmissing{,missing=\"a{l=\\\"q\\\"} > 0\"} 1\nmissing{,missing=\"a{l=\\\"" + long[:maxText-len(`a{l="`)] + "…\"} 1\n" +
			"missing{,missing=\"a{l=\\\"\\\\\\\"}\\\\n\\\"} > 0\"} 1\nmissing{,missing=\"a{l=\\\"\\\"} > 0\"} 1\nobserved{} 0\nwanted{} 0\n"
		if have != want {
			t.Errorf("mode %v:\n%swant\n%s", mode, have, want)
		}
	}
}

// FuzzEvaluate evaluates any expression over any label value: it does not
// panic, and the results of both roads are the same.
func FuzzEvaluate(f *testing.F) {
	f.Add(`a{l="x"} == 1`, "x", 1.0)
	f.Add(`count(a{l=~".*"} > 0) < 2 for each l in ("x", "y")`, "\"\\\n\xff", -0.5)
	f.Add(`a_sum > 1 and min(a) < 2 and any(b)`, "", 1e300)
	f.Fuzz(func(t *testing.T, expression, value string, v float64) {
		x, err := New("x", expression)
		if err != nil {
			return
		}
		var roads []string
		for _, mode := range []metric.Mode{metric.Text, metric.Metrics} {
			set := metric.NewSet()
			out := metric.NewSink(set)
			out.Reset(mode)
			a, b := set.Gauge("a", "A.", "l", "k"), set.Counter("b", "B.")
			out.Emit(a, v, value, "1")
			out.Emit(b, -v)
			out.Emit(a, 1, "x", value)
			roads = append(roads, evaluate(t, NewSet(x), out, func(string, string) Source { return Source{Requested: true, Declared: true} }))
		}
		if roads[0] != roads[1] {
			t.Errorf("%s: text\n%smetrics\n%s", expression, roads[0], roads[1])
		}
	})
}

// BenchmarkEvaluate evaluates 100 expectations, four for each of 25 families,
// over 500 samples.
func BenchmarkEvaluate(b *testing.B) {
	set := metric.NewSet()
	samples := metric.NewSink(set)
	var list []*Expectation
	for i := range 25 {
		name := fmt.Sprintf("node_family%d", i)
		family := set.Gauge(name, "Help.", "device", "mode")
		for j := range 20 {
			samples.Emit(family, float64(j), fmt.Sprintf("dev%d", j), "online")
		}
		for _, x := range []string{
			`count(%s{mode="online"} >= 5) >= 15`, `%s{device="dev7"} == 7`, `%s >= 0 for each device in ("dev1", "dev2", "dev3")`, `max(%s{device=~"dev.*"}) < 20`,
		} {
			list = append(list, mustNew(b, fmt.Sprintf("x%d", len(list)), fmt.Sprintf(x, name)))
		}
	}
	s := NewSet(list...)
	results := metric.NewSet()
	families, out := Declare(results), metric.NewSink(results)
	visit := func(name string, fn metric.SampleFunc) { samples.VisitSamples(name, noneReserved, fn) }
	find := func(string, string) Source { return Source{Requested: true, Declared: true} }
	b.ReportAllocs()
	for b.Loop() {
		out.Reset(metric.Text)
		e := s.Begin()
		e.Observe(visit)
		e.Finish(find, families, out)
	}
	if text := string(out.AppendText(nil, nil, noneReserved)); strings.Count(text, "_ok{") != 100 || strings.Contains(text, "_missing{") {
		b.Fatal(text)
	}
}

// TestOptional has expectations that fail by no absent samples.
func TestOptional(t *testing.T) {
	sources := map[string]Source{"late": {Requested: true, Declared: true, Collector: "c", Reason: "timeout"}, "other": {}}
	for expression, want := range map[string]string{
		`read == 1`:                          `holds`,
		`read == 2`:                          `fails [{[{x y}] 1 2 true read{x="y"} == 2}]`,
		`read{x="z"} == 2`:                   `holds`,
		`read < absent`:                      `holds`,
		`count(read) >= 2`:                   `fails [{[] 1 2 true count(read) >= 2}]`,
		`absent == 1`:                        `none`,
		`count(absent) >= 1`:                 `none`,
		`sum by (x) (absent) >= 1`:           `none`,
		`other == 1`:                         `none`,
		`absent == 1 and read == 1`:          `holds`,
		`absent == 1 and read == 2`:          `fails [{[{x y}] 1 2 true read{x="y"} == 2}]`,
		`late == 1 and read == 1`:            `unknown [{true true c timeout}]`,
		`late == 1 and read == 2`:            `fails [{[{x y}] 1 2 true read{x="y"} == 2}] [{true true c timeout}]`,
		`read <= 0.5 * read`:                 `fails [{[{x y}] 1 0.5 true read{x="y"} <= 0.5 * read}]`,
		`sum by (x) (read) == 0`:             `fails [{[{x y}] 1 0 true sum(read{x="y"}) == 0}]`,
		`read == 2 unless read`:              `holds`,
		`read == 2 unless on (x) read < 1`:   `fails [{[{x y}] 1 2 true read{x="y"} == 2}]`,
		`read{x!="y"} == 1 and read{x="y"}`:  `holds`,
		`any(read == 2)`:                     `fails [{[] 0 0 false any(read == 2)}]`,
		`read == 2 for each x in ("y", "z")`: `fails [{[{x y}] 1 2 true read{x="y"} == 2}]`,
	} {
		samples, _ := emit(t, metric.Text, false, "# TYPE read gauge\nread{x=\"y\"} 1\n")
		x := mustNew(t, "x", expression)
		x.Optional = true
		e := NewSet(x).Begin()
		e.Observe(func(name string, fn metric.SampleFunc) { samples.VisitSamples(name, noneReserved, fn) })
		var have string
		e.Results(func(_, family string) Source {
			if s, ok := sources[family]; ok {
				return s
			}
			return Source{Requested: true, Declared: family == "read"}
		}, func(r Result) {
			have = [...]string{None: "none", Holds: "holds", Fails: "fails", Unknown: "unknown"}[r.Verdict]
			if len(r.Failing) > 0 {
				have += fmt.Sprintf(" %v", r.Failing)
			}
			if len(r.Unknown) > 0 {
				have += fmt.Sprintf(" %v", r.Unknown)
			}
		})
		if have != want {
			t.Errorf("%s:\nhave %s\nwant %s", expression, have, want)
		}
	}
}

// TestIgnore leaves out samples by their labels.
func TestIgnore(t *testing.T) {
	samples, _ := emit(t, metric.Text, false, host)
	x := mustNew(t, "x", `node_network_up == 1 and sum by (map) (paths{health="good"}) > 0`)
	for _, matchers := range []string{`device="eth1"`, `map=~"mpath.",health!="bad"`} {
		if err := x.Ignore(matchers); err != nil {
			t.Fatal(err)
		}
	}
	x.Optional = true
	if have := evaluate(t, NewSet(x), samples, func(string, string) Source { return Source{Requested: true, Declared: true} }); have != "ok{} 1\n" {
		t.Errorf("have %s", have)
	}
	if err := x.Ignore(`device=eth1`); err == nil || err.Error() != `position 8: want a text in quotes, have "eth1"` {
		t.Error(err)
	}
	if err := x.Ignore(``); err == nil {
		t.Error("no error for no matcher")
	}
}
