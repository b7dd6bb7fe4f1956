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
	text := word(s[n:])
	n += len(text)
	if err != nil {
		return d, n, err
	}
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

// datumLabel parses a label and the equals sign. A label with spaces is in single
// quotes, and a quote in it is written twice.
func datumLabel(s string) (label string, n int, err error) {
	if s[0] != '\'' {
		i := strings.IndexAny(s, "= \t")
		switch {
		case i < 0:
			return "", len(s), fmt.Errorf("want label=value, have %s", quote(s))
		case s[i] != '=' || i == 0:
			return "", i, fmt.Errorf("want label=value, have %s", quote(word(s)))
		}
		return s[:i], i + 1, nil
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
