// Package expect evaluates what an operator expects of a host over the samples
// of a scrape: four ports at full speed, a mount, two members of a bond. A
// device that is gone leaves no series to alert on; the expectation of it does.
// The result is 1 if an expectation holds, 0 if it does not, and absent if the
// scrape cannot evaluate it. The package knows nothing of how samples are
// collected.
package expect

import (
	"slices"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/hostexporter/host_exporter/collector/internal/document"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

// An Expectation is one named expression.
type Expectation struct {
	Name      string
	Collector string // of the samples; empty: any
	Optional  bool   // without samples it has no result, and fails by none
	clauses   []*clause
}

// String returns the expression.
func (x *Expectation) String() string { return printClauses(x.clauses) }

// New parses an expectation. The error has the position in the expression.
func New(name, expression string) (*Expectation, error) {
	clauses, err := parse(expression)
	if err != nil {
		return nil, err
	}
	return &Expectation{Name: name, clauses: clauses}, nil
}

// A Set is a set of expectations. It is immutable, and safe for concurrent use.
type Set struct {
	list     []*Expectation
	families []string // names of the samples that clauses select, each once
	uses     [][]use  // of each family
	tallies  int      // of all clauses
	tables   int
	pool     sync.Pool // of *Evaluation
}

// A use is what a clause needs a family for.
type use struct {
	clause *clause
	role   role
}

type role uint8

const (
	roleSelected role = iota // the clause is about the samples
	roleOther                // the clause compares its samples with them
	roleUnless               // the clause leaves out the samples that have their labels
)

// NewSet returns a set of expectations, which must not be in another set. It
// returns nil for an empty list.
func NewSet(list ...*Expectation) *Set {
	if len(list) == 0 {
		return nil
	}
	s := &Set{list: list}
	for _, x := range list {
		for _, c := range x.clauses {
			c.firstTally = s.tallies
			s.tallies += c.tallyCount()
			c.table = -1
			if c.hasTable() {
				c.table = s.tables
				s.tables++
			}
			c.family = s.use(c.selection.metric, use{c, roleSelected})
			if other := c.comparison().other; other != nil {
				s.use(other.metric, use{c, roleOther})
			}
			if c.unless != nil {
				s.use(c.unless.selection.metric, use{c, roleUnless})
			}
		}
	}
	return s
}

// use adds a use of a family, and returns the index of the family.
func (s *Set) use(family string, u use) int {
	i := slices.Index(s.families, family)
	if i < 0 {
		i = len(s.families)
		s.families = append(s.families, family)
		s.uses = append(s.uses, nil)
	}
	s.uses[i] = append(s.uses[i], u)
	return i
}

// List returns the expectations of the set, which may be nil.
func (s *Set) List() []*Expectation {
	if s == nil {
		return nil
	}
	return s.list
}

// Read reads a mapping of names to expectations, each an expression or a
// mapping with one. Errors are findings of the document. An expectation may
// name one of the given collectors.
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
		entry.Failf("%s: want expect: and an expression", name)
		return nil
	}
	if !expression.IsScalar() {
		expression.Text() // adds the finding
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
			collector.Failf("%s: unknown collector %q%s", name, x.Collector, document.Public(document.Suggest(x.Collector, slices.Clone(collectors))))
		}
	}
	return x
}

// maxName is the maximum length of an expectation's name in bytes.
const maxName = 100

// isName reports whether a name can be a label value unchanged, so that two
// names stay different.
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

// Ignore leaves out the samples with labels that all matchers match, written
// as in braces: device="sda",state!="ok".
func (x *Expectation) Ignore(matchers string) error {
	parsed, err := parseMatchers(matchers)
	if err != nil {
		return err
	}
	for _, c := range x.clauses {
		c.ignored = append(c.ignored, parsed)
	}
	return nil
}

// EachSelected calls fn with each sample that a clause of the expectation is about,
// once for each such clause.
func (x *Expectation) EachSelected(samples metric.Samples, fn func(name string, labels metric.Labels, value float64)) {
	for _, c := range x.clauses {
		samples(c.selection.metric, func(labels metric.Labels, value float64) {
			if c.selects(labels) {
				fn(c.selection.metric, labels, value)
			}
		})
	}
}

// Families returns the names of the samples that the expectation selects.
func (x *Expectation) Families() []string {
	var names []string
	add := func(s *selection) {
		if s != nil && !slices.Contains(names, s.metric) {
			names = append(names, s.metric)
		}
	}
	for _, c := range x.clauses {
		add(&c.selection)
		add(c.comparison().other)
		if c.unless != nil {
			add(&c.unless.selection)
		}
	}
	return names
}
