// Package scan parses kernel text without allocating: lines, fields and numbers
// of /proc and sysfs files, as sub-slices of the bytes that were read. Every
// number function also reports whether the whole input is a number, so that a
// caller can distinguish zero from invalid input.
package scan

import (
	"bytes"
	"strconv"
	"strings"
)

// Line cuts the first line off b, without its newline.
func Line(b []byte) (line, rest []byte) {
	if i := bytes.IndexByte(b, '\n'); i >= 0 {
		return b[:i], b[i+1:]
	}
	return b, nil
}

// Field cuts the first blank-separated field off b. The field is empty when only
// blanks are left. Blanks are spaces, tabs and newlines.
func Field(b []byte) (field, rest []byte) {
	i := 0
	for i < len(b) && blank(b[i]) {
		i++
	}
	j := i
	for j < len(b) && !blank(b[j]) {
		j++
	}
	return b[i:j], b[j:]
}

// Fields splits b into fields and stores them in dst, as many as fit. It returns
// the number of fields in b, which may be more than len(dst).
func Fields(dst [][]byte, b []byte) int {
	n := 0
	for {
		var f []byte
		if f, b = Field(b); len(f) == 0 {
			return n
		}
		if n < len(dst) {
			dst[n] = f
		}
		n++
	}
}

// Cut splits b around the first sep and trims both parts. Without a sep it
// returns all of b as key, and false.
func Cut(b []byte, sep byte) (key, value []byte, ok bool) {
	i := bytes.IndexByte(b, sep)
	if i < 0 {
		return Trim(b), nil, false
	}
	return Trim(b[:i]), Trim(b[i+1:]), true
}

// Trim cuts blanks, newlines and NUL bytes off both ends: drivers pad with all
// of them.
func Trim(b []byte) []byte {
	for len(b) > 0 && (blank(b[0]) || b[0] == 0) {
		b = b[1:]
	}
	for n := len(b); n > 0 && (blank(b[n-1]) || b[n-1] == 0); n = len(b) {
		b = b[:n-1]
	}
	return b
}

func blank(c byte) bool {
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\v' || c == '\f'
}

// Uint parses an unsigned decimal number that fits 64 bits.
func Uint(b []byte) (uint64, bool) {
	if len(b) == 0 || len(b) > 20 {
		return 0, false
	}
	var v uint64
	for _, c := range b {
		d := uint64(c - '0')
		if d > 9 {
			return 0, false
		}
		if v > (1<<64-1)/10 || v*10 > 1<<64-1-d {
			return 0, false
		}
		v = v*10 + d
	}
	return v, true
}

// Int parses a decimal number with an optional sign that fits 64 bits.
func Int(b []byte) (int64, bool) {
	neg := false
	if len(b) > 0 && (b[0] == '-' || b[0] == '+') {
		neg = b[0] == '-'
		b = b[1:]
	}
	v, ok := Uint(b)
	switch {
	case !ok:
		return 0, false
	case neg && v <= 1<<63:
		return -int64(v), true
	case !neg && v < 1<<63:
		return int64(v), true
	}
	return 0, false
}

// Hex parses an unsigned hexadecimal number, with or without 0x, that fits 64
// bits.
func Hex(b []byte) (uint64, bool) {
	if len(b) > 2 && b[0] == '0' && (b[1] == 'x' || b[1] == 'X') {
		b = b[2:]
	}
	if len(b) == 0 || len(b) > 16 {
		return 0, false
	}
	var v uint64
	for _, c := range b {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		v = v<<4 | uint64(c)
	}
	return v, true
}

// Float parses a plain decimal number such as 0.25 or -3. It rejects what only
// Go takes for a number: inf, nan, hexadecimal floats, digits with underscores.
func Float(b []byte) (float64, bool) {
	if v, ok := Uint(b); ok {
		return float64(v), true
	}
	for _, c := range b {
		if (c < '0' || c > '9') && c != '.' && c != '-' && c != '+' && c != 'e' && c != 'E' {
			return 0, false
		}
	}
	v, err := strconv.ParseFloat(string(b), 64)
	return v, err == nil
}

// NumberAfter returns the digits of a device name that consists of a prefix and
// a number: "17" for the prefix "csrow" and the name "csrow17".
func NumberAfter(prefix, name string) (digits string, ok bool) {
	digits, ok = strings.CutPrefix(name, prefix)
	if ok {
		_, ok = Uint([]byte(digits))
	}
	return digits, ok
}
