package hardware

import "testing"

func TestNumbered(t *testing.T) {
	for name, want := range map[string]string{
		"thermal_zone0": "0", "thermal_zone12": "12", "thermal_zone": "", "thermal_zonex": "", "thermal_zone1x": "", "cooling_device1": "",
	} {
		if number, ok := numbered(name, "thermal_zone"); ok != (want != "") || ok && number != want {
			t.Errorf("%s: %q, %v, want %q", name, number, ok, want)
		}
	}
}
