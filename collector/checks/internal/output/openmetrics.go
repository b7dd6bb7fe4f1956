package output

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

const eof = "# EOF"

// openMetrics reports whether a document is OpenMetrics: it ends with "# EOF". A
// document with a line that is OpenMetrics only, but without that end, is incomplete.
func openMetrics(b []byte, require bool) (bool, error) {
	line, openMetricsLine := 0, 0
	for text := range bytes.Lines(b) {
		line++
		text = bytes.TrimRight(text, "\r\n")
		if string(text) == eof {
			return true, checkAfterEOF(b, line)
		}
		if openMetricsLine == 0 && onlyInOpenMetrics(string(text)) {
			openMetricsLine = line
		}
	}
	switch {
	case openMetricsLine > 0:
		return true, fmt.Errorf("line %d: want %q at the end of OpenMetrics, have none", openMetricsLine, eof)
	case require:
		return false, fmt.Errorf("line %d: want %q at the end (require-eof), have none", line, eof)
	}
	return false, nil
}

// checkAfterEOF returns an error for text after the end.
func checkAfterEOF(b []byte, end int) error {
	line := 0
	for text := range bytes.Lines(b) {
		if line++; line > end && len(bytes.TrimSpace(text)) > 0 {
			return fmt.Errorf("line %d: want nothing after %q, have %s", line, eof, quote(string(bytes.TrimSpace(text))))
		}
	}
	return nil
}

func onlyInOpenMetrics(line string) bool {
	keyword, _, rest, err := metadata(line)
	return err == nil && (keyword == "UNIT" || keyword == "TYPE" && slices.Contains([]string{"unknown", "info", "stateset"}, rest))
}

// metadata parses "# TYPE name rest".
func metadata(line string) (keyword, name, rest string, err error) {
	text, ok := strings.CutPrefix(line, "# ")
	if !ok {
		return "", "", "", errors.New("want metadata")
	}
	keyword, text, _ = strings.Cut(text, " ")
	name, rest, _ = strings.Cut(text, " ")
	return keyword, name, rest, nil
}

// A dialect has the facts of a whole OpenMetrics document that are needed to convert
// a line of it to the text format. A document in the text format that ends with
// "# EOF" does not change.
type dialect struct {
	types map[string]string // of each family
	bare  map[string]bool   // counters whose samples lack _total
}

// textOfOpenMetrics converts an OpenMetrics document to the text format, line by
// line, so that errors keep their line. It drops what the text format lacks: exemplars
// and creation times.
func textOfOpenMetrics(b []byte) []byte {
	d := dialect{map[string]string{}, map[string]bool{}}
	for text := range bytes.Lines(b) {
		line := string(bytes.TrimRight(text, "\r\n"))
		if keyword, name, rest, err := metadata(line); err == nil && keyword == "TYPE" {
			d.types[name] = rest
		} else if name := sampleName(line); d.types[name] == "counter" {
			d.bare[name] = true
		}
	}
	out := make([]byte, 0, len(b)+len(b)/8)
	for text := range bytes.Lines(b) {
		line := string(bytes.TrimRight(text, "\r\n"))
		if strings.HasPrefix(line, "#") {
			line = d.metadata(line)
		} else {
			line = d.sample(line)
		}
		out = append(append(out, line...), '\n')
	}
	return out
}

// sampleName returns the name at the start of a sample.
func sampleName(line string) string {
	if i := strings.IndexAny(line, "{ \t"); i >= 0 {
		return line[:i]
	}
	return line
}

// metadata converts a line of metadata. In the text format, the name of a family is
// that of its samples.
func (d dialect) metadata(line string) string {
	keyword, name, rest, err := metadata(line)
	if err != nil || keyword != "TYPE" && keyword != "HELP" {
		return line
	}
	typ := d.types[name]
	switch {
	case typ == "counter" && !strings.HasSuffix(name, "_total") && !d.bare[name]:
		name += "_total"
	case typ == "info" && !strings.HasSuffix(name, "_info"):
		name += "_info"
	}
	if keyword == "TYPE" {
		switch typ {
		case "unknown":
			rest = "untyped"
		case "info", "stateset":
			rest = "gauge"
		}
	}
	return "# " + keyword + " " + name + " " + rest
}

// sample converts a sample: it cuts off the exemplar, and replaces a timestamp with 0,
// since series with one are dropped.
func (d dialect) sample(line string) string {
	name := sampleName(line)
	if d.isCreated(name) {
		return ""
	}
	head, tail := cutLabels(line)
	labels := strings.TrimPrefix(head, name)
	for _, suffix := range []string{"count", "sum"} {
		if stem, ok := strings.CutSuffix(name, "_g"+suffix); ok && d.types[stem] == "gaugehistogram" {
			name = stem + "_" + suffix
		}
	}
	tail, _, _ = strings.Cut(tail, "#")
	fields := strings.Fields(tail)
	if len(fields) == 2 {
		if _, err := strconv.ParseFloat(fields[1], 64); err == nil {
			fields[1] = "0"
		}
	}
	return strings.TrimSpace(name + labels + " " + strings.Join(fields, " "))
}

// isCreated reports whether a sample is the creation time of another one.
func (d dialect) isCreated(name string) bool {
	stem, created := strings.CutSuffix(name, "_created")
	if !created || d.types[name] != "" {
		return false
	}
	return slices.Contains([]string{"counter", "histogram", "summary", "gaugehistogram"}, d.types[stem])
}

// cutLabels cuts a sample before its value.
func cutLabels(line string) (head, tail string) {
	i := strings.IndexAny(line, "{ \t")
	if i < 0 {
		return line, ""
	}
	if line[i] != '{' {
		if rest := strings.TrimLeft(line[i:], " \t"); !strings.HasPrefix(rest, "{") {
			return line[:i], rest
		}
		i += strings.IndexByte(line[i:], '{')
	}
	if end := labelsEnd(line[i:]); end > 0 {
		return line[:i+end], line[i+end:]
	}
	return line, ""
}

// labelsEnd returns the length of the labels at the start of s, with their braces, or
// 0 if they do not end.
func labelsEnd(s string) int {
	quoted := false
	for i := 0; i < len(s); i++ {
		switch {
		case quoted && s[i] == '\\':
			i++
		case s[i] == '"':
			quoted = !quoted
		case s[i] == '}' && !quoted:
			return i + 1
		}
	}
	return 0
}
