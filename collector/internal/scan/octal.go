package scan

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// UnescapeOctal decodes the octal escapes of a path in /proc, such as \040 for a
// space in /proc/swaps and /proc/mounts. It returns the path, and the path as a
// label, where control characters and bytes that are not UTF-8 stay escaped.
func UnescapeOctal(b []byte) (path, label string) {
	var decoded strings.Builder
	for i := 0; i < len(b); i++ {
		if c, ok := octalEscape(b[i:]); ok {
			decoded.WriteByte(c)
			i += len(`\040`) - 1
		} else {
			decoded.WriteByte(b[i])
		}
	}
	path = decoded.String()
	var escaped strings.Builder
	for rest := path; len(rest) > 0; {
		r, size := utf8.DecodeRuneInString(rest)
		if r == utf8.RuneError && size == 1 || r < ' ' || r >= 0x7f && r < 0xa0 {
			for _, c := range []byte(rest[:size]) {
				fmt.Fprintf(&escaped, `\%03o`, c)
			}
		} else {
			escaped.WriteString(rest[:size])
		}
		rest = rest[size:]
	}
	return path, escaped.String()
}

// octalEscape decodes the escape at the start of b, if there is one.
func octalEscape(b []byte) (c byte, ok bool) {
	if len(b) < len(`\040`) || b[0] != '\\' || b[1] > '3' {
		return 0, false
	}
	for _, digit := range b[1:4] {
		if digit < '0' || digit > '7' {
			return 0, false
		}
		c = c<<3 | (digit - '0')
	}
	return c, true
}
