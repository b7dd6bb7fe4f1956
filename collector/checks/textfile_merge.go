package checks

import (
	"fmt"
	"slices"
	"strings"

	dto "github.com/prometheus/client_model/go"

	"github.com/hostexporter/host_exporter/collector/checks/internal/families"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

// A textfileMerger makes families of what all files have of them.
type textfileMerger struct {
	families []*mergedFamily // sorted by name

	known map[string]*mergedFamily // by name, with or without names taken
}

// A mergedFamily is a family as it is served.
type mergedFamily struct {
	name   string
	parts  []textfilePart
	served *metric.Foreign // nil when nothing is left
	names  []string        // of the family, and of the series of a summary or histogram
	errs   []error         // what was left out
}

// A textfilePart is what one file has of a family.
type textfilePart struct {
	file   *textfileFile
	family *dto.MetricFamily
}

// merge makes the families of files. A family whose parts are the ones it had
// at the last call is taken over as it is.
func (m *textfileMerger) merge(files []*textfileFile) {
	parts := map[string][]textfilePart{}
	var order []string // in which the names are first met
	for _, file := range files {
		for _, family := range file.families {
			name := family.GetName()
			if parts[name] == nil {
				order = append(order, name)
			}
			parts[name] = append(parts[name], textfilePart{file, family})
		}
	}
	known := make(map[string]*mergedFamily, len(order))
	taken := map[string]*mergedFamily{}
	m.families = m.families[:0]
	for _, name := range order {
		f := m.known[name]
		if f == nil || !slices.Equal(f.parts, parts[name]) {
			f = mergeFamily(name, parts[name])
		}
		known[name] = f
		m.families = append(m.families, f.unlessTaken(taken))
	}
	m.known = known
	slices.SortFunc(m.families, func(a, b *mergedFamily) int { return strings.Compare(a.name, b.name) })
}

// unlessTaken returns the family, without its series when one of its names is
// that of another family already: the counter x_count beside the summary x.
func (f *mergedFamily) unlessTaken(taken map[string]*mergedFamily) *mergedFamily {
	for _, name := range f.names {
		if other := taken[name]; other != nil {
			err := fmt.Errorf("%s: %s has series of the same name as %s in %s: left out",
				strings.Join(f.files(), ", "), f.name, other.name, strings.Join(other.files(), ", "))
			return &mergedFamily{name: f.name, parts: f.parts, names: f.names, errs: []error{err}}
		}
	}
	for _, name := range f.names {
		taken[name] = f
	}
	return f
}

// files returns the paths of the files that the family is in.
func (f *mergedFamily) files() []string {
	paths := make([]string, len(f.parts))
	for i, p := range f.parts {
		paths[i] = p.file.path
	}
	return paths
}

// mergeFamily merges the parts of one family.
func mergeFamily(name string, parts []textfilePart) *mergedFamily {
	f := &mergedFamily{name: name, parts: parts}
	typ, typed := familyType(parts)
	f.names = families.SeriesNames(name, typ)
	whole := &dto.MetricFamily{Name: &name, Type: &typ}
	seen := map[string]string{} // the file of each series
	for _, p := range parts {
		if !families.Fits(p.family.GetType(), typ) {
			f.errs = append(f.errs, fmt.Errorf("%s: %s is %s, and %s in %s: left out", p.file.path, name,
				families.TypeName(p.family.GetType()), families.TypeName(typ), typed.file.path))
			continue
		}
		if whole.Help == nil {
			whole.Help = p.family.Help
		}
		whole.Metric = appendSeries(whole.Metric, p, typ, seen, &f.errs)
	}
	if whole.Help == nil {
		help := "Found in " + strings.Join(f.files(), ", ") + ", without a help text."
		whole.Help = &help
	}
	var err error
	if f.served, err = metric.NewForeign(whole); err != nil {
		f.errs = append(f.errs, fmt.Errorf("%s: %w", strings.Join(f.files(), ", "), err))
	}
	return f
}

// familyType returns the type that a family is served with, and the part that
// says so: that of the first file, unless it says nothing and a later one has
// it a gauge or a counter.
func familyType(parts []textfilePart) (dto.MetricType, textfilePart) {
	first := parts[0]
	if first.family.GetType() == dto.MetricType_UNTYPED {
		for _, p := range parts {
			if t := p.family.GetType(); families.Fits(dto.MetricType_UNTYPED, t) && t != dto.MetricType_UNTYPED {
				return t, p
			}
		}
	}
	return first.family.GetType(), first
}

// appendSeries appends the series of a part that are not there yet, and tells
// of those that are.
func appendSeries(all []*dto.Metric, p textfilePart, typ dto.MetricType, seen map[string]string, errs *[]error) []*dto.Metric {
	again := 0
	var first error
	for _, m := range p.family.Metric {
		key := families.SeriesKey(m)
		if file, there := seen[key]; there {
			if again++; first == nil {
				first = fmt.Errorf("%s: %s is in %s already", p.file.path, families.SeriesName(p.family.GetName(), m), file)
			}
			continue
		}
		seen[key] = p.file.path
		all = append(all, families.Retyped(m, typ))
	}
	switch {
	case again == 1:
		*errs = append(*errs, first)
	case again > 1:
		*errs = append(*errs, fmt.Errorf("%w, and %d more series of the family", first, again-1))
	}
	return all
}
