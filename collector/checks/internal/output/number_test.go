package output

import "testing"

func TestNumber(t *testing.T) {
	plain := Options{Format: Number, Name: "queue_length"}
	unit := Options{Format: Number, Metrics: []Metric{{Name: "age_seconds", Unit: "h", Type: Counter, Max: at(86400)}}}
	enum := Options{Format: Number, Metrics: []Metric{{Name: "on", Enum: map[string]float64{"Online": 1, "": 0}}}}
	for _, c := range []testCase{
		{name: "number", options: plain, stdout: " 42\n", want: "# TYPE queue_length gauge\nqueue_length 42\n"},
		{name: "without a newline", options: plain, stdout: "-1.5e-3", want: "# TYPE queue_length gauge\nqueue_length -0.0015\n"},
		{name: "unit", options: unit, stdout: "2\n", want: "# TYPE age_seconds counter\nage_seconds 7200\n"},
		{name: "printed unit", options: unit, stdout: "2 min\n", want: "# TYPE age_seconds counter\nage_seconds 120\n"},
		{name: "another unit", options: unit, stdout: "2 %\n", dropped: map[Reason]int{WrongUnit: 1}},
		{name: "out of range", options: unit, stdout: "25\n", dropped: map[Reason]int{OutOfRange: 1},
			problems: "line 1, column 1: age_seconds: want at most max, which is 86400, have 90000"},
		{name: "enum", options: enum, stdout: "Online\n", want: "# TYPE on gauge\non 1\n"},
		{name: "enum of nothing", options: enum, want: "# TYPE on gauge\non 0\n"},
		{name: "not in the enum", options: enum, stdout: "1\n", dropped: map[Reason]int{NotInEnum: 1}, problems: `line 1, column 1: on: want a word of the enum, have "1"`},
		{name: "nothing", options: plain, err: "want a number, have no output"},
		{name: "two numbers", options: plain, stdout: "1\n2\n", err: `line 1: want one number, have "1\n2"`},
		{name: "word", options: plain, stdout: "many\n", err: `line 1: want one number, have "many"`},
		{name: "not finite", options: plain, stdout: "NaN", err: `line 1: want one number, have "NaN"`},
	} {
		c.run(t)
	}
}

func TestExit(t *testing.T) {
	plain := Options{Format: Exit, Name: "backup_result"}
	mapped := Options{Format: Exit, Metrics: []Metric{{Name: "reboot_required", Enum: map[string]float64{"0": 0, "1": 1}}, {Name: "code", Max: at(1)}}}
	for _, c := range []testCase{
		{name: "code", options: plain, exit: 3, stdout: "whatever", want: "# TYPE backup_result gauge\nbackup_result 3\n"},
		{name: "map", options: mapped, exit: 1, want: "# TYPE code gauge\ncode 1\n# TYPE reboot_required gauge\nreboot_required 1\n"},
		{name: "not in the map", options: mapped, exit: 127, dropped: map[Reason]int{NotInEnum: 1, OutOfRange: 1},
			problems: "exit code 127: reboot_required: want a word of the enum, have \"127\"\nexit code 127: code: want at most max, which is 1, have 127"},
		{name: "killed", options: plain, exit: -1, err: "want an exit code, have none: the check did not exit"},
	} {
		c.run(t)
	}
}

func TestUnits(t *testing.T) {
	for _, c := range []struct {
		name   string
		v      float64
		base   string
		want   float64
		binary float64
	}{
		{"ns", 5, "seconds", 5e-9, 5e-9}, {"us", 5, "seconds", 5e-6, 5e-6}, {"ms", 1, "seconds", 0.001, 0.001}, {"s", 3, "seconds", 3, 3}, {"d", 2, "seconds", 172800, 172800},
		{"B", 7, "bytes", 7, 7}, {"kB", 7, "bytes", 7000, 7168}, {"KB", 7, "bytes", 7000, 7168}, {"KiB", 7, "bytes", 7168, 7168},
		{"MB", 1, "bytes", 1e6, 1 << 20}, {"GB", 1, "bytes", 1e9, 1 << 30}, {"TB", 1, "bytes", 1e12, 1 << 40}, {"TiB", 1, "bytes", 1 << 40, 1 << 40},
		{"Mbit", 8, "bytes", 1e6, 1e6}, {"Gbit/s", 8, "bytes_per_second", 1e9, 1e9}, {"MB/s", 1, "bytes_per_second", 1e6, 1 << 20},
		{"%", 7, "ratio", 0.07, 0.07}, {"C", -5, "celsius", -5, -5}, {"°F", 14, "celsius", -10, -10}, {"m°C", 21500, "celsius", 21.5, 21.5},
		{"mV", 1, "volts", 0.001, 0.001}, {"kWh", 1, "joules", 3.6e6, 3.6e6}, {"MHz", 2, "hertz", 2e6, 2e6}, {"kW", 2, "watts", 2000, 2000}, {"mA", 2, "amperes", 0.002, 0.002},
	} {
		for binary, want := range map[bool]float64{false: c.want, true: c.binary} {
			u, ok := unitOf(c.name, binary)
			if have := u.toBase(c.v); !ok || u.base != c.base || have != want {
				t.Errorf("%v %s: want %v %s, have %v %s", c.v, c.name, want, c.base, have, u.base)
			}
		}
	}
	for _, name := range []string{"", "K", "ki", "m", "M", "furlong", "mb!", "KK", "%%", "iB"} {
		if u, ok := unitOf(name, true); ok {
			t.Errorf("%q is %s", name, u.base)
		}
	}
}
