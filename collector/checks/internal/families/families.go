// Package families parses families in the text format, and normalizes them so that
// they can be exported. It knows nothing of where they come from.
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

// Parse parses a document in the text format. A panic of the parser is returned as
// an error.
func Parse(b []byte) (byName map[string]*dto.MetricFamily, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = flight.NewPanicError(p)
		}
	}()
	parser := expfmt.NewTextParser(model.LegacyValidation)
	return parser.TextToMetricFamilies(bytes.NewReader(b))
}

// HasTimestamp reports whether some series of a family has a timestamp.
func HasTimestamp(family *dto.MetricFamily) bool {
	return slices.ContainsFunc(family.Metric, func(m *dto.Metric) bool { return m.TimestampMs != nil })
}

// ErrorLine returns the line of an error of Parse, and the error without it. The
// line is 0 if it is unknown.
func ErrorLine(b []byte, err error) (line int, msg string) {
	var at expfmt.ParseError
	if !errors.As(err, &at) {
		return 0, err.Error()
	}
	if at.Line > bytes.Count(b, []byte("\n")) {
		return at.Line, fmt.Sprintf("the last line is incomplete (%s)", at.Msg)
	}
	return at.Line, at.Msg
}
