package definition

import (
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/document"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

// Each of these functions returns what reads one kind of value into to.

func boolean(to *bool) func(document.Node) { return document.To((*collect.Bool)(to)) }

// duration reads a duration of at least minimum.
func duration(to *time.Duration, minimum time.Duration) func(document.Node) {
	return func(n document.Node) {
		if n.Into((*collect.Duration)(to)) && *to < minimum {
			n.Failf("want at least %v, have %s", minimum, n.Text())
		}
	}
}

// count reads a whole number of at least minimum.
func count(to *int, minimum int) func(document.Node) {
	return func(n document.Node) {
		if n.Into((*collect.Int)(to)) && *to < minimum {
			n.Failf("want a whole number of at least %d, have %q", minimum, n.Text())
		}
	}
}

// bytes reads a number of bytes above 0, such as 4096 or 64KiB.
func bytes(to *int64) func(document.Node) {
	return value(to, "a number of bytes such as 128MiB", func(s string) (int64, bool) {
		number, unit := s, int64(1)
		for i, suffix := range []string{"KiB", "MiB", "GiB"} {
			if rest, ok := strings.CutSuffix(s, suffix); ok {
				number, unit = strings.TrimSpace(rest), 1<<(10*(i+1))
			}
		}
		n, err := strconv.ParseInt(number, 10, 64)
		return n * unit, err == nil && n >= 1 && n <= math.MaxInt64/unit
	})
}

// number reads a decimal number. The pointer stays nil where there is none.
func number(to **float64) func(document.Node) {
	return func(n document.Node) {
		*to = new(float64)
		value(*to, "a number", parseNumber)(n)
	}
}

func parseNumber(s string) (float64, bool) { return scan.Float([]byte(s)) }

// numbers reads a mapping of strings to numbers.
func numbers(to *map[string]float64) func(document.Node) {
	return func(n document.Node) {
		*to = map[string]float64{}
		n.Each(func(key string, entry document.Node) {
			var f float64
			value(&f, "a number", parseNumber)(entry)
			(*to)[key] = f
		})
	}
}

// codes reads an exit code, or a range of them.
func codes(to *Codes) func(document.Node) {
	return value(to, "an exit code from 1 to 255, or a range such as 4-255", func(s string) (Codes, bool) {
		first, last, isRange := strings.Cut(s, "-")
		if !isRange {
			last = first
		}
		from, err := strconv.ParseUint(first, 10, 8)
		until, err2 := strconv.ParseUint(last, 10, 8)
		return Codes{First: int(from), Last: int(until)}, err == nil && err2 == nil && 1 <= from && from <= until
	})
}

// text reads a string that valid accepts; want says which those are.
func text(to *string, want string, valid func(string) bool) func(document.Node) {
	return value(to, want, func(s string) (string, bool) { return s, valid(s) })
}

// oneOf reads one of the given words.
func oneOf(to *string, words ...string) func(document.Node) {
	return text(to, "one of "+strings.Join(words, ", "), func(s string) bool { return slices.Contains(words, s) })
}

// texts reads a mapping of strings, whose keys valid accepts.
func texts(to *map[string]string, want string, valid func(string) bool) func(document.Node) {
	return func(n document.Node) {
		*to = map[string]string{}
		n.Each(func(key string, entry document.Node) {
			if !valid(key) {
				entry.Failf("want %s, have %q", document.Public(want), key)
			}
			(*to)[key] = entry.Text()
		})
	}
}

// value reads a value with parse; want says what parse accepts.
func value[T any](to *T, want string, parse func(string) (T, bool)) func(document.Node) {
	return document.To(document.ValueFunc(func(s string) error {
		v, ok := parse(s)
		if !ok {
			return collect.Unexpected(want, s)
		}
		*to = v
		return nil
	}))
}

// matcher returns a function that reports whether pattern matches a whole
// string.
func matcher(pattern string) func(string) bool {
	return regexp.MustCompile(`^(?:` + pattern + `)$`).MatchString
}
