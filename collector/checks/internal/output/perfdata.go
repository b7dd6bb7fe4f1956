package output

import (
	"errors"
	"fmt"
	"strings"
)

// A datum is one of the performance data: 'label'=value[UOM];warn;crit;min;max
type datum struct {
	label                       string
	value, warn, crit, min, max string
}

// parseDatum parses the datum at the start of s. It returns its length, or on an
// error the length to skip.
func parseDatum(s string) (d datum, n int, err error) {
	d.label, n, err = datumLabel(s)
	if err != nil {
		if s[0] == '\'' {
			n += len(word(s[n:]))
		}
		return d, n, err
	}
	blanks := len(s[n:]) - len(strings.TrimLeft(s[n:], " \t"))
	if next := word(s[n+blanks:]); numberLen(next) > 0 && !strings.Contains(next, "=") {
		n += blanks // label= value
	}
	text := word(s[n:])
	n += len(text)
	text = strings.TrimSuffix(text, ",") // some plugins separate their data with commas
	fields := strings.Split(strings.TrimRight(text, ";"), ";")
	if len(fields) > 5 {
		return d, n, fmt.Errorf("%s: want at most value;warn;crit;min;max, have %s", quote(d.label), quote(text))
	}
	for i, field := range []*string{&d.value, &d.warn, &d.crit, &d.min, &d.max} {
		if i < len(fields) {
			*field = fields[i]
		}
	}
	if d.value == "" {
		return d, n, fmt.Errorf("%s: want a value, have none", quote(d.label))
	}
	return d, n, nil
}

// word returns the text before the first blank.
func word(s string) string {
	if end := strings.IndexAny(s, " \t"); end >= 0 {
		return s[:end]
	}
	return s
}

// trimUnit removes the unit of the value from its thresholds and bounds, where some
// plugins repeat it.
func (d *datum) trimUnit(uom string) {
	for _, field := range []*string{&d.warn, &d.crit, &d.min, &d.max} {
		*field = strings.TrimSuffix(*field, uom)
	}
}

// unquotedLabel parses a label without quotes. It ends at the equals sign, and may have
// spaces, although it should not: otherwise the values of "1 min load=1 5 min load=2"
// would have the same label.
func unquotedLabel(s string) (label string, n int, err error) {
	i := strings.IndexByte(s, '=')
	if i < 0 {
		return "", len(s), fmt.Errorf("want label=value, have %s", quote(s))
	}
	// What is before a comma or a quoted label is not a part of the label.
	end := strings.LastIndex(s[:i], ", ") + 1
	if q := strings.IndexAny(s[:i], "'"); q > 0 && (s[q-1] == ' ' || s[q-1] == '\t') {
		end = q
	}
	if end > 0 {
		return "", end, fmt.Errorf("want label=value, have %s", quote(strings.TrimSpace(s[:end])))
	}
	if label = strings.TrimRight(s[:i], " \t"); label == "" {
		return "", i + 1 + len(word(s[i+1:])), fmt.Errorf("want label=value, have %s", quote(word(s)))
	}
	return label, i + 1, nil
}

// datumLabel parses a label and the equals sign. A label with spaces should be in
// single quotes, and a quote in it is written twice.
func datumLabel(s string) (label string, n int, err error) {
	if s[0] != '\'' {
		return unquotedLabel(s)
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] != '\'':
			b.WriteByte(s[i])
		case i+1 < len(s) && s[i+1] == '\'':
			b.WriteByte('\'')
			i++
		case i+1 < len(s) && s[i+1] == '=' && b.Len() > 0:
			return b.String(), i + 2, nil
		default:
			return "", i, fmt.Errorf("want 'label'=value, have %s", quote(s[:i+1]))
		}
	}
	return "", len(s), errors.New("want a label that ends with a quote")
}

// A thresholdRange is the range of a threshold. A nil bound is infinite.
type thresholdRange struct {
	lower, upper *float64
	inside       bool // alert inside the bounds, and not outside
}

// parseRange parses a threshold: "10", "10:", "~:10", "10:20" or "@10:20". An empty
// one has no bounds.
func parseRange(s string) (t thresholdRange, ok bool) {
	if s == "" {
		return t, true
	}
	s, t.inside = strings.CutPrefix(s, "@")
	lower, upper, both := strings.Cut(s, ":")
	if !both {
		lower, upper = "0", s
	}
	if lower == "" {
		lower = "0"
	}
	if lower != "~" {
		n, ok := parseNumber(lower)
		if !ok {
			return t, false
		}
		t.lower = &n
	}
	if upper == "" {
		return t, both
	}
	n, ok := parseNumber(upper)
	t.upper = &n
	return t, ok && (t.lower == nil || *t.lower <= n)
}
