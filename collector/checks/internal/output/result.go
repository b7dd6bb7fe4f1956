package output

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	dto "github.com/prometheus/client_model/go"
)

// A Reason is why a value was dropped, as a label value.
type Reason string

// The reasons, in the order of the documentation.
const (
	Undeclared Reason = "undeclared" // not in the schema
	IllTyped   Reason = "type"       // not a number, or not of the declared type
	WrongUnit  Reason = "unit"       // an unknown unit, or not that of the name
	OutOfRange Reason = "range"      // below min, above max, a negative counter
	NotInEnum  Reason = "enum"       // a word that the enum lacks
	Duplicate  Reason = "duplicate"  // a second series, or a second family with a name
	OverLimit  Reason = "limit"      // a series beyond max-series
	Timestamp  Reason = "timestamp"  // a series with a timestamp
	BadLabel   Reason = "label"      // an invalid or undeclared label
	BadName    Reason = "name"       // an invalid name
	Reserved   Reason = "reserved"   // a name with a reserved prefix
	Syntax     Reason = "syntax"     // a line, or a part of one, that cannot be parsed
)

// A Result is the result of Parse.
type Result struct {
	// Families are sorted by name, their series by labels. All names and series are
	// unique.
	Families []*dto.MetricFamily
	Series   int // number of time series, at most max-series

	Drops    map[Reason]int
	Problems []string // the first drops: position and what was there

	// Err is why the whole output is rejected. Then there are no families.
	Err error
}

const (
	maxProblems = 8
	maxQuoted   = 80 // bytes of the output in a problem
)

// A run is one call of Parse.
type run struct {
	p        *Parser
	families map[string]*dto.MetricFamily
	samples  int // in families
	matched  int // matches of patterns
	result   Result
}

// errTooMany means that a document has more values than Parse accepts.
var errTooMany = errors.New("has too many values")

// A position is a position in the output. Lines and columns count from 1, columns in
// bytes.
type position struct{ line, column int }

func (p position) String() string { return fmt.Sprintf("line %d, column %d", p.line, p.column) }

// drop counts a dropped value, and reports it if it is one of the first.
func (r *run) drop(reason Reason, where fmt.Stringer, format string, args ...any) {
	r.result.Drops[reason]++
	if len(r.result.Problems) < maxProblems {
		r.result.Problems = append(r.result.Problems, r.p.form(fmt.Sprintf("%s: %s", where, fmt.Sprintf(format, args...))))
	}
}

// A marked text is between two of these in a problem, until form removes them.
const mark = "\x00"

// marked returns a text that has a part of the output, for form.
func marked(s string) string { return mark + strings.ReplaceAll(s, mark, "") + mark }

// form returns a problem without its marks: with what is marked if Options.Quote says
// so, and with an ellipsis in its place otherwise.
func (p *Parser) form(problem string) string {
	parts := strings.Split(problem, mark)
	for i := 1; i < len(parts) && !p.o.Quote; i += 2 {
		parts[i] = "…"
	}
	return strings.Join(parts, "")
}

// quote returns a part of the output in quotes, truncated and marked.
func quote(s string) string {
	if len(s) > maxQuoted {
		return marked(fmt.Sprintf("%q... (%d bytes)", s[:maxQuoted], len(s)))
	}
	return marked(fmt.Sprintf("%q", s))
}

// truncate returns a text that contains a part of the output, truncated and marked.
func truncate(s string) string {
	if len(s) > 2*maxQuoted {
		s = strings.ToValidUTF8(s[:2*maxQuoted], "") + "..."
	}
	return marked(s)
}

// A value is a value in the output.
type value struct {
	at     fmt.Stringer
	text   string
	unit   string // as printed, or ""
	labels []*dto.LabelPair
}

// addText adds a value of a declared metric, which is a word of its enum or a number.
func (r *run) addText(m *compiledMetric, v value) error {
	if m.Enum != nil {
		n, known := m.Enum[v.text]
		if !known {
			r.drop(NotInEnum, v.at, "%s: want a word of the enum, have %s", m.Name, quote(v.text))
			return nil
		}
		return r.addNumber(m, v, n)
	}
	n, ok := parseNumber(v.text)
	if !ok {
		r.drop(IllTyped, v.at, "%s: want a number, have %s", m.Name, quote(v.text))
		return nil
	}
	return r.addNumber(m, v, n)
}

// addNumber adds n as the value of a declared metric.
func (r *run) addNumber(m *compiledMetric, v value, n float64) error {
	u := m.unit
	if v.unit != "" {
		var problem string
		if u, problem = r.printedUnit(v.unit, m); problem != "" {
			r.drop(WrongUnit, v.at, "%s: %s", m.Name, problem)
			return nil
		}
	}
	n = u.toBase(n)
	if r.p.o.Format != Prometheus && (math.IsNaN(n) || math.IsInf(n, 0)) {
		r.drop(IllTyped, v.at, "%s: want a finite number, have %s", m.Name, marked(fmt.Sprint(n)))
		return nil
	}
	if reason, want := m.outOfRange(n); reason != "" {
		r.drop(reason, v.at, "%s: want %s, have %s", m.Name, want, marked(fmt.Sprint(n)))
		return nil
	}
	for _, l := range v.labels {
		if !slices.Contains(m.Labels, l.GetName()) {
			r.drop(BadLabel, v.at, "%s: label %s is not declared", m.Name, quote(l.GetName()))
			return nil
		}
	}
	return r.addSample(m.Name, m.dtoType, m.Help, v.labels, n)
}

// printedUnit returns the unit that was printed with a value of m.
func (r *run) printedUnit(name string, m *compiledMetric) (u unit, problem string) {
	u, known := r.p.o.printedUnit(name)
	switch {
	case !known:
		return u, unitProblem(name)
	case u.base == "":
		return m.unit, "" // units says that it is a plain number
	case !hasUnitSuffix(m.Name, u.base):
		return u, fmt.Sprintf("want the unit of the name, have %s", quote(name))
	}
	return u, ""
}

// outOfRange returns OutOfRange and the wanted range if n, in the base unit, is not in it.
func (m *compiledMetric) outOfRange(n float64) (reason Reason, want string) {
	switch {
	case m.Type == Info && n != 1:
		return OutOfRange, "1 for an info"
	case m.Type == Counter && n < 0:
		return OutOfRange, "at least 0 for a counter"
	case m.Min != nil && !(n >= *m.Min):
		return OutOfRange, fmt.Sprintf("at least min, which is %v", *m.Min)
	case m.Max != nil && !(n <= *m.Max):
		return OutOfRange, fmt.Sprintf("at most max, which is %v", *m.Max)
	}
	return "", ""
}

// addSample adds a sample to its family.
func (r *run) addSample(name string, typ dto.MetricType, help string, labels []*dto.LabelPair, n float64) error {
	if r.samples++; r.samples > r.p.maxValues() {
		return errTooMany
	}
	family := r.families[name]
	if family == nil {
		family = &dto.MetricFamily{Name: &name, Type: &typ}
		r.families[name] = family
	}
	if help != "" && family.Help == nil {
		family.Help = &help
	}
	m := &dto.Metric{Label: labels}
	switch typ {
	case dto.MetricType_COUNTER:
		m.Counter = &dto.Counter{Value: &n}
	case dto.MetricType_GAUGE:
		m.Gauge = &dto.Gauge{Value: &n}
	default:
		m.Untyped = &dto.Untyped{Value: &n}
	}
	family.Metric = append(family.Metric, m)
	return nil
}

func label(name, value string) *dto.LabelPair { return &dto.LabelPair{Name: &name, Value: &value} }

// checkLastLine returns an error for a document whose last line has no end.
func checkLastLine(b []byte) error {
	if len(b) == 0 || b[len(b)-1] == '\n' {
		return nil
	}
	last := b[bytes.LastIndexByte(b, '\n')+1:]
	return fmt.Errorf("line %d: want a newline at the end of the output, have %s",
		bytes.Count(b, []byte("\n"))+1, quote(string(last[max(0, len(last)-maxQuoted):])))
}
