package firmware

import "testing"

func TestZfcpWords(t *testing.T) {
	if v, ok := zfcpUtilization([]byte("7 12 100")); !ok || v != [3]uint64{7, 12, 100} {
		t.Errorf("%v, %v", v, ok)
	}
	if v, ok := zfcpUtilization([]byte("7 12 101")); ok {
		t.Errorf("more than all: %v", v)
	}
	for text, want := range map[string]uint16{"-2432": 0xf680, "65535": 0xffff, "0": 0} {
		if v, ok := word([]byte(text)); !ok || v != want {
			t.Errorf("%s: %#x, %v", text, v, ok)
		}
	}
	for _, bad := range []string{"65536", "-32769", "x"} {
		if v, ok := word([]byte(bad)); ok {
			t.Errorf("%s: %#x", bad, v)
		}
	}
}

func TestSlotWords(t *testing.T) {
	for text, ok := range map[string]bool{"0": true, "2": true, "4": true, "6": true, "1": false, "8": false, "-2": false, "": false} {
		if v, have := parseFault([]byte(text)); have != ok {
			t.Errorf("%q: %v, %v", text, v, have)
		}
	}
	if v, ok := parseStatus([]byte("non-critical")); !ok || v != "non_critical" {
		t.Errorf("%q, %v", v, ok)
	}
	if v, ok := parseStatus([]byte("fine")); ok {
		t.Errorf("%q", v)
	}
}
