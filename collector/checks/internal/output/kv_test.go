package output

import "testing"

func TestKV(t *testing.T) {
	plain := Options{Format: KV}
	schema := Options{Format: KV, Metrics: []Metric{
		{Name: "port_online", From: "port_state", Labels: []string{"port"}, Enum: map[string]float64{"Online": 1, "Linkdown": 0}},
		{Name: "room_temperature_celsius", From: "Room Temp", Unit: "°F", Min: at(-40), Max: at(60)},
		{Name: "sent_bytes_total", Type: Counter, Unit: "KiB"},
		{Name: "load"},
	}}
	for _, c := range []testCase{
		{name: "nothing", options: plain},
		{name: "both forms", options: plain,
			stdout: "# a comment\n\nload 1.5\nqueue{name=\"a b\",host=\"h\\\"\"} 7\n  fans=3\nspeed = +2e3\nq{x=\"1\"}=4\nr {} 5\r\n",
			want:   "# TYPE fans untyped\nfans 3\n# TYPE load untyped\nload 1.5\n# TYPE q untyped\nq{x=\"1\"} 4\n# TYPE queue untyped\nqueue{host=\"h\\\"\",name=\"a b\"} 7\n# TYPE r untyped\nr 5\n# TYPE speed untyped\nspeed 2000\n"},
		{name: "units", options: plain,
			stdout: "wait=250 ms\nsize=3KiB\nused=12.5%\nidle_seconds=2 min\nsent_total=8 kB\nlink=10 Gbit/s\nroom=212 °F\nmicro=5 µs\n",
			want:   "# TYPE idle_seconds untyped\nidle_seconds 120\n# TYPE link_bytes_per_second untyped\nlink_bytes_per_second 1.25e+09\n# TYPE micro_seconds untyped\nmicro_seconds 5e-06\n# TYPE room_celsius untyped\nroom_celsius 100\n# TYPE sent_bytes_total untyped\nsent_bytes_total 8000\n# TYPE size_bytes untyped\nsize_bytes 3072\n# TYPE used_ratio untyped\nused_ratio 0.125\n# TYPE wait_seconds untyped\nwait_seconds 0.25\n"},
		{name: "broken lines", options: plain,
			stdout:  "good 1\nalone\nbad-name=2\nx{y=1} 3\nx{y=\"1\" 3\nx{y=\"1\n=5\nx=\nx{9=\"1\"} 4\nwords a b\nf 3 furlongs\nn NaN\nh 0x10\nb 1e999\nx{a=\"1\",a=\"2\"} 1\n",
			want:    "# TYPE good untyped\ngood 1\n",
			dropped: map[Reason]int{Syntax: 7, BadName: 1, IllTyped: 3, WrongUnit: 2, BadLabel: 1},
			problems: `line 2, column 1: want a name and a value, have "alone"
line 3, column 10: want the name of a metric, have "bad-name"
line 4, column 5: want a label value in double quotes
line 5, column 9: want a comma or } after a label
line 6, column 5: want a label value that ends with a quote
line 7, column 1: want a name, have "=5"
line 8, column 3: "x": want a value, have none
line 9, column 3: want the name of a label, have "9"`},
		{name: "incomplete line", options: plain, stdout: "load 1\nsize 1", err: `line 2: want a newline at the end of the output, have "size 1"`},
		{name: "garbage", options: plain, stdout: "\x00\x01\n\x7fELF\n", dropped: map[Reason]int{Syntax: 2},
			err: `want at least one line of the format kv: line 1, column 1: want a name and a value, have "\x00\x01"`},
		{name: "schema", options: schema,
			stdout: "port_state{port=\"1\"} Online\nport_state{port=\"2\"}=\"Linkdown\"\nRoom Temp = 68\nsent_bytes_total=2\nload 1\n",
			want:   "# TYPE load gauge\nload 1\n# TYPE port_online gauge\nport_online{port=\"1\"} 1\nport_online{port=\"2\"} 0\n# TYPE room_temperature_celsius gauge\nroom_temperature_celsius 20\n# TYPE sent_bytes_total counter\nsent_bytes_total 2048\n"},
		{name: "printed unit takes precedence", options: schema, stdout: "Room Temp = 21 C\nsent_bytes_total 3 B\n",
			want: "# TYPE room_temperature_celsius gauge\nroom_temperature_celsius 21\n# TYPE sent_bytes_total counter\nsent_bytes_total 3\n"},
		{name: "against the schema", options: schema,
			stdout:  "port_state{port=\"1\"} online\nport_state{lane=\"1\"} Online\nRoom Temp=200\nRoom Temp=3 s\nsent_bytes_total -1\nload high\nload 1 s\nother 1\n",
			dropped: map[Reason]int{NotInEnum: 1, BadLabel: 1, OutOfRange: 2, WrongUnit: 2, IllTyped: 1, Undeclared: 1},
			problems: `line 1, column 22: port_online: want a word of the enum, have "online"
line 2, column 22: port_online: label "lane" is not declared
line 3, column 11: room_temperature_celsius: want at most max, which is 60, have 93.33333333333333
line 4, column 11: room_temperature_celsius: want the unit of the name, have "s"
line 5, column 18: sent_bytes_total: want at least 0 for a counter, have -1024
line 6, column 6: load: want a number, have "high"
line 7, column 6: load: want the unit of the name, have "s"
line 8, column 7: "other" is not declared`},
		{name: "binary units", options: Options{Format: KV, BinaryUnits: true}, stdout: "a=2KB\nb=1 Mbit\n",
			want: "# TYPE a_bytes untyped\na_bytes 2048\n# TYPE b_bytes untyped\nb_bytes 125000\n"},
	} {
		c.run(t)
	}
}
