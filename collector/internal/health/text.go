package health

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/hostexporter/host_exporter/collector/internal/expect"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

// maxText is the maximum length of the text of a problem in bytes: a mount
// point may have 4 KiB.
const maxText = 400

// text returns the words for a series that a rule finds a problem in.
func (r *Rule) text(s expect.Series) string {
	if r.Problem == "" {
		text := s.Text() + " does not hold"
		if s.Compared {
			text += ", the value is " + number(s.Value)
		}
		return limit(text + ".")
	}
	return limit(fill(r.Problem, func(name string) string {
		switch name {
		case "value":
			return number(s.Value)
		case "limit":
			return number(s.Limit)
		case "ratio":
			whole := s.Limit
			if threshold, err := strconv.ParseFloat(r.Threshold, 64); err == nil && threshold != 0 {
				whole /= threshold
			}
			return fmt.Sprintf("%.1f %%", s.Value/whole*100)
		}
		return label(s.Labels, name)
	}))
}

// ActionFor returns what to do about a problem.
func (p Problem) ActionFor() string {
	return limit(fill(p.Rule.Action, func(name string) string { return label(p.Labels, name) }))
}

func label(labels []expect.LabelPair, name string) string {
	for _, l := range labels {
		if l.Name == name {
			return l.Value
		}
	}
	return ""
}

// fill replaces each {name} of a text.
func fill(text string, value func(name string) string) string {
	var b strings.Builder
	for {
		before, rest, ok := strings.Cut(text, "{")
		b.WriteString(before)
		if !ok {
			return b.String()
		}
		name, after, _ := strings.Cut(rest, "}")
		b.WriteString(value(name))
		text = after
	}
}

// checkPlaceholders checks that the braces of a text are those of placeholders.
func checkPlaceholders(text string) error {
	for at := 0; ; {
		i := strings.IndexAny(text[at:], "{}")
		if i < 0 {
			return nil
		}
		name, _, ok := strings.Cut(text[at+i+1:], "}")
		if text[at+i] == '}' || !ok || name == "" || strings.ContainsAny(name, "{ ") {
			return fmt.Errorf("want braces around the name of a label, value, limit or ratio, have %q", text[at+i:])
		}
		at += i + len(name) + 2
	}
}

// number returns a number with three digits, or whole.
func number(v float64) string {
	if v == float64(int64(v)) {
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return fmt.Sprintf("%.3g", v)
}

// limit returns a text that is printable and not too long.
func limit(text string) string {
	text = metric.Printable(text)
	if len(text) <= maxText {
		return text
	}
	end := maxText
	for !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + "…"
}
