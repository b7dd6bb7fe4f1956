package storage

import (
	"bytes"
	"math"
	"strings"

	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

// parseBcacheNumber parses a number as bcache prints it: a whole number, or a
// rounded one with a unit that is a power of 1024, such as 39.2M.
//
// On older kernels the digits after the point are no decimal fraction: the
// kernel divides the remainder of 1024 by 100, not by 102.4, so that they go up
// to 10, and 1.10k is more than 1.9k. Newer kernels print one decimal digit.
// The text does not show which of the two it is. So 1.5k is parsed as 1 +
// 5/10.24, as by procfs, which is low by a fiftieth of the unit at most.
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

// parseBcacheValue parses a number with an optional sign and an optional /sec
// or %, such as -1.5k/sec or 94%.
func parseBcacheValue(b []byte) (float64, bool) {
	b = bytes.TrimSuffix(bytes.TrimSuffix(b, []byte("/sec")), []byte("%"))
	if len(b) > 0 && b[0] == '-' {
		v, ok := parseBcacheNumber(b[1:])
		return 0 - v, ok // -v would be -0 for 0
	}
	return parseBcacheNumber(b)
}
