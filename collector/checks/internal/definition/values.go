package definition

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hostexporter/host_exporter/collector/internal/document"
)

// Each of these sets a part of a definition to the text of a scalar, and says
// what it wants when it does not like it.
type (
	spanValue struct {
		to    *time.Duration
		least time.Duration
	}
	countValue struct {
		to    *int
		least int
	}
	bytesValue struct{ to *int64 }
	boolValue  struct{ to *bool }
	floatValue struct{ to *float64 }
	codesValue struct{ to *Codes }
	wordValue  struct {
		to   *string
		want string
		ok   func(string) bool
	}
)

func (v spanValue) Set(s string) error {
	d, err := time.ParseDuration(s)
	switch {
	case err != nil:
		return fmt.Errorf("want a time span such as 10s, have %q", s)
	case d < v.least:
		return fmt.Errorf("want at least %v, have %s", v.least, s)
	}
	*v.to = d
	return nil
}

func (v countValue) Set(s string) error {
	n, err := strconv.Atoi(s)
	if err != nil || n < v.least {
		return fmt.Errorf("want a whole number of at least %d, have %q", v.least, s)
	}
	*v.to = n
	return nil
}

// Set reads a number of bytes, such as 64KiB.
func (v bytesValue) Set(s string) error {
	number, unit := s, int64(1)
	for i, suffix := range []string{"KiB", "MiB", "GiB"} {
		if rest, ok := strings.CutSuffix(s, suffix); ok {
			number, unit = strings.TrimSpace(rest), 1<<(10*(i+1))
		}
	}
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n < 1 || n > math.MaxInt64/unit {
		return fmt.Errorf("want a number of bytes such as 128MiB, have %q", s)
	}
	*v.to = n * unit
	return nil
}

func (v boolValue) Set(s string) error {
	switch s {
	case "true":
		*v.to = true
	case "false":
		*v.to = false
	default:
		return fmt.Errorf("want true or false, have %q", s)
	}
	return nil
}

func (v floatValue) Set(s string) error {
	n, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsNaN(n) {
		return fmt.Errorf("want a number, have %q", s)
	}
	*v.to = n
	return nil
}

// Set reads an exit code, or a range of them.
func (v codesValue) Set(s string) error {
	first, last, ranges := strings.Cut(s, "-")
	if !ranges {
		last = first
	}
	from, err := strconv.ParseUint(first, 10, 8)
	to, err2 := strconv.ParseUint(last, 10, 8)
	if err != nil || err2 != nil || from < 1 || from > to {
		return fmt.Errorf("want an exit code from 1 to 255, or a range such as 4-255, have %q", s)
	}
	*v.to = Codes{First: int(from), Last: int(to)}
	return nil
}

func (v wordValue) Set(s string) error {
	if !v.ok(s) {
		return fmt.Errorf("want %s, have %q", v.want, s)
	}
	*v.to = s
	return nil
}

func span(to *time.Duration, least time.Duration) func(document.Node) {
	return document.To(spanValue{to, least})
}
func count(to *int, least int) func(document.Node) {
	return document.To(countValue{to, least})
}
func bytes(to *int64) func(document.Node)  { return document.To(bytesValue{to}) }
func boolean(to *bool) func(document.Node) { return document.To(boolValue{to}) }

func word(to *string, want string, ok func(string) bool) func(document.Node) {
	return document.To(wordValue{to, want, ok})
}

// oneOf reads one of the given words.
func oneOf(to *string, words ...string) func(document.Node) {
	return word(to, "one of "+strings.Join(words, ", "), func(s string) bool { return slices.Contains(words, s) })
}

func number(to **float64) func(document.Node) {
	return func(n document.Node) {
		var f float64
		*to = &f
		n.Into(floatValue{&f})
	}
}

// numbers reads a mapping of texts to numbers.
func numbers(to *map[string]float64) func(document.Node) {
	return func(n document.Node) {
		*to = map[string]float64{}
		n.Each(func(key string, entry document.Node) {
			var f float64
			entry.Into(floatValue{&f})
			(*to)[key] = f
		})
	}
}

// texts reads a mapping of texts whose keys are to be names of a kind.
func texts(to *map[string]string, want string, ok func(string) bool) func(document.Node) {
	return func(n document.Node) {
		*to = map[string]string{}
		n.Each(func(key string, entry document.Node) {
			if !ok(key) {
				entry.Failf("want %s, have %q", want, key)
			}
			(*to)[key] = entry.Text()
		})
	}
}

// matches returns what tells whether a whole text is of a pattern.
func matches(pattern string) func(string) bool {
	return regexp.MustCompile(`^(?:` + pattern + `)$`).MatchString
}
