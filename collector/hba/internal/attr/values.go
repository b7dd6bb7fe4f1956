package attr

import (
	"bytes"
	"math"

	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

// Speed parses the speed of a link, such as "16 Gbit", into bits per second. It
// is zero where the kernel prints a word, or several speeds.
func Speed(b []byte) (float64, bool) {
	if bytes.IndexByte(b, ',') >= 0 {
		_, ok := MaxSpeed(b)
		return 0, ok
	}
	return MaxSpeed(b)
}

// MaxSpeed parses a list of speeds, such as "8 Gbit, 16 Gbit", and returns the
// highest in bits per second.
func MaxSpeed(b []byte) (fastest float64, ok bool) {
	for more := true; more; {
		var one []byte
		one, b, more = bytes.Cut(b, []byte(","))
		one = scan.Trim(one)
		switch string(one) {
		case "unknown", "Unknown", "Not Negotiated", "":
			continue
		}
		number, ok := bytes.CutSuffix(one, []byte(" Gbit"))
		if !ok {
			return 0, false
		}
		gbit, ok := scan.Uint(number)
		if !ok {
			return 0, false
		}
		fastest = math.Max(fastest, float64(gbit)*1e9)
	}
	return fastest, true
}

// Bytes parses a number of bytes, such as "2048 bytes".
func Bytes(b []byte) (uint64, bool) {
	number, ok := bytes.CutSuffix(b, []byte(" bytes"))
	if !ok {
		return 0, false
	}
	return scan.Uint(number)
}

// Numbers parses a line of unsigned numbers into dst. It reports whether the line
// has exactly that many.
func Numbers(dst []uint64, b []byte) bool {
	for i := range dst {
		var field []byte
		field, b = scan.Field(b)
		var ok bool
		if dst[i], ok = scan.Uint(field); !ok {
			return false
		}
	}
	return len(scan.Trim(b)) == 0
}

// UintOrOff parses an unsigned number, or off, as -1.
func UintOrOff(b []byte) (int64, bool) { return uintOr(b, "off") }

// SecondsOrOff parses a number of seconds after which something ends, or off, as
// +Inf: it never ends.
func SecondsOrOff(b []byte) (float64, bool) {
	v, ok := UintOrOff(b)
	if v < 0 {
		return math.Inf(1), ok
	}
	return float64(v), ok
}

// UintOrUnknown parses an unsigned number, or Unknown, as -1.
func UintOrUnknown(b []byte) (int64, bool) { return uintOr(b, "Unknown") }

func uintOr(b []byte, word string) (int64, bool) {
	if string(b) == word {
		return -1, true
	}
	v, ok := scan.Int(b)
	return v, ok && v >= 0
}
