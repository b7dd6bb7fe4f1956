package compare

import (
	"slices"
	"strings"
	"testing"
)

func TestMetricNames(t *testing.T) {
	for expr, want := range map[string]string{
		`100 - (avg by (instance) (rate(node_cpu_seconds_total{mode="idle", instance=~"$node"}[$__rate_interval])) * 100)`: "node_cpu_seconds_total",
		`node_load1{job="a{b}"} / on(instance) group_left(nodename) node_uname_info offset 5m`:                             "node_load1 node_uname_info",
		`sum(node_filesystem_avail_bytes) without (device) > bool 1e9 and ignoring (a, b) up`:                              "node_filesystem_avail_bytes up",
		`{__name__="node_load5", job='x'} or instance:node_cpu:rate5m[5m:1m]`:                                              "instance:node_cpu:rate5m node_load5",
		`label_replace(node_md_state, "a", "$1", "b", "(.*)") unless inf`:                                                  "node_md_state",
		`node_$metric + ${other:raw} + sum by (le) (rate(x_bucket[5m]))`:                                                   "x_bucket",
		`"unclosed node_load1`: "",
	} {
		if have := strings.Join(MetricNames(expr), " "); have != want {
			t.Errorf("%s: have %q, want %q", expr, have, want)
		}
	}
}

func TestGaps(t *testing.T) {
	ours, err := Parse(strings.NewReader("# TYPE node_load1 gauge\nnode_load1 1\n# TYPE node_x summary\nnode_x_sum 1\nnode_x_count 1\n"))
	if err != nil {
		t.Fatal(err)
	}
	queries, err := Dashboard([]byte(`{
		"templating": {"list": [{"name": "node", "definition": "label_values(node_uname_info{job=\"a\"}, instance)"}, {"name": "job", "definition": ""}]},
		"panels": [
			{"title": "Load", "targets": [{"expr": "node_load1"}, {"expr": "node_x_count"}, {"expr": "up"}]},
			{"title": "Row", "panels": [{"title": "Units", "targets": [{"expr": "node_systemd_units + node_load1"}]}]}
		],
		"rows": [{"panels": [{"title": "Old", "targets": [{"expr": "node_load15"}]}]}]
	}`))
	if err != nil {
		t.Fatal(err)
	}
	rules, err := Rules([]byte("groups: [{rules: [{record: node_mine, expr: node_load1}, {alert: A, expr: node_mine > node_forks_total}]}]"))
	if err != nil {
		t.Fatal(err)
	}
	var have []string
	for _, g := range Gaps(append(queries, rules...), ours) {
		have = append(have, g.Query.Where+": "+strings.Join(g.Missing, ","))
	}
	want := []string{"variable node: node_uname_info", "panel Old: node_load15", "panel Units: node_systemd_units", "alert A: node_forks_total"}
	slices.Sort(have)
	slices.Sort(want)
	if !slices.Equal(have, want) {
		t.Errorf("have %q\nwant %q", have, want)
	}
}

func TestNoQueries(t *testing.T) {
	for _, text := range []string{"", "{}", `{"panels": 1}`} {
		if q, err := Dashboard([]byte(text)); err == nil {
			t.Errorf("dashboard %q: have %v, want an error", text, q)
		}
	}
	for _, text := range []string{"", "groups: []", "groups: 1"} {
		if q, err := Rules([]byte(text)); err == nil {
			t.Errorf("rules %q: have %v, want an error", text, q)
		}
	}
}

func FuzzMetricNames(f *testing.F) {
	f.Add("sum by (a) (rate(node_x{b=\"c\"}[5m]))")
	f.Add("${a{b}")
	f.Fuzz(func(t *testing.T, expr string) {
		for _, name := range MetricNames(expr) {
			if name == "" {
				t.Error("an empty name")
			}
		}
	})
}
