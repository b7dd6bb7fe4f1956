package main

import (
	"io"
	"math"
	"testing"
)

// TestSlope computes a slope by hand: y = 2x, with a residual of 1 and -1 in turns of
// the batches. The x are 0 to 9, so that sxx is 82.5. The residuals add
// sum((x-4.5)*r) = -5 to sxy, and leave 10-25/82.5 as their sum of squares.
func TestSlope(t *testing.T) {
	var x, y []float64
	for i := range 2 * batches {
		x = append(x, float64(i/2))
		y = append(y, 2*float64(i/2)+1-2*float64(i/2%2))
	}
	slope, deviation := slopeOf(x, y)
	wantSlope, wantDeviation := 2-5/82.5, math.Sqrt((10-25/82.5)/8/82.5)
	if math.Abs(slope-wantSlope) > 1e-12 || math.Abs(deviation-wantDeviation) > 1e-12 {
		t.Errorf("have %v and %v, want %v and %v", slope, deviation, wantSlope, wantDeviation)
	}
}

func TestReport(t *testing.T) {
	for name, c := range map[string]struct {
		perSample float64
		fails     bool
	}{"flat": {0, false}, "a descriptor every tenth sample": {0.1, true}} {
		var all []sample
		for i := range 100 {
			all = append(all, sample{int64(i) * 100, [4]float64{20, 10, 8, 12 + math.Floor(c.perSample*float64(i))}})
		}
		if err := report(io.Discard, all); (err != nil) != c.fails {
			t.Errorf("%s: have %v", name, err)
		}
	}
}
