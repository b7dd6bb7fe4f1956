package output

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/prometheus/common/model"

	"github.com/hostexporter/host_exporter/collector/checks/internal/families"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

// A Format is the format of a check's output.
type Format string

// The formats of docs/check-formats.md.
const (
	Prometheus Format = "prometheus" // the text format or OpenMetrics
	KV         Format = "kv"         // lines with a name and a value
	JSON       Format = "json"       // one document, parsed with jq expressions
	Regexp     Format = "regexp"     // any text, parsed with regular expressions
	Nagios     Format = "nagios"     // a monitoring plugin: status and performance data
	Number     Format = "number"     // one value
	Exit       Format = "exit"       // the exit code alone
)

// Formats returns all formats, in the order of the documentation.
func Formats() []Format { return []Format{Prometheus, KV, JSON, Regexp, Nagios, Number, Exit} }

// ExitIsValue reports whether an exit code other than 0 is a value, and not a
// failure of the run.
func (f Format) ExitIsValue() bool { return f == Nagios || f == Exit }

// printsUnits reports whether values of this format may have units.
func (f Format) printsUnits() bool { return f == Nagios || f == KV || f == Number || f == Regexp }

// Options configure a Parser. They are a part of a check's definition.
type Options struct {
	Format Format `yaml:"format"`

	// Name is the family of number and exit if no metric is declared, and the prefix
	// of the families of nagios.
	Name string `yaml:"metric"`

	// Metrics is the schema. Without it, prometheus, kv and nagios export whatever
	// the check prints.
	Metrics []Metric `yaml:"metrics"`

	MaxSeries int           `yaml:"max-series"`   // [200]
	MaxBytes  int           `yaml:"stdout-limit"` // of the output [1 MiB]
	JQTimeout time.Duration `yaml:"jq-timeout"`   // for all expressions of a run together [1s]

	// RequireEOF requires "# EOF" at the end of a document of format prometheus: it
	// detects one that was cut off between two lines.
	RequireEOF bool `yaml:"require-eof"`

	// BinaryUnits reads KB, MB, GB and TB as powers of 1024, as many Nagios plugins
	// mean them.
	BinaryUnits bool `yaml:"binary-units"`

	// Quote lets problems and errors quote the output: for an operator who runs the
	// check, not for the log and HTTP.
	Quote bool `yaml:"-"`

	// Units has the unit that is meant by one that the check prints: "Gb" may be GB.
	// Empty is a plain number.
	Units map[string]string `yaml:"units"`
}

// MaxSeriesLimit is the maximum of Options.MaxSeries.
const MaxSeriesLimit = 100_000

const (
	defaultMaxSeries = 200
	defaultMaxBytes  = 1 << 20
	defaultJQTimeout = time.Second

	maxBytesLimit = 64 << 20

	// maxValuesPerSeries times MaxSeries is the maximum number of values in a
	// document. Up to it, all values are parsed, and max-series is applied in the
	// order of the names, whatever the order of the output is.
	maxValuesPerSeries = 64

	maxLabels = families.MaxLabels
)

// limits checks the limits, and sets the defaults of those that are zero.
func (o *Options) limits() error {
	for _, limit := range []struct {
		name string
		n    *int
		def  int
		max  int
	}{{"max-series", &o.MaxSeries, defaultMaxSeries, MaxSeriesLimit}, {"stdout-limit", &o.MaxBytes, defaultMaxBytes, maxBytesLimit}} {
		switch {
		case *limit.n > limit.max:
			return fmt.Errorf("%s: want at most %d, have %d", limit.name, limit.max, *limit.n)
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

// names checks the name and the metrics that the format requires.
func (o *Options) names() error {
	if o.Name != "" {
		if err := validName(o.Name); err != nil {
			return fmt.Errorf("metric: %w", err)
		}
	}
	switch o.Format {
	case JSON, Regexp:
		if len(o.Metrics) == 0 {
			return fmt.Errorf("metrics: want at least one with the format %s, have none", o.Format)
		}
	case Nagios:
		if o.Name == "" {
			return errors.New("metric: want a prefix for the families of the format nagios, have none")
		}
		if err := validName(o.Name + "_status"); err != nil {
			return fmt.Errorf("metric: %w", err)
		}
	case Number:
		if len(o.Metrics) > 1 {
			return fmt.Errorf("metrics: want one with the format number, have %d", len(o.Metrics))
		}
		fallthrough
	case Exit:
		switch {
		case len(o.Metrics) == 0 && o.Name == "":
			return fmt.Errorf("metric: want metric or metrics with the format %s, have neither", o.Format)
		case len(o.Metrics) == 0:
			o.Metrics = []Metric{{Name: o.Name}}
		}
	}
	switch {
	case o.RequireEOF && o.Format != Prometheus:
		return fmt.Errorf("require-eof: want the format prometheus, have %s", o.Format)
	case o.BinaryUnits && !o.Format.printsUnits():
		return fmt.Errorf("binary-units: want a format with units, have %s", o.Format)
	case len(o.Units) > 0 && !o.Format.printsUnits():
		return fmt.Errorf("units: want a format with units, have %s", o.Format)
	}
	for _, printed := range slices.Sorted(maps.Keys(o.Units)) {
		meant := o.Units[printed]
		if _, known := unitOf(meant, o.BinaryUnits); meant != "" && !known {
			return fmt.Errorf("units: want a known unit for %q, have %q", printed, meant)
		}
	}
	return nil
}

// validName checks the name of a family.
func validName(name string) error {
	if !model.LegacyValidation.IsValidMetricName(name) {
		return fmt.Errorf("want a name of letters, digits, underscores and colons, have %q", name)
	}
	if prefix := metric.ReservedPrefix(name); prefix != "" {
		return fmt.Errorf("want a name without the reserved prefix %s, have %s", prefix, name)
	}
	return nil
}
