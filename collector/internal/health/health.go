// Package health judges a host by rules: expressions in the language of package
// expect, each with a severity and the words for an operator. The rules that
// ship with the exporter are docs/health.yml; a configuration changes them and
// adds others. The page, the commands and the metric all show the same report,
// which is made of the samples of one scrape. The package knows nothing of how
// samples are collected.
package health

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/hostexporter/host_exporter/collector/internal/expect"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/docs"
)

// A Severity says how soon an operator must act on a problem.
type Severity uint8

// The severities.
const (
	Info     Severity = iota // worth knowing, no problem by itself
	Warning                  // act today
	Critical                 // act now
)

// severityNames are the names in a configuration, by severity.
var severityNames = [...]string{Info: "info", Warning: "warning", Critical: "critical"}

func (s Severity) String() string { return severityNames[s] }

// A Rule finds problems. It is immutable once it is in Rules.
type Rule struct {
	Name       string
	Enabled    bool
	Severity   Severity
	Expression string // with $threshold in place of Threshold
	Threshold  string // a number; empty: none
	Problem    string // with {label}, {value}, {limit} and {ratio}
	Action     string // what to do
	Docs       string // a page and section of docs, or a URL
	Ignore     []string
	Hides      []string // rules whose problems about the same labels are left out

	expectation *expect.Expectation
}

// DocsURL returns the address of the documentation of the rule, or "".
func (r *Rule) DocsURL() string {
	if r.Docs == "" || strings.Contains(r.Docs, "://") {
		return r.Docs
	}
	return docs.URL + r.Docs
}

// Families returns the names of the samples that the rule selects.
func (r *Rule) Families() []string { return r.expectation.Families() }

// Rules are the enabled rules of a configuration. They are immutable, and safe
// for concurrent use.
type Rules struct {
	list []*Rule
	set  *expect.Set // nil without rules
}

func newRules(list []*Rule) *Rules {
	r := &Rules{}
	var expectations []*expect.Expectation
	for _, rule := range list {
		if rule.Enabled {
			r.list = append(r.list, rule)
			expectations = append(expectations, rule.expectation)
		}
	}
	r.set = expect.NewSet(expectations...)
	return r
}

// List returns the rules.
func (r *Rules) List() []*Rule { return r.list }

// Begin begins an evaluation over the samples of one scrape. It returns nil if
// there are no rules.
func (r *Rules) Begin() *expect.Evaluation {
	if r.set == nil {
		return nil
	}
	return r.set.Begin()
}

// A Report is the result of all rules for one scrape.
type Report struct {
	Problems []Problem // most severe first, then in the order of the rules
	Hidden   []Hidden  // problems that are not among these, by rule
	Unjudged []Unjudged
	Passed   []*Rule // rules that had something to judge and found no problem
	Failed   []*Rule // rules that found problems, those with hidden ones included
	judged   []*Rule // both, in the order of the rules
}

// A Problem is one thing that is not as a rule wants it.
type Problem struct {
	Rule   *Rule
	Text   string
	Labels []expect.LabelPair
	Value  float64
	Limit  float64
	Since  time.Time // zero: unknown
}

// A Hidden is a number of problems of a rule that are not named, because the
// rule found too many.
type Hidden struct {
	Rule  *Rule
	Count int
}

// An Unjudged is a rule that cannot be judged because a collector failed.
type Unjudged struct {
	Rule              *Rule
	Collector, Reason string
}

// Report ends an evaluation and returns its report.
func (r *Rules) Report(e *expect.Evaluation, find expect.SourceFunc) *Report {
	report := &Report{}
	if e == nil {
		return report
	}
	hidden := map[string]bool{} // rule and labels of problems to leave out
	i := 0
	e.Results(find, func(result expect.Result) {
		rule := r.list[i]
		i++
		switch result.Verdict {
		case expect.Holds:
			report.Passed, report.judged = append(report.Passed, rule), append(report.judged, rule)
		case expect.Fails:
			report.Failed, report.judged = append(report.Failed, rule), append(report.judged, rule)
			report.add(rule, result, hidden)
		}
		for _, u := range result.Unknown {
			report.Unjudged = append(report.Unjudged, Unjudged{rule, u.Collector, u.Reason})
		}
	})
	report.Problems = slices.DeleteFunc(report.Problems, func(p Problem) bool { return hidden[p.Rule.Name+p.key()] })
	report.Hidden = slices.DeleteFunc(report.Hidden, func(h Hidden) bool {
		return !slices.ContainsFunc(report.Problems, func(p Problem) bool { return p.Rule == h.Rule })
	})
	slices.SortStableFunc(report.Problems, func(a, b Problem) int { return cmp.Compare(b.Rule.Severity, a.Rule.Severity) })
	return report
}

// add adds the problems that a rule found, one for each set of labels.
func (r *Report) add(rule *Rule, result expect.Result, hidden map[string]bool) {
	first := len(r.Problems)
	for _, s := range result.Failing {
		p := Problem{Rule: rule, Text: rule.text(s), Labels: s.Labels, Value: s.Value, Limit: s.Limit}
		if slices.ContainsFunc(r.Problems[first:], func(other Problem) bool { return slices.Equal(other.Labels, p.Labels) }) {
			continue // two clauses are about the same thing
		}
		r.Problems = append(r.Problems, p)
		for _, name := range rule.Hides {
			hidden[name+p.key()] = true
		}
	}
	if result.More > 0 {
		r.Hidden = append(r.Hidden, Hidden{rule, result.More})
	}
}

// key identifies what a problem is about, whatever its state and value.
func (p Problem) key() string {
	var b strings.Builder
	for _, l := range p.Labels {
		switch l.Name {
		case "state", "reason", "device_error":
			continue
		}
		b.WriteString("\xff" + l.Name + "\xff" + l.Value)
	}
	return b.String()
}

// Severity returns the severity of the report, which is that of its worst
// problem; Info stands for a host without problems.
func (r *Report) Severity() Severity {
	if len(r.Problems) == 0 {
		return Info
	}
	return r.Problems[0].Rule.Severity
}

// Verdict returns a word for the severity: ok, warning or critical.
func (r *Report) Verdict() string {
	if s := r.Severity(); s > Info {
		return s.String()
	}
	return "ok"
}

// Count returns the number of problems of a severity, those that are not named
// included.
func (r *Report) Count(s Severity) int {
	n := 0
	for _, p := range r.Problems {
		if p.Rule.Severity == s {
			n++
		}
	}
	for _, h := range r.Hidden {
		if h.Rule.Severity == s {
			n += h.Count
		}
	}
	return n
}

// Emit emits a sample for each rule that had something to judge: 1 without a
// problem, and 0 with one.
func (r *Report) Emit(f *metric.Family, out *metric.Sink) {
	for _, rule := range r.judged {
		out.Bool(f, !slices.Contains(r.Failed, rule), rule.Name)
	}
}

// Declare declares the family that Emit emits.
func Declare(set *metric.Set) *metric.Family {
	return set.Gauge("host_exporter_health", "Whether the health rule finds no problem; absent if there is nothing to judge.", "rule")
}
