package mixin

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const docs = "../../../../docs/"

func rules(t *testing.T) []Rule {
	t.Helper()
	files, err := RuleFiles(docs + "mixin")
	if err != nil {
		t.Fatal(err)
	}
	var all []Rule
	for _, file := range files {
		rules, err := Rules(file)
		if err != nil || len(rules) == 0 {
			t.Fatalf("%s: %d rules (%v)", file, len(rules), err)
		}
		all = append(all, rules...)
	}
	return all
}

func dashboards(t *testing.T) []*Dashboard {
	t.Helper()
	var all []*Dashboard
	for _, name := range []string{"san-fleet", "san-host", "host", "host-fleet", "host-disks", "host-network", "host-exporter"} {
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
	files, err := filepath.Glob(docs + "*.md")
	if err != nil {
		t.Fatal(err)
	}
	var all []Query
	for _, file := range files {
		queries, err := Blocks(file)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, queries...)
	}
	if len(all) == 0 {
		t.Fatal("no page has a query")
	}
	return all
}

// sections returns the third-level headings of a page that are one word.
func sections(t *testing.T, page string) []string {
	t.Helper()
	b, err := os.ReadFile(docs + page)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for line := range strings.Lines(string(b)) {
		if heading, ok := strings.CutPrefix(strings.TrimSpace(line), "### "); ok && !strings.Contains(heading, " ") {
			all = append(all, heading)
		}
	}
	return all
}

// TestAlertsAreExplained checks that each alert has a section on the page that
// its runbook_url names, and each section on alerts an alert.
func TestAlertsAreExplained(t *testing.T) {
	var alerts, keys []string
	explained := map[string][]string{} // by page
	runbook := regexp.MustCompile(`/docs/([a-z-]+\.md)#([a-z]+)$`)
	for _, r := range rules(t) {
		if r.Alert == "" {
			continue
		}
		alerts = append(alerts, r.Alert)
		keys = append(keys, r.key())
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
		m := runbook.FindStringSubmatch(r.Annotations["runbook_url"])
		if m == nil || m[2] != strings.ToLower(r.Alert) {
			t.Errorf("%s: runbook_url %q", r.Alert, r.Annotations["runbook_url"])
			continue
		}
		page := m[1]
		if explained[page] == nil {
			explained[page] = sections(t, page)
		}
		if !slices.Contains(explained[page], r.Alert) {
			t.Errorf("%s: has no section in %s", r.Alert, page)
		}
	}
	for page, sections := range explained {
		for _, s := range sections {
			if !slices.Contains(alerts, s) {
				t.Errorf("%s explains %s, which is no alert", page, s)
			}
		}
	}
	if unique := slices.Compact(slices.Sorted(slices.Values(keys))); len(unique) != len(keys) {
		t.Error("two alerts have the same name and severity")
	}
}

// key identifies an alert: one condition may have two severities.
func (r Rule) key() string { return r.Alert + "/" + r.Labels["severity"] }

// TestAlertsAreTested tests that each alert has a case in which it fires, and
// one in which it does not although it has something to look at.
func TestAlertsAreTested(t *testing.T) {
	files, err := RuleFiles(docs + "mixin")
	if err != nil {
		t.Fatal(err)
	}
	var tests []Test
	for _, file := range files {
		some, err := Tests(TestFile(file))
		if err != nil {
			t.Fatal(err)
		}
		tests = append(tests, some...)
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
			for _, x := range a.Expected {
				fires[a.Alert+"/"+x.Labels["severity"]] = true
			}
			if len(a.Expected) > 0 {
				continue
			}
			for _, m := range looksAt[a.Alert] {
				silent[a.Alert] = silent[a.Alert] || sees(m) || slices.ContainsFunc(looksAt[m], sees)
			}
		}
	}
	for _, r := range all {
		if r.Alert != "" && (!fires[r.key()] || !silent[r.Alert]) {
			t.Errorf("%s: tested firing: %v, tested silent: %v", r.key(), fires[r.key()], silent[r.Alert])
		}
	}
}

// TestMetricsExist tests that nothing asks for a family that the exporter does
// not have.
func TestMetricsExist(t *testing.T) {
	known, err := Families(docs)
	if err != nil {
		t.Fatal(err)
	}
	optional := Optional(known)
	known["up"] = true
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

// TestRendered compares the files that are rendered from jsonnet with what would be
// rendered.
func TestRendered(t *testing.T) {
	if _, err := exec.LookPath("jsonnet"); err != nil {
		t.Skip("there is no jsonnet")
	}
	err := Render(docs+"mixin", func(file string, want []byte) error {
		have, err := os.ReadFile(file)
		if err == nil && !bytes.Equal(have, want) {
			t.Errorf("%s: out of date: go run ./collector/internal/tool/rendermixin", file)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}
