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
			return true, afterEOF(b, line)
		}
		if foreign == 0 && onlyInOpenMetrics(string(text)) {
			foreign = line
		}
	}
	switch {
	case foreign > 0:
		return true, fmt.Errorf("line %d: OpenMetrics, but without %q at its end, as output that is only half written", foreign, eof)
	case require:
		return false, fmt.Errorf("line %d: ends without %q, which require_eof wants", line, eof)
	}
	return false, nil
}

// afterEOF looks for what is left behind the end.
func afterEOF(b []byte, end int) error {
	line := 0
	for text := range bytes.Lines(b) {
		if line++; line > end && len(bytes.TrimSpace(text)) > 0 {
			return fmt.Errorf("line %d: have %s after %q", line, shown(string(bytes.TrimSpace(text))), eof)
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

// textOfOpenMetrics writes an OpenMetrics document in the text format, line by
// line, so that an error is in the same line. What the text format cannot say
// is left out: exemplars, and when a counter was created.
func textOfOpenMetrics(b []byte) []byte {
	types := map[string]string{}
	for text := range bytes.Lines(b) {
		if keyword, name, rest, err := metadata(string(bytes.TrimRight(text, "\r\n"))); err == nil && keyword == "TYPE" {
			types[name] = rest
		}
	}
	out := make([]byte, 0, len(b)+len(b)/8)
	for text := range bytes.Lines(b) {
		line := string(bytes.TrimRight(text, "\r\n"))
		if strings.HasPrefix(line, "#") {
			line = textOfMetadata(line, types)
		} else {
			line = textOfSample(line, types)
		}
		out = append(append(out, line...), '\n')
	}
	return out
}

// textOfMetadata gives a family the name and the type that the text format has
// for it: the type is that of the samples there, and so is the name.
func textOfMetadata(line string, types map[string]string) string {
	keyword, name, rest, err := metadata(line)
	if err != nil || keyword != "TYPE" && keyword != "HELP" {
		return line
	}
	typ := types[name]
	switch {
	case typ == "counter" && !strings.HasSuffix(name, "_total"):
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

// textOfSample takes the exemplar off a sample, and has its timestamp be one of
// the text format, where it only matters that it is there.
func textOfSample(line string, types map[string]string) string {
	head, tail := cutLabels(line)
	name, labels := head, ""
	if i := strings.IndexByte(head, '{'); i >= 0 {
		name, labels = head[:i], head[i:]
	}
	if stem, created := strings.CutSuffix(name, "_created"); created {
		switch types[stem] {
		case "counter", "histogram", "summary", "gaugehistogram":
			return ""
		}
	}
	for _, suffix := range []string{"count", "sum"} {
		if stem, ok := strings.CutSuffix(name, "_g"+suffix); ok && types[stem] == "gaugehistogram" {
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
	if name == "" && labels == "" && len(fields) == 0 {
		return ""
	}
	return name + labels + " " + strings.Join(fields, " ")
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
