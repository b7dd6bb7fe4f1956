package output

import (
	"strings"

	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

// parseNumber parses a decimal number. NaN, the infinities, 0x10 and 1_000 are none.
func parseNumber(s string) (float64, bool) { return scan.Float([]byte(s)) }

// numberLen returns the length of the number at the start of a text.
func numberLen(s string) int {
	i := 0
	if i < len(s) && (s[i] == '-' || s[i] == '+') {
		i++
	}
	whole := digits(s[i:])
	i += whole
	if i < len(s) && s[i] == '.' {
		fraction := digits(s[i+1:])
		if whole+fraction == 0 {
			return 0
		}
		i += 1 + fraction
	} else if whole == 0 {
		return 0
	}
	if i < len(s) && (s[i] == 'e' || s[i] == 'E') {
		j := i + 1
		if j < len(s) && (s[j] == '-' || s[j] == '+') {
			j++
		}
		if n := digits(s[j:]); n > 0 {
			return j + n
		}
	}
	return i
}

func digits(s string) int {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return i
		}
	}
	return len(s)
}

// cutUnit cuts the unit off a number: "42 ms", "42ms" or "42". It returns a text that
// does not start with a number as it is.
func cutUnit(s string) (number, unit string) {
	n := numberLen(s)
	if n == 0 {
		return s, ""
	}
	unit = strings.TrimLeft(s[n:], " \t")
	if strings.ContainsAny(unit, " \t\r\n") {
		return s, ""
	}
	return s[:n], unit
}
