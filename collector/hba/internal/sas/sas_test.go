package sas

import "testing"

func TestLinkRate(t *testing.T) {
	for in, want := range map[string]float64{"12.0 Gbit": 12e9, "1.5 Gbit": 1.5e9, "": 0, "fast": -1, "-3.0 Gbit": -1, "0 Gbit": -1, "12.0": -1} {
		if got, ok := linkRate([]byte(in)); ok != (want >= 0) || ok && got != want {
			t.Errorf("linkRate(%q) = %v, %v", in, got, ok)
		}
	}
	if got, ok := maxLinkRate([]byte("Phy disabled")); !ok || got != 0 {
		t.Errorf("a phy that is switched off: %v, %v", got, ok)
	}
}

func TestNames(t *testing.T) {
	for phy, want := range map[string]string{"phy-14:0:3": "expander-14:0", "phy-14:3": "", "phy": ""} {
		if got := expanderOf(phy); got != want {
			t.Errorf("%s is of %q, want %q", phy, got, want)
		}
	}
	for name, want := range map[string]bool{"0:0:1:0": true, "0:0:1": false, "a:0:1:0": false, "Slot 1": false} {
		if isSCSIDevice(name) != want {
			t.Errorf("%q: %v", name, !want)
		}
	}
}
