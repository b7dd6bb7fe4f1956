package scan

import "math"

// Counter parses a counter. The kernel keeps counters in unsigned types, and
// prints some of them as signed: a counter of 32 bits is negative from 2^31 on,
// one of 64 bits from 2^63 on. A negative number down to -2^31 is one of 32 bits.
func Counter(b []byte) (uint64, bool) {
	if v, ok := Uint(b); ok {
		return v, true
	}
	v, ok := Int(b)
	if v < 0 && v >= math.MinInt32 {
		return uint64(uint32(v)), ok
	}
	return uint64(v), ok
}

// Amount32 parses an amount of 32 bits that cannot be less than zero, such as
// requests in flight. The kernel keeps some amounts as the difference of counts
// that it reads without a lock, so that one may fall below zero, and prints that
// as -1, 4294967295 or 18446744073709551615: all of them are 0.
func Amount32(b []byte) (uint64, bool) {
	v, ok := Amount64(b)
	return ClampAmount32(v), ok
}

// ClampAmount32 returns 0 for an amount of 32 bits that is below zero, even if it
// was extended to 64 bits, and other amounts unchanged.
func ClampAmount32(v uint64) uint64 {
	if v>>31 == 1 {
		return 0
	}
	return ClampAmount64(v)
}

// Amount64 parses an amount of 64 bits that cannot be less than zero, as Amount32
// does one of 32 bits.
func Amount64(b []byte) (uint64, bool) {
	v, ok := Uint(b)
	if !ok {
		var signed int64
		signed, ok = Int(b)
		v = uint64(signed)
	}
	return ClampAmount64(v), ok
}

// ClampAmount64 returns 0 for an amount of 64 bits that is below zero, and other
// amounts unchanged.
func ClampAmount64(v uint64) uint64 {
	if v>>63 == 1 {
		return 0
	}
	return v
}
