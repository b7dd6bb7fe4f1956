package metric

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
)

// A Mode is one of the two roads out of a Sink.
type Mode uint8

const (
	Text    Mode = iota // the fast road: text format 0.0.4
	Metrics             // the ordinary road: prometheus.Metric
)

// A Sink holds the samples of one run of one collector. It has a buffer for
// each family, so that a collector can emit device by device, and the
// exposition still has each family in one block. It is not for concurrent use.
type Sink struct {
	mode        Mode
	set         *Set
	text        [][]byte // by Family.index
	sizes       []int    // lengths of the buffers that Release freed, by Family.index
	metrics     []prometheus.Metric
	external    []*ExternalFamily
	sampleCount int
	errs        []error
	moreErrors  int    // number of errors in excess of maxErrors
	labels      Labels // buffer of VisitSamples
}

// maxErrors is the maximum number of errors that a Sink keeps; others are only
// counted.
const maxErrors = 20

// An ExternalFamily is a metric family from a text file or a check, with all
// its series. Its text is rendered once, for all runs that emit it.
type ExternalFamily struct {
	family *dto.MetricFamily
	text   []byte
}

// NewExternalFamily returns a family for EmitExternal. The family must not
// change afterwards.
func NewExternalFamily(family *dto.MetricFamily) (*ExternalFamily, error) {
	var text bytes.Buffer
	if _, err := expfmt.MetricFamilyToText(&text, family); err != nil {
		return nil, err
	}
	return &ExternalFamily{family, text.Bytes()}, nil
}

// NewSink returns an empty sink for the families of set.
func NewSink(set *Set) *Sink { return &Sink{set: set} }

// Reset empties the sink for a new run, and keeps its buffers.
func (s *Sink) Reset(mode Mode) {
	for i := range s.text {
		s.text[i] = s.text[i][:0]
	}
	clear(s.external)
	*s = Sink{mode: mode, set: s.set, text: s.text, sizes: s.sizes, external: s.external[:0], labels: s.labels}
}

// maxRetainedBuffer is the maximum size, in bytes, of a buffer that a sink
// keeps between runs. A larger one is allocated again with the length of the
// last run: one allocation for thousands of samples, rather than twice the
// memory.
const maxRetainedBuffer = 256 << 10

// Release frees the large buffers of a sink. It must not be read before the
// next Reset.
func (s *Sink) Release() {
	for i, b := range s.text {
		if cap(b) <= maxRetainedBuffer {
			continue
		}
		for len(s.sizes) <= i {
			s.sizes = append(s.sizes, 0)
		}
		s.sizes[i], s.text[i] = len(b), nil
	}
}

// Emit adds a sample. Label values are in the order in which the family
// declares its labels. Emit panics if their number differs.
func (s *Sink) Emit(f *Family, v float64, labels ...string) {
	if len(labels) != len(f.labels) {
		panic(fmt.Sprintf("metric: %s has %d labels and got %d", f.name, len(f.labels), len(labels)))
	}
	s.sampleCount++
	if s.mode == Metrics {
		// The labels are copied, so that those of the caller can be on its
		// stack.
		values := make([]string, len(labels))
		for i, l := range labels {
			values[i] = strings.Clone(Clean(l))
		}
		s.metrics = append(s.metrics, newConstMetric(f, v, values))
		return
	}
	b := s.familyText(f)
	for i, l := range labels {
		b = appendLabel(append(b, f.leads[i]...), l)
	}
	b = appendValue(append(b, f.leads[len(labels)]...), v)
	s.text[f.index] = append(b, '\n')
}

// familyText returns the text buffer of a family.
func (s *Sink) familyText(f *Family) []byte {
	for f.index >= len(s.text) {
		s.text = append(s.text, nil)
	}
	b := s.text[f.index]
	if b == nil && f.index < len(s.sizes) {
		b = make([]byte, 0, s.sizes[f.index]+s.sizes[f.index]/16)
	}
	return b
}

// Bool adds a sample that is 1 for true and 0 for false.
func (s *Sink) Bool(f *Family, v bool, labels ...string) {
	if v {
		s.Emit(f, 1, labels...)
	} else {
		s.Emit(f, 0, labels...)
	}
}

func newConstMetric(f *Family, v float64, labels []string) prometheus.Metric {
	typ := prometheus.UntypedValue
	switch f.typ {
	case dto.MetricType_COUNTER:
		typ = prometheus.CounterValue
	case dto.MetricType_GAUGE:
		typ = prometheus.GaugeValue
	}
	return prometheus.MustNewConstMetric(f.desc, typ, v, labels...)
}

// EmitExternal adds an external family. It is left out of the exposition if a
// collector declares its name.
func (s *Sink) EmitExternal(f *ExternalFamily) {
	s.sampleCount += len(f.family.GetMetric())
	s.external = append(s.external, f)
}

// Error reports the error of a part that could not be read. The collector goes
// on: the other samples are served, and its state becomes "partial".
func (s *Sink) Error(err error) {
	if len(s.errs) == maxErrors {
		s.moreErrors++
		return
	}
	s.errs = append(s.errs, err)
}

// Errors returns the reported errors, and the number of those that were not
// kept.
func (s *Sink) Errors() (errs []error, more int) { return s.errs, s.moreErrors }

// SampleCount returns the number of emitted samples.
func (s *Sink) SampleCount() int { return s.sampleCount }

// A Filter selects families by name. A nil Filter selects all.
type Filter func(name string) bool

// AppendText appends the exposition of the samples in text mode, with the
// families in the order of declaration. External families whose names are
// reserved are left out.
func (s *Sink) AppendText(b []byte, want Filter, reserved func(name string) bool) []byte {
	families := s.set.Families()
	for i, text := range s.text {
		if len(text) > 0 && (want == nil || want(families[i].name)) {
			b = append(append(b, families[i].header...), text...)
		}
	}
	for _, f := range s.external {
		if name := f.family.GetName(); (want == nil || want(name)) && !reserved(name) {
			b = append(b, f.text...)
		}
	}
	return b
}

// Metrics returns the samples in metrics mode. The slice is not reused.
func (s *Sink) Metrics(reserved func(name string) bool) []prometheus.Metric {
	all := s.metrics
	for _, f := range s.external {
		if !reserved(f.family.GetName()) {
			for _, m := range f.family.GetMetric() {
				all = append(all, externalMetric{f.family, m})
			}
		}
	}
	return all
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
