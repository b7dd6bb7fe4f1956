package output

import (
	"strings"

	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

// parseNumber parses a decimal number. Nothing else is a number here: neither
// NaN and the infinities, nor 0x10 or 1_000.
func parseNumber(s string) (float64, bool) { return scan.Float([]byte(s)) }

// numberLen returns how much of the beginning of a text is a number.
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

// cutUnit takes the unit off a number: "42 ms", "42ms" or "42". What does not
// begin with a number comes back whole.
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
