package pcie

import "testing"

func TestParseSpeed(t *testing.T) {
	for _, c := range []struct {
		in   string
		want float64
		ok   bool
	}{
		{"8.0 GT/s PCIe", 8e9, true}, {"2.5 GT/s", 2.5e9, true}, {"64.0 GT/s PCIe", 64e9, true}, {"Unknown", 0, true}, {"Unknown speed", 0, true},
		{"8.0", 0, false}, {"-1 GT/s", 0, false}, {"", 0, false}, {"66 MHz PCI-X", 0, false},
	} {
		if v, ok := ParseSpeed([]byte(c.in)); ok != c.ok || ok && v != c.want {
			t.Errorf("ParseSpeed(%q) = %v, %v", c.in, v, ok)
		}
	}
}

func FuzzParseSpeed(f *testing.F) {
	f.Add("8.0 GT/s PCIe")
	f.Fuzz(func(t *testing.T, s string) {
		if v, ok := ParseSpeed([]byte(s)); ok && !(v >= 0) {
			t.Errorf("%v transfers", v)
		}
	})
}
