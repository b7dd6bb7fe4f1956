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
// format. It reports whether it appends the value as it is.
func appendLabel(b []byte, v string) (extended []byte, plain bool) {
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
				b, _ = appendLabel(append(b, v[start:i]...), Clean(v[i:]))
				return b, false
			}
		}
	}
	return append(b, v[start:]...), start == 0
}

// Clean returns a string as a label value: each run of bytes that are not UTF-8
// becomes U+FFFD. Control characters stay. Every name from the kernel, a driver
// or a user is cleaned here.
func Clean(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

// Printable returns a string for people, on a page, on a terminal, in the log or
// in an error: bytes that are not UTF-8 become U+FFFD; characters that control a
// terminal, break a line or change the direction of the text are dropped.
func Printable(s string) string {
	return strings.Map(func(r rune) rune {
		if isControl(r) {
			return -1
		}
		return r // utf8.RuneError for what is not UTF-8
	}, s)
}

// isControl reports whether a character is of C0 or C1, or one that Unicode has
// for line breaks and for the direction of text.
func isControl(r rune) bool {
	switch {
	case r < ' ', r >= 0x7f && r < 0xa0, r == 0x061c, r == 0x200e, r == 0x200f, r >= 0x2028 && r <= 0x202e, r >= 0x2066 && r <= 0x2069:
		return true
	}
	return false
}

// cleanHelp returns a help text of one line with single blanks. Most are so already.
func cleanHelp(s string) string {
	if isClean := !strings.HasPrefix(s, " ") && !strings.HasSuffix(s, " ") && !strings.Contains(s, "  ") &&
		strings.IndexFunc(s, func(r rune) bool { return r < ' ' || r >= 0x7f }) < 0; isClean {
		return s
	}
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
// decimals, which takes a quarter of the time of strconv.AppendFloat; they
// parse to the same float.
func appendValue(b []byte, v float64) []byte {
	const exact = 1 << 53 // up to here float64 has every whole number
	if abs := math.Abs(v); abs < exact {
		if i := int64(v); float64(i) == v {
			return appendDecimal(b, i, 0)
		}
		if m := math.Round(v * 1e3); abs < exact/1e3 && m/1e3 == v {
			return appendDecimal(b, int64(m), 3)
		}
		if m := math.Round(v * 1e6); abs < exact/1e6 && m/1e6 == v {
			return appendDecimal(b, int64(m), 6)
		}
	}
	return strconv.AppendFloat(b, v, 'g', -1, 64)
}

// appendDecimal appends a number of 10^-decimals, without zeros at the end of
// its decimals.
func appendDecimal(b []byte, n int64, decimals int) []byte {
	if n < 0 {
		b = append(b, '-')
		n = -n
	}
	var digits [24]byte
	i := len(digits)
	u := uint64(n)
	if decimals > 0 {
		for ; u%10 == 0; u /= 10 {
			decimals--
		}
		for ; decimals > 0; decimals-- {
			i--
			digits[i] = '0' + byte(u%10)
			u /= 10
		}
		i--
		digits[i] = '.'
	}
	for u >= 100 {
		i -= 2
		pair := u % 100 * 2
		u /= 100
		digits[i], digits[i+1] = digitPairs[pair], digitPairs[pair+1]
	}
	if i--; u >= 10 {
		digits[i] = digitPairs[u*2+1]
		i--
		u /= 10
	}
	digits[i] = '0' + byte(u)
	return append(b, digits[i:]...)
}

// digitPairs are the numbers from 0 to 99 with two digits each.
const digitPairs = "0001020304050607080910111213141516171819202122232425262728293031323334353637383940414243444546474849" +
	"5051525354555657585960616263646566676869707172737475767778798081828384858687888990919293949596979899"
