package families

import (
	"fmt"
	"strings"

	dto "github.com/prometheus/client_model/go"
)

// SeriesName returns a series as the text format writes it.
func SeriesName(family string, m *dto.Metric) string {
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

// Retype returns an untyped series as one of typ.
func Retype(m *dto.Metric, typ dto.MetricType) *dto.Metric {
	if m.Untyped == nil {
		return m
	}
	switch typ {
	case dto.MetricType_GAUGE:
		return &dto.Metric{Label: m.Label, Gauge: &dto.Gauge{Value: m.Untyped.Value}}
	case dto.MetricType_COUNTER:
		return &dto.Metric{Label: m.Label, Counter: &dto.Counter{Value: m.Untyped.Value}}
	}
	return m
}

// SeriesKey returns a key of a series' labels. It is the same for labels that are
// equal to Prometheus, to which an empty label is absent.
func SeriesKey(m *dto.Metric) string {
	var b []byte
	for _, l := range m.Label {
		if l.GetValue() != "" {
			b = append(append(b, l.GetName()...), 0xff) // which is in no UTF-8 text
			b = append(append(b, l.GetValue()...), 0xff)
		}
	}
	return string(b)
}

// SeriesNames returns the name of a family, and the names of its series.
func SeriesNames(name string, typ dto.MetricType) []string {
	switch typ {
	case dto.MetricType_SUMMARY:
		return []string{name, name + "_sum", name + "_count"}
	case dto.MetricType_HISTOGRAM:
		return []string{name, name + "_bucket", name + "_sum", name + "_count"}
	}
	return []string{name}
}

// IsConvertible reports whether series of one type can be exported as another.
func IsConvertible(have, want dto.MetricType) bool {
	return have == want || have == dto.MetricType_UNTYPED && (want == dto.MetricType_GAUGE || want == dto.MetricType_COUNTER)
}

// TypeName returns a type in words, with its article.
func TypeName(t dto.MetricType) string {
	if t == dto.MetricType_UNTYPED {
		return "untyped"
	}
	return "a " + strings.ToLower(t.String())
}
