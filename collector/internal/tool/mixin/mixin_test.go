package mixin

import (
	"os"
	"slices"
	"strings"
	"testing"
)

const docs = "../../../../docs/"

func rules(t *testing.T) []Rule {
	t.Helper()
	all, err := Rules(docs + "mixin/hba-alerts.yml")
	if err != nil {
		t.Fatal(err)
	}
	if len(all) == 0 {
		t.Fatal("no rules")
	}
	return all
}

func dashboards(t *testing.T) []*Dashboard {
	t.Helper()
	var all []*Dashboard
	for _, name := range []string{"san-fleet", "san-host"} {
		d, err := LoadDashboard(docs + "dashboards/" + name + ".json")
		if err != nil {
			t.Fatal(err)
		}
		if d.UID != name {
			t.Errorf("%s.json has uid %s", name, d.UID)
		}
		all = append(all, d)
	}
	return all
}

func blocks(t *testing.T) []Query {
	t.Helper()
	all, err := Blocks(docs + "hba.md")
	if err != nil {
		t.Fatal(err)
	}
	if len(all) == 0 {
		t.Fatal("hba.md has no query")
	}
	return all
}

// sections returns the third-level headings of hba.md.
func sections(t *testing.T) []string {
	t.Helper()
	b, err := os.ReadFile(docs + "hba.md")
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for line := range strings.Lines(string(b)) {
		if heading, ok := strings.CutPrefix(line, "### "); ok {
			all = append(all, strings.TrimSpace(heading))
		}
	}
	return all
}

// TestAlertsAreExplained tests that who is called finds out what to do.
func TestAlertsAreExplained(t *testing.T) {
	var alerts []string
	explained := sections(t)
	for _, r := range rules(t) {
		if r.Alert == "" {
			continue
		}
		alerts = append(alerts, r.Alert)
		if !slices.Contains([]string{"critical", "warning", "info"}, r.Labels["severity"]) {
			t.Errorf("%s: severity %q", r.Alert, r.Labels["severity"])
		}
		for _, a := range []string{"summary", "description"} {
			if !strings.HasSuffix(r.Annotations[a], ".") && !strings.HasSuffix(r.Annotations[a], "?") {
				t.Errorf("%s: %s is no sentence: %q", r.Alert, a, r.Annotations[a])
			}
		}
		if !strings.Contains(r.Annotations["summary"], "$labels.instance") {
			t.Errorf("%s: the summary does not say which host", r.Alert)
		}
		if want := "/docs/hba.md#" + strings.ToLower(r.Alert); !strings.HasSuffix(r.Annotations["runbook_url"], want) {
			t.Errorf("%s: runbook_url %q", r.Alert, r.Annotations["runbook_url"])
		}
		if !slices.Contains(explained, r.Alert) {
			t.Errorf("%s: has no section in hba.md", r.Alert)
		}
	}
	for _, s := range explained {
		if !strings.Contains(s, " ") && !slices.Contains(alerts, s) {
			t.Errorf("hba.md explains %s, which is no alert", s)
		}
	}
	if unique := slices.Compact(slices.Sorted(slices.Values(alerts))); len(unique) != len(alerts) {
		t.Error("two alerts have the same name")
	}
}

// TestAlertsAreTested tests that each alert has a case in which it fires, and
// one in which it does not although it has something to look at.
func TestAlertsAreTested(t *testing.T) {
	tests, err := Tests(docs + "mixin/hba-alerts-test.yml")
	if err != nil {
		t.Fatal(err)
	}
	all := rules(t)
	looksAt := map[string][]string{} // what a name is made of
	for _, r := range all {
		looksAt[r.Alert+r.Record] = Metrics(r.Expr)
	}
	fires, silent := map[string]bool{}, map[string]bool{}
	for _, test := range tests {
		var has []string
		for _, s := range test.Series {
			has = append(has, Metrics(s.Series)...)
		}
		sees := func(name string) bool { return slices.Contains(has, name) }
		for _, a := range test.Alerts {
			if len(a.Expected) > 0 {
				fires[a.Alert] = true
				continue
			}
			for _, m := range looksAt[a.Alert] {
				silent[a.Alert] = silent[a.Alert] || sees(m) || slices.ContainsFunc(looksAt[m], sees)
			}
		}
	}
	for _, r := range all {
		if r.Alert != "" && (!fires[r.Alert] || !silent[r.Alert]) {
			t.Errorf("%s: tested firing: %v, tested silent: %v", r.Alert, fires[r.Alert], silent[r.Alert])
		}
	}
}

// TestMetricsExist tests that nothing asks for a family that the exporter does
// not have.
func TestMetricsExist(t *testing.T) {
	known, err := Families(docs + "metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	optional := Optional(known)
	for _, own := range []string{"up", "node_scrape_collector_success", "host_exporter_collector_state"} {
		known[own] = true
	}
	var queries []Query
	for _, r := range rules(t) {
		queries = append(queries, Query{Where: r.Alert + r.Record, Expr: r.Expr})
		known[r.Record] = true
	}
	for _, d := range dashboards(t) {
		queries = append(queries, d.Queries()...)
		for _, v := range d.Templating.List {
			queries = append(queries, Query{Where: d.UID + ", " + v.Name, Expr: strings.TrimPrefix(v.Definition, "label_values")})
		}
	}
	for _, q := range append(queries, blocks(t)...) {
		for _, m := range Metrics(q.Expr) {
			if !known[m] && optional[m] == "" {
				t.Errorf("%s: there is no %s", q.Where, m)
			}
		}
	}
}

func TestMetrics(t *testing.T) {
	for expr, want := range map[string]string{
		`up == 1`: "up",
		`sum by (job, node_name) (rate(node_a_total{x="node_b"}[5m])) / on (job) r:node_c:max`:          "node_a_total r:node_c:max",
		`max_over_time(node_a[7d:15m]) or label_replace(node_a, "x", "$1", "y", "a\"node_d") offset 1h`: "node_a",
		`{__name__=~"node_a|node_b"}`: "",
	} {
		if have := strings.Join(Metrics(expr), " "); have != want {
			t.Errorf("%s: %s, want %s", expr, have, want)
		}
	}
}
