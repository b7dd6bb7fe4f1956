package hba

import (
	"math"
	"testing"
)

// FuzzInfiniband checks that states and rates are finite and not negative.
func FuzzInfiniband(f *testing.F) {
	for _, text := range []string{"4: ACTIVE", "2.5 Gb/sec (1X SDR)", "1e400 Gb/sec", ": x", "-1 Gb/sec"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, parse := range []func([]byte) (float64, error){parseInfinibandState, parseInfinibandRate} {
			if v, err := parse(b); err == nil && (!(v >= 0) || math.IsInf(v, 0)) {
				t.Errorf("%q: have %v", b, v)
			}
		}
	})
}
