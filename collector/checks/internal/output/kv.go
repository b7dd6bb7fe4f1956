package output

import (
	"errors"
	"fmt"
	"strings"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/model"
)

// kv parses lines of a name and a value. A line that cannot be parsed is dropped; if
// none can be parsed, the output is not in this format.
func (r *run) kv(text string) error {
	if err := checkLastLine([]byte(text)); err != nil {
		return err
	}
	n, good := 0, 0
	var first error
	for line := range strings.Lines(text) {
		n++
		line = strings.TrimRight(line, "\r\n")
		if s := strings.TrimLeft(line, " \t"); s == "" || s[0] == '#' {
			continue
		}
		pair, column, err := parsePair(line)
		if err != nil {
			at := position{n, column}
			if r.drop(Syntax, at, "%v", err); first == nil {
				first = fmt.Errorf("%s: %w", at, err)
			}
			continue
		}
		good++
		if err := r.addPair(position{n, column}, pair); err != nil {
			return err
		}
	}
	if good == 0 && first != nil {
		return fmt.Errorf("want at least one line of the format kv: %w", first)
	}
	return nil
}

// A pair is one line of kv.
type pair struct {
	name   string
	labels []*dto.LabelPair
	value  string // with its unit
}

// addPair adds the value of a pair.
func (r *run) addPair(at position, p pair) error {
	if len(r.p.metrics) > 0 {
		m := r.p.bySource[p.name]
		if m == nil {
			r.drop(Undeclared, at, "%s is not declared", quote(p.name))
			return nil
		}
		v := value{at: at, text: p.value, labels: p.labels}
		if m.Enum == nil {
			v.text, v.unit = cutUnit(p.value)
		} else if s := v.text; len(s) > 1 && s[0] == '"' && s[len(s)-1] == '"' {
			v.text = s[1 : len(s)-1]
		}
		return r.addText(m, v)
	}
	if !model.LegacyValidation.IsValidMetricName(p.name) {
		r.drop(BadName, at, "want the name of a metric, have %s", quote(p.name))
		return nil
	}
	number, unitName := cutUnit(p.value)
	n, ok := parseNumber(number)
	if !ok {
		r.drop(IllTyped, at, "%s: want a number, have %s", quote(p.name), quote(p.value))
		return nil
	}
	name := p.name
	if unitName != "" {
		u, known := r.p.o.printedUnit(unitName)
		if !known {
			r.drop(WrongUnit, at, "%s: %s", quote(p.name), unitProblem(unitName))
			return nil
		}
		name, n = withUnit(name, u.base), u.toBase(n)
	}
	return r.addSample(name, dto.MetricType_UNTYPED, "", p.labels, n)
}

// parsePair parses "name{labels} value unit" or "name=value unit". It returns the
// column of the value, or of the error.
func parsePair(line string) (p pair, column int, err error) {
	i := strings.IndexAny(line, "{=")
	blank := strings.IndexAny(strings.TrimLeft(line, " \t"), " \t")
	switch {
	case i >= 0 && line[i] == '{':
		p.name = line[:i]
		n, labels, err := parseLabels(line[i:])
		if err != nil {
			return p, i + n + 1, err
		}
		p.labels, i = labels, i+n
		if rest := strings.TrimLeft(line[i:], " \t"); strings.HasPrefix(rest, "=") {
			i += strings.IndexByte(line[i:], '=') + 1
		}
	case i >= 0:
		p.name, i = line[:i], i+1
	case blank >= 0:
		i = len(line) - len(strings.TrimLeft(line, " \t")) + blank
		p.name = line[:i]
	default:
		return p, 1, fmt.Errorf("want a name and a value, have %s", quote(line))
	}
	if p.name = strings.TrimSpace(p.name); p.name == "" {
		return p, 1, fmt.Errorf("want a name, have %s", quote(line))
	}
	p.value = strings.TrimSpace(line[i:])
	column = i + 1 + len(line[i:]) - len(strings.TrimLeft(line[i:], " \t"))
	if p.value == "" {
		return p, column, fmt.Errorf("%s: want a value, have none", quote(p.name))
	}
	return p, column, nil
}

// parseLabels parses the labels in braces at the start of s. It returns their length,
// or the offset of the error.
func parseLabels(s string) (n int, labels []*dto.LabelPair, err error) {
	i := 1
	blanks := func() {
		for i < len(s) && (s[i] == ' ' || s[i] == '\t') {
			i++
		}
	}
	for {
		blanks()
		if i < len(s) && s[i] == '}' {
			return i + 1, labels, nil
		}
		equals := strings.IndexByte(s[i:], '=')
		if equals < 0 {
			return i, nil, errors.New("want labels that end with }")
		}
		name := strings.TrimSpace(s[i : i+equals])
		if !validLabel(name) {
			return i, nil, fmt.Errorf("want the name of a label, have %s", quote(name))
		}
		i += equals + 1
		blanks()
		text, n, err := unquote(s[i:])
		if err != nil {
			return i, nil, err
		}
		if labels = append(labels, label(name, text)); len(labels) > maxLabels {
			return i, nil, fmt.Errorf("want at most %d labels", maxLabels)
		}
		i += n
		blanks()
		switch {
		case i < len(s) && s[i] == ',':
			i++
		case i < len(s) && s[i] == '}':
		default:
			return i, nil, errors.New("want a comma or } after a label")
		}
	}
}

// unquote returns the text in double quotes at the start of s, and its length in s.
func unquote(s string) (text string, n int, err error) {
	if s == "" || s[0] != '"' {
		return "", 0, errors.New("want a label value in double quotes")
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '"':
			return b.String(), i + 1, nil
		case s[i] == '\\' && i+1 < len(s):
			i++
			switch s[i] {
			case 'n':
				b.WriteByte('\n')
			case '"', '\\':
				b.WriteByte(s[i])
			default:
				return "", 0, fmt.Errorf("want \\\\, \\\" or \\n, have %s", quote(s[i-1:i+1]))
			}
		default:
			b.WriteByte(s[i])
		}
	}
	return "", 0, errors.New("want a label value that ends with a quote")
}
