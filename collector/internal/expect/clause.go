package expect

import (
	"regexp"
	"slices"
	"strings"

	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

// A clause is one condition of an expectation.
type clause struct {
	function  function
	selection selection
	total     comparison // of the result of count, sum, min and max
	by        []string   // labels of the groups of a total; nil: no groups
	unless    *exclusion // nil: none
	label     string     // of "for each"; empty: none
	values    []string   // of that label: the clause must hold for each of them
	ignored   [][]matcher

	family     int // index in Set.families
	firstTally int // index in Evaluation.tallies; a clause has one tally, or one for each value
	table      int // index in Evaluation.tables; -1 for a clause without a table
}

// An exclusion leaves out the series of a clause that have the same labels as a
// sample of a selection.
type exclusion struct {
	on        []string // labels to compare; nil: all
	selection selection
}

// A function aggregates the samples that a clause selects.
type function uint8

const (
	funcEach function = iota // there are samples, and the comparison holds for all
	funcAny                  // the comparison holds for at least one sample
	funcCount
	funcSum
	funcMin
	funcMax
)

// functionNames are the names in an expression, by function.
var functionNames = [...]string{funcEach: "", funcAny: "any", funcCount: "count", funcSum: "sum", funcMin: "min", funcMax: "max"}

// A selection selects samples by name and labels, and compares their values.
type selection struct {
	metric     string
	hasBraces  bool // the expression has braces, even if they are empty
	matchers   []matcher
	comparison comparison
}

// A matcher compares a label's value with a text, or with a pattern that must
// match all of it.
type matcher struct {
	label, sign, value string
	pattern            *regexp.Regexp // of the signs =~ and !~
}

// A comparison compares a value with a number, or with the sample of another
// selection that has the same labels.
type comparison struct {
	op     op
	number float64
	text   string // the number as written, such as 16e9

	other  *selection // nil: a number
	factor float64    // of the other sample; 1 if scale is empty
	scale  string     // the factor as written; empty: none
}

// An op is a comparison operator.
type op uint8

const (
	opNone op = iota // holds for every value
	opEqual
	opNotEqual
	opGreater
	opGreaterOrEqual
	opLess
	opLessOrEqual
)

// opSigns are the signs in an expression, by op.
var opSigns = [...]string{opNone: "", opEqual: "==", opNotEqual: "!=", opGreater: ">", opGreaterOrEqual: ">=", opLess: "<", opLessOrEqual: "<="}

// holds reports whether the comparison holds for a value. Only opNone holds for
// NaN.
func (c comparison) holds(v float64) bool {
	switch c.op {
	case opEqual:
		return v == c.number
	case opNotEqual:
		return v < c.number || v > c.number
	case opGreater:
		return v > c.number
	case opGreaterOrEqual:
		return v >= c.number
	case opLess:
		return v < c.number
	case opLessOrEqual:
		return v <= c.number
	}
	return true
}

// with returns the comparison with a number in place of another sample.
func (c comparison) with(other float64) comparison {
	c.number = other * c.factor
	return c
}

// shortfall returns how far a value is from one for which the comparison holds:
// of two values, the worse one has the greater shortfall.
func (c comparison) shortfall(v float64) float64 {
	switch c.op {
	case opGreater, opGreaterOrEqual:
		return c.number - v
	case opLess, opLessOrEqual:
		return v - c.number
	}
	distance := max(v-c.number, c.number-v)
	if c.op == opNotEqual {
		return -distance
	}
	return distance
}

// matches reports whether all matchers match the labels of a sample.
func (s *selection) matches(labels metric.Labels) bool { return matchAll(s.matchers, labels) }

func matchAll(matchers []matcher, labels metric.Labels) bool {
	for i := range matchers {
		if !matchers[i].matches(labels) {
			return false
		}
	}
	return true
}

// selects reports whether a clause selects a sample of its family.
func (c *clause) selects(labels metric.Labels) bool {
	if !c.selection.matches(labels) {
		return false
	}
	for _, matchers := range c.ignored {
		if matchAll(matchers, labels) {
			return false
		}
	}
	return true
}

// comparison returns the comparison of a series or a group of the clause.
func (c *clause) comparison() comparison {
	if c.function == funcEach {
		return c.selection.comparison
	}
	return c.total
}

// hasTable reports whether the clause needs all of its series before one can be
// compared.
func (c *clause) hasTable() bool {
	return c.by != nil || c.unless != nil || c.comparison().other != nil
}

func (m *matcher) matches(labels metric.Labels) bool {
	value := labels.Get(m.label)
	if m.pattern != nil {
		return m.pattern.Match(value) == (m.sign == "=~")
	}
	return (string(value) == m.value) == (m.sign == "=")
}

// tallyIndex returns the index of the clause's tally to which a sample belongs,
// or -1.
func (c *clause) tallyIndex(labels metric.Labels) int {
	if c.label == "" {
		return 0
	}
	value := labels.Get(c.label)
	for i := range c.values {
		if string(value) == c.values[i] {
			return i
		}
	}
	return -1
}

// tallyCount returns the number of tallies of a clause.
func (c *clause) tallyCount() int { return max(1, len(c.values)) }

// forValue returns the clause for one value of its label, without "for each".
func (c *clause) forValue(i int) *clause {
	if c.label == "" {
		return c
	}
	one := &clause{function: c.function, selection: c.selection, total: c.total}
	m := matcher{label: c.label, sign: "=", value: c.values[i]}
	one.selection.matchers = append(slices.Clip(one.selection.matchers), m)
	return one
}

// continuations returns what may follow a selection within its parentheses, for
// an error.
func (s *selection) continuations() string {
	switch {
	case s.comparison.op != opNone:
		return ""
	case s.hasBraces:
		return "a comparison or "
	}
	return `"{", a comparison or `
}

func printClauses(all []*clause) string {
	texts := make([]string, len(all))
	for i, c := range all {
		texts[i] = c.String()
	}
	return strings.Join(texts, " and ")
}

// String returns the clause in the syntax of parse.
func (c *clause) String() string {
	var b strings.Builder
	switch {
	case c.function == funcEach:
		b.WriteString(c.selection.String())
	case c.by != nil:
		b.WriteString(functionNames[c.function] + " by (" + strings.Join(c.by, ", ") + ") (" + c.selection.String() + ")" + c.total.String())
	default:
		b.WriteString(functionNames[c.function] + "(" + c.selection.String() + ")" + c.total.String())
	}
	if c.unless != nil {
		b.WriteString(" unless ")
		if c.unless.on != nil {
			b.WriteString("on (" + strings.Join(c.unless.on, ", ") + ") ")
		}
		b.WriteString(c.unless.selection.String())
	}
	for i, v := range c.values {
		if i == 0 {
			b.WriteString(" for each " + c.label + " in (")
		} else {
			b.WriteString(", ")
		}
		b.WriteString(quote(v))
	}
	if len(c.values) > 0 {
		b.WriteByte(')')
	}
	return b.String()
}

func (s selection) String() string {
	var b strings.Builder
	b.WriteString(s.metric)
	for i, m := range s.matchers {
		b.WriteByte("{,"[min(i, 1)])
		b.WriteString(m.label + m.sign + quote(m.value))
	}
	if len(s.matchers) > 0 {
		b.WriteByte('}')
	}
	return b.String() + s.comparison.String()
}

// String returns the comparison with a leading space, or "" for opNone.
func (c comparison) String() string {
	switch {
	case c.op == opNone:
		return ""
	case c.other == nil:
		return " " + opSigns[c.op] + " " + c.text
	}
	other := c.other.String()
	if c.other.comparison.op != opNone {
		other = "(" + other + ")"
	}
	if c.scale != "" {
		other = c.scale + " * " + other
	}
	return " " + opSigns[c.op] + " " + other
}

func quote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(s) + `"`
}
