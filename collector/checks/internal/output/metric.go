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

// A Type is that of a declared metric.
type Type string

// The types. An info is a gauge that is always 1: its labels say what there is
// to say.
const (
	Gauge   Type = "gauge" // when none is given
	Counter Type = "counter"
	Info    Type = "info"
)

// A Metric is one declared metric of the schema.
type Metric struct {
	Name string `yaml:"name"` // as it is served
	From string `yaml:"from"` // what the check calls it [Name]
	Help string `yaml:"help"`
	Type Type   `yaml:"type"`

	// Unit is that of the values as the check prints them. They are served in
	// the base unit, which the name has to end in.
	Unit string `yaml:"unit"`

	Labels []string           `yaml:"labels"` // that it may have
	Min    *float64           `yaml:"min"`    // in the base unit
	Max    *float64           `yaml:"max"`
	Enum   map[string]float64 `yaml:"enum"` // the value of each text

	// For json: Each yields the items, Value the value of an item, and
	// LabelValues the labels.
	Each        string            `yaml:"each"`
	Value       string            `yaml:"value"`
	LabelValues map[string]string `yaml:"label-values"`

	// For regexp: the group called value is the value, one called unit its
	// unit, and all others are labels. Whole has the pattern match on the whole
	// text and not line by line.
	Pattern string `yaml:"pattern"`
	Whole   bool   `yaml:"whole"`
}

// A compiledMetric is a Metric whose expressions are compiled.
type compiledMetric struct {
	Metric
	dtoType dto.MetricType
	unit    unit

	pattern *regexp.Regexp

	each, value *gojq.Code
	labelNames  []string // of labelCodes, sorted
	labelCodes  []*gojq.Code
}

// compile checks a declared metric.
func (o *Options) compile(declared Metric) (*compiledMetric, error) {
	m := &compiledMetric{Metric: declared}
	if err := validName(m.Name); err != nil {
		return nil, fmt.Errorf("name: %w", err)
	}
	if m.From == "" {
		m.From = m.Name
	} else if !o.Format.hasNames() {
		return nil, fmt.Errorf("from: the format %s has no names", o.Format)
	}
	for _, check := range []func(*Options) error{m.compileType, m.compileUnit, m.compileRange, m.compileLabels, m.compileJQ, m.compilePattern} {
		if err := check(o); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// hasNames reports whether a check of this format prints the names of its values.
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
			return errors.New("type: an info is always 1: it has no unit, enum, min or max")
		}
		if !strings.HasSuffix(m.Name, "_info") {
			return fmt.Errorf("name: %s is an info, its name has to end in _info", m.Name)
		}
	default:
		return fmt.Errorf("type: want gauge, counter or info, have %q", m.Type)
	}
	if m.Enum != nil && (o.Format == Prometheus || o.Format == Nagios) {
		return fmt.Errorf("enum: the format %s has numbers only", o.Format)
	}
	if m.Enum != nil && m.Unit != "" {
		return errors.New("enum: a text has no unit")
	}
	return nil
}

func (m *compiledMetric) compileUnit(o *Options) error {
	if m.Unit == "" {
		return nil
	}
	if o.Format == Exit {
		return errors.New("unit: an exit code has none")
	}
	u, known := unitOf(m.Unit, o.BinaryUnits)
	if !known {
		return fmt.Errorf("unit: %q is not known", m.Unit)
	}
	if !hasUnitSuffix(m.Name, u.base) {
		return fmt.Errorf("unit: %s is served in %s: the name has to end in it, as %s", m.Unit, u.base, withUnit(m.Name, u.base))
	}
	m.unit = u
	return nil
}

func (m *compiledMetric) compileRange(*Options) error {
	if m.Min != nil && m.Max != nil && !(*m.Min <= *m.Max) {
		return fmt.Errorf("min: %v is above max, which is %v", *m.Min, *m.Max)
	}
	for _, text := range slices.Sorted(maps.Keys(m.Enum)) {
		if text != strings.TrimSpace(text) {
			return fmt.Errorf("enum: %q begins or ends with a space, which is never looked at", text)
		}
		if reason, want := m.outOfRange(m.Enum[text]); reason != "" {
			return fmt.Errorf("enum: %q is %v, %s", text, m.Enum[text], want)
		}
	}
	return nil
}

func (m *compiledMetric) compileLabels(o *Options) error {
	if len(m.Labels) > 0 && (o.Format == Number || o.Format == Exit || o.Format == Nagios) {
		return fmt.Errorf("labels: the format %s has none", o.Format)
	}
	return validLabels("labels", m.Labels)
}

// validLabels checks the labels that a field of the configuration declares.
func validLabels(field string, labels []string) error {
	for i, l := range labels {
		switch {
		case !validLabel(l):
			return fmt.Errorf("%s: %q is not a name for a label", field, l)
		case slices.Contains(labels[:i], l):
			return fmt.Errorf("%s: %s is there twice", field, l)
		}
	}
	if len(labels) > maxLabels {
		return fmt.Errorf("%s: %d are more than the %d that a metric may have", field, len(labels), maxLabels)
	}
	return nil
}

func validLabel(name string) bool {
	return model.LegacyValidation.IsValidLabelName(name) && !strings.HasPrefix(name, model.ReservedLabelPrefix)
}

func (m *compiledMetric) compilePattern(o *Options) error {
	if o.Format != Regexp {
		if m.Pattern != "" || m.Whole {
			return errors.New("pattern: only for the format regexp")
		}
		return nil
	}
	if m.Pattern == "" {
		return errors.New("pattern: the format regexp needs one")
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
			return fmt.Errorf("pattern: the group %s is not one of the labels %v", l, m.Labels)
		}
	}
	if m.pattern.SubexpIndex(valueGroup) < 0 && m.Type != Info {
		return errors.New("pattern: want a group (?P<value>...)")
	}
	return nil
}
