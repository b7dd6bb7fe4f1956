package metric

import (
	"bytes"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// A Label is one label of a visited sample. Its bytes are valid until the
// SampleFunc returns.
type Label struct{ Name, Value []byte }

// Labels are the labels of one sample in any order.
type Labels []Label

// Get returns the value of a label. An absent label is empty, as in Prometheus.
func (l Labels) Get(name string) []byte {
	for i := range l {
		if string(l[i].Name) == name {
			return l[i].Value
		}
	}
	return nil
}

// A SampleFunc is called with one sample. It must not retain the labels.
type SampleFunc func(labels Labels, value float64)

// A Samples calls fn for every sample with a name, in the order in which they
// were emitted. The name is that of samples, as in a query: a summary x has x,
// x_sum and x_count.
type Samples func(name string, fn SampleFunc)

// OfSample returns the declared family of the samples with a name, or nil.
func (s *Set) OfSample(name string) *Family {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if f := s.byName[name]; f != nil {
		return f
	}
	for _, suffix := range []string{"_sum", "_count"} {
		if base, ok := strings.CutSuffix(name, suffix); ok {
			if f := s.byName[base]; f != nil && f.typ == dto.MetricType_SUMMARY {
				return f
			}
		}
	}
	return nil
}

// VisitSamples calls fn for every sample with a name, in either mode. External
// families whose names are reserved are left out, as in the exposition.
func (s *Sink) VisitSamples(name string, reserved func(name string) bool, fn SampleFunc) {
	if s.mode == Metrics {
		s.set.SamplesOf(s.metrics)(name, fn)
	} else if f := s.set.OfSample(name); f != nil && f.index < len(s.buffers) {
		s.labels = s.buffers[f.index].visit(name, s.labels, fn)
	}
	for _, f := range s.external {
		if !reserved(f.Name()) {
			f.VisitSamples(name, fn)
		}
	}
}

// SamplesOf returns the samples of metrics that a sink of the set has returned.
func (s *Set) SamplesOf(metrics []prometheus.Metric) Samples {
	return func(name string, fn SampleFunc) { s.visitMetrics(metrics, name, fn) }
}

func (s *Set) visitMetrics(metrics []prometheus.Metric, name string, fn SampleFunc) {
	f := s.OfSample(name)
	for _, m := range metrics {
		if external, ok := m.(externalMetric); ok {
			if mayHaveSample(external.family, name) {
				visitSeries(external.family.GetName(), external.metric, name, fn)
			}
			continue
		}
		if variant, ok := m.(variantMetric); f == nil || ok && variant.family != f || !ok && m.Desc() != f.Desc() {
			continue
		}
		var one dto.Metric
		if m.Write(&one) == nil {
			visitSeries(f.name, &one, name, fn)
		}
	}
}

// visit calls fn for the samples with a name, which are all but those of a
// summary. It uses the buffer for the labels, and returns it for the next call.
func (b *buffer) visit(name string, buffer Labels, fn SampleFunc) Labels {
	var unescaped []byte // label values without escapes
	for i, v := range b.values {
		rest := b.series.at(i)
		if len(rest) <= len(name) || string(rest[:len(name)]) != name || rest[len(name)] != '{' && rest[len(name)] != ' ' {
			continue // x_sum, in a summary x
		}
		rest = rest[len(name):]
		labels := buffer[:0]
		unescaped = unescaped[:0]
		for rest[0] != ' ' {
			var l Label
			l, rest, unescaped = cutLabel(rest[1:], unescaped)
			labels = append(labels, l)
			if rest[0] == '}' {
				rest = rest[1:]
			}
		}
		fn(labels, v)
		buffer = labels
	}
	return buffer
}

// cutLabel parses name="value" at the start of a line. The value is a slice of
// the line, or of the buffer if it has escapes; cutLabel returns the extended
// buffer.
func cutLabel(line, buffer []byte) (l Label, rest, extended []byte) {
	equals := bytes.IndexByte(line, '=')
	l.Name, line = line[:equals], line[equals+2:]
	i := 0
	for line[i] != '"' && line[i] != '\\' {
		i++
	}
	if line[i] == '"' {
		l.Value = line[:i]
		return l, line[i+1:], buffer
	}
	// Labels that were cut before keep their bytes, even if append moves the
	// buffer.
	start := len(buffer)
	buffer = append(buffer, line[:i]...)
	for ; line[i] != '"'; i++ {
		c := line[i]
		if c == '\\' {
			i++
			if c = line[i]; c == 'n' {
				c = '\n'
			}
		}
		buffer = append(buffer, c)
	}
	l.Value = buffer[start:]
	return l, line[i+1:], buffer
}

// mayHaveSample reports whether a family of this name and type can have samples
// with a name.
func mayHaveSample(family *dto.MetricFamily, name string) bool {
	suffix, ok := strings.CutPrefix(name, family.GetName())
	switch {
	case !ok:
		return false
	case suffix == "":
		return true
	}
	switch family.GetType() {
	case dto.MetricType_SUMMARY:
		return suffix == "_sum" || suffix == "_count"
	case dto.MetricType_HISTOGRAM:
		return suffix == "_sum" || suffix == "_count" || suffix == "_bucket"
	}
	return false
}

// visitSeries calls fn for the samples of a series that have a name.
func visitSeries(family string, m *dto.Metric, name string, fn SampleFunc) {
	labels := make(Labels, 0, len(m.Label)+1)
	for _, l := range m.Label {
		labels = append(labels, Label{[]byte(l.GetName()), []byte(l.GetValue())})
	}
	with := func(label string, bound float64) Labels {
		return append(slices.Clip(labels), Label{[]byte(label), strconv.AppendFloat(nil, bound, 'g', -1, 64)})
	}
	suffix := strings.TrimPrefix(name, family)
	switch {
	case m.Gauge != nil:
		fn(labels, m.Gauge.GetValue())
	case m.Counter != nil:
		fn(labels, m.Counter.GetValue())
	case m.Untyped != nil:
		fn(labels, m.Untyped.GetValue())
	case m.Summary != nil:
		switch s := m.Summary; suffix {
		case "":
			for _, q := range s.Quantile {
				fn(with("quantile", q.GetQuantile()), q.GetValue())
			}
		case "_sum":
			fn(labels, s.GetSampleSum())
		case "_count":
			fn(labels, float64(s.GetSampleCount()))
		}
	case m.Histogram != nil:
		switch h := m.Histogram; suffix {
		case "_bucket":
			visitBuckets(h, with, fn)
		case "_sum":
			fn(labels, h.GetSampleSum())
		case "_count":
			fn(labels, histogramCount(h))
		}
	}
}

// visitBuckets calls fn for the buckets of a histogram, and for the bucket
// +Inf, which the text format has even if the histogram does not.
func visitBuckets(h *dto.Histogram, with func(string, float64) Labels, fn SampleFunc) {
	last := math.Inf(-1)
	for _, b := range h.Bucket {
		n := float64(b.GetCumulativeCount())
		if b.CumulativeCountFloat != nil {
			n = b.GetCumulativeCountFloat()
		}
		last = b.GetUpperBound()
		fn(with("le", last), n)
	}
	if !math.IsInf(last, +1) {
		fn(with("le", math.Inf(+1)), histogramCount(h))
	}
}

func histogramCount(h *dto.Histogram) float64 {
	if h.SampleCountFloat != nil {
		return h.GetSampleCountFloat()
	}
	return float64(h.GetSampleCount())
}
