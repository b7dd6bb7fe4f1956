package metric

import (
	"fmt"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
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
	emitted     []bool // in metrics mode: whether a family has samples, by Family.index
	external    []*ExternalFamily
	sampleCount int
	errs        []error
	moreErrors  int    // number of errors in excess of maxErrors
	labels      Labels // buffer of VisitSamples
}

// maxErrors is the maximum number of errors that a Sink keeps; others are only
// counted.
const maxErrors = 20

// NewSink returns an empty sink for the families of set.
func NewSink(set *Set) *Sink { return &Sink{set: set} }

// Reset empties the sink for a new run, and keeps its buffers.
func (s *Sink) Reset(mode Mode) {
	for i := range s.text {
		s.text[i] = s.text[i][:0]
	}
	clear(s.emitted)
	clear(s.external)
	*s = Sink{mode: mode, set: s.set, text: s.text, sizes: s.sizes, emitted: s.emitted, external: s.external[:0], labels: s.labels}
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
	if f.optional != nil {
		s.emitOptional(f, v, labels)
		return
	}
	if s.mode == Metrics {
		// The labels are copied, so that those of the caller can be on its
		// stack.
		values := make([]string, len(labels))
		for i, l := range labels {
			values[i] = strings.Clone(Clean(l))
		}
		s.addMetric(f, prometheus.MustNewConstMetric(f.desc, f.valueType(), v, values...))
		return
	}
	b := s.familyText(f)
	for i, l := range labels {
		b = appendLabel(append(b, f.leads[i]...), l)
	}
	b = appendValue(append(b, f.leads[len(labels)]...), v)
	s.text[f.index] = append(b, '\n')
}

// emitOptional is Emit for a family with optional labels.
func (s *Sink) emitOptional(f *Family, v float64, labels []string) {
	if s.mode == Metrics {
		var names, values []string
		for i, l := range labels {
			if l != "" || !f.optional[i] {
				names, values = append(names, f.labels[i]), append(values, strings.Clone(Clean(l)))
			}
		}
		desc := prometheus.NewDesc(f.name, f.help, names, nil)
		s.addMetric(f, variantMetric{prometheus.MustNewConstMetric(desc, f.valueType(), v, values...), f})
		return
	}
	b := append(s.familyText(f), f.name...)
	next := byte('{')
	for i, l := range labels {
		if l != "" || !f.optional[i] {
			b = append(append(append(b, next), f.labels[i]...), `="`...)
			b = append(appendLabel(b, l), '"')
			next = ','
		}
	}
	if next == ',' {
		b = append(b, '}')
	}
	s.text[f.index] = append(appendValue(append(b, ' '), v), '\n')
}

// A variantMetric is a sample of a family with optional labels.
type variantMetric struct {
	prometheus.Metric
	family *Family
}

// addMetric adds a metric of a family in metrics mode.
func (s *Sink) addMetric(f *Family, m prometheus.Metric) {
	for f.index >= len(s.emitted) {
		s.emitted = append(s.emitted, false)
	}
	s.emitted[f.index] = true
	s.metrics = append(s.metrics, m)
}

// hasSamples reports whether samples of a declared family were emitted.
func (s *Sink) hasSamples(f *Family) bool {
	if s.mode == Metrics {
		return f.index < len(s.emitted) && s.emitted[f.index]
	}
	return f.index < len(s.text) && len(s.text[f.index]) > 0
}

// Serves reports whether the sink has samples of the declared family to which
// samples of a name belong.
func (s *Sink) Serves(name string) bool {
	f := s.set.OfSample(name)
	return f != nil && s.hasSamples(f)
}

// AppendNames appends the names of the declared families that have samples.
func (s *Sink) AppendNames(names []string) []string {
	for _, f := range s.set.Families() {
		if s.hasSamples(f) {
			names = append(names, f.name)
		}
	}
	return names
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

// valueType returns the family's type for client_golang.
func (f *Family) valueType() prometheus.ValueType {
	switch f.typ {
	case dto.MetricType_COUNTER:
		return prometheus.CounterValue
	case dto.MetricType_GAUGE:
		return prometheus.GaugeValue
	}
	return prometheus.UntypedValue
}

// EmitExternal adds an external family. It is left out of the exposition if a
// collector serves a family of its name in the same scrape.
func (s *Sink) EmitExternal(f *ExternalFamily) {
	s.sampleCount += len(f.family.GetMetric())
	s.external = append(s.external, f)
}

// External returns the external families. The slice is valid until the next
// Reset.
func (s *Sink) External() []*ExternalFamily { return s.external }

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
		if name := f.Name(); (want == nil || want(name)) && !reserved(name) {
			b = f.AppendText(b)
		}
	}
	return b
}

// Metrics returns the samples in metrics mode. External families whose names are
// reserved are left out. The slice is not reused.
func (s *Sink) Metrics(reserved func(name string) bool) []prometheus.Metric {
	all := s.metrics
	for _, f := range s.external {
		if !reserved(f.Name()) {
			all = f.AppendMetrics(all)
		}
	}
	return all
}
