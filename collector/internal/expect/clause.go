package expect

import (
	"regexp"
	"slices"
	"strings"

	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

// A clause is one thing that is to hold.
type clause struct {
	function  function
	selection selection
	total     comparison // of a function that makes a number
	label     string     // of "for each"; empty: there is none
	values    []string   // for each of which it is to hold by itself

	family     int // in the families of its Set
	firstTally int // of its tallies: one, or one for each value
}

// A function is what a clause makes of the samples that it selects.
type function uint8

const (
	funcEach function = iota // there are some, and the comparison holds for all
	funcAny                  // it holds for one
	funcCount
	funcSum
	funcMin
	funcMax
)

// functionNames are the words for them, in their order.
var functionNames = [...]string{funcEach: "", funcAny: "any", funcCount: "count", funcSum: "sum", funcMin: "min", funcMax: "max"}

// A selection says which samples are meant.
type selection struct {
	metric     string
	hasBraces  bool // were written, even if nothing is in them
	matchers   []matcher
	comparison comparison
}

// A matcher compares a label with a text, or with a pattern for the whole of it.
type matcher struct {
	label, sign, value string
	pattern            *regexp.Regexp
}

// A comparison compares a value with a number.
type comparison struct {
	op     op
	number float64
	text   string // the number as it was written: 16e9 is told as 16e9
}

type op uint8

const (
	opNone op = iota // every value is good
	opEqual
	opNotEqual
	opGreater
	opGreaterOrEqual
	opLess
	opLessOrEqual
)

// opSigns are the signs for them, in their order.
var opSigns = [...]string{opNone: "", opEqual: "==", opNotEqual: "!=", opGreater: ">", opGreaterOrEqual: ">=", opLess: "<", opLessOrEqual: "<="}

// holds reports whether the comparison holds for a value. For NaN no comparison
// does: that is no value.
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

// shortfall says how far a value is from what is wanted: more is worse.
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

// matches reports whether the labels are those that are meant.
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

// tallyIndex returns which of the tallies of a clause a sample belongs to, or -1.
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

// tallyCount returns how many tallies a clause has.
func (c *clause) tallyCount() int { return max(1, len(c.values)) }

// forValue returns the clause for one of its values, as a clause by itself.
func (c *clause) forValue(part int) *clause {
	if c.label == "" {
		return c
	}
	one := &clause{function: c.function, selection: c.selection, total: c.total}
	only := matcher{label: c.label, sign: "=", value: c.values[part]}
	one.selection.matchers = append(slices.Clip(one.selection.matchers), only)
	return one
}

// continuations returns what may come behind what is there of a selection, for an error.
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

// String returns the clause as it can be parsed.
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

// String returns the comparison with a space before it, or nothing.
func (c comparison) String() string {
	if c.op == opNone {
		return ""
	}
	return " " + opSigns[c.op] + " " + c.text
}

func quote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(s) + `"`
}
