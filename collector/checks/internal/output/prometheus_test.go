package output

import "testing"

func TestPrometheus(t *testing.T) {
	plain := Options{Format: Prometheus}
	schema := Options{Format: Prometheus, Metrics: []Metric{
		{Name: "queue_length", From: "queue", Labels: []string{"q"}, Min: at(0), Max: at(100)},
		{Name: "latency_seconds", From: "latency_ms", Unit: "ms"},
		{Name: "jobs_total", Type: Counter},
		{Name: "app_info", Type: Info, Labels: []string{"version"}},
	}}
	for _, c := range []testCase{
		{name: "nothing", options: plain},
		{name: "types", options: plain,
			stdout: "# TYPE jobs_total counter\njobs_total{q=\"b\"} 3\njobs_total{q=\"a\"} 2\n# HELP temp How warm.\n# TYPE temp gauge\ntemp -1.5\nplain NaN\n",
			want:   "# TYPE jobs_total counter\njobs_total{q=\"a\"} 2\njobs_total{q=\"b\"} 3\n# TYPE plain untyped\nplain NaN\n# TYPE temp gauge\ntemp -1.5\n"},
		{name: "histogram and summary", options: plain,
			stdout: "# TYPE h histogram\nh_bucket{le=\"+Inf\"} 3\nh_bucket{le=\"1\"} 2\nh_sum 4\nh_count 3\n# TYPE s summary\ns{quantile=\"0.9\"} 7\ns_sum 8\ns_count 9\n",
			want:   "# TYPE h histogram\nh_bucket{le=\"1\"} 2\nh_bucket{le=\"+Inf\"} 3\nh_sum 4\nh_count 3\n# TYPE s summary\ns{quantile=\"0.9\"} 7\ns_sum 8\ns_count 9\n"},
		{name: "histogram without buckets", options: plain, stdout: "# TYPE h histogram\nh_sum 4\n# TYPE g histogram\ng_bucket{le=\"+Inf\"} 1\ng_bucket{le=\"+Inf\"} 2\n",
			want: "# TYPE g histogram\ng_bucket{le=\"+Inf\"} 1\ng_sum 0\ng_count 1\n", dropped: map[Reason]int{IllTyped: 1, Duplicate: 1},
			problems: "g: duplicate bucket or quantile: the first one is exported\nh: histogram without a count or a bucket for +Inf: dropped"},
		{name: "labels are filled up", options: plain, stdout: "a{x=\"1\"} 1\na{y=\"2\"} 2\n",
			want: "# TYPE a untyped\na{x=\"1\",y=\"\"} 1\na{x=\"\",y=\"2\"} 2\n"},
		{name: "timestamp", options: plain, stdout: "a 1 1700000000000\nb 2\n", want: "# TYPE b untyped\nb 2\n",
			dropped: map[Reason]int{Timestamp: 1}, problems: "a: want no timestamp"},
		{name: "duplicates", options: plain, stdout: "a{x=\"1\"} 1\na{x=\"1\"} 2\na{x=\"1\",y=\"\"} 3\n",
			want: "# TYPE a untyped\na{x=\"1\"} 1\n", dropped: map[Reason]int{Duplicate: 2},
			problems: "a{x=\"1\"}: duplicate series\na{x=\"1\"}: duplicate series"},
		{name: "names of series", options: plain, stdout: "# TYPE a summary\na_sum 1\na_count 1\n# TYPE a_bucket gauge\na_bucket 1\n# TYPE b_sum gauge\nb_sum 1\n# TYPE b summary\nb{quantile=\"1\"} 3\n",
			want:    "# TYPE a summary\na_sum 1\na_count 1\n# TYPE a_bucket gauge\na_bucket 1\n# TYPE b summary\nb{quantile=\"1\"} 3\nb_sum 0\nb_count 0\n",
			dropped: map[Reason]int{Duplicate: 1}, problems: "b_sum: has the name of a series of b"},
		{name: "reserved", options: plain, stdout: "host_exporter_x 1\nhost_check_up{a=\"1\"} 1\nhost_check_up{a=\"2\"} 1\nnode_exporter_build_info 1\ngo_x 1\nprocess_x 1\npromhttp_x 1\ngolang 1\n# TYPE go summary\ngo_sum 1\n",
			want: "# TYPE golang untyped\ngolang 1\n", dropped: map[Reason]int{Reserved: 8}},
		{name: "reserved label", options: plain, stdout: "a{__x=\"1\"} 1\na 2\n", want: "# TYPE a untyped\na 2\n",
			dropped: map[Reason]int{BadLabel: 1}, problems: "a{__x=\"1\"}: want the name of a label, have \"__x\""},
		{name: "control characters", options: plain, stdout: "a{x=\"1\\n\x07\"} 1\n", want: "# TYPE a untyped\na{x=\"1\\n\x07\"} 1\n"},
		{name: "incomplete line", options: plain, stdout: "a 1\nb 2", err: `line 2: want a newline at the end of the output, have "b 2"`},
		{name: "incomplete labels", options: plain, stdout: "a 1\nb{x=\n", err: `line 2: expected '"' at start of label value, found '\n'`},
		{name: "garbage", options: plain, stdout: "a 1\n\x00\x01\x7fELF\n", err: "line 2: invalid metric name"},
		{name: "not UTF-8", options: plain, stdout: "a{x=\"\xff\"} 1\n", err: `line 1: invalid label value "\xff"`},
		{name: "require-eof", options: Options{Format: Prometheus, RequireEOF: true}, stdout: "a 1\n",
			err: `line 1: want "# EOF" at the end (require-eof), have none`},

		{name: "openmetrics", options: plain,
			stdout: "# TYPE jobs counter\n# UNIT jobs jobs\n# HELP jobs Done.\njobs_total{q=\"} # \\\"\"} 17 # {trace=\"a\"} 0.5 1.2\njobs_created{q=\"\"} 1e9\n# TYPE os info\nos_info{v=\"1\"} 1\n# TYPE x unknown\nx 2\n# TYPE st stateset\nst{st=\"on\"} 1\nst{st=\"off\"} 0\n# EOF\n",
			want:   "# TYPE jobs_total counter\njobs_total{q=\"} # \\\"\"} 17\n# TYPE os_info gauge\nos_info{v=\"1\"} 1\n# TYPE st gauge\nst{st=\"off\"} 0\nst{st=\"on\"} 1\n# TYPE x untyped\nx 2\n"},
		{name: "openmetrics gauge histogram", options: plain,
			stdout: "# TYPE h gaugehistogram\nh_bucket{le=\"1\"} 2\nh_bucket{le=\"+Inf\"} 3\nh_gcount 3\nh_gsum 4\n# EOF",
			want:   "# TYPE h histogram\nh_bucket{le=\"1\"} 2\nh_bucket{le=\"+Inf\"} 3\nh_sum 4\nh_count 3\n"},
		{name: "openmetrics timestamp", options: plain, stdout: "a 1 1700000000.5\nb 2 # EOF\n# EOF\n", want: "# TYPE b untyped\nb 2\n",
			dropped: map[Reason]int{Timestamp: 1}},
		{name: "text with an end", options: Options{Format: Prometheus, RequireEOF: true},
			stdout: "# HELP jobs Done.\n# TYPE jobs counter\njobs {q=\"a\"} 5\njobs{q=\"b\"} 6\n# TYPE x_total counter\nx_total 1\n# TYPE s summary\ns_sum 2\ns_count 3\n# TYPE s_created gauge\ns_created 7\n# EOF\n",
			want:   "# TYPE jobs counter\njobs{q=\"a\"} 5\njobs{q=\"b\"} 6\n# TYPE s summary\ns_sum 2\ns_count 3\n# TYPE s_created gauge\ns_created 7\n# TYPE x_total counter\nx_total 1\n"},
		{name: "openmetrics without its end", options: plain, stdout: "# TYPE x unknown\nx 2\n",
			err: `line 1: want "# EOF" at the end of OpenMetrics, have none`},
		{name: "openmetrics after its end", options: plain, stdout: "x 2\n# EOF\nx 3\n", err: `line 3: want nothing after "# EOF", have "x 3"`},

		{name: "schema", options: schema,
			stdout: "queue{q=\"a\"} 7\nlatency_ms 250\njobs_total 3\napp_info{version=\"1\"} 1\n",
			want:   "# TYPE app_info gauge\napp_info{version=\"1\"} 1\n# TYPE jobs_total counter\njobs_total 3\n# TYPE latency_seconds gauge\nlatency_seconds 0.25\n# TYPE queue_length gauge\nqueue_length{q=\"a\"} 7\n"},
		{name: "against the schema", options: schema,
			stdout:  "queue{q=\"a\"} 101\nqueue{q=\"b\"} -1\nqueue{q=\"c\"} NaN\nqueue{r=\"d\"} 5\nqueue_length 5\nother{x=\"1\"} 1\nother 1\n# TYPE jobs_total gauge\njobs_total 4\napp_info{version=\"1\"} 2\n",
			dropped: map[Reason]int{OutOfRange: 4, BadLabel: 1, Undeclared: 3, IllTyped: 1}},
		{name: "histogram and schema", options: schema, stdout: "# TYPE jobs_total summary\njobs_total_sum 1\njobs_total_count 1\n", dropped: map[Reason]int{IllTyped: 1},
			problems: "jobs_total: want a counter, have a summary"},
		{name: "negative counter", options: schema, stdout: "jobs_total -1\n", dropped: map[Reason]int{OutOfRange: 1},
			problems: "jobs_total: jobs_total: want at least 0 for a counter, have -1"},
		{name: "too many labels of a series", options: plain, stdout: "a{" + repeat("l%d=\"\",", 200) + "} 1\n",
			err: "line 1: want at most 64 labels"},
		{name: "too many labels of a family", options: plain, stdout: repeat("a{l%d=\"1\"} 1\n", 70),
			want: familyOfDistinctLabels(64), dropped: map[Reason]int{BadLabel: 6}},
	} {
		c.run(t)
	}
}
