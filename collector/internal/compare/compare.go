// Package compare lists how the expositions of two exporters on the same host
// differ: what a dashboard would miss after replacing one with the other. It
// knows nothing of how an exposition is fetched.
package compare

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"maps"
	"math"
	"regexp"
	"slices"
	"strings"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// An Exposition is a parsed /metrics page, by family.
type Exposition map[string]*dto.MetricFamily

// Parse reads an exposition in text format.
func Parse(r io.Reader) (Exposition, error) {
	p := expfmt.NewTextParser(model.LegacyValidation)
	return p.TextToMetricFamilies(r)
}

// A Kind is a kind of difference between two expositions.
type Kind string

// The kinds of differences, the coarsest first.
const (
	Missing Kind = "missing" // a family that only the peer has
	Extra   Kind = "extra"   // a family that only we have
	Type    Kind = "type"
	Labels  Kind = "labels" // the names of the labels
	Series  Kind = "series" // a series that only one of the two has
	Value   Kind = "value"  // two values that are not near each other
)

// A Difference is one difference between two expositions.
type Difference struct {
	Kind   Kind
	Family string
	Detail string
}

func (d Difference) String() string { return fmt.Sprintf("%-8s%s  %s", d.Kind, d.Family, d.Detail) }

// Diff returns the differences, sorted by kind and family. Series and values
// change from one moment to the next; they are compared only if deep is true.
func Diff(ours, peer Exposition, deep bool) []Difference {
	var all []Difference
	add := func(kind Kind, family, format string, args ...any) {
		all = append(all, Difference{kind, family, fmt.Sprintf(format, args...)})
	}
	for name := range familyNames(ours, peer) {
		a, b := ours[name], peer[name]
		switch {
		case a == nil:
			add(Missing, name, "%s with %d series", strings.ToLower(b.GetType().String()), len(b.GetMetric()))
			continue
		case b == nil:
			add(Extra, name, "%s with %d series", strings.ToLower(a.GetType().String()), len(a.GetMetric()))
			continue
		case a.GetType() != b.GetType():
			add(Type, name, "we have %s, the peer %s", strings.ToLower(a.GetType().String()), strings.ToLower(b.GetType().String()))
		}
		if x, y := labels(a), labels(b); x != y {
			add(Labels, name, "we have {%s}, the peer {%s}", x, y)
			continue
		}
		if deep {
			diffSeries(add, a, b)
		}
	}
	slices.SortFunc(all, func(a, b Difference) int {
		return cmp.Or(strings.Compare(string(a.Kind), string(b.Kind)), strings.Compare(a.Family, b.Family), strings.Compare(a.Detail, b.Detail))
	})
	return all
}

func familyNames(a, b Exposition) map[string]bool {
	names := map[string]bool{}
	for name := range a {
		names[name] = true
	}
	for name := range b {
		names[name] = true
	}
	return names
}

// labels returns the label names of all series of a family.
func labels(f *dto.MetricFamily) string {
	names := map[string]bool{}
	for _, m := range f.GetMetric() {
		for _, l := range m.GetLabel() {
			if l.GetValue() != "" { // an empty label is no label
				names[l.GetName()] = true
			}
		}
	}
	return strings.Join(slices.Sorted(maps.Keys(names)), ",")
}

func diffSeries(add func(Kind, string, string, ...any), a, b *dto.MetricFamily) {
	x, y := series(a), series(b)
	for key, v := range x {
		w, ok := y[key]
		switch {
		case !ok:
			add(Series, a.GetName(), "{%s} is only ours", key)
		case !isNear(v, w):
			add(Value, a.GetName(), "{%s} is %v, the peer's %v", key, v, w)
		}
	}
	for key := range y {
		if _, ok := x[key]; !ok {
			add(Series, a.GetName(), "{%s} is only the peer's", key)
		}
	}
}

func series(f *dto.MetricFamily) map[string]float64 {
	all := map[string]float64{}
	for _, m := range f.GetMetric() {
		var pairs []string
		for _, l := range m.GetLabel() {
			if l.GetValue() != "" {
				pairs = append(pairs, fmt.Sprintf("%s=%q", l.GetName(), l.GetValue()))
			}
		}
		slices.Sort(pairs)
		all[strings.Join(pairs, ",")] = m.GetGauge().GetValue() + m.GetCounter().GetValue() + m.GetUntyped().GetValue()
	}
	return all
}

// isNear reports whether two values can be two readings of one quantity within
// a moment: they differ by at most a tenth plus 100.
func isNear(a, b float64) bool {
	if a == b || math.IsNaN(a) && math.IsNaN(b) {
		return true
	}
	if (a == 0) != (b == 0) && math.Abs(a-b) > 100 {
		return false
	}
	return math.Abs(a-b) <= 0.1*max(math.Abs(a), math.Abs(b))+100
}

// A Cause is the side of a comparison from which a difference comes.
type Cause string

// The causes of differences.
const (
	FromPeer Cause = "peer" // the peer is of another release, or built otherwise
	FromOurs Cause = "ours" // we differ from every release of the peer
)

// KnownDifferences are the differences that have a reason.
type KnownDifferences []KnownDifference

// A KnownDifference is a kind of difference in some families, with its reason.
type KnownDifference struct {
	Kind     Kind
	Families *regexp.Regexp
	Cause    Cause
	Reason   string
}

// ParseKnown parses lines of a kind, a regular expression of families, a cause
// (peer or ours) and a reason, separated by tabs. Empty lines and lines that
// start with # are ignored. An error starts with the number of the line.
func ParseKnown(r io.Reader) (KnownDifferences, error) {
	var all KnownDifferences
	sc := bufio.NewScanner(r)
	for n := 1; sc.Scan(); n++ {
		line := sc.Text()
		if strings.TrimSpace(line) == "" || line[0] == '#' {
			continue
		}
		f := strings.Split(line, "\t")
		if len(f) != 4 || f[3] == "" {
			return nil, fmt.Errorf("%d: want kind, families, cause and reason separated by tabs, have %q", n, line)
		}
		kind, cause := Kind(f[0]), Cause(f[2])
		if !slices.Contains([]Kind{Missing, Extra, Type, Labels, Series, Value}, kind) {
			return nil, fmt.Errorf("%d: want missing, extra, type, labels, series or value, have %q", n, f[0])
		}
		if cause != FromPeer && cause != FromOurs {
			return nil, fmt.Errorf("%d: want %s or %s, have %q", n, FromPeer, FromOurs, f[2])
		}
		re, err := regexp.Compile("^(?:" + f[1] + ")$")
		if err != nil {
			return nil, fmt.Errorf("%d: want a regular expression, have %q: %w", n, f[1], err)
		}
		all = append(all, KnownDifference{kind, re, cause, f[3]})
	}
	return all, sc.Err()
}

// FilterOut returns the differences that are not known.
func (k KnownDifferences) FilterOut(all []Difference) []Difference {
	var unknown []Difference
	for _, d := range all {
		if !slices.ContainsFunc(k, func(e KnownDifference) bool { return e.Kind == d.Kind && e.Families.MatchString(d.Family) }) {
			unknown = append(unknown, d)
		}
	}
	return unknown
}
