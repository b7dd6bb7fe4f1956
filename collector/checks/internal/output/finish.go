package output

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/model"

	"github.com/hostexporter/host_exporter/collector/checks/internal/families"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

// noHelp is the same for all checks, so that several may have parts of a family.
const noHelp = "Reported by a custom check, without a help text."

// finish applies the series rules to all families.
func (r *run) finish() {
	taken := map[string]string{} // the family that has each name of a series
	for _, name := range slices.Sorted(maps.Keys(r.families)) {
		family := r.families[name]
		if !r.claimNames(family, taken) {
			continue
		}
		r.normalize(family)
		r.applyCap(family)
		if len(family.Metric) > 0 {
			r.result.Families = append(r.result.Families, family)
		}
	}
}

// A series is the position of a value whose line is not known.
type series struct {
	family string
	metric *dto.Metric
}

func (s series) String() string {
	switch {
	case !model.LegacyValidation.IsValidMetricName(s.family), len(s.family) > maxQuoted:
		return truncate(s.family)
	case s.metric == nil:
		return s.family
	}
	if labels := strings.TrimPrefix(families.SeriesName(s.family, s.metric), s.family); labels != "" {
		return s.family + truncate(labels)
	}
	return s.family
}

// dropAll drops all series of a family.
func (r *run) dropAll(reason Reason, family *dto.MetricFamily, format string, args ...any) {
	r.drop(reason, series{family: family.GetName()}, format, args...)
	r.result.Drops[reason] += len(family.Metric) - 1
}

// claimNames reports whether a family may have its names, and claims them if so.
func (r *run) claimNames(family *dto.MetricFamily, taken map[string]string) bool {
	if family.GetType() == dto.MetricType_GAUGE_HISTOGRAM {
		family.Type = dto.MetricType_HISTOGRAM.Enum() // the text format has no other
	}
	if len(family.Metric) == 0 {
		return false
	}
	names := families.SeriesNames(family.GetName(), family.GetType())
	for _, name := range names {
		if !model.LegacyValidation.IsValidMetricName(name) {
			r.dropAll(BadName, family, "want the name of a metric")
			return false
		}
		if prefix := metric.ReservedPrefix(name); prefix != "" {
			r.dropAll(Reserved, family, "the prefix %s is reserved", prefix)
			return false
		}
		if other := taken[name]; other != "" {
			r.dropAll(Duplicate, family, "has the name of a series of %s", truncate(other))
			return false
		}
	}
	for _, name := range names {
		taken[name] = family.GetName()
	}
	return true
}

// normalize cleans and sorts the series of a family, and drops those that cannot be
// exported.
func (r *run) normalize(family *dto.MetricFamily) {
	help := noHelp
	if h := strings.TrimSpace(metric.Clean(strings.ReplaceAll(family.GetHelp(), "\n", " "))); h != "" {
		help = h
	}
	family.Help = &help
	known := map[string]bool{} // the labels of the family
	seen := map[string]bool{}
	family.Metric = slices.DeleteFunc(family.Metric, func(m *dto.Metric) bool {
		at := series{family.GetName(), m}
		if problem := normalizeLabels(m, known); problem != "" {
			r.drop(BadLabel, at, "%s", problem)
			return true
		}
		switch err := families.NormalizeBuckets(m); {
		case errors.Is(err, families.ErrDuplicate):
			r.drop(Duplicate, at, "%v", err)
		case err != nil: // a constant text
			r.drop(IllTyped, at, "%v", err)
			return true
		}
		key := families.SeriesKey(m)
		if seen[key] {
			r.drop(Duplicate, at, "duplicate series")
			return true
		}
		seen[key] = true
		return false
	})
	slices.SortFunc(family.Metric, compareSeries)
}

// normalizeLabels sorts and cleans the labels of a series, and adds them to those of
// the family. It returns a problem if they are not valid.
func normalizeLabels(m *dto.Metric, known map[string]bool) (problem string) {
	slices.SortStableFunc(m.Label, func(a, b *dto.LabelPair) int { return strings.Compare(a.GetName(), b.GetName()) })
	fresh := 0
	for i, l := range m.Label {
		name := l.GetName()
		switch {
		case !validLabel(name):
			return fmt.Sprintf("want the name of a label, have %s", quote(name))
		case i > 0 && name == m.Label[i-1].GetName():
			return fmt.Sprintf("duplicate label %s", marked(name))
		}
		if !known[name] {
			fresh++
		}
		value := metric.Clean(l.GetValue())
		l.Value = &value
	}
	if len(known)+fresh > maxLabels {
		return fmt.Sprintf("want at most %d different labels in a family", maxLabels)
	}
	for _, l := range m.Label {
		known[l.GetName()] = true
	}
	return ""
}

// compareSeries orders series by their labels.
func compareSeries(a, b *dto.Metric) int {
	return slices.CompareFunc(a.Label, b.Label, func(a, b *dto.LabelPair) int {
		if c := strings.Compare(a.GetName(), b.GetName()); c != 0 {
			return c
		}
		return strings.Compare(a.GetValue(), b.GetValue())
	})
}

// applyCap keeps the first series up to max-series, and fills in the labels of the
// family. In the order of names and labels, each run keeps the same series, whatever
// the order of the output is.
func (r *run) applyCap(family *dto.MetricFamily) {
	kept := 0
	for _, m := range family.Metric {
		n := seriesCount(m)
		if r.result.Drops[OverLimit] > 0 || r.result.Series+n > r.p.o.MaxSeries {
			break
		}
		r.result.Series += n
		kept++
	}
	if over := family.Metric[kept:]; len(over) > 0 {
		r.drop(OverLimit, series{family.GetName(), over[0]}, "dropped with all series after it: max-series is %d", r.p.o.MaxSeries)
		r.result.Drops[OverLimit] += len(over) - 1
	}
	family.Metric = slices.Clip(family.Metric[:kept])
	names := families.LabelNames(family)
	for _, m := range family.Metric {
		families.FillLabels(m, names)
	}
}

// seriesCount returns the number of time series of a metric.
func seriesCount(m *dto.Metric) int {
	switch {
	case m.Histogram != nil:
		n := len(m.Histogram.Bucket)
		if n == 0 || !math.IsInf(m.Histogram.Bucket[n-1].GetUpperBound(), +1) {
			n++ // the export adds the bucket for +Inf
		}
		return n + 2
	case m.Summary != nil:
		return len(m.Summary.Quantile) + 2
	}
	return 1
}
