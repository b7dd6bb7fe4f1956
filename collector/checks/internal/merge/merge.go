// Package merge makes families of what several sources have of them, be they
// files or checks. The first source wins where sources do not go together, and
// nothing is left out without being told.
package merge

import (
	"fmt"
	"slices"
	"strings"

	dto "github.com/prometheus/client_model/go"

	"github.com/hostexporter/host_exporter/collector/checks/internal/families"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

// A Source is what one file or check has to serve at one moment. It is
// immutable: what changes becomes a new Source.
type Source struct {
	Name     string // for errors, such as a path
	Families []*dto.MetricFamily
}

// A Merger makes families of what all sources have of them. The zero value is
// ready. It is not for concurrent use.
type Merger struct {
	// ReportHelp says that a help text which differs from the one that is served
	// is worth telling.
	ReportHelp bool

	families []*Family // sorted by name
	byName   map[string]*Family
}

// A Family is a family as it is served.
type Family struct {
	Name     string
	Parts    []Part
	External *metric.ExternalFamily // nil when nothing is left
	Names    []string               // of the family, and of the series of a summary or histogram
	Errs     []error                // what was left out, and other things worth telling
}

// A Part is what one source has of a family.
type Part struct {
	Source        *Source
	Family        *dto.MetricFamily
	DroppedSeries int // series of it that are not served

	HelpDiffers bool // its help text is another than the one that is served
}

// Sources returns the names of the sources that the family is in.
func (f *Family) Sources() string {
	names := make([]string, len(f.Parts))
	for i, p := range f.Parts {
		names[i] = p.Source.Name
	}
	return strings.Join(names, ", ")
}

// Lookup returns the family of a name as it was made at the last call of Merge,
// or nil.
func (m *Merger) Lookup(name string) *Family { return m.byName[name] }

// Merge returns the families of sources, sorted by name. The slice is that of
// the next call, too. A family whose parts are the ones it had at the last call
// is taken over as it is.
func (m *Merger) Merge(sources []*Source) []*Family {
	parts := map[string][]Part{}
	var order []string // in which the names are first met
	for _, source := range sources {
		for _, family := range source.Families {
			name := family.GetName()
			if parts[name] == nil {
				order = append(order, name)
			}
			parts[name] = append(parts[name], Part{Source: source, Family: family})
		}
	}
	known := make(map[string]*Family, len(order))
	taken := map[string]*Family{}
	m.families = m.families[:0]
	for _, name := range order {
		f := m.byName[name]
		if f == nil || !slices.EqualFunc(f.Parts, parts[name], samePart) {
			f = m.family(name, parts[name])
		}
		known[name] = f
		m.families = append(m.families, f.dropIfTaken(taken))
	}
	m.byName = known
	slices.SortFunc(m.families, func(a, b *Family) int { return strings.Compare(a.Name, b.Name) })
	return m.families
}

// samePart reports whether two parts are the same thing, whatever became of it.
func samePart(a, b Part) bool { return a.Source == b.Source && a.Family == b.Family }

// dropIfTaken returns the family, without its series when one of its names is
// that of another family already: the counter x_count beside the summary x.
func (f *Family) dropIfTaken(taken map[string]*Family) *Family {
	for _, name := range f.Names {
		if other := taken[name]; other != nil {
			err := fmt.Errorf("%s: %s has series of the same name as %s in %s: left out",
				f.Sources(), f.Name, other.Name, other.Sources())
			return &Family{Name: f.Name, Parts: f.droppedParts(), Names: f.Names, Errs: []error{err}}
		}
	}
	for _, name := range f.Names {
		taken[name] = f
	}
	return f
}

// droppedParts returns the parts, all of whose series are left out.
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
	seen := map[string]string{} // the source of each series
	var helper string           // the source of the help text
	for i := range parts {
		p := &parts[i]
		if !families.Convertible(p.Family.GetType(), typ) {
			p.DroppedSeries = len(p.Family.Metric)
			f.Errs = append(f.Errs, fmt.Errorf("%s: %s is %s, and %s in %s: left out", p.Source.Name, name,
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
			f.Errs = append(f.Errs, fmt.Errorf("%s: %s has another help text than in %s, which is served", p.Source.Name, name, helper))
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

// familyType returns the type that a family is served with, and the part that
// says so: that of the first source, unless it says nothing and a later one
// has it a gauge or a counter.
func familyType(parts []Part) (dto.MetricType, Part) {
	first := parts[0]
	if first.Family.GetType() == dto.MetricType_UNTYPED {
		for _, p := range parts {
			if t := p.Family.GetType(); families.Convertible(dto.MetricType_UNTYPED, t) && t != dto.MetricType_UNTYPED {
				return t, p
			}
		}
	}
	return first.Family.GetType(), first
}

// appendSeries appends the series of a part that are not there yet, and tells
// of those that are.
func appendSeries(all []*dto.Metric, p *Part, typ dto.MetricType, seen map[string]string, errs *[]error) []*dto.Metric {
	var first error
	for _, m := range p.Family.Metric {
		key := families.SeriesKey(m)
		if source, there := seen[key]; there {
			if p.DroppedSeries++; first == nil {
				first = fmt.Errorf("%s: %s is in %s already", p.Source.Name, families.SeriesName(p.Family.GetName(), m), source)
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
		*errs = append(*errs, fmt.Errorf("%w, and %d more series of the family", first, p.DroppedSeries-1))
	}
	return all
}
