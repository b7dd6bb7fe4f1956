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
		b.add(s.renderSeries(f, labels))
	}
	b.count++
	s.sampleCount++
	if s.mode == Metrics {
		s.metrics = append(s.metrics, f.newMetric(v, labels))
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

// renderSeries returns the text of a series, and whether all label values are
// in it as they are. The text is valid until the next call.
func (s *Sink) renderSeries(f *Family, labels []string) (text []byte, plain bool) {
	text, plain = s.scratch[:0], true
	addValue := func(l string) {
		var ok bool
		text, ok = appendLabel(text, l)
		plain = plain && ok
	}
	if f.optional == nil {
		leads := f.textOf().leads
		for i, l := range labels {
			text = append(text, leads[i]...)
			addValue(l)
		}
		text = append(text, leads[len(labels)]...)
	} else {
		text = append(text, f.name...)
		next := byte('{')
		for i, l := range labels {
			if l != "" || !f.optional[i] {
				text = append(append(append(text, next), f.labels[i]...), `="`...)
				addValue(l)
				text = append(text, '"')
				next = ','
			}
		}
		if next == ',' {
			text = append(text, '}')
		}
		text = append(text, ' ')
	}
	s.scratch = text
	return text, plain
}

// newMetric returns a sample for client_golang. The labels are copied, so that
// those of the caller of Emit can be on its stack.
func (f *Family) newMetric(v float64, labels []string) prometheus.Metric {
	if f.optional == nil {
		values := make([]string, len(labels))
		for i, l := range labels {
			values[i] = strings.Clone(Clean(l))
		}
		return prometheus.MustNewConstMetric(f.Desc(), f.valueType(), v, values...)
	}
	var names, values []string
	for i, l := range labels {
		if l != "" || !f.optional[i] {
			names, values = append(names, f.labels[i]), append(values, strings.Clone(Clean(l)))
		}
	}
	desc := prometheus.NewDesc(f.name, f.help, names, nil)
	return variantMetric{prometheus.MustNewConstMetric(desc, f.valueType(), v, values...), f}
}

// A variantMetric is a sample of a family with optional labels.
type variantMetric struct {
	prometheus.Metric
	family *Family
}

// hasMetric reports whether a sample of a declared family is one of this.
func (f *Family) hasMetric(m prometheus.Metric) bool {
	if variant, ok := m.(variantMetric); ok {
		return variant.family == f
	}
	return m.Desc() == f.Desc()
}

// hasSamples reports whether samples of a declared family were emitted, even if
// it is dropped.
func (s *Sink) hasSamples(f *Family) bool {
	return f.index < len(s.buffers) && s.buffers[f.index].count > 0
}

// Serves reports whether the sink has samples of the declared family to which
// samples of a name belong.
func (s *Sink) Serves(name string) bool {
	f := s.set.OfSample(name)
	return f != nil && s.hasSamples(f)
}

// AppendNames appends the names of the declared families that have samples.
func (s *Sink) AppendNames(names []string) []string {
	families := s.set.Families()
	for i := range s.buffers {
		if s.buffers[i].count > 0 {
			names = append(names, families[i].name)
		}
	}
	return names
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
	s.sampleCount += f.sampleCount
	s.external = append(s.external, f)
	if s.sampleCount > s.maximum {
		s.drop(s.largest(false)...)
	}
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
	for i := range s.buffers {
		if buffer := &s.buffers[i]; len(buffer.values) > 0 && (want == nil || want(families[i].name)) {
			b = buffer.appendText(append(b, families[i].textOf().header...))
		}
	}
	for _, f := range s.external {
		if name := f.Name(); (want == nil || want(name)) && !reserved(name) {
			b = f.AppendText(b)
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
