package mixin

import (
	"regexp"
	"slices"
	"testing"
)

// builtIn are the variables that Grafana defines.
var builtIn = []string{"__rate_interval", "__range", "__url_time_range", "__data", "__field"}

// TestDashboards checks for mistakes that Grafana rejects or shows badly.
func TestDashboards(t *testing.T) {
	all := dashboards(t)
	var uids []string
	for _, d := range all {
		uids = append(uids, d.UID)
	}
	for _, d := range all {
		if d.SchemaVersion < 39 || d.Title == "" || len(d.Panels) == 0 {
			t.Errorf("%s: schema version %d, title %q, %d panels", d.UID, d.SchemaVersion, d.Title, len(d.Panels))
		}
		var variables []string
		for _, v := range d.Templating.List {
			variables = append(variables, v.Name)
			if v.Type != "datasource" && v.Datasource.UID != "${datasource}" {
				t.Errorf("%s: variable %s asks %s", d.UID, v.Name, v.Datasource.UID)
			}
		}
		for _, v := range []string{"datasource", "job", "instance"} {
			if !slices.Contains(variables, v) {
				t.Errorf("%s: there is no variable %s", d.UID, v)
			}
		}
		leads := d.Links
		for i, p := range d.Panels {
			checkPanel(t, d, p, variables)
			leads = append(leads, p.FieldConfig.Defaults.Links...)
			for _, other := range d.Panels[:i] {
				if p.ID == other.ID {
					t.Errorf("%s: %s and %s have id %d", d.UID, p.Title, other.Title, p.ID)
				}
				if overlap(p, other) {
					t.Errorf("%s: %s lies on %s", d.UID, p.Title, other.Title)
				}
			}
		}
		for _, l := range leads {
			m := regexp.MustCompile(`^/d/([^/]+)/`).FindStringSubmatch(l.URL)
			if m == nil || !slices.Contains(uids, m[1]) || m[1] == d.UID {
				t.Errorf("%s: link %q leads to %s", d.UID, l.Title, l.URL)
			}
			checkVariables(t, d.UID+", "+l.Title, l.URL, variables)
		}
		if len(leads) == 0 {
			t.Errorf("%s: has no link", d.UID)
		}
	}
}

func checkPanel(t *testing.T, d *Dashboard, p Panel, variables []string) {
	t.Helper()
	where := d.UID + ", " + p.Title
	g := p.GridPos
	if p.ID <= 0 || p.Title == "" || g.X < 0 || g.W <= 0 || g.X+g.W > 24 || g.H <= 0 {
		t.Errorf("%s: id %d, place %+v", where, p.ID, g)
	}
	if p.Type == "row" {
		return
	}
	if p.Description == "" || p.FieldConfig.Defaults.Unit == "" || len(p.Targets) == 0 {
		t.Errorf("%s: description %q, unit %q, %d queries", where, p.Description, p.FieldConfig.Defaults.Unit, len(p.Targets))
	}
	if p.Datasource.UID != "${datasource}" {
		t.Errorf("%s: asks %s", where, p.Datasource.UID)
	}
	var ids []string
	for _, q := range p.Targets {
		if q.Expr == "" || q.Datasource.UID != "${datasource}" || slices.Contains(ids, q.RefID) {
			t.Errorf("%s: query %+v", where, q)
		}
		ids = append(ids, q.RefID)
		checkVariables(t, where, q.Expr, variables)
	}
}

func checkVariables(t *testing.T, where, text string, variables []string) {
	t.Helper()
	for _, m := range regexp.MustCompile(`\$\{?(\w+)`).FindAllStringSubmatch(text, -1) {
		if !slices.Contains(variables, m[1]) && !slices.Contains(builtIn, m[1]) {
			t.Errorf("%s: there is no variable %s", where, m[1])
		}
	}
}

func overlap(a, b Panel) bool {
	p, q := a.GridPos, b.GridPos
	return p.X < q.X+q.W && q.X < p.X+p.W && p.Y < q.Y+q.H && q.Y < p.Y+p.H
}
