package checks

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/hostexporter/host_exporter/collector/internal/flight"
)

// parseTextfile reads a file in the text format. One that does not parse, or
// that has a timestamp, is refused as a whole: nobody knows what else is wrong
// with it. It is also refused when it was cut off within a line.
func parseTextfile(name string, b []byte) *textfileFile {
	byName, err := parseFamilies(b)
	if err != nil {
		return refuse(name, parseError(name, b, err))
	}
	f := &textfileFile{path: name}
	for _, key := range slices.Sorted(maps.Keys(byName)) {
		family := byName[key]
		if hasTimestamp(family) {
			return refuse(name, fmt.Errorf("%s: %s has a timestamp, which may not be in a textfile", name, key))
		}
		if errs := tidy(family); len(errs) > 0 {
			for _, err := range errs {
				f.errs = append(f.errs, fmt.Errorf("%s: %w", name, err))
			}
		}
		if len(family.Metric) > 0 {
			f.families = append(f.families, family)
		}
	}
	return f
}

// parseFamilies keeps a parser that panics to the file it parses.
func parseFamilies(b []byte) (families map[string]*dto.MetricFamily, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = flight.Recovered(p)
		}
	}()
	parser := expfmt.NewTextParser(model.LegacyValidation)
	return parser.TextToMetricFamilies(bytes.NewReader(b))
}

func parseError(name string, b []byte, err error) error {
	var at expfmt.ParseError
	if !errors.As(err, &at) {
		return fmt.Errorf("%s: %w", name, err)
	}
	if at.Line > bytes.Count(b, []byte("\n")) {
		return fmt.Errorf("%s:%d: ends within a line, as a file that is only half written (%s)", name, at.Line, at.Msg)
	}
	return fmt.Errorf("%s:%d: %s", name, at.Line, at.Msg)
}

func hasTimestamp(family *dto.MetricFamily) bool {
	return slices.ContainsFunc(family.Metric, func(m *dto.Metric) bool { return m.TimestampMs != nil })
}

// tidy makes a family one that can be served: labels sorted, and each series
// with all of them, as node_exporter has it; buckets and quantiles sorted, and
// each there once. What cannot be served is taken out and told.
func tidy(family *dto.MetricFamily) (errs []error) {
	name := family.GetName()
	if family.GetType() == dto.MetricType_GAUGE_HISTOGRAM {
		family.Type = dto.MetricType_HISTOGRAM.Enum() // the text format has no other
	}
	if family.Help != nil {
		help := strings.ToValidUTF8(*family.Help, "\uFFFD")
		family.Help = &help
	}
	labels := labelNames(family)
	for _, l := range labels {
		if strings.HasPrefix(l, model.ReservedLabelPrefix) {
			family.Metric = nil
			return []error{fmt.Errorf("%s: label %s is not for others to use: left out", name, l)}
		}
	}
	family.Metric = slices.DeleteFunc(family.Metric, func(m *dto.Metric) bool {
		fillLabels(m, labels)
		err := tidyBuckets(m)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", seriesName(name, m), err))
		}
		return err != nil && !errors.Is(err, errTwice)
	})
	return errs
}

// labelNames returns the names of all labels of a family, sorted.
func labelNames(family *dto.MetricFamily) []string {
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

// fillLabels sorts the labels of a series by name, and adds those that only
// other series of the family have, as empty ones.
func fillLabels(m *dto.Metric, names []string) {
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

// errTwice says that a bucket or a quantile is there more than once, of which
// the first one is served.
var errTwice = errors.New("a bucket or quantile is there twice: the first is served")

// tidyBuckets puts a histogram or summary in order.
func tidyBuckets(m *dto.Metric) error {
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
		return errTwice
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

// seriesName writes a series as the text format does.
func seriesName(family string, m *dto.Metric) string {
	var b strings.Builder
	b.WriteString(family)
	sep := byte('{')
	for _, l := range m.Label {
		if l.GetValue() != "" {
			b.WriteByte(sep)
			fmt.Fprintf(&b, "%s=%q", l.GetName(), l.GetValue())
			sep = ','
		}
	}
	if sep == ',' {
		b.WriteByte('}')
	}
	return b.String()
}
