package metric

import (
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// appendHeader appends the HELP and TYPE lines of a family.
func appendHeader(b []byte, name, help, typ string) []byte {
	b = append(append(append(b, "# HELP "...), name...), ' ')
	for i := range len(help) {
		switch c := help[i]; c {
		case '\\':
			b = append(b, `\\`...)
		default:
			b = append(b, c)
		}
	}
	b = append(append(append(b, "\n# TYPE "...), name...), ' ')
	return append(append(b, typ...), '\n')
}

// appendLabel appends a label value, cleaned by Clean and escaped for the text
// format.
func appendLabel(b []byte, v string) []byte {
	start, isValid := 0, false
	for i := range len(v) {
		switch c := v[i]; {
		case c == '"' || c == '\\':
			b = append(append(b, v[start:i]...), '\\', c)
			start = i + 1
		case c == '\n':
			b = append(append(b, v[start:i]...), '\\', 'n')
			start = i + 1
		case c >= utf8.RuneSelf && !isValid:
			if isValid = utf8.ValidString(v[i:]); !isValid {
				return appendLabel(append(b, v[start:i]...), Clean(v[i:]))
			}
		}
	}
	return append(b, v[start:]...)
}

// Clean returns a string as a label value: each run of bytes that are not UTF-8
// becomes U+FFFD. Control characters stay. Every name from the kernel, a driver
// or a user is cleaned here.
func Clean(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

// Printable returns a string for people, on a page or in an error: bytes that
// are not UTF-8 become U+FFFD, control characters are dropped.
func Printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 {
			return -1
		}
		return r // utf8.RuneError for what is not UTF-8
	}, s)
}

func cleanHelp(s string) string {
	return strings.Join(strings.Fields(Printable(strings.ReplaceAll(s, "\n", " "))), " ")
}

// cleanName returns a valid metric name: invalid characters become underscores.
func cleanName(s string) string {
	valid := func(i int, c byte) bool {
		return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c == ':' || c >= '0' && c <= '9' && i > 0
	}
	for i := range len(s) {
		if !valid(i, s[i]) {
			b := []byte(s)
			for j, c := range b {
				if !valid(j, c) {
					b[j] = '_'
				}
			}
			return string(b)
		}
	}
	return s
}

// appendValue appends a sample value. Whole numbers and numbers with up to six
// decimals (clock ticks, milliseconds, microseconds) are written as plain
// decimals, which takes a third of the time of strconv.AppendFloat; they parse
// to the same float.
func appendValue(b []byte, v float64) []byte {
	const exact = 1 << 53 // up to here float64 has every whole number
	if abs := math.Abs(v); abs < exact {
		if i := int64(v); float64(i) == v {
			return strconv.AppendInt(b, i, 10)
		}
		if m := math.Round(v * 1e3); abs < exact/1e3 && m/1e3 == v {
			return appendDecimals(b, int64(m), 1e3)
		}
		if m := math.Round(v * 1e6); abs < exact/1e6 && m/1e6 == v {
			return appendDecimals(b, int64(m), 1e6)
		}
	}
	return strconv.AppendFloat(b, v, 'g', -1, 64)
}

// appendDecimals appends m/one, where one is a power of ten and m is no
// multiple of it.
func appendDecimals(b []byte, m, one int64) []byte {
	if m < 0 {
		b = append(b, '-')
		m = -m
	}
	b = append(strconv.AppendInt(b, m/one, 10), '.')
	for frac := m % one; frac > 0; frac %= one {
		one /= 10
		b = append(b, byte('0'+frac/one))
	}
	return b
}
