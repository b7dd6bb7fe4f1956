package output

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"

	dto "github.com/prometheus/client_model/go"

	"github.com/hostexporter/host_exporter/collector/checks/internal/families"
)

// prometheus parses a document in the text format or in OpenMetrics. A document with
// an error is rejected as a whole, because the rest of it may be wrong, too.
func (r *run) prometheus(b []byte) error {
	open, err := openMetrics(b, r.p.o.RequireEOF)
	if err != nil {
		return err
	}
	if err := r.checkSize(b); err != nil {
		return err
	}
	if open {
		b = textOfOpenMetrics(b)
	} else if err := checkLastLine(b); err != nil {
		return err
	}
	byName, err := families.Parse(b)
	if err != nil {
		line, text, quoted := families.ErrorLine(b, err)
		if r.p.o.Quote {
			text = truncate(quoted)
		}
		if line == 0 {
			return errors.New(text)
		}
		return fmt.Errorf("line %d: %s", line, text)
	}
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		family := byName[name]
		r.dropTimestamps(family)
		if err := r.addFamily(family); err != nil {
			return err
		}
	}
	return nil
}

// checkSize rejects a document that would take the parser too long: it builds all
// samples before it returns, and its time grows with the square of the labels.
func (r *run) checkSize(b []byte) error {
	samples, line := 0, 0
	for text := range bytes.Lines(b) {
		line++
		if text = bytes.TrimLeft(text, " \t\r\n"); len(text) == 0 || text[0] == '#' {
			continue
		}
		if samples++; samples > r.p.maxValues() {
			return errTooMany
		}
		if bytes.Count(text, []byte{'"'}) > 4*maxLabels { // allows for escaped quotes
			return fmt.Errorf("line %d: want at most %d labels", line, maxLabels)
		}
	}
	return nil
}

// dropTimestamps drops the series with a timestamp: they would not become stale when
// the check stops.
func (r *run) dropTimestamps(family *dto.MetricFamily) {
	if !families.HasTimestamp(family) {
		return
	}
	family.Metric = slices.DeleteFunc(family.Metric, func(m *dto.Metric) bool {
		if m.TimestampMs != nil {
			r.drop(Timestamp, series{family.GetName(), m}, "want no timestamp")
		}
		return m.TimestampMs != nil
	})
}

// addFamily adds a parsed family, by the schema if there is one.
func (r *run) addFamily(family *dto.MetricFamily) error {
	name := family.GetName()
	if len(r.p.metrics) == 0 {
		r.families[name] = family
		return nil
	}
	m := r.p.bySource[name]
	switch {
	case len(family.Metric) == 0:
		return nil
	case m == nil:
		r.dropAll(Undeclared, family, "is not declared")
		return nil
	case !families.IsConvertible(family.GetType(), m.dtoType):
		r.dropAll(IllTyped, family, "want a %s, have %s", m.Type, families.TypeName(family.GetType()))
		return nil
	}
	for _, s := range family.Metric {
		n, err := singleValue(s)
		if err != nil {
			return err
		}
		if err := r.addNumber(m, value{at: series{name, s}, labels: s.Label}, n); err != nil {
			return err
		}
	}
	if added := r.families[m.Name]; added != nil && added.Help == nil {
		added.Help = family.Help
	}
	return nil
}

// singleValue returns the value of a series that is no histogram or summary.
func singleValue(m *dto.Metric) (float64, error) {
	switch {
	case m.Gauge != nil:
		return m.Gauge.GetValue(), nil
	case m.Counter != nil:
		return m.Counter.GetValue(), nil
	case m.Untyped != nil:
		return m.Untyped.GetValue(), nil
	}
	return 0, errors.New("want a series with a value, have none")
}
