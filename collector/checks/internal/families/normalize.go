package families

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/model"
)

// Normalize makes a family fit for export: each series has all labels of the family,
// sorted, as in node_exporter, and unique, sorted buckets and quantiles. It removes
// series that cannot be exported, and returns an error for each.
func Normalize(family *dto.MetricFamily) (errs []error) {
	name := family.GetName()
	if family.GetType() == dto.MetricType_GAUGE_HISTOGRAM {
		family.Type = dto.MetricType_HISTOGRAM.Enum() // the text format has no other
	}
	if family.Help != nil {
		help := strings.ToValidUTF8(*family.Help, "\uFFFD")
		family.Help = &help
	}
	labels := LabelNames(family)
	if len(labels) > MaxLabels {
		family.Metric = nil
		return []error{fmt.Errorf("%s: more than %d different labels: dropped", name, MaxLabels)}
	}
	for _, l := range labels {
		if strings.HasPrefix(l, model.ReservedLabelPrefix) {
			family.Metric = nil
			return []error{fmt.Errorf("%s: label %s is reserved: dropped", name, l)}
		}
	}
	family.Metric = slices.DeleteFunc(family.Metric, func(m *dto.Metric) bool {
		FillLabels(m, labels)
		err := NormalizeBuckets(m)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", SeriesName(name, m), err))
		}
		return err != nil && !errors.Is(err, ErrDuplicate)
	})
	return errs
}

// LabelNames returns the names of all labels in a family, sorted. Of more than MaxLabels
// it returns one more than that.
func LabelNames(family *dto.MetricFamily) []string {
	var names []string
	for _, m := range family.Metric {
		for _, l := range m.Label {
			if i, known := slices.BinarySearch(names, l.GetName()); !known {
				names = slices.Insert(names, i, l.GetName())
			}
			if len(names) > MaxLabels {
				return names
			}
		}
	}
	return names
}

// FillLabels sorts the labels of a series, and adds an empty label for each other
// name of names.
func FillLabels(m *dto.Metric, names []string) {
	slices.SortFunc(m.Label, func(a, b *dto.LabelPair) int { return strings.Compare(a.GetName(), b.GetName()) })
	if len(m.Label) == len(names) {
		return
	}
	all := make([]*dto.LabelPair, 0, len(names))
	rest := m.Label
	for _, name := range names {
		if len(rest) > 0 && rest[0].GetName() == name {
			all, rest = append(all, rest[0]), rest[1:]
			continue
		}
		all = append(all, &dto.LabelPair{Name: &name, Value: new(string)})
	}
	m.Label = all
}

// ErrDuplicate means that a histogram or summary had a bucket or quantile twice. It
// has the first one only, and can be exported.
var ErrDuplicate = errors.New("duplicate bucket or quantile: the first one is exported")

// NormalizeBuckets sorts the buckets or quantiles of a series, and removes
// duplicates. After any error but ErrDuplicate the series must not be exported.
func NormalizeBuckets(m *dto.Metric) error {
	before, after := 0, 0
	switch {
	case m.Histogram != nil:
		h := m.Histogram
		if len(h.Bucket) == 0 && h.SampleCount == nil && h.SampleCountFloat == nil && h.SampleSum == nil {
			return errors.New("histogram without buckets, sum and count: dropped")
		}
		before = len(h.Bucket)
		slices.SortStableFunc(h.Bucket, func(a, b *dto.Bucket) int { return cmp.Compare(a.GetUpperBound(), b.GetUpperBound()) })
		h.Bucket = slices.CompactFunc(h.Bucket, func(a, b *dto.Bucket) bool { return cmp.Compare(a.GetUpperBound(), b.GetUpperBound()) == 0 })
		after = len(h.Bucket)
		if err := countHistogram(h); err != nil {
			return err
		}
	case m.Summary != nil:
		s := m.Summary
		if len(s.Quantile) == 0 && s.SampleCount == nil && s.SampleSum == nil {
			return errors.New("summary without quantiles, sum and count: dropped")
		}
		before = len(s.Quantile)
		slices.SortStableFunc(s.Quantile, func(a, b *dto.Quantile) int { return cmp.Compare(a.GetQuantile(), b.GetQuantile()) })
		s.Quantile = slices.CompactFunc(s.Quantile, func(a, b *dto.Quantile) bool { return cmp.Compare(a.GetQuantile(), b.GetQuantile()) == 0 })
		after = len(s.Quantile)
	}
	if after < before {
		return ErrDuplicate
	}
	return nil
}

// countHistogram sets the count of a histogram that lacks it to that of its last
// bucket, which is the same. Without either, the count would be exported as 0.
func countHistogram(h *dto.Histogram) error {
	if h.SampleCount != nil || h.SampleCountFloat != nil {
		return nil
	}
	if n := len(h.Bucket); n > 0 && math.IsInf(h.Bucket[n-1].GetUpperBound(), +1) {
		h.SampleCount, h.SampleCountFloat = h.Bucket[n-1].CumulativeCount, h.Bucket[n-1].CumulativeCountFloat
		return nil
	}
	return errors.New("histogram without a count or a bucket for +Inf: dropped")
}
