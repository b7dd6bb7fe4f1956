package output

import (
	"strings"
	"testing"
	"time"
)

// TestNewErrors checks that each error starts with the field of the configuration.
func TestNewErrors(t *testing.T) {
	one := func(f Format, m Metric) Options { return Options{Format: f, Name: "n", Metrics: []Metric{m}} }
	for _, c := range []struct {
		o    Options
		want string
	}{
		{Options{}, `format: want one of [prometheus kv json regexp nagios number exit], have ""`},
		{Options{Format: "xml"}, `format: want one of [prometheus kv json regexp nagios number exit], have "xml"`},
		{Options{Format: KV, MaxSeries: -1}, "max-series: want a number above 0, have -1"},
		{Options{Format: KV, MaxSeries: 100_001}, "max-series: want at most 100000, have 100001"},
		{Options{Format: KV, MaxBytes: 1 << 30}, "stdout-limit: want at most 67108864, have 1073741824"},
		{Options{Format: KV, MaxBytes: -1}, "stdout-limit: want a number above 0, have -1"},
		{Options{Format: JSON, JQTimeout: -time.Second}, "jq-timeout: want a duration above 0, have -1s"},
		{Options{Format: Nagios}, "metric: want a prefix for the families of the format nagios, have none"},
		{Options{Format: Nagios, Name: "a-b"}, `metric: want a name of letters, digits, underscores and colons, have "a-b"`},
		{Options{Format: Nagios, Name: "host_check_x"}, "metric: want a name without the reserved prefix host_check_, have host_check_x"},
		{Options{Format: Nagios, Name: "process"}, "metric: want a name without the reserved prefix process_, have process_status"},
		{Options{Format: Exit}, "metric: want metric or metrics with the format exit, have neither"},
		{Options{Format: Number}, "metric: want metric or metrics with the format number, have neither"},
		{Options{Format: Number, Metrics: make([]Metric, 2)}, "metrics: want one with the format number, have 2"},
		{Options{Format: JSON}, "metrics: want at least one with the format json, have none"},
		{Options{Format: Regexp}, "metrics: want at least one with the format regexp, have none"},
		{Options{Format: KV, RequireEOF: true}, "require-eof: want the format prometheus, have kv"},
		{Options{Format: Exit, Name: "a", Units: map[string]string{"x": "GB"}}, "units: want a format with units, have exit"},
		{Options{Format: KV, Units: map[string]string{"Gb": "Gb"}}, `units: want a known unit for "Gb", have "Gb"`},
		{Options{Format: Prometheus, BinaryUnits: true}, "binary-units: want a format with units, have prometheus"},
		{one(KV, Metric{}), `metrics[0]: name: want a name of letters, digits, underscores and colons, have ""`},
		{one(KV, Metric{Name: "go_x"}), "metrics[0]: name: want a name without the reserved prefix go_, have go_x"},
		{Options{Format: KV, Metrics: []Metric{{Name: "a"}, {Name: "a"}}}, "metrics[1]: name: want a unique name, have a of metrics[0]"},
		{Options{Format: KV, Metrics: []Metric{{Name: "a"}, {Name: "b", From: "a"}}}, `metrics[1]: from: want a unique name, have "a" of a`},
		{Options{Format: Regexp, Metrics: []Metric{{Name: "a", Pattern: "(?P<value>1)"}, {Name: "a", Type: Counter, Pattern: "(?P<value>1)"}}}, "metrics[1]: type: want gauge as of the first a, have counter"},
		{one(JSON, Metric{Name: "a", From: "b"}), "metrics[0]: from: want a format with names, have json"},
		{one(KV, Metric{Name: "a", Type: "histogram"}), `metrics[0]: type: want gauge, counter or info, have "histogram"`},
		{one(KV, Metric{Name: "a", Type: Info}), "metrics[0]: name: want a name that ends in _info for an info, have a"},
		{one(KV, Metric{Name: "a_info", Type: Info, Min: at(0)}), "metrics[0]: type: want no unit, enum, min or max with an info, which is always 1"},
		{one(Prometheus, Metric{Name: "a", Enum: map[string]float64{"a": 1}}), "metrics[0]: enum: want a format with words, have prometheus"},
		{one(KV, Metric{Name: "a", Unit: "ms", Enum: map[string]float64{"a": 1}}), "metrics[0]: enum: want an enum or a unit, have both"},
		{one(KV, Metric{Name: "a", Max: at(1), Enum: map[string]float64{"a": 2}}), `metrics[0]: enum: want at most max, which is 1, have 2 for "a"`},
		{one(KV, Metric{Name: "a", Enum: map[string]float64{" a": 2}}), `metrics[0]: enum: want a word without spaces around it, have " a"`},
		{one(KV, Metric{Name: "a", Min: at(2), Max: at(1)}), "metrics[0]: min: want at most max, which is 1, have 2"},
		{one(KV, Metric{Name: "a", Unit: "furlong"}), `metrics[0]: unit: want a known unit, have "furlong"`},
		{one(KV, Metric{Name: "wait_total", Unit: "ms"}), "metrics[0]: unit: want a name that ends in seconds, the base unit of ms, such as wait_seconds_total"},
		{one(Exit, Metric{Name: "a_seconds", Unit: "ms"}), "metrics[0]: unit: want a format with units, have exit"},
		{one(KV, Metric{Name: "a", Labels: []string{"a", "a"}}), "metrics[0]: labels: want each label once, have a twice"},
		{one(KV, Metric{Name: "a", Labels: []string{"__a"}}), `metrics[0]: labels: want the name of a label, have "__a"`},
		{one(KV, Metric{Name: "a", Labels: strings.Fields(repeat("l%d ", 65))}), "metrics[0]: labels: want at most 64, have 65"},
		{one(Exit, Metric{Name: "a", Labels: []string{"a"}}), "metrics[0]: labels: want a format with labels, have exit"},
		{one(KV, Metric{Name: "a", Pattern: "a"}), "metrics[0]: pattern: want the format regexp, have kv"},
		{one(KV, Metric{Name: "a", Value: "."}), "metrics[0]: each, value, label-values: want the format json, have kv"},
		{one(Regexp, Metric{Name: "a"}), "metrics[0]: pattern: want a pattern with the format regexp, have none"},
		{one(Regexp, Metric{Name: "a", Pattern: "("}), "metrics[0]: pattern: error parsing regexp: missing closing ): `(`"},
		{one(Regexp, Metric{Name: "a", Pattern: "(?P<l>a)"}), "metrics[0]: pattern: want a group (?P<value>...), have none"},
		{one(Regexp, Metric{Name: "a", Labels: []string{"x"}, Pattern: "(?P<l>a)(?P<value>a)"}), "metrics[0]: pattern: want a group for one of the labels [x], have l"},
		{one(JSON, Metric{Name: "a"}), "metrics[0]: value: want a jq expression, have none"},
		{one(JSON, Metric{Name: "a", Value: ".["}), `metrics[0]: value: ".[": unexpected EOF`},
		{one(JSON, Metric{Name: "a", Value: "nothing"}), `metrics[0]: value: "nothing": function not defined: nothing/0`},
		{one(JSON, Metric{Name: "a", Value: "input"}), `metrics[0]: value: "input": input(s)/0 is not allowed`},
		{one(JSON, Metric{Name: "a", Value: `import "a" as a; 1`}), `metrics[0]: value: "import \"a\" as a; 1": cannot load module: "a"`},
		{one(JSON, Metric{Name: "a", Value: ".", Each: "."}), ""},
		{one(JSON, Metric{Name: "a", Value: ".", LabelValues: map[string]string{"a b": "."}}), `metrics[0]: label-values: want the name of a label, have "a b"`},
		{one(JSON, Metric{Name: "a", Value: ".", LabelValues: map[string]string{"a": ".["}}), `metrics[0]: label-values: a: ".[": unexpected EOF`},
		{one(JSON, Metric{Name: "a", Value: ".", Labels: []string{"b"}, LabelValues: map[string]string{"a": "."}}), "metrics[0]: label-values: want one of the labels [b], have a"},
	} {
		have := ""
		if _, err := New(c.o); err != nil {
			have = err.Error()
		}
		if have != c.want {
			t.Errorf("%+v:\nwant %s\nhave %s", c.o, c.want, have)
		}
	}
}

func TestExitIsValue(t *testing.T) {
	for _, f := range Formats() {
		if want := f == "nagios" || f == "exit"; f.ExitIsValue() != want {
			t.Errorf("%s: want %t", f, want)
		}
	}
}
