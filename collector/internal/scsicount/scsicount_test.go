package scsicount

import (
	"slices"
	"testing"
)

func TestSteady(t *testing.T) {
	const mask = DefaultMask
	for _, test := range []struct{ in, want []uint64 }{
		{[]uint64{100, 99, 101, 101, 90}, []uint64{100, 100, 101, 101, 101}},
		{[]uint64{mask, 5, 4}, []uint64{mask, 5, 5}},       // around the end
		{[]uint64{2, mask, 3}, []uint64{2, 2, 3}},          // back over it
		{[]uint64{1 << 20, 7, 8}, []uint64{1 << 20, 7, 8}}, // a reset
		{[]uint64{mask - 1, mask, 0}, []uint64{mask - 1, mask, 0}},
	} {
		var c Steady
		var got []uint64
		for _, v := range test.in {
			got = append(got, c.Next(Counter{v, true}, mask).Value)
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%v becomes %v, want %v", test.in, got, test.want)
		}
	}
	var c Steady
	if c.Next(Counter{}, mask).Known {
		t.Error("a counter out of nothing")
	}
}

func TestParseMask(t *testing.T) {
	for text, want := range map[string]uint64{"1": 1, "32": 1<<32 - 1, "64": 1<<64 - 1, "0": 0, "65": 0, "": 0, "many": 0, "-1": 0} {
		if mask, ok := ParseMask([]byte(text)); ok != (want != 0) || ok && mask != want {
			t.Errorf("ParseMask(%q) = %#x, %v, want %#x", text, mask, ok, want)
		}
	}
}
