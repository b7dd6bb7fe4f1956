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
	buffers     []buffer // by Family.index
	metrics     []prometheus.Metric
	external    []*ExternalFamily
	sampleCount int // of the samples that are kept
	errs        []error
	moreErrors  int    // number of errors in excess of maxErrors
	labels      Labels // buffer of VisitSamples
	scratch     []byte // buffer of Emit
	guard
}

// maxErrors is the maximum number of errors that a Sink keeps; others are only
// counted.
const maxErrors = 20

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

// NewSink returns an empty sink for the families of set.
func NewSink(set *Set) *Sink { return &Sink{set: set, guard: newGuard()} }

// Reset empties the sink for a new run, and keeps its buffers.
func (s *Sink) Reset(mode Mode) {
	for i := range s.buffers {
		s.buffers[i].reset()
	}
	clear(s.external)
	*s = Sink{mode: mode, set: s.set, buffers: s.buffers, external: s.external[:0], labels: s.labels, scratch: s.scratch, guard: s.guard.reset()}
}

// Release frees the large buffers of a sink. It must not be read before the next
// Reset.
func (s *Sink) Release() {
	for i := range s.buffers {
		s.buffers[i].release()
	}
}

// Emit adds a sample. Label values are in the order in which the family
// declares its labels. Emit panics if their number differs.
func (s *Sink) Emit(f *Family, v float64, labels ...string) {
	if len(labels) != len(f.labels) {
		panic(fmt.Sprintf("metric: %s has %d labels and got %d", f.name, len(f.labels), len(labels)))
	}
	b := s.buffer(f)
	if (b.count >= b.maximum || s.sampleCount >= s.maximum) && !s.makeRoom(f, 1) {
		return
	}
	if !b.shared || !b.series.matches(b.count, f, labels) {
		text, allPlain := s.scratch[:0], true
		for i, l := range labels {
			var plain bool
			text, plain = appendLabel(append(text, f.leads[i]...), l)
			allPlain = allPlain && plain
		}
		s.scratch = append(text, f.leads[len(labels)]...)
		b.add(s.scratch, allPlain)
	}
	b.count++
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
	if b.values == nil {
		b.values = make([]float64, 0, len(b.series.ends))
	}
	b.values = append(b.values, v)
}

// buffer returns the buffer of a family.
func (s *Sink) buffer(f *Family) *buffer {
	for f.index >= len(s.buffers) {
		s.buffers = append(s.buffers, buffer{maximum: s.limit})
	}
	return &s.buffers[f.index]
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
	s.sampleCount += f.sampleCount
	s.external = append(s.external, f)
	if s.sampleCount > s.maximum {
		s.drop(s.largest(false)...)
	}
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
	for i := range s.buffers {
		if buffer := &s.buffers[i]; len(buffer.values) > 0 && (want == nil || want(families[i].name)) {
			b = buffer.appendText(append(b, families[i].header...))
		}
	}
	for _, f := range s.external {
		if name := f.family.GetName(); (want == nil || want(name)) && !reserved(name) {
			b = append(b, f.text...)
		}
	}
	return b
}

// TakeMetrics is Metrics for a sink that is not read again before the next Reset.
func (s *Sink) TakeMetrics(reserved func(name string) bool) []prometheus.Metric {
	all := s.Metrics(reserved)
	s.metrics = nil
	return all
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
