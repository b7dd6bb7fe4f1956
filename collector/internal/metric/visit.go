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

// A Label is one label of a sample that is looked at. Its bytes are valid
// until the function that looks at it returns.
type Label struct{ Name, Value []byte }

// Labels are the labels of one sample, on either road and in any order.
type Labels []Label

// Get returns the value of a label. One that is not there is empty, as it is
// to Prometheus.
func (l Labels) Get(name string) []byte {
	for i := range l {
		if string(l[i].Name) == name {
			return l[i].Value
		}
	}
	return nil
}

// A SampleFunc sees one sample.
type SampleFunc func(labels Labels, value float64)

// An Samples calls look for every sample of one name, in the order in which they
// were emitted. The names are those of samples, as a query has them: a summary
// x has x, x_sum and x_count.
type Samples func(name string, look SampleFunc)

// OfSample returns the declared family that samples of a name belong to, or
// nil.
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

// VisitSamples calls look for every sample of a name that the sink took, on either
// road. Foreign families are left out where reserved says that the name
// belongs to a collector, as they are in what is served.
func (s *Sink) VisitSamples(name string, reserved func(name string) bool, fn SampleFunc) {
	if s.mode == Metrics {
		s.set.SamplesOf(s.metrics)(name, fn)
	} else if f := s.set.OfSample(name); f != nil && f.index < len(s.text) {
		s.labels = visitLines(s.text[f.index], name, s.labels, fn)
	}
	for _, f := range s.external {
		if family := f.family; mayHaveSample(family, name) && !reserved(family.GetName()) {
			for _, m := range family.GetMetric() {
				visitSeries(family.GetName(), m, name, fn)
			}
		}
	}
}

// SamplesOf is Sink.Each for the metrics that a sink of the set has returned.
func (s *Set) SamplesOf(metrics []prometheus.Metric) Samples {
	return func(name string, fn SampleFunc) { s.visitMetrics(metrics, name, fn) }
}

func (s *Set) visitMetrics(metrics []prometheus.Metric, name string, fn SampleFunc) {
	f := s.OfSample(name)
	for _, m := range metrics {
		if foreign, ok := m.(externalMetric); ok {
			if mayHaveSample(foreign.family, name) {
				visitSeries(foreign.family.GetName(), foreign.metric, name, fn)
			}
			continue
		}
		if f == nil || m.Desc() != f.desc {
			continue
		}
		var one dto.Metric
		if m.Write(&one) == nil {
			visitSeries(f.name, &one, name, fn)
		}
	}
}

// visitLines reads back what Emit has written: one sample a line, with one space
// before the value, and quotes and backslashes escaped. Space is for labels,
// and returned for the next time.
func visitLines(text []byte, name string, space Labels, fn SampleFunc) Labels {
	var scratch []byte // of values that had something escaped
	for len(text) > 0 {
		if len(text) <= len(name) || string(text[:len(name)]) != name || text[len(name)] != '{' && text[len(name)] != ' ' {
			text = text[bytes.IndexByte(text, '\n')+1:] // x_sum, in a summary x
			continue
		}
		rest := text[len(name):]
		labels := space[:0]
		scratch = scratch[:0]
		for rest[0] != ' ' {
			var l Label
			l, rest, scratch = cutLabel(rest[1:], scratch)
			labels = append(labels, l)
			if rest[0] == '}' {
				rest = rest[1:]
			}
		}
		end := bytes.IndexByte(rest, '\n')
		if v, err := strconv.ParseFloat(string(rest[1:end]), 64); err == nil {
			fn(labels, v)
		}
		space, text = labels, rest[end+1:]
	}
	return space
}

// cutLabel cuts name="value" off a line. The value is a part of the line, or
// of scratch where something was escaped in it.
func cutLabel(line, scratch []byte) (l Label, rest, used []byte) {
	equals := bytes.IndexByte(line, '=')
	l.Name, line = line[:equals], line[equals+2:]
	i := 0
	for line[i] != '"' && line[i] != '\\' {
		i++
	}
	if line[i] == '"' {
		l.Value = line[:i]
		return l, line[i+1:], scratch
	}
	// What was cut before keeps its bytes, even if appending moves the rest.
	start := len(scratch)
	scratch = append(scratch, line[:i]...)
	for ; line[i] != '"'; i++ {
		if line[i] == '\\' {
			i++
		}
		scratch = append(scratch, line[i])
	}
	l.Value = scratch[start:]
	return l, line[i+1:], scratch
}

// mayHaveSample reports whether samples of a name can be those of a family.
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

// visitSeries looks at the samples of one name that a series has.
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

// visitBuckets looks at the buckets of a histogram, with the last one that the
// text format has even where it was not given.
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
