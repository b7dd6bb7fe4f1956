package health

import (
	"slices"
	"strings"
	"sync"
	"time"
)

// A History has the reports of a running exporter: since when each problem is
// known, and which rules found problems in the last report. It is safe for
// concurrent use. The zero value is ready for use.
type History struct {
	mu      sync.Mutex
	since   map[string]time.Time // by rule and labels
	failing map[string]Severity  // by name of the rule
}

// A Change is a rule that found problems for the first time, or that found
// problems before and finds none.
type Change struct {
	Rule      string
	Severity  Severity
	Recovered bool
	Text      string // of the first problem
	Count     int    // of problems
}

// Record sets since when the problems of a report are known, and returns what
// changed since the last report. A rule that cannot be judged does not change.
func (h *History) Record(r *Report, now time.Time) []Change {
	h.mu.Lock()
	defer h.mu.Unlock()
	unjudged := map[string]bool{}
	for _, u := range r.Unjudged {
		unjudged[u.Rule.Name] = true
	}
	since, failing := map[string]time.Time{}, map[string]Severity{}
	var changes []Change
	for i := range r.Problems {
		p := &r.Problems[i]
		key, name := p.Rule.Name+p.key(), p.Rule.Name
		p.Since = now
		if t, ok := h.since[key]; ok {
			p.Since = t
		}
		since[key] = p.Since
		if _, again := failing[name]; !again {
			failing[name] = p.Rule.Severity
			if _, before := h.failing[name]; !before {
				changes = append(changes, Change{Rule: name, Severity: p.Rule.Severity, Text: p.Text, Count: r.countOf(p.Rule)})
			}
		}
	}
	for name, severity := range h.failing {
		switch _, still := failing[name]; {
		case still:
		case unjudged[name]:
			failing[name] = severity
		default:
			changes = append(changes, Change{Rule: name, Severity: severity, Recovered: true})
		}
	}
	h.since, h.failing = since, failing
	slices.SortStableFunc(changes, func(a, b Change) int { return strings.Compare(a.Rule, b.Rule) })
	return changes
}

// countOf returns the number of problems of a rule.
func (r *Report) countOf(rule *Rule) int {
	n := 0
	for _, p := range r.Problems {
		if p.Rule == rule {
			n++
		}
	}
	for _, h := range r.Hidden {
		if h.Rule == rule {
			n += h.Count
		}
	}
	return n
}
