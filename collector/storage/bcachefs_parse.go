package storage

import (
	"bytes"
	"math"
	"strings"

	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

// parseBcachefsNumber parses a number as bcachefs prints it: a whole number, or
// a rounded one with a unit that is a power of 1024, such as 1.5G or 2.05G.
func parseBcachefsNumber(b []byte) (float64, bool) {
	unit := 0
	if len(b) > 0 {
		unit = 1 + strings.IndexByte("kmgtpe", b[len(b)-1]|0x20)
	}
	if unit > 0 {
		b = b[:len(b)-1]
	}
	if len(b) == 0 || len(bytes.Trim(b, "0123456789.")) > 0 || b[0] == '.' || b[len(b)-1] == '.' {
		return 0, false
	}
	v, ok := scan.Float(b)
	return math.Trunc(math.Ldexp(v, 10*unit)), ok
}

// parseBcachefsRow parses the first three columns of a row of a table:
//
//	lz4:                         19.3G         67.0G                 112k
func parseBcachefsRow(line []byte) (name []byte, values [2]float64, ok bool) {
	name, rest := scan.Field(line)
	for i := range values {
		var field []byte
		field, rest = scan.Field(rest)
		if values[i], ok = parseBcachefsNumber(field); !ok {
			return nil, values, false
		}
	}
	return bytes.TrimSuffix(name, []byte(":")), values, true
}

// parseBcachefsError parses a line of an error type, the number of errors, and
// the time of the last one:
//
//	btree_node_read_err 5 1234567890
func parseBcachefsError(line []byte) (name []byte, count uint64, ok bool) {
	name, rest := scan.Field(line)
	field, _ := scan.Field(rest)
	count, ok = scan.Uint(field)
	return name, count, ok
}

// parseBcachefsCounter parses the value of a counter since the file system was
// created, or since it was mounted if the file has only that.
func parseBcachefsCounter(b []byte) (count float64, ok bool) {
	for len(b) > 0 {
		var line []byte
		line, b = scan.Line(b)
		name, value, _ := scan.Cut(line, ':')
		switch string(name) {
		case "since filesystem creation":
			return parseBcachefsNumber(value)
		case "since mount":
			count, ok = parseBcachefsNumber(value)
		}
	}
	return count, ok
}
