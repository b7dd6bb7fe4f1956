package health

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"time"
)

// Formats are the names of the formats of a report.
var Formats = []string{"text", "json", "nagios"}

// A Group has the problems of one rule.
type Group struct {
	Rule     *Rule
	Action   string // empty if each problem has its own
	Problems []GroupProblem
	More     int // problems in addition
}

// A GroupProblem is a problem in a Group.
type GroupProblem struct {
	Text, Action string
	Since        string    // empty: unknown
	SinceTime    time.Time // the same; zero: unknown
}

// Groups returns the problems by rule.
func (r *Report) Groups() []Group {
	var groups []Group
	for _, p := range r.Problems {
		n := len(groups)
		if n == 0 || groups[n-1].Rule != p.Rule {
			g := Group{Rule: p.Rule}
			if !strings.Contains(p.Rule.Action, "{") {
				g.Action = p.Rule.Action
			}
			for _, h := range r.Hidden {
				if h.Rule == p.Rule {
					g.More += h.Count
				}
			}
			groups = append(groups, g)
			n++
		}
		one := GroupProblem{Text: p.Text}
		if groups[n-1].Action == "" {
			one.Action = p.ActionFor()
		}
		if !p.Since.IsZero() {
			one.SinceTime = p.Since
			one.Since = p.Since.UTC().Format("2006-01-02 15:04:05 UTC")
		}
		groups[n-1].Problems = append(groups[n-1].Problems, one)
	}
	return groups
}

// Summary returns the numbers of problems: 1 critical, 3 warnings, 1 note.
func (r *Report) Summary() string {
	var parts []string
	for _, s := range []struct {
		severity Severity
		one, all string
	}{{Critical, "critical", "critical"}, {Warning, "warning", "warnings"}, {Info, "note", "notes"}} {
		switch n := r.Count(s.severity); n {
		case 0:
		case 1:
			parts = append(parts, "1 "+s.one)
		default:
			parts = append(parts, fmt.Sprintf("%d %s", n, s.all))
		}
	}
	if parts == nil {
		return "no problems"
	}
	return strings.Join(parts, ", ")
}

// UnjudgedCollectors returns the collectors because of which rules cannot be
// judged, with their states, each once.
func (r *Report) UnjudgedCollectors() []string {
	var all []string
	seen := map[string]bool{}
	for _, u := range r.Unjudged {
		if text := u.Collector + " (" + u.Reason + ")"; !seen[text] {
			seen[text] = true
			all = append(all, text)
		}
	}
	return all
}

// Format returns the report of a host in one of the Formats.
func (r *Report) Format(format, hostname string) ([]byte, error) {
	switch format {
	case "text":
		return r.text(hostname), nil
	case "json":
		return r.json(hostname)
	case "nagios":
		return r.nagios(), nil
	}
	return nil, fmt.Errorf("want a format of %s, have %q", strings.Join(Formats, ", "), format)
}

func (r *Report) text(hostname string) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s: %s, %s\n", hostname, r.Verdict(), r.Summary())
	for _, g := range r.Groups() {
		fmt.Fprintf(&b, "\n%s: %s\n", g.Rule.Severity, g.Rule.Name)
		for _, p := range g.Problems {
			b.WriteString("  " + p.Text)
			if p.Since != "" {
				b.WriteString(" Seen since " + p.Since + ".")
			}
			b.WriteByte('\n')
			if p.Action != "" {
				b.WriteString("    " + p.Action + "\n")
			}
		}
		if g.More > 0 {
			fmt.Fprintf(&b, "  And %d more.\n", g.More)
		}
		for _, line := range []string{g.Action, g.Rule.DocsURL()} {
			if line != "" {
				b.WriteString("    " + line + "\n")
			}
		}
	}
	if all := r.UnjudgedCollectors(); all != nil {
		fmt.Fprintf(&b, "\nNot judged, because collectors failed: what needs %s.\n", strings.Join(all, ", "))
	}
	return b.Bytes()
}

// nagios returns the output of a monitoring plugin: a line with performance
// data, and a line for each problem. Pipes would begin performance data. See
// https://www.monitoring-plugins.org/doc/guidelines.html.
func (r *Report) nagios() []byte {
	clean := strings.NewReplacer("|", "/", "\n", " ").Replace
	var b bytes.Buffer
	fmt.Fprintf(&b, "HOST %s - %s", strings.ToUpper(r.Verdict()), r.Summary())
	if len(r.Problems) > 0 {
		b.WriteString(": " + clean(r.Problems[0].Text))
	}
	fmt.Fprintf(&b, " | critical=%d;;0 warning=%d;0 info=%d\n", r.Count(Critical), r.Count(Warning), r.Count(Info))
	for _, p := range r.Problems {
		fmt.Fprintf(&b, "%s: %s\n", p.Rule.Severity, clean(p.Text))
	}
	return b.Bytes()
}

// A jsonReport is a report in JSON.
type jsonReport struct {
	Host     string         `json:"host"`
	Verdict  string         `json:"verdict"`
	Problems []jsonProblem  `json:"problems"`
	Unnamed  map[string]int `json:"unnamed,omitempty"` // problems in addition, by rule
	Unjudged []jsonUnjudged `json:"unjudged,omitempty"`
	Passed   []string       `json:"passed"`
}

type jsonProblem struct {
	Rule     string            `json:"rule"`
	Severity string            `json:"severity"`
	Problem  string            `json:"problem"`
	Labels   map[string]string `json:"labels,omitempty"`
	Value    any               `json:"value"` // a number, or the string NaN, +Inf or -Inf
	Since    *time.Time        `json:"since,omitempty"`
	Action   string            `json:"action,omitempty"`
	Docs     string            `json:"docs,omitempty"`
}

type jsonUnjudged struct {
	Rule      string `json:"rule"`
	Collector string `json:"collector"`
	State     string `json:"state"`
}

func (r *Report) json(hostname string) ([]byte, error) {
	out := jsonReport{Host: hostname, Verdict: r.Verdict(), Problems: []jsonProblem{}, Passed: []string{}}
	for _, p := range r.Problems {
		one := jsonProblem{Rule: p.Rule.Name, Severity: p.Rule.Severity.String(), Problem: p.Text, Value: p.Value, Action: p.ActionFor(), Docs: p.Rule.DocsURL()}
		if math.IsNaN(p.Value) || math.IsInf(p.Value, 0) {
			one.Value = number(p.Value)
		}
		if !p.Since.IsZero() {
			since := p.Since.UTC()
			one.Since = &since
		}
		for _, l := range p.Labels {
			if one.Labels == nil {
				one.Labels = map[string]string{}
			}
			one.Labels[l.Name] = l.Value
		}
		out.Problems = append(out.Problems, one)
	}
	for _, h := range r.Hidden {
		if out.Unnamed == nil {
			out.Unnamed = map[string]int{}
		}
		out.Unnamed[h.Rule.Name] += h.Count
	}
	for _, u := range r.Unjudged {
		out.Unjudged = append(out.Unjudged, jsonUnjudged{u.Rule.Name, u.Collector, u.Reason})
	}
	for _, rule := range r.Passed {
		out.Passed = append(out.Passed, rule.Name)
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetIndent("", " ")
	enc.SetEscapeHTML(false)
	err := enc.Encode(out)
	return b.Bytes(), err
}
