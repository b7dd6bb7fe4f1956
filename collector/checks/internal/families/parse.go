// Package families reads families in the text format, and puts in order what
// others wrote, so that it can be served.
package families

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/hostexporter/host_exporter/collector/internal/flight"
)

// Parse reads a document in the text format. A parser that panics is an error
// of the document it parses.
func Parse(b []byte) (byName map[string]*dto.MetricFamily, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = flight.NewPanicError(p)
		}
	}()
	parser := expfmt.NewTextParser(model.LegacyValidation)
	return parser.TextToMetricFamilies(bytes.NewReader(b))
}

// HasTimestamp reports whether some series of a family says when it was read.
func HasTimestamp(family *dto.MetricFamily) bool {
	return slices.ContainsFunc(family.Metric, func(m *dto.Metric) bool { return m.TimestampMs != nil })
}

// Where tells the line of an error of Parse, and what is wrong there. The line
// is 0 when the error does not know it.
func Where(b []byte, err error) (line int, msg string) {
	var at expfmt.ParseError
	if !errors.As(err, &at) {
		return 0, err.Error()
	}
	if at.Line > bytes.Count(b, []byte("\n")) {
		return at.Line, fmt.Sprintf("ends within a line, as a file that is only half written (%s)", at.Msg)
	}
	return at.Line, at.Msg
}
