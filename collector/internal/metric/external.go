package metric

import (
	"bytes"
	"slices"
	"strconv"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
)

// An ExternalFamily is a metric family from a text file or a check, with all
// its series. Its text is rendered once, for all runs that emit it.
type ExternalFamily struct {
	family      *dto.MetricFamily
	text        []byte
	sampleCount int
}

// NewExternalFamily returns a family for EmitExternal. The family must not
// change afterwards.
func NewExternalFamily(family *dto.MetricFamily) (*ExternalFamily, error) {
	var text bytes.Buffer
	if _, err := expfmt.MetricFamilyToText(&text, family); err != nil {
		return nil, err
	}
	f := &ExternalFamily{family: family, text: text.Bytes()}
	for line := range bytes.Lines(f.text) {
		if line[0] != '#' {
			f.sampleCount++
		}
	}
	return f, nil
}

// Name returns the family's name.
func (f *ExternalFamily) Name() string { return f.family.GetName() }

// AppendText appends the family in text format.
func (f *ExternalFamily) AppendText(b []byte) []byte { return append(b, f.text...) }

// AppendMetrics appends the series of the family.
func (f *ExternalFamily) AppendMetrics(metrics []prometheus.Metric) []prometheus.Metric {
	for _, m := range f.family.GetMetric() {
		metrics = append(metrics, externalMetric{f.family, m})
	}
	return metrics
}

// VisitSamples calls fn for every sample with a name.
func (f *ExternalFamily) VisitSamples(name string, fn SampleFunc) {
	if mayHaveSample(f.family, name) {
		for _, m := range f.family.GetMetric() {
			visitSeries(f.Name(), m, name, fn)
		}
	}
}

// Join adds the series of an external family to the declared family of its
// name, except those that have the same labels as one that was emitted. It
// returns how many are left out: all, if the types differ or no family has the
// name.
func (s *Sink) Join(external *ExternalFamily) (omitted int) {
	series := external.family.GetMetric()
	f := s.set.OfSample(external.Name())
	if f == nil || f.name != external.Name() || !f.acceptsType(external.family.GetType()) {
		return len(series)
	}
	known := s.labelSets(f)
	joined := &dto.MetricFamily{Name: &f.name, Help: &f.help, Type: &f.typ}
	for _, m := range series {
		if !known[labelSet(m.GetLabel())] {
			joined.Metric = append(joined.Metric, f.withType(m))
		}
	}
	if len(joined.Metric) == 0 {
		return len(series)
	}
	var text bytes.Buffer
	if _, err := expfmt.MetricFamilyToText(&text, joined); err != nil {
		return len(series)
	}
	b := s.buffer(f)
	for line := range bytes.Lines(text.Bytes()) {
		if line[0] != '#' {
			series, value := cutSample(line)
			b.add(series, false)
			b.values = append(b.values, value)
			b.count++
			s.sampleCount++
		}
	}
	if s.mode == Metrics {
		b.values = b.values[:0]
		for _, m := range joined.Metric {
			s.metrics = append(s.metrics, externalMetric{joined, m})
		}
	}
	return len(series) - len(joined.Metric)
}

// cutSample cuts a line of text after the series and the blank.
func cutSample(line []byte) (series []byte, value float64) {
	end := bytes.LastIndexByte(line, '}') + 1 // a value has none
	end += bytes.IndexByte(line[end:], ' ') + 1
	fields := bytes.Fields(line[end:])
	value, _ = strconv.ParseFloat(string(fields[0]), 64) // as it was written
	return line[:end], value
}

// acceptsType reports whether series of a type can join the family: those of a
// text without a type can, if the family has plain values.
func (f *Family) acceptsType(typ dto.MetricType) bool {
	return typ == f.typ || typ == dto.MetricType_UNTYPED && (f.typ == dto.MetricType_GAUGE || f.typ == dto.MetricType_COUNTER)
}

// withType returns a series of a type that the family accepts as one of its own
// type.
func (f *Family) withType(m *dto.Metric) *dto.Metric {
	if m.Untyped == nil || f.typ == dto.MetricType_UNTYPED {
		return m
	}
	v := m.Untyped.GetValue()
	if f.typ == dto.MetricType_COUNTER {
		return &dto.Metric{Label: m.Label, Counter: &dto.Counter{Value: &v}}
	}
	return &dto.Metric{Label: m.Label, Gauge: &dto.Gauge{Value: &v}}
}

// labelSets returns the label sets of the emitted series of a declared family.
func (s *Sink) labelSets(f *Family) map[string]bool {
	name := f.name
	if f.typ == dto.MetricType_SUMMARY {
		name += "_count"
	}
	sets := map[string]bool{}
	s.VisitSamples(name, func(string) bool { return true }, func(labels Labels, _ float64) {
		var pairs []*dto.LabelPair
		for _, l := range labels {
			name, value := string(l.Name), string(l.Value)
			pairs = append(pairs, &dto.LabelPair{Name: &name, Value: &value})
		}
		sets[labelSet(pairs)] = true
	})
	return sets
}

// labelSet returns labels as a key. An empty label is no label.
func labelSet(labels []*dto.LabelPair) string {
	var all []string
	for _, l := range labels {
		if l.GetValue() != "" {
			all = append(all, l.GetName()+"="+strconv.Quote(l.GetValue()))
		}
	}
	slices.Sort(all)
	return strings.Join(all, ",")
}

// An externalMetric is one series of an external family.
type externalMetric struct {
	family *dto.MetricFamily
	metric *dto.Metric
}

// Desc implements prometheus.Metric.
func (m externalMetric) Desc() *prometheus.Desc {
	var names []string
	for _, l := range m.metric.GetLabel() {
		names = append(names, l.GetName())
	}
	return prometheus.NewDesc(m.family.GetName(), m.family.GetHelp(), names, nil)
}

// Write implements prometheus.Metric.
func (m externalMetric) Write(out *dto.Metric) error {
	out.Label = m.metric.Label
	out.Gauge = m.metric.Gauge
	out.Counter = m.metric.Counter
	out.Summary = m.metric.Summary
	out.Untyped = m.metric.Untyped
	out.Histogram = m.metric.Histogram
	return nil
}

var _ prometheus.Metric = externalMetric{}
