package output

import (
	"strings"
	"testing"
	"time"
)

// TestNewErrors has each error name the field, as the configuration calls it.
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
		{Options{Format: KV, MaxBytes: 1 << 62}, "stdout-limit: want at most 67108864, have 4611686018427387904"},
		{Options{Format: KV, MaxBytes: -1}, "stdout-limit: want a number above 0, have -1"},
		{Options{Format: JSON, JQTimeout: -time.Second}, "jq-timeout: want a duration above 0, have -1s"},
		{Options{Format: Nagios}, "metric: the format nagios needs one, for its families to begin with"},
		{Options{Format: Nagios, Name: "a-b"}, `metric: "a-b" is not a name for a metric: want letters, digits, underscores and colons`},
		{Options{Format: Nagios, Name: "host_check_x"}, "metric: host_check_x is reserved: host_check_ is the exporter's own"},
		{Options{Format: Nagios, Name: "process"}, "metric: process_status is reserved: process_ is the exporter's own"},
		{Options{Format: Exit}, "metric: the format exit needs one, or a metric"},
		{Options{Format: Number}, "metric: the format number needs one, or a metric"},
		{Options{Format: Number, Metrics: make([]Metric, 2)}, "metrics: the format number has one value, have 2 metrics"},
		{Options{Format: JSON}, "metrics: the format json needs at least one"},
		{Options{Format: Regexp}, "metrics: the format regexp needs at least one"},
		{Options{Format: KV, RequireEOF: true}, "require-eof: only for the format prometheus"},
		{Options{Format: Prometheus, BinaryUnits: true}, "binary-units: the format prometheus prints no units"},
		{one(KV, Metric{}), `metrics[0]: name: "" is not a name for a metric: want letters, digits, underscores and colons`},
		{one(KV, Metric{Name: "go_x"}), "metrics[0]: name: go_x is reserved: go_ is the exporter's own"},
		{Options{Format: KV, Metrics: []Metric{{Name: "a"}, {Name: "a"}}}, "metrics[1]: name: a is that of metrics[0] already"},
		{Options{Format: KV, Metrics: []Metric{{Name: "a"}, {Name: "b", From: "a"}}}, `metrics[1]: from: "a" is read by a already`},
		{Options{Format: Regexp, Metrics: []Metric{{Name: "a", Pattern: "(?P<value>1)"}, {Name: "a", Type: Counter, Pattern: "(?P<value>1)"}}}, "metrics[1]: type: a is a gauge already"},
		{one(JSON, Metric{Name: "a", From: "b"}), "metrics[0]: from: the format json has no names"},
		{one(KV, Metric{Name: "a", Type: "histogram"}), `metrics[0]: type: want gauge, counter or info, have "histogram"`},
		{one(KV, Metric{Name: "a", Type: Info}), "metrics[0]: name: a is an info, its name has to end in _info"},
		{one(KV, Metric{Name: "a_info", Type: Info, Min: at(0)}), "metrics[0]: type: an info is always 1: it has no unit, enum, min or max"},
		{one(Prometheus, Metric{Name: "a", Enum: map[string]float64{"a": 1}}), "metrics[0]: enum: the format prometheus has numbers only"},
		{one(KV, Metric{Name: "a", Unit: "ms", Enum: map[string]float64{"a": 1}}), "metrics[0]: enum: a text has no unit"},
		{one(KV, Metric{Name: "a", Max: at(1), Enum: map[string]float64{"a": 2}}), `metrics[0]: enum: "a" is 2, not in the range to max, which is 1`},
		{one(KV, Metric{Name: "a", Enum: map[string]float64{" a": 2}}), `metrics[0]: enum: " a" begins or ends with a space, which is never looked at`},
		{one(KV, Metric{Name: "a", Min: at(2), Max: at(1)}), "metrics[0]: min: 2 is above max, which is 1"},
		{one(KV, Metric{Name: "a", Unit: "furlong"}), `metrics[0]: unit: "furlong" is not known`},
		{one(KV, Metric{Name: "wait_total", Unit: "ms"}), "metrics[0]: unit: ms is served in seconds: the name has to end in it, as wait_seconds_total"},
		{one(Exit, Metric{Name: "a_seconds", Unit: "ms"}), "metrics[0]: unit: an exit code has none"},
		{one(KV, Metric{Name: "a", Labels: []string{"a", "a"}}), "metrics[0]: labels: a is there twice"},
		{one(KV, Metric{Name: "a", Labels: []string{"__a"}}), `metrics[0]: labels: "__a" is not a name for a label`},
		{one(KV, Metric{Name: "a", Labels: strings.Fields(repeat("l%d ", 65))}), "metrics[0]: labels: 65 are more than the 64 that a metric may have"},
		{one(Exit, Metric{Name: "a", Labels: []string{"a"}}), "metrics[0]: labels: the format exit has none"},
		{one(KV, Metric{Name: "a", Pattern: "a"}), "metrics[0]: pattern: only for the format regexp"},
		{one(KV, Metric{Name: "a", Value: "."}), "metrics[0]: each, value, label-values: only for the format json"},
		{one(Regexp, Metric{Name: "a"}), "metrics[0]: pattern: the format regexp needs one"},
		{one(Regexp, Metric{Name: "a", Pattern: "("}), "metrics[0]: pattern: error parsing regexp: missing closing ): `(`"},
		{one(Regexp, Metric{Name: "a", Pattern: "(?P<l>a)"}), "metrics[0]: pattern: want a group (?P<value>...)"},
		{one(Regexp, Metric{Name: "a", Labels: []string{"x"}, Pattern: "(?P<l>a)(?P<value>a)"}), "metrics[0]: pattern: the group l is not one of the labels [x]"},
		{one(JSON, Metric{Name: "a"}), "metrics[0]: value: the format json needs a jq expression"},
		{one(JSON, Metric{Name: "a", Value: ".["}), `metrics[0]: value: ".[": unexpected EOF`},
		{one(JSON, Metric{Name: "a", Value: "nothing"}), `metrics[0]: value: "nothing": function not defined: nothing/0`},
		{one(JSON, Metric{Name: "a", Value: "input"}), `metrics[0]: value: "input": input(s)/0 is not allowed`},
		{one(JSON, Metric{Name: "a", Value: `import "a" as a; 1`}), `metrics[0]: value: "import \"a\" as a; 1": cannot load module: "a"`},
		{one(JSON, Metric{Name: "a", Value: ".", Each: "."}), ""},
		{one(JSON, Metric{Name: "a", Value: ".", LabelValues: map[string]string{"a b": "."}}), `metrics[0]: label-values: "a b" is not a name for a label`},
		{one(JSON, Metric{Name: "a", Value: ".", LabelValues: map[string]string{"a": ".["}}), `metrics[0]: label-values: a: ".[": unexpected EOF`},
		{one(JSON, Metric{Name: "a", Value: ".", Labels: []string{"b"}, LabelValues: map[string]string{"a": "."}}), "metrics[0]: label-values: a is not one of the labels [b]"},
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
