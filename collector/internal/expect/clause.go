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
	label     string     // of "for each"; empty: none
	values    []string   // of that label: the clause must hold for each of them

	family     int // index in Set.families
	firstTally int // index in Evaluation.tallies; a clause has one tally, or one for each value
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

// A comparison compares a value with a number.
type comparison struct {
	op     op
	number float64
	text   string // the number as written, such as 16e9
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
func (s *selection) matches(labels metric.Labels) bool {
	for i := range s.matchers {
		if !s.matchers[i].matches(labels) {
			return false
		}
	}
	return true
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
	if c.function == funcEach {
		b.WriteString(c.selection.String())
	} else {
		b.WriteString(functionNames[c.function] + "(" + c.selection.String() + ")" + c.total.String())
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
	if c.op == opNone {
		return ""
	}
	return " " + opSigns[c.op] + " " + c.text
}

func quote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(s) + `"`
}
