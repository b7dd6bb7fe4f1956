package storage

import (
	"bytes"
	"math"
	"strings"

	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

// parseBcacheNumber reads a number as bcache writes it: whole, or rounded for
// people with a unit of a power of 1024, such as 39.2M.
//
// What is behind the point is no decimal fraction in older kernels: they
// divide the remainder, of 1024, by 100 and not by 102.4, so that it goes up
// to 10, and 1.10k is more than 1.9k. Newer kernels write one true digit. It
// cannot be told which of the two it is; so 1.5k is read as 1 + 5/10.24, as
// procfs does, which is at most a fiftieth of the unit too little.
func parseBcacheNumber(b []byte) (float64, bool) {
	unit := 0
	if len(b) > 0 {
		unit = 1 + strings.IndexByte("kMGTPEZY", b[len(b)-1])
	}
	if unit == 0 {
		v, ok := scan.Uint(b)
		return float64(v), ok
	}
	whole, fraction, point := bytes.Cut(b[:len(b)-1], []byte("."))
	v, ok := scan.Uint(whole)
	number := float64(v)
	if point && ok {
		v, ok = scan.Uint(fraction)
		number += float64(v) / 10.24
	}
	return math.Trunc(number * math.Ldexp(1, 10*unit)), ok
}

// parseBcacheValue reads a number with a sign and with what it is of, such as
// -1.5k/sec or 94%.
func parseBcacheValue(b []byte) (float64, bool) {
	b = bytes.TrimSuffix(bytes.TrimSuffix(b, []byte("/sec")), []byte("%"))
	if len(b) > 0 && b[0] == '-' {
		v, ok := parseBcacheNumber(b[1:])
		return 0 - v, ok // and not -v, which would be -0 of 0
	}
	return parseBcacheNumber(b)
}
