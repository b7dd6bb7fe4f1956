// Package scan takes kernel text apart without allocating: lines, fields and
// numbers of /proc and sysfs files, as sub-slices of the bytes that were read.
//
// Every number function reports with its second result whether the whole
// input was a number, so that a caller can tell zero from broken.
package scan

import (
	"bytes"
	"strconv"
)

// Line cuts the first line off b, without its newline.
func Line(b []byte) (line, rest []byte) {
	if i := bytes.IndexByte(b, '\n'); i >= 0 {
		return b[:i], b[i+1:]
	}
	return b, nil
}

// Field cuts the first blank-separated field off b. The field is empty when
// nothing but blanks is left. Blanks are spaces, tabs and newlines.
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

// Fields cuts b into fields and stores them in dst, as many as fit. It
// returns how many there are in b, which may be more than len(dst).
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

// Cut splits b around the first sep, with blanks trimmed on both sides. It
// reports false, and all of b as key, when there is no sep.
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

// Uint reads an unsigned decimal number that fits 64 bits.
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

// Int reads a decimal number with an optional sign that fits 64 bits.
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

// Hex reads an unsigned hexadecimal number, with or without 0x, that fits 64
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

// Float reads a plain decimal number such as 0.25 or -3. Words that Go would
// take for numbers (inf, nan, hexadecimal floats, digits with underscores) are
// refused, because no kernel file means a number by them.
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
