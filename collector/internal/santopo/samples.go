package santopo

import (
	"strings"

	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

// Samples are the samples that a Topology is built from, which are collected from each
// source in turn. A host with 2,000 LUNs of 8 paths has more than a hundred thousand: a
// state has one for each value, of which only the current one is kept, and rows share
// their strings.
type Samples struct {
	tables  map[string][]row
	strings map[string]string
	columns map[string]*columns // by family
}

// columns are the names of the labels of a family's samples. Those of one collector all
// have the same.
type columns struct{ names []string }

// NewSamples returns an empty Samples.
func NewSamples() *Samples {
	return &Samples{tables: map[string][]row{}, strings: map[string]string{}, columns: map[string]*columns{}}
}

// Observe adds the samples of a source.
func (s *Samples) Observe(source metric.Samples) {
	for _, family := range families {
		source(family.name, func(labels metric.Labels, v float64) {
			if !family.isState || v == 1 {
				s.add(family.name, labels, v)
			}
		})
	}
}

func (s *Samples) add(family string, labels metric.Labels, v float64) {
	c := s.columns[family]
	if !c.has(labels) {
		c = &columns{}
		for _, l := range labels {
			c.names = append(c.names, s.shared(l.Name))
		}
		s.columns[family] = c
	}
	r := row{c, make([]string, len(labels)), v}
	for i, l := range labels {
		r.values[i] = s.shared(l.Value)
	}
	s.tables[family] = append(s.tables[family], r)
}

// shared returns a string that is fit for a terminal, and one for equal bytes.
func (s *Samples) shared(b []byte) string {
	text, ok := s.strings[string(b)]
	if !ok {
		text = metric.Printable(string(b))
		s.strings[string(b)] = text
	}
	return text
}

func (c *columns) has(labels metric.Labels) bool {
	if c == nil || len(c.names) != len(labels) {
		return false
	}
	for i, l := range labels {
		if c.names[i] != string(l.Name) {
			return false
		}
	}
	return true
}

// A row is one sample.
type row struct {
	columns *columns
	values  []string
	value   float64
}

// get returns the value of a label, fit for a terminal.
func (r row) get(name string) string {
	for i, n := range r.columns.names {
		if n == name {
			return r.values[i]
		}
	}
	return ""
}

func (r row) key(labels ...string) string {
	if len(labels) == 1 {
		return r.get(labels[0])
	}
	var parts []string
	for _, l := range labels {
		parts = append(parts, r.get(l))
	}
	return strings.Join(parts, "\x00")
}
