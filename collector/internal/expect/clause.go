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

	family int // in the families of its Set
	first  int // of its tallies: one, or one for each value
}

// A function is what a clause makes of the samples that it selects.
type function uint8

const (
	isEach function = iota // there are some, and the comparison holds for all
	isAny                  // it holds for one
	isCount
	isSum
	isMin
	isMax
)

// functions are the words for them, in their order.
var functions = [...]string{isEach: "", isAny: "any", isCount: "count", isSum: "sum", isMin: "min", isMax: "max"}

// A selection says which samples are meant.
type selection struct {
	metric   string
	braces   bool // were written, even if nothing is in them
	matchers []matcher
	holds    comparison
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
	none op = iota // every value is good
	equal
	unequal
	more
	atLeast
	less
	atMost
)

// ops are the signs for them, in their order.
var ops = [...]string{none: "", equal: "==", unequal: "!=", more: ">", atLeast: ">=", less: "<", atMost: "<="}

// of reports whether the comparison holds for a value. For NaN no comparison
// does: that is no value.
func (c comparison) of(v float64) bool {
	switch c.op {
	case equal:
		return v == c.number
	case unequal:
		return v < c.number || v > c.number
	case more:
		return v > c.number
	case atLeast:
		return v >= c.number
	case less:
		return v < c.number
	case atMost:
		return v <= c.number
	}
	return true
}

// lacks says how far a value is from what is wanted: more is worse.
func (c comparison) lacks(v float64) float64 {
	switch c.op {
	case more, atLeast:
		return c.number - v
	case less, atMost:
		return v - c.number
	}
	distance := max(v-c.number, c.number-v)
	if c.op == unequal {
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

// part returns which of the tallies of a clause a sample belongs to, or -1.
func (c *clause) part(labels metric.Labels) int {
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

// parts returns how many tallies a clause has.
func (c *clause) parts() int { return max(1, len(c.values)) }

// narrowed returns the clause for one of its values, as a clause by itself.
func (c *clause) narrowed(part int) *clause {
	if c.label == "" {
		return c
	}
	one := &clause{function: c.function, selection: c.selection, total: c.total}
	only := matcher{label: c.label, sign: "=", value: c.values[part]}
	one.selection.matchers = append(slices.Clip(one.selection.matchers), only)
	return one
}

// more returns what may come behind what is there of a selection, for an error.
func (s *selection) more() string {
	switch {
	case s.holds.op != none:
		return ""
	case s.braces:
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
	if c.function == isEach {
		b.WriteString(c.selection.String())
	} else {
		b.WriteString(functions[c.function] + "(" + c.selection.String() + ")" + c.total.String())
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
	return b.String() + s.holds.String()
}

// String returns the comparison with a space before it, or nothing.
func (c comparison) String() string {
	if c.op == none {
		return ""
	}
	return " " + ops[c.op] + " " + c.text
}

func quote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(s) + `"`
}
