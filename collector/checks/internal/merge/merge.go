// Package merge merges the families of several sources, such as files or checks.
// Where sources conflict, the first one takes precedence, and what is dropped of the
// others is reported.
package merge

import (
	"fmt"
	"slices"
	"strings"

	dto "github.com/prometheus/client_model/go"

	"github.com/hostexporter/host_exporter/collector/checks/internal/families"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

// A Source has the families of a file or check at one moment. It is immutable.
type Source struct {
	Name     string // for errors, such as a path
	Families []*dto.MetricFamily
}

// A Merger merges families, and keeps those that do not change. Its zero value is
// ready. It is not safe for concurrent use.
type Merger struct {
	// ReportHelp makes different help texts of a family an error.
	ReportHelp bool

	families []*Family // sorted by name
	byName   map[string]*Family
}

// A Family is a merged family.
type Family struct {
	Name     string
	Parts    []Part
	External *metric.ExternalFamily // nil if all series are dropped
	Names    []string               // of the family and of its series
	Errs     []error                // what is dropped and why
}

// A Part is the family of one source.
type Part struct {
	Source        *Source
	Family        *dto.MetricFamily
	DroppedSeries int
	HelpDiffers   bool // from the help text of the merged family
}

// Sources returns the names of the family's sources.
func (f *Family) Sources() string {
	names := make([]string, len(f.Parts))
	for i, p := range f.Parts {
		names[i] = p.Source.Name
	}
	return strings.Join(names, ", ")
}

// Lookup returns a family of the last call of Merge, before conflicts between names
// are resolved, or nil.
func (m *Merger) Lookup(name string) *Family { return m.byName[name] }

// Merge returns the merged families of sources, sorted by name. The slice is valid
// until the next call. A family with the same parts as in the last call is reused.
func (m *Merger) Merge(sources []*Source) []*Family {
	parts := map[string][]Part{}
	var order []string // of the names' first occurrence
	for _, source := range sources {
		for _, family := range source.Families {
			name := family.GetName()
			if parts[name] == nil {
				order = append(order, name)
			}
			parts[name] = append(parts[name], Part{Source: source, Family: family})
		}
	}
	merged := make(map[string]*Family, len(order))
	taken := map[string]*Family{}
	m.families = m.families[:0]
	for _, name := range order {
		f := m.byName[name]
		if f == nil || !slices.EqualFunc(f.Parts, parts[name], samePart) {
			f = m.family(name, parts[name])
		}
		merged[name] = f
		m.families = append(m.families, f.dropIfTaken(taken))
	}
	m.byName = merged
	slices.SortFunc(m.families, func(a, b *Family) int { return strings.Compare(a.Name, b.Name) })
	return m.families
}

// samePart reports whether two parts are the same family of the same source.
func samePart(a, b Part) bool { return a.Source == b.Source && a.Family == b.Family }

// dropIfTaken returns the family, without its series if another family has one of
// its names, such as the counter x_count after the summary x.
func (f *Family) dropIfTaken(taken map[string]*Family) *Family {
	for _, name := range f.Names {
		if other := taken[name]; other != nil {
			err := fmt.Errorf("%s: %s has the name of a series of %s in %s: dropped", f.Sources(), f.Name, other.Name, other.Sources())
			return &Family{Name: f.Name, Parts: f.droppedParts(), Names: f.Names, Errs: []error{err}}
		}
	}
	for _, name := range f.Names {
		taken[name] = f
	}
	return f
}

// droppedParts returns the parts, with all of their series dropped.
func (f *Family) droppedParts() []Part {
	parts := slices.Clone(f.Parts)
	for i := range parts {
		parts[i].DroppedSeries = len(parts[i].Family.Metric)
	}
	return parts
}

// family merges the parts of one family.
func (m *Merger) family(name string, parts []Part) *Family {
	f := &Family{Name: name, Parts: parts}
	typ, typed := familyType(parts)
	f.Names = families.SeriesNames(name, typ)
	whole := &dto.MetricFamily{Name: &name, Type: &typ}
	seen := map[string]string{} // the source of each series, by its key
	var helper string           // the source of the help text
	for i := range parts {
		p := &parts[i]
		if !families.IsConvertible(p.Family.GetType(), typ) {
			p.DroppedSeries = len(p.Family.Metric)
			f.Errs = append(f.Errs, fmt.Errorf("%s: %s is %s, but %s in %s: dropped", p.Source.Name, name,
				families.TypeName(p.Family.GetType()), families.TypeName(typ), typed.Source.Name))
			continue
		}
		switch {
		case whole.Help == nil:
			whole.Help, helper = p.Family.Help, p.Source.Name
		case p.Family.Help != nil && *p.Family.Help != *whole.Help:
			p.HelpDiffers = true
		}
		if p.HelpDiffers && m.ReportHelp {
			f.Errs = append(f.Errs, fmt.Errorf("%s: the help text of %s differs from that in %s", p.Source.Name, name, helper))
		}
		whole.Metric = appendSeries(whole.Metric, p, typ, seen, &f.Errs)
	}
	if whole.Help == nil {
		help := "Found in " + f.Sources() + ", without a help text."
		whole.Help = &help
	}
	var err error
	if f.External, err = metric.NewExternalFamily(whole); err != nil {
		f.Errs = append(f.Errs, fmt.Errorf("%s: %w", f.Sources(), err))
		f.Parts = f.droppedParts()
	}
	return f
}

// familyType returns the type of a merged family, and the part that it is from: the
// first one, or, if that is untyped, the first one that is a gauge or a counter.
func familyType(parts []Part) (dto.MetricType, Part) {
	first := parts[0]
	if first.Family.GetType() == dto.MetricType_UNTYPED {
		for _, p := range parts {
			if t := p.Family.GetType(); families.IsConvertible(dto.MetricType_UNTYPED, t) && t != dto.MetricType_UNTYPED {
				return t, p
			}
		}
	}
	return first.Family.GetType(), first
}

// appendSeries appends the series of a part to all, and reports those that seen has
// already.
func appendSeries(all []*dto.Metric, p *Part, typ dto.MetricType, seen map[string]string, errs *[]error) []*dto.Metric {
	var first error
	for _, m := range p.Family.Metric {
		key := families.SeriesKey(m)
		if source, there := seen[key]; there {
			if p.DroppedSeries++; first == nil {
				first = fmt.Errorf("%s: %s is already in %s: dropped", p.Source.Name, families.SeriesName(p.Family.GetName(), m), source)
			}
			continue
		}
		seen[key] = p.Source.Name
		all = append(all, families.Retype(m, typ))
	}
	switch {
	case p.DroppedSeries == 1:
		*errs = append(*errs, first)
	case p.DroppedSeries > 1:
		*errs = append(*errs, fmt.Errorf("%w, with %d more series of the family", first, p.DroppedSeries-1))
	}
	return all
}
