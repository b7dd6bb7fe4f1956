package output

import (
	"strings"
	"testing"
	"time"
)

func TestJSON(t *testing.T) {
	disks := Options{Format: JSON, Metrics: []Metric{
		{Name: "disk_temperature_celsius", Each: ".disks[]", Value: ".temp", LabelValues: map[string]string{"disk": ".name", "wwn": ".wwn"}},
		{Name: "disk_healthy", Each: ".disks[]", Value: ".health", Enum: map[string]float64{"PASSED": 1, "FAILED": 0}, LabelValues: map[string]string{"disk": ".name"}},
		{Name: "disk_raid_info", Type: Info, LabelValues: map[string]string{"level": ".level"}},
		{Name: "disk_uptime_seconds", Value: ".up_ms", Unit: "ms"},
		{Name: "disk_ok", Value: ".ok"},
	}}
	simple := func(value string) Options { return Options{Format: JSON, Metrics: []Metric{{Name: "x", Value: value}}} }
	for _, c := range []testCase{
		{name: "disks", options: disks,
			stdout: `{"disks":[{"name":"sda","temp":31,"wwn":12345678901234567890,"health":"PASSED"},{"name":"sdb","temp":40.5,"wwn":2,"health":"FAILED"}],"level":5,"up_ms":1500,"ok":true}`,
			want: `# TYPE disk_healthy gauge
disk_healthy{disk="sda"} 1
disk_healthy{disk="sdb"} 0
# TYPE disk_ok gauge
disk_ok 1
# TYPE disk_raid_info gauge
disk_raid_info{level="5"} 1
# TYPE disk_temperature_celsius gauge
disk_temperature_celsius{disk="sda",wwn="12345678901234567890"} 31
disk_temperature_celsius{disk="sdb",wwn="2"} 40.5
# TYPE disk_uptime_seconds gauge
disk_uptime_seconds 1.5
`},
		{name: "ill typed", options: disks,
			stdout:  `{"disks":[{"name":"sda","temp":"31","wwn":1,"health":"ok"},{"name":null,"temp":1,"health":7}],"level":"5","up_ms":{"a":1},"ok":[false]}`,
			want:    "# TYPE disk_raid_info gauge\ndisk_raid_info{level=\"5\"} 1\n",
			dropped: map[Reason]int{IllTyped: 3, NotInEnum: 1, BadLabel: 2},
			problems: `metrics[0], item 1: disk_temperature_celsius: want a number, have the string "31"
metrics[0], item 2: disk_temperature_celsius: label disk: want a string or a number, have null
metrics[1], item 1: disk_healthy: want a word of the enum, have "ok"
metrics[1], item 2: disk_healthy: label disk: want a string or a number, have null
metrics[3], item 1: disk_uptime_seconds: want a number, have an object of 1
metrics[4], item 1: disk_ok: want a number, have an array of 1`},
		{name: "absent", options: simple(".a.b"), stdout: `{}`, dropped: map[Reason]int{IllTyped: 1},
			problems: "metrics[0], item 1: x: want a number, have null"},
		{name: "absent and optional", options: simple(".a.b // empty"), stdout: `{}`},
		{name: "several without labels", options: simple(".[]"), stdout: `[1,2]`, want: "# TYPE x gauge\nx 1\n", dropped: map[Reason]int{Duplicate: 1}},
		{name: "large", options: simple("."), stdout: `9007199254740993`, want: "# TYPE x gauge\nx 9.007199254740992e+15\n"},
		{name: "computed", options: simple(".a * 2 + (.b | tonumber)"), stdout: `{"a":1.5,"b":"4"}`, want: "# TYPE x gauge\nx 7\n"},
		{name: "infinite", options: simple("infinite, nan, (1e308*10)"), stdout: `0`, dropped: map[Reason]int{IllTyped: 3}},
		{name: "number too large", options: simple("."), stdout: `1e999`, dropped: map[Reason]int{IllTyped: 1}},
		{name: "no environment", options: simple("($ENV, env) | length"), stdout: `0`, want: "# TYPE x gauge\nx 0\n", dropped: map[Reason]int{Duplicate: 1}},
		{name: "another document", options: simple(".a.b"), stdout: `[1]`, err: `metrics[0]: x: expected an object but got: array ([1])`},
		{name: "labels", options: Options{Format: JSON, Metrics: []Metric{{Name: "x", Each: ".[]", Value: "1", LabelValues: map[string]string{"l": "."}}}},
			stdout: `[true, 1.5e3, "\u0000a\ud800", 18446744073709551615]`,
			want:   "# TYPE x gauge\nx{l=\"\x00a\ufffd\"} 1\nx{l=\"1.5e3\"} 1\nx{l=\"18446744073709551615\"} 1\nx{l=\"true\"} 1\n"},
		{name: "computed labels", options: Options{Format: JSON, Metrics: []Metric{{Name: "x", Value: "1, length, (9007199254740993 * 9007199254740993)", LabelValues: map[string]string{
			"i": "length", "f": ".[0] / 2", "b": "9007199254740993 * 9007199254740993"}}}},
			stdout: `[5, 7]`, want: "# TYPE x gauge\nx{b=\"81129638414606699710187514626049\",f=\"2.5\",i=\"2\"} 1\n", dropped: map[Reason]int{Duplicate: 2}},
		{name: "large computed", options: simple("9007199254740993 * 2"), stdout: `0`, want: "# TYPE x gauge\nx 1.8014398509481984e+16\n"},
		{name: "larger computed", options: simple("9007199254740993 * 9007199254740993"), stdout: `0`, want: "# TYPE x gauge\nx 8.11296384146067e+31\n"},
		{name: "labels of no or several values", options: Options{Format: JSON, Metrics: []Metric{
			{Name: "x", Value: ".", LabelValues: map[string]string{"l": "empty"}}, {Name: "y", Value: ".", LabelValues: map[string]string{"l": "1, 2"}}, {Name: "z", Value: ".", LabelValues: map[string]string{"l": ".a"}}}},
			stdout: `1`, dropped: map[Reason]int{BadLabel: 3},
			problems: `metrics[0], item 1: x: label l: want one value, have none
metrics[1], item 1: y: label l: want one value, have several
metrics[2], item 1: z: label l: expected an object but got: number (1)`},
		{name: "halt", options: simple("1, halt, 2"), stdout: `0`, want: "# TYPE x gauge\nx 1\n"},
		{name: "incomplete", options: simple("."), stdout: "{\"a\":\n [1, 2", err: "line 2, column 6: want JSON, have an incomplete document"},
		{name: "empty", options: simple("."), stdout: "", err: "line 1, column 1: want JSON, have an incomplete document"},
		{name: "two documents", options: simple("."), stdout: "1\n2\n", err: "line 2, column 1: want one JSON document, have more"},
		{name: "not JSON", options: simple("."), stdout: "{\n  x: 1}", err: "line 2, column 3: want JSON: invalid character 'x' looking for beginning of object key string"},
		{name: "garbage", options: simple("."), stdout: "\x7fELF", err: `line 1, column 1: want JSON: invalid character '\x7f' looking for beginning of value`},
		{name: "too deep", options: simple("."), stdout: strings.Repeat("[", 20000), err: "line 1, column 10001: want JSON: invalid character '[' exceeded max depth"},
		{name: "too many", options: Options{Format: JSON, MaxSeries: 1, Metrics: []Metric{{Name: "x", Value: "range(100)"}}}, stdout: `0`,
			dropped: map[Reason]int{OverLimit: 1}, err: "want at most 64 values (64 times max-series)"},
		{name: "endless items", options: Options{Format: JSON, MaxSeries: 1, JQTimeout: time.Minute, Metrics: []Metric{{Name: "x", Each: "range(infinite)", Value: "empty"}}}, stdout: `0`,
			dropped: map[Reason]int{OverLimit: 1}, err: "want at most 64 values (64 times max-series)"},
	} {
		c.run(t)
	}
}

// TestJQDeadline evaluates expressions that never end: the deadline ends them before
// they use much memory.
func TestJQDeadline(t *testing.T) {
	for name, source := range map[string]string{
		"loop":      "last(range(infinite))",
		"tail":      "def f: f; f",
		"recursion": "def f: 1 + f; f",
		"array":     "[range(infinite)] | length",
		"doubling":  "def f: . as $x | $x + $x | f; [1] | f",
		"text":      `def f: . + . | f; "x" | f`,
		"until":     "until(false; . + 1)",
		"repeat":    "[repeat(1)] | length",
		"nested":    "def f: [., .] | f; f | length",
	} {
		t.Run(name, func(t *testing.T) {
			p, err := New(Options{Quote: true, Format: JSON, JQTimeout: 20 * time.Millisecond, Metrics: []Metric{{Name: "x", Value: source}}})
			if err != nil {
				t.Fatal(err)
			}
			want := "metrics[0]: x: longer than the jq-timeout of 20ms"
			if got := p.Parse([]byte("0"), 0); got.Err == nil || got.Err.Error() != want || len(got.Families) > 0 {
				t.Errorf("want %s, have %+v", want, got)
			}
		})
	}
}
