package hba

import "testing"

func TestIsTape(t *testing.T) {
	for name, want := range map[string]bool{"st0": true, "st127": true, "nst0": false, "st0a": false, "st": false, "st-1": false, "0": false, "": false, "stx": false} {
		if isTape(name) != want {
			t.Errorf("%q: %v, want %v", name, !want, want)
		}
	}
}
