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

// openMetrics tells OpenMetrics from the text format, of which it is not quite
// a superset. A document is OpenMetrics when it says so at its end, or when it
// has what only OpenMetrics has: then the end is missing.
func openMetrics(b []byte, require bool) (bool, error) {
	line, foreign := 0, 0
	for text := range bytes.Lines(b) {
		line++
		text = bytes.TrimRight(text, "\r\n")
		if string(text) == eof {
			return true, checkAfterEOF(b, line)
		}
		if foreign == 0 && onlyInOpenMetrics(string(text)) {
			foreign = line
		}
	}
	switch {
	case foreign > 0:
		return true, fmt.Errorf("line %d: OpenMetrics, but without %q at its end, as output that is only half written", foreign, eof)
	case require:
		return false, fmt.Errorf("line %d: ends without %q, which require-eof wants", line, eof)
	}
	return false, nil
}

// checkAfterEOF looks for what is left behind the end.
func checkAfterEOF(b []byte, end int) error {
	line := 0
	for text := range bytes.Lines(b) {
		if line++; line > end && len(bytes.TrimSpace(text)) > 0 {
			return fmt.Errorf("line %d: have %s after %q", line, quoted(string(bytes.TrimSpace(text))), eof)
		}
	}
	return nil
}

func onlyInOpenMetrics(line string) bool {
	keyword, _, rest, err := metadata(line)
	return err == nil && (keyword == "UNIT" || keyword == "TYPE" && slices.Contains([]string{"unknown", "info", "stateset"}, rest))
}

// metadata takes apart "# TYPE name rest".
func metadata(line string) (keyword, name, rest string, err error) {
	text, ok := strings.CutPrefix(line, "# ")
	if !ok {
		return "", "", "", errors.New("not metadata")
	}
	keyword, text, _ = strings.Cut(text, " ")
	name, rest, _ = strings.Cut(text, " ")
	return keyword, name, rest, nil
}

// A dialect is what has to be known of a whole OpenMetrics document before a
// line of it can be written in the text format. Documents in the text format
// that end in "# EOF" are read with it too, and come out as they are.
type dialect struct {
	types map[string]string // of each family
	bare  map[string]bool   // counters whose samples have the name of the family
}

// textOfOpenMetrics writes an OpenMetrics document in the text format, line by
// line, so that an error is in the same line. What the text format cannot say
// is left out: exemplars, and when a counter was created.
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

// sampleName returns the name that a sample begins with.
func sampleName(line string) string {
	if i := strings.IndexAny(line, "{ \t"); i >= 0 {
		return line[:i]
	}
	return line
}

// metadata gives a family the name and the type that the text format has for
// it: the type is that of the samples there, and so is the name.
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

// sample takes the exemplar off a sample, and has its timestamp be one of the
// text format, where it only matters that it is there.
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

// isCreated reports whether a sample only tells since when another one counts.
func (d dialect) isCreated(name string) bool {
	stem, created := strings.CutSuffix(name, "_created")
	if !created || d.types[name] != "" {
		return false
	}
	return slices.Contains([]string{"counter", "histogram", "summary", "gaugehistogram"}, d.types[stem])
}

// cutLabels cuts a sample between the labels, or the name without any, and the
// value.
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

// labelsEnd returns the length of the labels that a text begins with, braces
// included, or 0 when they do not end.
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
