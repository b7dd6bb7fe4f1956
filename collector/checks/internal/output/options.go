package output

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/prometheus/common/model"

	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

// A Format is how a check writes what it found.
type Format string

// The formats of docs/check-formats.md.
const (
	Prometheus Format = "prometheus" // the text format or OpenMetrics
	KV         Format = "kv"         // lines with a name and a value
	JSON       Format = "json"       // one document, read with jq expressions
	Regexp     Format = "regexp"     // any text, read with regular expressions
	Nagios     Format = "nagios"     // a monitoring plugin: status and perfdata
	Number     Format = "number"     // one value
	Exit       Format = "exit"       // the exit code alone
)

// Formats returns all formats, in the order of the documentation.
func Formats() []Format { return []Format{Prometheus, KV, JSON, Regexp, Nagios, Number, Exit} }

// ExitIsValue reports whether an exit code other than 0 is part of what the
// check says, and not a failure of the run.
func (f Format) ExitIsValue() bool { return f == Nagios || f == Exit }

// Options are the part of a check's configuration that tells how to read it.
type Options struct {
	Format Format `yaml:"format"`

	// Name is the name of the family of number and exit when no metric is
	// declared, and what the families of nagios begin with.
	Name string `yaml:"metric"`

	// Metrics is the schema. Without one, prometheus, kv and nagios serve what
	// the check prints.
	Metrics []Metric `yaml:"metrics"`

	MaxSeries int           `yaml:"max-series"`   // [200]
	MaxBytes  int           `yaml:"stdout-limit"` // of the output [1 MiB]
	JQTimeout time.Duration `yaml:"jq-timeout"`   // for all expressions of a run together [1s]

	// RequireEOF has a document of format prometheus end with "# EOF", without
	// which one that was cut off between two lines cannot be told from a whole.
	RequireEOF bool `yaml:"require-eof"`

	// BinaryUnits reads KB, MB, GB and TB as powers of 1024, as the authors of
	// many Nagios plugins do.
	BinaryUnits bool `yaml:"binary-units"`
}

const (
	defaultMaxSeries = 200
	defaultMaxBytes  = 1 << 20
	defaultJQTimeout = time.Second

	maxSeriesLimit = 100_000
	maxBytesLimit  = 64 << 20

	// maxReadings times MaxSeries is how many values a document may have before
	// it is refused as a whole: the cap can then be applied in the order of the
	// names, whatever order the check prints them in.
	maxReadings = 64

	// maxLabels is how many labels a series may have, and how many different
	// ones a family: each series of a family is served with all of them.
	maxLabels = 64
)

// A Parser reads the output of one check. It may be used by several goroutines.
type Parser struct {
	o        Options
	metrics  []*compiledMetric
	bySource map[string]*compiledMetric
}

// New checks the options and compiles their expressions.
func New(o Options) (*Parser, error) {
	if !slices.Contains(Formats(), o.Format) {
		return nil, fmt.Errorf("format: want one of %v, have %q", Formats(), o.Format)
	}
	if err := o.limits(); err != nil {
		return nil, err
	}
	if err := o.names(); err != nil {
		return nil, err
	}
	p := &Parser{o: o, bySource: map[string]*compiledMetric{}}
	names := map[string]int{}
	for i, declared := range o.Metrics {
		m, err := o.compile(declared)
		if err != nil {
			return nil, fmt.Errorf("metrics[%d]: %w", i, err)
		}
		if other, twice := names[m.Name]; twice && !o.Format.allowsRepeats() {
			return nil, fmt.Errorf("metrics[%d]: name: %s is that of metrics[%d] already", i, m.Name, other)
		}
		if other := p.bySource[m.From]; other != nil && !o.Format.allowsRepeats() {
			return nil, fmt.Errorf("metrics[%d]: from: %q is read by %s already", i, m.From, other.Name)
		}
		names[m.Name] = i
		p.bySource[m.From] = m
		p.metrics = append(p.metrics, m)
	}
	return p, p.validate()
}

// allowsRepeats reports whether a family may be declared more than once, for values
// that are in several places of what the check prints.
func (f Format) allowsRepeats() bool { return f == JSON || f == Regexp }

// validate checks that two declarations of one family are of one type.
func (p *Parser) validate() error {
	first := map[string]*compiledMetric{}
	for i, m := range p.metrics {
		if other := first[m.Name]; other != nil && other.dtoType != m.dtoType {
			return fmt.Errorf("metrics[%d]: type: %s is a %s already", i, m.Name, other.Type)
		}
		first[m.Name] = m
	}
	return nil
}

// limits sets the limits that are not given.
func (o *Options) limits() error {
	for _, limit := range []struct {
		name string
		n    *int
		def  int
		most int
	}{{"max-series", &o.MaxSeries, defaultMaxSeries, maxSeriesLimit}, {"stdout-limit", &o.MaxBytes, defaultMaxBytes, maxBytesLimit}} {
		switch {
		case *limit.n > limit.most:
			return fmt.Errorf("%s: want at most %d, have %d", limit.name, limit.most, *limit.n)
		case *limit.n < 0:
			return fmt.Errorf("%s: want a number above 0, have %d", limit.name, *limit.n)
		case *limit.n == 0:
			*limit.n = limit.def
		}
	}
	switch {
	case o.JQTimeout < 0:
		return fmt.Errorf("jq-timeout: want a duration above 0, have %s", o.JQTimeout)
	case o.JQTimeout == 0:
		o.JQTimeout = defaultJQTimeout
	}
	return nil
}

// names checks the name, and whether the format needs it or metrics.
func (o *Options) names() error {
	if o.Name != "" {
		if err := validName(o.Name); err != nil {
			return fmt.Errorf("metric: %w", err)
		}
	}
	switch o.Format {
	case JSON, Regexp:
		if len(o.Metrics) == 0 {
			return fmt.Errorf("metrics: the format %s needs at least one", o.Format)
		}
	case Nagios:
		if o.Name == "" {
			return errors.New("metric: the format nagios needs one, for its families to begin with")
		}
		if err := validName(o.Name + "_status"); err != nil {
			return fmt.Errorf("metric: %w", err)
		}
	case Number:
		if len(o.Metrics) > 1 {
			return fmt.Errorf("metrics: the format number has one value, have %d metrics", len(o.Metrics))
		}
		fallthrough
	case Exit:
		switch {
		case len(o.Metrics) == 0 && o.Name == "":
			return fmt.Errorf("metric: the format %s needs one, or a metric", o.Format)
		case len(o.Metrics) == 0:
			o.Metrics = []Metric{{Name: o.Name}}
		}
	}
	switch {
	case o.RequireEOF && o.Format != Prometheus:
		return errors.New("require-eof: only for the format prometheus")
	case o.BinaryUnits && o.Format != Nagios && o.Format != KV && o.Format != Number && o.Format != Regexp:
		return fmt.Errorf("binary-units: the format %s prints no units", o.Format)
	}
	return nil
}

// validName checks a name for a family.
func validName(name string) error {
	if !model.LegacyValidation.IsValidMetricName(name) {
		return fmt.Errorf("%q is not a name for a metric: want letters, digits, underscores and colons", name)
	}
	if prefix := metric.ReservedPrefix(name); prefix != "" {
		return fmt.Errorf("%s is reserved: %s is the exporter's own", name, prefix)
	}
	return nil
}
