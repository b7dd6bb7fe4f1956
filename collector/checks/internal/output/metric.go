package output

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/itchyny/gojq"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/model"
)

// A Type is the type of a declared metric.
type Type string

// The types. An info is a gauge that is always 1, and has its facts in labels.
const (
	Gauge   Type = "gauge" // the default
	Counter Type = "counter"
	Info    Type = "info"
)

// A Metric is a declared metric of the schema.
type Metric struct {
	Name string `yaml:"name"` // of the exported family
	From string `yaml:"from"` // the name in the output [Name]
	Help string `yaml:"help"`
	Type Type   `yaml:"type"`

	// Unit is the unit of the printed values. They are exported in the base unit,
	// which the name must end in.
	Unit string `yaml:"unit"`

	Labels []string           `yaml:"labels"` // that series may have
	Min    *float64           `yaml:"min"`    // in the base unit
	Max    *float64           `yaml:"max"`
	Enum   map[string]float64 `yaml:"enum"` // the value of each word

	// For json: jq expressions. Each yields the items, Value the value of an item,
	// and LabelValues its labels.
	Each        string            `yaml:"each"`
	Value       string            `yaml:"value"`
	LabelValues map[string]string `yaml:"label-values"`

	// For regexp: the group "value" is the value, the group "unit" its unit, and all
	// other groups are labels. With Whole, the pattern matches the whole output
	// instead of each line.
	Pattern string `yaml:"pattern"`
	Whole   bool   `yaml:"whole"`
}

// A compiledMetric is a Metric with compiled expressions.
type compiledMetric struct {
	Metric
	dtoType dto.MetricType
	unit    unit

	pattern *regexp.Regexp

	each, value *gojq.Code
	labelNames  []string // of labelCodes, sorted
	labelCodes  []*gojq.Code
}

// compile validates and compiles a declared metric.
func (o *Options) compile(declared Metric) (*compiledMetric, error) {
	m := &compiledMetric{Metric: declared}
	if err := validName(m.Name); err != nil {
		return nil, fmt.Errorf("name: %w", err)
	}
	if m.From == "" {
		m.From = m.Name
	} else if !o.Format.hasNames() {
		return nil, fmt.Errorf("from: want a format with names, have %s", o.Format)
	}
	for _, check := range []func(*Options) error{m.compileType, m.compileUnit, m.compileRange, m.compileLabels, m.compileJQ, m.compilePattern} {
		if err := check(o); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// hasNames reports whether values of this format have names.
func (f Format) hasNames() bool { return f == Prometheus || f == KV || f == Nagios }

func (m *compiledMetric) compileType(o *Options) error {
	switch m.Type {
	case "":
		m.Type = Gauge
		fallthrough
	case Gauge:
		m.dtoType = dto.MetricType_GAUGE
	case Counter:
		m.dtoType = dto.MetricType_COUNTER
	case Info:
		m.dtoType = dto.MetricType_GAUGE
		if m.Unit != "" || m.Enum != nil || m.Min != nil || m.Max != nil {
			return errors.New("type: want no unit, enum, min or max with an info, which is always 1")
		}
		if !strings.HasSuffix(m.Name, "_info") {
			return fmt.Errorf("name: want a name that ends in _info for an info, have %s", m.Name)
		}
	default:
		return fmt.Errorf("type: want gauge, counter or info, have %q", m.Type)
	}
	if m.Enum != nil && (o.Format == Prometheus || o.Format == Nagios) {
		return fmt.Errorf("enum: want a format with words, have %s", o.Format)
	}
	if m.Enum != nil && m.Unit != "" {
		return errors.New("enum: want an enum or a unit, have both")
	}
	return nil
}

func (m *compiledMetric) compileUnit(o *Options) error {
	if m.Unit == "" {
		return nil
	}
	if o.Format == Exit {
		return errors.New("unit: want a format with units, have exit")
	}
	u, known := unitOf(m.Unit, o.BinaryUnits)
	if !known {
		return fmt.Errorf("unit: want a known unit, have %q", m.Unit)
	}
	if !hasUnitSuffix(m.Name, u.base) {
		return fmt.Errorf("unit: want a name that ends in %s, the base unit of %s, such as %s", u.base, m.Unit, withUnit(m.Name, u.base))
	}
	m.unit = u
	return nil
}

func (m *compiledMetric) compileRange(*Options) error {
	if m.Min != nil && m.Max != nil && !(*m.Min <= *m.Max) {
		return fmt.Errorf("min: want at most max, which is %v, have %v", *m.Max, *m.Min)
	}
	for _, text := range slices.Sorted(maps.Keys(m.Enum)) {
		if text != strings.TrimSpace(text) {
			return fmt.Errorf("enum: want a word without spaces around it, have %q", text)
		}
		if reason, want := m.outOfRange(m.Enum[text]); reason != "" {
			return fmt.Errorf("enum: want %s, have %v for %q", want, m.Enum[text], text)
		}
	}
	return nil
}

func (m *compiledMetric) compileLabels(o *Options) error {
	if len(m.Labels) > 0 && (o.Format == Number || o.Format == Exit || o.Format == Nagios) {
		return fmt.Errorf("labels: want a format with labels, have %s", o.Format)
	}
	return validLabels("labels", m.Labels)
}

// validLabels checks the labels in a field of the configuration.
func validLabels(field string, labels []string) error {
	for i, l := range labels {
		switch {
		case !validLabel(l):
			return fmt.Errorf("%s: want the name of a label, have %q", field, l)
		case slices.Contains(labels[:i], l):
			return fmt.Errorf("%s: want each label once, have %s twice", field, l)
		}
	}
	if len(labels) > maxLabels {
		return fmt.Errorf("%s: want at most %d, have %d", field, maxLabels, len(labels))
	}
	return nil
}

func validLabel(name string) bool {
	return model.LegacyValidation.IsValidLabelName(name) && !strings.HasPrefix(name, model.ReservedLabelPrefix)
}

func (m *compiledMetric) compilePattern(o *Options) error {
	if o.Format != Regexp {
		if m.Pattern != "" || m.Whole {
			return fmt.Errorf("pattern: want the format regexp, have %s", o.Format)
		}
		return nil
	}
	if m.Pattern == "" {
		return errors.New("pattern: want a pattern with the format regexp, have none")
	}
	var err error
	if m.pattern, err = regexp.Compile(m.Pattern); err != nil {
		return fmt.Errorf("pattern: %w", err)
	}
	var labels []string
	for _, group := range m.pattern.SubexpNames()[1:] {
		if group != "" && group != valueGroup && group != unitGroup {
			labels = append(labels, group)
		}
	}
	if err := validLabels("pattern", labels); err != nil {
		return err
	}
	if m.Labels == nil {
		m.Labels = labels
	}
	for _, l := range labels {
		if !slices.Contains(m.Labels, l) {
			return fmt.Errorf("pattern: want a group for one of the labels %v, have %s", m.Labels, l)
		}
	}
	if m.pattern.SubexpIndex(valueGroup) < 0 && m.Type != Info {
		return errors.New("pattern: want a group (?P<value>...), have none")
	}
	return nil
}
