package output

import "testing"

func TestRegexp(t *testing.T) {
	o := Options{Format: Regexp, Metrics: []Metric{
		{Name: "fan_speed_rpm", Pattern: `(?P<fan>Fan\d+): (?P<value>\d+) RPM`},
		{Name: "port_online", Pattern: `^port (?P<port>\S+) is (?P<value>\w+)$`, Enum: map[string]float64{"Online": 1, "Linkdown": 0}},
		{Name: "bbu_seconds", Pattern: `took (?P<value>[\d.]+)\s*(?P<unit>\w+)?`, Unit: "min"},
		{Name: "fw_info", Type: Info, Pattern: `(?s)Firmware:\n\s*(?P<version>\S+)`, Whole: true},
	}}
	for _, c := range []testCase{
		{name: "nothing", options: o},
		{name: "report", options: o,
			stdout: "Fan1: 1200 RPM, Fan2: 900 RPM\nport 1/2 is Online\nport 1/3 is Linkdown\r\nFirmware:\n  v1.2\ntook 2\n",
			want:   "# TYPE bbu_seconds gauge\nbbu_seconds 120\n# TYPE fan_speed_rpm gauge\nfan_speed_rpm{fan=\"Fan1\"} 1200\nfan_speed_rpm{fan=\"Fan2\"} 900\n# TYPE fw_info gauge\nfw_info{version=\"v1.2\"} 1\n# TYPE port_online gauge\nport_online{port=\"1/2\"} 1\nport_online{port=\"1/3\"} 0\n"},
		{name: "printed unit", options: o, stdout: "took 500 ms\n", want: "# TYPE bbu_seconds gauge\nbbu_seconds 0.5\n"},
		{name: "ill typed", options: o, stdout: "x\n took 1.2.3 s, took 1 parsec\nport 1 is Offline\nFan1: 1 RPM, Fan1: 2 RPM\n",
			want:    "# TYPE fan_speed_rpm gauge\nfan_speed_rpm{fan=\"Fan1\"} 1\n",
			dropped: map[Reason]int{IllTyped: 1, WrongUnit: 1, NotInEnum: 1, Duplicate: 1},
			problems: `line 2, column 2: bbu_seconds: want a number, have "1.2.3"
line 2, column 16: bbu_seconds: want a known unit, or one of units, have "parsec"
line 3, column 1: port_online: want a word of the enum, have "Offline"
fan_speed_rpm{fan="Fan1"}: duplicate series`},
		{name: "position in the whole text", options: Options{Format: Regexp, Metrics: []Metric{{Name: "x", Whole: true, Pattern: `(?m)^a (?P<value>\w+)`}}},
			stdout: "a b\n a c\na d\na 5\n", want: "# TYPE x gauge\nx 5\n", dropped: map[Reason]int{IllTyped: 2},
			problems: `line 1, column 1: x: want a number, have "b"
line 3, column 1: x: want a number, have "d"`},
		{name: "group that does not match", options: Options{Format: Regexp, Metrics: []Metric{{Name: "x", Pattern: `a(?P<value>\d)?`}}},
			stdout: "a\na1\n", want: "# TYPE x gauge\nx 1\n", dropped: map[Reason]int{IllTyped: 1},
			problems: "line 1, column 1: x: want a match of the group value, have none"},
		{name: "incomplete line", options: o, stdout: "Fan1: 12", err: `line 1: want a newline at the end of the output, have "Fan1: 12"`},
		{name: "too many", options: Options{Format: Regexp, MaxSeries: 1, Metrics: []Metric{{Name: "x", Pattern: `(?P<value>\d)`}}},
			stdout: repeat("%d\n", 100), dropped: map[Reason]int{OverLimit: 1}, err: "want at most 64 values (64 times max-series)"},
	} {
		c.run(t)
	}
}
