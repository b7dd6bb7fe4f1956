package output

import "testing"

func TestNagios(t *testing.T) {
	plain := Options{Format: Nagios, Name: "disk"}
	const status = "# TYPE disk_status gauge\n"
	for _, c := range []testCase{
		{name: "no output", options: plain, exit: 3, want: status + "disk_status 3\n"},
		{name: "no perfdata", options: plain, exit: 2, stdout: "CRITICAL: all is lost ", want: status + "disk_status 2\n"},
		{name: "perfdata", options: plain, exit: 1,
			stdout: "DISK WARNING - 80% used | /=2000KB;3000;4000;0;5000 'a ''b'' = c'=5% time=30ms;;;0 jobs=7c users=3\n",
			want: `# TYPE disk_perfdata gauge
disk_perfdata{label="users"} 3
# TYPE disk_perfdata_bytes gauge
disk_perfdata_bytes{label="/"} 2e+06
# TYPE disk_perfdata_bytes_limit gauge
disk_perfdata_bytes_limit{alert="outside",bound="lower",label="/",severity="critical"} 0
disk_perfdata_bytes_limit{alert="outside",bound="lower",label="/",severity="warning"} 0
disk_perfdata_bytes_limit{alert="outside",bound="upper",label="/",severity="critical"} 4e+06
disk_perfdata_bytes_limit{alert="outside",bound="upper",label="/",severity="warning"} 3e+06
# TYPE disk_perfdata_bytes_max gauge
disk_perfdata_bytes_max{label="/"} 5e+06
# TYPE disk_perfdata_bytes_min gauge
disk_perfdata_bytes_min{label="/"} 0
# TYPE disk_perfdata_ratio gauge
disk_perfdata_ratio{label="a 'b' = c"} 0.05
# TYPE disk_perfdata_seconds gauge
disk_perfdata_seconds{label="time"} 0.03
# TYPE disk_perfdata_seconds_min gauge
disk_perfdata_seconds_min{label="time"} 0
# TYPE disk_perfdata_total counter
disk_perfdata_total{label="jobs"} 7
` + status + "disk_status 1\n"},
		{name: "ranges", options: plain, stdout: "OK|a=1;10:;~:20 b=2;@5:6;:7\n",
			want: `# TYPE disk_perfdata gauge
disk_perfdata{label="a"} 1
disk_perfdata{label="b"} 2
# TYPE disk_perfdata_limit gauge
disk_perfdata_limit{alert="inside",bound="lower",label="b",severity="warning"} 5
disk_perfdata_limit{alert="inside",bound="upper",label="b",severity="warning"} 6
disk_perfdata_limit{alert="outside",bound="lower",label="a",severity="warning"} 10
disk_perfdata_limit{alert="outside",bound="lower",label="b",severity="critical"} 0
disk_perfdata_limit{alert="outside",bound="upper",label="a",severity="critical"} 20
disk_perfdata_limit{alert="outside",bound="upper",label="b",severity="critical"} 7
` + status + "disk_status 0\n"},
		{name: "long output", options: plain, stdout: "OK - fine | a=1\nlong text\nmore = text | b=2\nc=3 d=4\n",
			want: "# TYPE disk_perfdata gauge\ndisk_perfdata{label=\"a\"} 1\ndisk_perfdata{label=\"b\"} 2\ndisk_perfdata{label=\"c\"} 3\ndisk_perfdata{label=\"d\"} 4\n" + status + "disk_status 0\n"},
		{name: "unknown value", options: plain, stdout: "OK | a=U;1;2 b=1;;;U;U\n", want: "# TYPE disk_perfdata gauge\ndisk_perfdata{label=\"b\"} 1\n" + status + "disk_status 0\n"},
		{name: "broken perfdata", options: plain,
			stdout:  "OK | word a= 'x'y=1 b=1;2;3;4;5;6 c=1;x;9:3 d=1furlong e=1,5 f=-1c =2 g=1;;;0;x 'open=1\n",
			want:    "# TYPE disk_perfdata gauge\ndisk_perfdata{label=\"c\"} 1\ndisk_perfdata{label=\"g\"} 1\n# TYPE disk_perfdata_min gauge\ndisk_perfdata_min{label=\"g\"} 0\n" + status + "disk_status 0\n",
			dropped: map[Reason]int{Syntax: 7, WrongUnit: 2, OutOfRange: 1, IllTyped: 1},
			problems: `line 1, column 6: "word a": want a value, have none
line 1, column 14: want 'label'=value, have "'x'"
line 1, column 21: "b": want at most value;warn;crit;min;max, have "1;2;3;4;5;6"
line 1, column 35: "c": want a threshold for warning, have "x"
line 1, column 35: "c": want a threshold for critical, have "9:3"
line 1, column 45: "d": want a known unit, or one of units, have "furlong"
line 1, column 56: "e": want a known unit, or one of units, have ",5"
line 1, column 62: "f": want at least 0 for a counter, have -1`},
		{name: "decimal comma", options: plain, stdout: "OK | a=1,5\n", want: status + "disk_status 0\n", dropped: map[Reason]int{WrongUnit: 1}},
		{name: "commas between", options: plain, stdout: "OK | pgin/s=0, pgout/s=0, fault/s=13, word, maj/s=7,\n",
			want:    "# TYPE disk_perfdata gauge\ndisk_perfdata{label=\"fault/s\"} 13\ndisk_perfdata{label=\"maj/s\"} 7\ndisk_perfdata{label=\"pgin/s\"} 0\ndisk_perfdata{label=\"pgout/s\"} 0\n" + status + "disk_status 0\n",
			dropped: map[Reason]int{Syntax: 1}, problems: `line 1, column 39: want label=value, have "word,"`},
		{name: "labels without quotes", options: plain, stdout: "OK CPU | 1 min avg Load=59%;80;90 5 min avg Load=58% 15 min avg Load=57%;80%;90% free = 3 used= 4\n",
			want: `# TYPE disk_perfdata gauge
disk_perfdata{label="free"} 3
disk_perfdata{label="used"} 4
# TYPE disk_perfdata_ratio gauge
disk_perfdata_ratio{label="1 min avg Load"} 0.59
disk_perfdata_ratio{label="15 min avg Load"} 0.57
disk_perfdata_ratio{label="5 min avg Load"} 0.58
# TYPE disk_perfdata_ratio_limit gauge
disk_perfdata_ratio_limit{alert="outside",bound="lower",label="1 min avg Load",severity="critical"} 0
disk_perfdata_ratio_limit{alert="outside",bound="lower",label="1 min avg Load",severity="warning"} 0
disk_perfdata_ratio_limit{alert="outside",bound="lower",label="15 min avg Load",severity="critical"} 0
disk_perfdata_ratio_limit{alert="outside",bound="lower",label="15 min avg Load",severity="warning"} 0
disk_perfdata_ratio_limit{alert="outside",bound="upper",label="1 min avg Load",severity="critical"} 0.9
disk_perfdata_ratio_limit{alert="outside",bound="upper",label="1 min avg Load",severity="warning"} 0.8
disk_perfdata_ratio_limit{alert="outside",bound="upper",label="15 min avg Load",severity="critical"} 0.9
disk_perfdata_ratio_limit{alert="outside",bound="upper",label="15 min avg Load",severity="warning"} 0.8
` + status + "disk_status 0\n"},
		{name: "units in words", options: plain, stdout: "OK | 'Memory Used'=12085620736Bytes g=7MBytes e=12KiB f=5PB h=7sec i=8msec q=4min up2=3h o=3d k=20Celsius l=300rpm t=6139kbps u=1838511.47b/s;;;0;\n",
			want: `# TYPE disk_perfdata_bytes gauge
disk_perfdata_bytes{label="Memory Used"} 1.2085620736e+10
disk_perfdata_bytes{label="e"} 12288
disk_perfdata_bytes{label="f"} 5e+15
disk_perfdata_bytes{label="g"} 7e+06
# TYPE disk_perfdata_bytes_per_second gauge
disk_perfdata_bytes_per_second{label="t"} 767375
disk_perfdata_bytes_per_second{label="u"} 229813.93375
# TYPE disk_perfdata_bytes_per_second_min gauge
disk_perfdata_bytes_per_second_min{label="u"} 0
# TYPE disk_perfdata_celsius gauge
disk_perfdata_celsius{label="k"} 20
# TYPE disk_perfdata_rpm gauge
disk_perfdata_rpm{label="l"} 300
# TYPE disk_perfdata_seconds gauge
disk_perfdata_seconds{label="h"} 7
disk_perfdata_seconds{label="i"} 0.008
disk_perfdata_seconds{label="o"} 259200
disk_perfdata_seconds{label="q"} 240
disk_perfdata_seconds{label="up2"} 10800
` + status + "disk_status 0\n"},
		{name: "ambiguous units", options: plain, stdout: "OK | 'c: Used'=75.48Gb;90.00 'Memory usage'=19730.51Mb 'paged bytes'=2.882G r=5b m=5m in=0.0023MBs n=-60dBm j=13Files\n",
			want: status + "disk_status 0\n", dropped: map[Reason]int{WrongUnit: 8},
			problems: `line 1, column 6: "c: Used": "Gb" may be bits, bytes or a number: say which with units
line 1, column 30: "Memory usage": "Mb" may be bits, bytes or a number: say which with units
line 1, column 56: "paged bytes": "G" may be bits, bytes or a number: say which with units
line 1, column 77: "r": "b" may be bits, bytes or a number: say which with units
line 1, column 82: "m": want a known unit, or one of units, have "m"
line 1, column 87: "in": want a known unit, or one of units, have "MBs"
line 1, column 100: "n": want a known unit, or one of units, have "dBm"
line 1, column 109: "j": want a known unit, or one of units, have "Files"`},
		{name: "units that are said", options: Options{Format: Nagios, Name: "disk", Units: map[string]string{"Gb": "GiB", "Mb": "Mbit", "MBs": "MB/s", "Files": ""}},
			stdout: "OK | a=2Gb;3Gb b=8Mb c=2MBs d=13Files\n",
			want: `# TYPE disk_perfdata gauge
disk_perfdata{label="d"} 13
# TYPE disk_perfdata_bytes gauge
disk_perfdata_bytes{label="a"} 2.147483648e+09
disk_perfdata_bytes{label="b"} 1e+06
# TYPE disk_perfdata_bytes_limit gauge
disk_perfdata_bytes_limit{alert="outside",bound="lower",label="a",severity="warning"} 0
disk_perfdata_bytes_limit{alert="outside",bound="upper",label="a",severity="warning"} 3.221225472e+09
# TYPE disk_perfdata_bytes_per_second gauge
disk_perfdata_bytes_per_second{label="c"} 2e+06
` + status + "disk_status 0\n"},
		{name: "duplicate label", options: plain, stdout: "OK | a=1 a=2\n", want: "# TYPE disk_perfdata gauge\ndisk_perfdata{label=\"a\"} 1\n" + status + "disk_status 0\n",
			dropped: map[Reason]int{Duplicate: 1}},
		{name: "not a plugin's exit code", options: plain, exit: 127, stdout: "OK\n", err: "want the exit code of a plugin, from 0 to 3, have 127"},
		{name: "killed", options: plain, exit: -1, stdout: "OK\n", err: "want the exit code of a plugin, from 0 to 3, have -1"},
		{name: "schema", options: Options{Format: Nagios, Name: "disk", BinaryUnits: true, Metrics: []Metric{
			{Name: "disk_used_bytes", From: "/", Unit: "MB"}, {Name: "disk_jobs_total", From: "jobs", Type: Counter}}},
			stdout: "OK | /=2MB;1;2 jobs=3c users=1\n", want: "# TYPE disk_jobs_total counter\ndisk_jobs_total 3\n" + status + "disk_status 0\n# TYPE disk_used_bytes gauge\ndisk_used_bytes 2.097152e+06\n",
			dropped: map[Reason]int{Undeclared: 1}, problems: `line 1, column 24: "users" is not declared`},
	} {
		c.run(t)
	}
}
