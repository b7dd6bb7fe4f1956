// Package families parses families in the text format, and normalizes them so that
// they can be exported. It knows nothing of where they come from.
package families

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

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

// MaxLabels is the maximum number of labels of a series, and of different labels in a
// family: each series is exported with all labels of its family.
const MaxLabels = 64

// A Size is what a document takes to parse, known without a parser.
type Size struct {
	Bytes    int
	Families int // at most: runs of lines with one name, or half of the HELP and TYPE lines
	Samples  int
	Labels   int // of all samples
}

// Measure returns the size of a document in the text format. The error is about a line
// with more labels than MaxLabels: the parser's time grows with their square.
func Measure(b []byte) (size Size, line int, err error) {
	size.Bytes = len(b)
	var last []byte // name
	metadata := 0
	defer func() { size.Families = max(size.Families, (metadata+1)/2) }()
	for text := range bytes.Lines(b) {
		line++
		if text = bytes.TrimLeft(text, " \t\r\n"); len(text) == 0 || text[0] == '#' {
			if bytes.HasPrefix(text, []byte("# HELP ")) || bytes.HasPrefix(text, []byte("# TYPE ")) {
				metadata++
			}
			continue
		}
		size.Samples++
		name := text
		if end := bytes.IndexAny(text, "{ \t"); end >= 0 {
			name = text[:end]
		}
		if !bytes.Equal(name, last) {
			size.Families++
			last = name
		}
		labels := (countQuotes(text) + 1) / 2
		size.Labels += labels
		if labels > MaxLabels {
			return size, line, fmt.Errorf("want at most %d labels", MaxLabels)
		}
	}
	return size, 0, nil
}

// countQuotes returns the number of quotes in a line but for those that are escaped.
func countQuotes(line []byte) (n int) {
	for {
		i := bytes.IndexAny(line, "\"\\")
		switch {
		case i < 0:
			return n
		case line[i] == '"':
			n++
			line = line[i+1:]
		default:
			line = line[min(i+2, len(line)):]
		}
	}
}

// ErrorLine returns the line of an error of Parse, and the error in two forms: one
// without anything of the document, and one that quotes it. The line is 0 if it is
// unknown.
func ErrorLine(b []byte, err error) (line int, kind, quoted string) {
	var at expfmt.ParseError
	if !errors.As(err, &at) {
		return 0, notText, err.Error()
	}
	kind, quoted = kindOf(at.Msg), at.Msg
	if at.Line > bytes.Count(b, []byte("\n")) {
		const incomplete = "the last line is incomplete (%s)"
		return at.Line, fmt.Sprintf(incomplete, kind), fmt.Sprintf(incomplete, quoted)
	}
	return at.Line, kind, quoted
}

const notText = "not in the text format"

// kindOf returns the part of a parser's message that is the same for every document.
func kindOf(msg string) string {
	for _, kind := range []string{
		"unexpected end of input stream", "invalid metric name", "invalid label name", "multiple metric names", "unexpected end of metric name",
		"expected '=' after label name", "duplicate label names", "expected '\"' at start of label value", "invalid label value",
		"expected float as value", "unexpected end of label value", "negative count for histogram", "negative bucket population for histogram",
		"expected integer as timestamp", "spurious string after timestamp", "second HELP line for metric name", "second TYPE line for metric name",
		"unknown metric type", "invalid escape sequence",
	} {
		if strings.HasPrefix(msg, kind) {
			return kind
		}
	}
	return notText
}
