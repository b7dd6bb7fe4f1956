// Package expect holds the samples of a scrape against what an operator
// expects of a host: four ports at full speed, a mount, two members of a bond.
// What has gone away leaves no series to alert on; an expectation of it does.
//
// An expectation that holds is 1, one that does not is 0, and one that cannot
// be told is absent, with the reason besides where there is one to tell.
package expect

import (
	"slices"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/hostexporter/host_exporter/collector/internal/document"
)

// An Expectation is one thing that an operator expects, under a name of his.
type Expectation struct {
	Name      string
	Collector string // whose samples are meant; empty: whoever has them
	clauses   []*clause
}

// String returns the expression.
func (x *Expectation) String() string { return printClauses(x.clauses) }

// New returns an expectation. The error says where in the expression something
// is wrong.
func New(name, expression string) (*Expectation, error) {
	clauses, err := parse(expression)
	if err != nil {
		return nil, err
	}
	return &Expectation{Name: name, clauses: clauses}, nil
}

// A Set is all that is expected. It is immutable, and safe for concurrent use.
type Set struct {
	list     []*Expectation
	families []string    // of samples, each once
	clauses  [][]*clause // for each of families, those that look at it
	tallies  int
	pool     sync.Pool // of *Evaluation
}

// NewSet returns the set of expectations, which must not be in another set. It
// is nil when nothing is expected, which costs nothing.
func NewSet(list ...*Expectation) *Set {
	if len(list) == 0 {
		return nil
	}
	s := &Set{list: list}
	for _, x := range list {
		for _, c := range x.clauses {
			c.firstTally = s.tallies
			s.tallies += c.tallyCount()
			i := slices.Index(s.families, c.selection.metric)
			if i < 0 {
				i = len(s.families)
				s.families = append(s.families, c.selection.metric)
				s.clauses = append(s.clauses, nil)
			}
			c.family = i
			s.clauses[i] = append(s.clauses[i], c)
		}
	}
	return s
}

// Expectations returns what is expected, in the order of the configuration.
func (s *Set) Expectations() []*Expectation { return s.list }

// Families returns the names of the samples that are looked at.
func (s *Set) Families() []string { return s.families }

// Read reads the mapping of names to expectations: each an expression, or a
// mapping that has one. What is wrong becomes a finding of the document.
// Collectors are the names that an expectation may give for its collector.
func Read(node document.Node, collectors []string) []*Expectation {
	var list []*Expectation
	node.Each(func(name string, entry document.Node) {
		if x := readExpectation(name, entry, collectors); x != nil {
			list = append(list, x)
		}
	})
	return list
}

func readExpectation(name string, entry document.Node, collectors []string) *Expectation {
	if !isName(name) {
		entry.Failf("want a name of at most %d letters, have %q", maxName, name)
		return nil
	}
	if entry.IsList() {
		entry.Failf("%s: want an expression, or a mapping that has one, have a list", name)
		return nil
	}
	expression, collector := entry, document.Node{}
	if !entry.IsScalar() || entry.Empty() {
		expression = document.Node{}
		entry.Fields(document.Fields{
			"expect":    func(n document.Node) { expression = n },
			"collector": func(n document.Node) { collector = n },
		})
	}
	if expression.Empty() {
		entry.Failf("%s: want expect: and what is expected", name)
		return nil
	}
	if !expression.IsScalar() {
		expression.Text() // tells
		return nil
	}
	x, err := New(name, expression.Text())
	if err != nil {
		expression.Failf("%s: %v", name, err)
		return nil
	}
	if !collector.Empty() {
		x.Collector = collector.Text()
		if !slices.Contains(collectors, x.Collector) {
			collector.Failf("%s: there is no collector %q%s", name, x.Collector, document.Suggest(x.Collector, slices.Clone(collectors)))
		}
	}
	return x
}

// maxName bounds what becomes a label of every scrape.
const maxName = 100

// isName reports whether a name can be a label as it is, so that two names
// never become one.
func isName(s string) bool {
	if s == "" || len(s) > maxName || !utf8.ValidString(s) {
		return false
	}
	for _, r := range s {
		if !unicode.IsPrint(r) {
			return false
		}
	}
	return true
}
