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

// Normalize makes a family one that can be served: labels sorted, and each series
// with all of them, as node_exporter has it; buckets and quantiles sorted, and
// each there once. What cannot be served is taken out and told.
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
	for _, l := range labels {
		if strings.HasPrefix(l, model.ReservedLabelPrefix) {
			family.Metric = nil
			return []error{fmt.Errorf("%s: label %s is not for others to use: left out", name, l)}
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

// LabelNames returns the names of all labels of a family, sorted.
func LabelNames(family *dto.MetricFamily) []string {
	var names []string
	for _, m := range family.Metric {
		for _, l := range m.Label {
			if i, known := slices.BinarySearch(names, l.GetName()); !known {
				names = slices.Insert(names, i, l.GetName())
			}
		}
	}
	return names
}

// FillLabels sorts the labels of a series by name, and adds those that only
// other series of the family have, as empty ones.
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

// ErrDuplicate says that a bucket or a quantile is there more than once, of which
// the first one is served.
var ErrDuplicate = errors.New("a bucket or quantile is there twice: the first is served")

// NormalizeBuckets puts a histogram or summary in order.
func NormalizeBuckets(m *dto.Metric) error {
	before, after := 0, 0
	switch {
	case m.Histogram != nil:
		h := m.Histogram
		if len(h.Bucket) == 0 && h.SampleCount == nil && h.SampleCountFloat == nil && h.SampleSum == nil {
			return errors.New("a histogram without buckets, sum and count: left out")
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
			return errors.New("a summary without quantiles, sum and count: left out")
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

// countHistogram gives a histogram without a count that of its last bucket,
// which is the same thing. With neither, it would be served with a count of
// zero that nobody counted.
func countHistogram(h *dto.Histogram) error {
	if h.SampleCount != nil || h.SampleCountFloat != nil {
		return nil
	}
	if n := len(h.Bucket); n > 0 && math.IsInf(h.Bucket[n-1].GetUpperBound(), +1) {
		h.SampleCount, h.SampleCountFloat = h.Bucket[n-1].CumulativeCount, h.Bucket[n-1].CumulativeCountFloat
		return nil
	}
	return errors.New("a histogram without a count or a bucket for +Inf: left out")
}
