package main

import (
	"encoding/json"
	"strings"
)

// A board is a dashboard under construction. Its panels fill rows of 24 columns, from
// left to right.
type board struct {
	uid, title, description string
	hosts                   string // metric that the hosts to choose from have
	oneHost                 bool   // or several

	panels     []object
	x, y, high int
}

type object = map[string]any

// A query is an expression with the legend of its series. $H in the expression stands
// for the label matchers of the variables.
type query struct{ expr, legend string }

const source = "${datasource}"

func datasource() object { return object{"type": "prometheus", "uid": source} }

// row begins a row of panels below the previous ones.
func (b *board) row(title string) {
	b.y, b.x, b.high = b.y+b.high, 0, 0
	b.panels = append(b.panels, object{"id": len(b.panels) + 1, "type": "row", "title": title, "collapsed": false,
		"panels": []object{}, "gridPos": object{"x": 0, "y": b.y, "w": 24, "h": 1}})
	b.y++
}

// panel adds a panel of a type with a width and a height.
func (b *board) panel(kind, title, description string, w, h int, defaults, options object, targets []object) object {
	if b.x+w > 24 {
		b.y, b.x, b.high = b.y+b.high, 0, 0
	}
	p := object{
		"id": len(b.panels) + 1, "type": kind, "title": title, "description": description, "datasource": datasource(),
		"gridPos":     object{"x": b.x, "y": b.y, "w": w, "h": h},
		"fieldConfig": object{"defaults": defaults, "overrides": []object{}},
		"options":     options, "targets": targets,
	}
	b.panels = append(b.panels, p)
	b.x, b.high = b.x+w, max(b.high, h)
	return p
}

// matchers are those of all queries, without the braces.
const matchers = `cluster=~"$cluster",job=~"$job",instance=~"$instance"`

func expand(expr string) string { return strings.ReplaceAll(expr, "$H", matchers) }

func targets(queries []query, format object) []object {
	var all []object
	for i, q := range queries {
		t := object{"refId": string(rune('A' + i)), "datasource": datasource(), "expr": expand(q.expr), "legendFormat": q.legend}
		for k, v := range format {
			t[k] = v
		}
		all = append(all, t)
	}
	return all
}

// limits are the values from which a gauge is yellow and red; zero limits color nothing.
type limits struct{ warning, critical float64 }

func (l limits) thresholds() object {
	steps := []object{{"color": "blue", "value": nil}}
	if l != (limits{}) {
		steps = []object{{"color": "green", "value": nil}, {"color": "yellow", "value": l.warning}, {"color": "red", "value": l.critical}}
	}
	return object{"mode": "absolute", "steps": steps}
}

// gauge adds a panel with the last value of a query.
func (b *board) gauge(w int, title, description, unit string, l limits, q query) {
	defaults := object{"unit": unit, "min": 0, "thresholds": l.thresholds(), "color": object{"mode": "thresholds"}}
	if unit == "percentunit" {
		defaults["max"] = 1
	}
	b.panel("gauge", title, description, w, 5, defaults,
		object{"reduceOptions": object{"calcs": []string{"lastNotNull"}, "fields": "", "values": false}, "showThresholdMarkers": true},
		targets([]query{q}, object{"instant": true, "range": false}))
}

// stat adds a panel with the last values of queries as numbers.
func (b *board) stat(w int, title, description, unit string, l limits, queries ...query) {
	b.panel("stat", title, description, w, 5, object{"unit": unit, "thresholds": l.thresholds(), "color": object{"mode": "thresholds"}},
		object{"reduceOptions": object{"calcs": []string{"lastNotNull"}, "fields": "", "values": false}, "colorMode": "value", "graphMode": "none", "textMode": "auto"},
		targets(queries, object{"instant": true, "range": false}))
}

// chart adds a panel of lines over time.
func (b *board) chart(w int, title, description, unit string, queries ...query) {
	custom := object{"drawStyle": "line", "lineWidth": 1, "fillOpacity": 5, "showPoints": "never", "spanNulls": false}
	b.panel("timeseries", title, description, w, 8, object{"unit": unit, "thresholds": limits{}.thresholds(), "custom": custom},
		object{"legend": object{"displayMode": "table", "placement": "bottom", "calcs": []string{"lastNotNull", "max"}}, "tooltip": object{"mode": "multi", "sort": "desc"}},
		targets(queries, object{"instant": false, "range": true}))
}

// A column is a column of a table: a label, or the value of a query.
type column struct {
	label string // or
	query string
	title string
	unit  string
	limits
}

// table adds a table that joins its queries by the labels that they have in common. The
// column with the title sorted sorts the rows, largest first.
func (b *board) table(w, h int, title, description, sorted string, columns ...column) {
	values := 0
	for _, c := range columns {
		if c.query != "" {
			values++
		}
	}
	order, names, keep := object{}, object{}, []string{}
	var queries []query
	overrides := []object{}
	for i, c := range columns {
		field := c.label
		if c.query != "" {
			field = "Value #" + string(rune('A'+len(queries)))
			if values == 1 {
				field = "Value" // Grafana numbers them only if there are several
			}
			queries = append(queries, query{expr: c.query})
		}
		order[field], names[field] = i, c.title
		keep = append(keep, field)
		if c.unit == "" {
			continue
		}
		properties := []object{{"id": "unit", "value": c.unit}}
		if c.limits != (limits{}) {
			properties = append(properties, object{"id": "thresholds", "value": c.thresholds()}, object{"id": "custom.cellOptions", "value": object{"type": "color-text"}})
		}
		overrides = append(overrides, object{"matcher": object{"id": "byName", "options": c.title}, "properties": properties})
	}
	p := b.panel("table", title, description, w, h, object{"unit": "short", "thresholds": limits{}.thresholds(), "custom": object{"filterable": true, "align": "auto"}},
		object{"showHeader": true, "cellHeight": "sm", "sortBy": []object{{"displayName": sorted, "desc": true}}},
		targets(queries, object{"format": "table", "instant": true, "range": false}))
	p["fieldConfig"].(object)["overrides"] = overrides
	p["transformations"] = []object{
		{"id": "merge", "options": object{}},
		{"id": "filterFieldsByName", "options": object{"include": object{"names": keep}}},
		{"id": "organize", "options": object{"indexByName": order, "renameByName": names}},
	}
}

// variables returns the variables of a dashboard. The cluster matches hosts without one,
// and the host is chosen by the name that it gives itself.
func (b *board) variables() []object {
	one := func(name, label, definition string, several bool, more object) object {
		v := object{"name": name, "label": label, "type": "query", "datasource": datasource(), "definition": definition,
			"query": object{"query": definition, "refId": "variable"}, "refresh": 2, "sort": 1,
			"multi": several, "includeAll": several, "hide": 0, "regex": "", "options": []object{}, "current": object{}}
		if several {
			v["allValue"] = ".*"
			v["current"] = object{"selected": true, "text": []string{"All"}, "value": []string{"$__all"}}
		}
		for k, x := range more {
			v[k] = x
		}
		return v
	}
	all := []object{
		{"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus", "multi": false, "includeAll": false,
			"hide": 0, "regex": "", "options": []object{}, "current": object{}, "refresh": 1},
		one("cluster", "Cluster", `label_values(`+b.hosts+`, cluster)`, true, nil),
		one("job", "Job", `label_values(`+b.hosts+`{cluster=~"$cluster"}, job)`, true, nil),
	}
	if b.oneHost {
		return append(all,
			one("node", "Host", `label_values(node_uname_info{cluster=~"$cluster",job=~"$job"}, nodename)`, false, nil),
			one("instance", "Instance", `label_values(node_uname_info{cluster=~"$cluster",job=~"$job",nodename=~"$node"}, instance)`, false, nil))
	}
	return append(all, one("instance", "Instance", `label_values(`+b.hosts+`{cluster=~"$cluster",job=~"$job"}, instance)`, true, nil))
}

// json returns the dashboard as Grafana imports it, with links to the others.
func (b *board) json(others []*board) ([]byte, error) {
	links := []object{}
	for _, o := range others {
		if o != b {
			links = append(links, object{"title": o.title, "type": "link", "url": "/d/" + o.uid + "/" + o.uid + "?${datasource:queryparam}&${cluster:queryparam}&${job:queryparam}",
				"icon": "dashboard", "tooltip": o.description, "keepTime": true, "includeVars": false, "asDropdown": false, "targetBlank": false, "tags": []string{}})
		}
	}
	out, err := json.MarshalIndent(object{
		"uid": b.uid, "title": b.title, "description": b.description, "tags": []string{"host_exporter"},
		"schemaVersion": 41, "version": 1, "editable": true, "graphTooltip": 1, "refresh": "1m", "timezone": "browser",
		"time": object{"from": "now-6h", "to": "now"}, "annotations": object{"list": []object{}}, "links": links,
		"templating": object{"list": b.variables()}, "panels": b.panels,
	}, "", " ")
	return append(out, '\n'), err
}
