package hardware

import (
	"math"
	"strings"
	"testing"
)

// FuzzHwmonNumber checks that a number is finite.
func FuzzHwmonNumber(f *testing.F) {
	f.Add("46000", true)
	f.Add("4294967295", false)
	f.Add("4294967286", true)
	f.Add("1e400", false)
	f.Add("-0.5", true)
	f.Fuzz(func(t *testing.T, text string, isSigned bool) {
		v, isNumber, known := parseHwmonNumber([]byte(text), isSigned)
		if known && (!isNumber || math.IsNaN(v) || math.IsInf(v, 0)) {
			t.Errorf("%q: have %v, %v", text, v, isNumber)
		}
	})
}

// FuzzPCILocation checks that the parts of a location are its name.
func FuzzPCILocation(f *testing.F) {
	f.Add("0000:00:1f.2")
	f.Add("10000:e1:00.0")
	f.Add("pci0000:00")
	f.Add("0000:0x:1f.2")
	f.Fuzz(func(t *testing.T, name string) {
		l, ok := parsePCILocation(name)
		if ok && l[0]+":"+l[1]+":"+l[2]+"."+l[3] != name {
			t.Errorf("%q: have %q", name, strings.Join(l[:], " "))
		}
	})
}
