package santopo

import (
	"slices"
	"strings"

	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

// Samples are the samples that a Topology is built from, which are collected from each
// source in turn. A host with 2,000 LUNs of 8 paths has more than a hundred thousand: a
// state has one for each value, of which only the current one is kept, and rows share
// their strings.
type Samples struct {
	tables  map[string][]row // by family
	strings map[string]string
}

// NewSamples returns an empty Samples.
func NewSamples() *Samples {
	return &Samples{tables: map[string][]row{}, strings: map[string]string{}}
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
	rows := s.tables[family]
	r := row{values: make([]string, len(labels)), value: v}
	if n := len(rows); n > 0 && rows[n-1].has(labels) {
		r.names = rows[n-1].names
	} else {
		for _, l := range labels {
			r.names = append(r.names, s.shared(l.Name))
		}
	}
	for i, l := range labels {
		r.values[i] = s.shared(l.Value)
	}
	s.tables[family] = append(rows, r)
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

// A row is one sample. Those of a family mostly have the same labels, and share the names.
type row struct {
	names, values []string
	value         float64
}

// has reports whether the labels have the names of the row.
func (r row) has(labels metric.Labels) bool {
	return slices.EqualFunc(r.names, labels, func(name string, l metric.Label) bool { return name == string(l.Name) })
}

// get returns the value of a label, fit for a terminal.
func (r row) get(name string) string {
	if i := slices.Index(r.names, name); i >= 0 {
		return r.values[i]
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
