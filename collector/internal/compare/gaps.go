package compare

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
)

// A Query is a PromQL expression, and where it stands.
type Query struct {
	Where  string // such as "panel CPU" or "alert NodeDown"
	Expr   string
	Record string // name of the series that it records, for a recording rule
}

// Dashboard returns the queries of a Grafana dashboard in JSON, those of panels
// in rows and of variables included.
func Dashboard(text []byte) ([]Query, error) {
	var d struct {
		Panels     []panel
		Rows       []struct{ Panels []panel }
		Templating struct {
			List []struct {
				Name       string
				Definition string
			}
		}
	}
	if err := json.Unmarshal(text, &d); err != nil {
		return nil, fmt.Errorf("want a dashboard in JSON: %w", err)
	}
	var all []Query
	for _, v := range d.Templating.List {
		if expr := labelValuesOf(v.Definition); expr != "" {
			all = append(all, Query{Where: "variable " + v.Name, Expr: expr})
		}
	}
	panels := d.Panels
	for _, r := range d.Rows {
		panels = append(panels, r.Panels...)
	}
	all = appendPanels(all, panels)
	if len(all) == 0 {
		return nil, errors.New("want a dashboard with queries, have none")
	}
	return all, nil
}

type panel struct {
	Title   string
	Targets []struct{ Expr string }
	Panels  []panel // of a row
}

func appendPanels(all []Query, panels []panel) []Query {
	for _, p := range panels {
		for _, t := range p.Targets {
			if t.Expr != "" {
				all = append(all, Query{Where: "panel " + p.Title, Expr: t.Expr})
			}
		}
		all = appendPanels(all, p.Panels)
	}
	return all
}

// labelValuesOf returns the series selector of a variable's definition, such as
// label_values(node_uname_info{job="x"}, instance).
func labelValuesOf(definition string) string {
	inner, ok := strings.CutPrefix(strings.TrimSpace(definition), "label_values(")
	if i := strings.LastIndexByte(inner, ','); ok && i >= 0 {
		return inner[:i]
	}
	return ""
}

// Rules returns the expressions of a file of alerting and recording rules.
func Rules(text []byte) ([]Query, error) {
	var file struct {
		Groups []struct {
			Rules []struct{ Alert, Record, Expr string }
		}
	}
	if err := yaml.Unmarshal(text, &file); err != nil {
		return nil, fmt.Errorf("want rules in YAML: %w", err)
	}
	var all []Query
	for _, g := range file.Groups {
		for _, r := range g.Rules {
			if r.Record != "" {
				all = append(all, Query{Where: "record " + r.Record, Expr: r.Expr, Record: r.Record})
			} else {
				all = append(all, Query{Where: "alert " + r.Alert, Expr: r.Expr})
			}
		}
	}
	if len(all) == 0 {
		return nil, errors.New("want groups of rules, have none")
	}
	return all, nil
}

// A Gap is a query that finds nothing, as the metrics that it selects are not
// in an exposition.
type Gap struct {
	Query   Query
	Missing []string // metrics, sorted
}

// Gaps returns the queries that select a metric with the prefix node_ or
// host_exporter_ that is neither in the exposition nor recorded by one of the
// queries. Other metrics are those of other jobs.
func Gaps(queries []Query, ours Exposition) []Gap {
	recorded := map[string]bool{}
	for _, q := range queries {
		recorded[q.Record] = true
	}
	var all []Gap
	for _, q := range queries {
		gap := Gap{Query: q}
		for _, name := range MetricNames(q.Expr) {
			ownPrefix := strings.HasPrefix(name, "node_") || strings.HasPrefix(name, "host_exporter_")
			if ownPrefix && !strings.Contains(name, ":") && !recorded[name] && !ours.has(name) {
				gap.Missing = append(gap.Missing, name)
			}
		}
		if gap.Missing != nil {
			all = append(all, gap)
		}
	}
	return all
}

// has reports whether the exposition has samples of a name.
func (e Exposition) has(name string) bool {
	if e[name] != nil {
		return true
	}
	for _, suffix := range []string{"_sum", "_count", "_bucket"} {
		if base, ok := strings.CutSuffix(name, suffix); ok && e[base] != nil {
			return true
		}
	}
	return false
}

// MetricNames returns the names of the metrics that a PromQL expression
// selects, sorted. It takes every identifier that is none of a function, a
// keyword, a label, or a variable of Grafana.
func MetricNames(expr string) []string {
	var names []string
	afterGrouping := false // a list of labels follows
	for i := 0; i < len(expr); {
		c := expr[i]
		switch {
		case c == '"' || c == '\'' || c == '`':
			i = skipString(expr, i)
		case c == '{':
			end := closing(expr, i, '{', '}')
			if name := nameMatcher(expr[i:end]); name != "" {
				names = append(names, name)
			}
			i = end
		case c == '[':
			i = closing(expr, i, '[', ']')
		case c == '$':
			i = skipVariable(expr, i)
		case c == '(' && afterGrouping:
			i = closing(expr, i, '(', ')')
			afterGrouping = false
		case isIdentifier(c, false):
			end := i
			for end < len(expr) && isIdentifier(expr[end], true) {
				end++
			}
			word := expr[i:end]
			next := strings.TrimLeft(expr[end:], " \t\r\n")
			i = end
			afterGrouping = slices.Contains(groupings, word) && strings.HasPrefix(next, "(")
			partOfVariable := strings.HasPrefix(expr[end:], "$")
			aggregates := strings.HasPrefix(next, "by ") || strings.HasPrefix(next, "by(") || strings.HasPrefix(next, "without")
			if !strings.HasPrefix(next, "(") && !aggregates && !partOfVariable && !slices.Contains(keywords, strings.ToLower(word)) {
				names = append(names, word)
			}
		case c >= '0' && c <= '9': // a number or a duration
			for i < len(expr) && (isIdentifier(expr[i], true) || expr[i] == '.') {
				i++
			}
		default:
			i++
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

var (
	groupings = []string{"by", "without", "on", "ignoring", "group_left", "group_right"}
	keywords  = append([]string{"and", "or", "unless", "bool", "offset", "atan2", "inf", "nan"}, groupings...)
)

func isIdentifier(c byte, inside bool) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c == ':' || inside && c >= '0' && c <= '9'
}

// skipString returns the place behind the string that begins at i.
func skipString(s string, i int) int {
	quote := s[i]
	for i++; i < len(s) && s[i] != quote; i++ {
		if s[i] == '\\' && quote != '`' {
			i++
		}
	}
	return min(i+1, len(s))
}

// skipVariable returns the place behind a variable of Grafana, $name or ${name}.
func skipVariable(s string, i int) int {
	if i++; i < len(s) && s[i] == '{' {
		return closing(s, i, '{', '}')
	}
	for i < len(s) && isIdentifier(s[i], true) {
		i++
	}
	return i
}

// closing returns the place behind the bracket that closes the one at i.
func closing(s string, i int, left, right byte) int {
	depth := 0
	for i < len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\'' || c == '`':
			i = skipString(s, i)
			continue
		case c == left:
			depth++
		case c == right:
			if depth--; depth == 0 {
				return i + 1
			}
		}
		i++
	}
	return len(s)
}

// nameMatcher returns the name in a selector such as {__name__="node_load1"}.
func nameMatcher(selector string) string {
	_, rest, ok := strings.Cut(strings.ReplaceAll(selector, " ", ""), `__name__="`)
	if name, _, closed := strings.Cut(rest, `"`); ok && closed {
		return name
	}
	return ""
}
