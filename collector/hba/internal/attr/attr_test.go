package attr

import (
	"testing"
)

func TestSpeeds(t *testing.T) {
	for _, c := range []struct {
		in         string
		speed, max float64
		ok         bool
	}{
		{"32 Gbit", 32e9, 32e9, true},
		{"10 Gbit, 8 Gbit, 16 Gbit", 0, 16e9, true},
		{"unknown", 0, 0, true}, {"Not Negotiated", 0, 0, true}, {"", 0, 0, true}, {"4 Gbit,", 0, 4e9, true},
		{"fast", 0, 0, false}, {"8 Gbit, fast", 0, 0, false}, {"-8 Gbit", 0, 0, false},
	} {
		if v, ok := Speed([]byte(c.in)); ok != c.ok || ok && v != c.speed {
			t.Errorf("speed(%q) = %v, %v", c.in, v, ok)
		}
		if v, ok := MaxSpeed([]byte(c.in)); ok != c.ok || ok && v != c.max {
			t.Errorf("maxSpeed(%q) = %v, %v", c.in, v, ok)
		}
	}
}

func TestSnake(t *testing.T) {
	for in, want := range map[string]string{
		"Not Present": "not_present", "cancel/recovery": "cancel_recovery", "transport-offline": "transport_offline", "VPort Failed": "vport_failed",
	} {
		if got := Snake(in); got != want {
			t.Errorf("Snake(%q) = %q", in, got)
		}
	}
}

func TestNumbers(t *testing.T) {
	var v [2]uint64
	if !Numbers(v[:], []byte(" 12 34567 ")) || v != [2]uint64{12, 34567} {
		t.Error(v)
	}
	for _, bad := range []string{"", "12", "1 2 3", "1 -2", "a b"} {
		if Numbers(v[:], []byte(bad)) {
			t.Errorf("%q: %v", bad, v)
		}
	}
	for in, want := range map[string]int64{"off": -1, "0": 0, "30": 30} {
		if got, ok := UintOrOff([]byte(in)); !ok || got != want {
			t.Errorf("UintOrOff(%q) = %v, %v", in, got, ok)
		}
	}
	for _, bad := range []string{"", "-1", "Unknown", "30 s"} {
		if got, ok := UintOrOff([]byte(bad)); ok {
			t.Errorf("UintOrOff(%q) = %v", bad, got)
		}
	}
}

func FuzzValues(f *testing.F) {
	for _, s := range []string{"8 Gbit, 16 Gbit", "2048 bytes", "unknown"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if v, ok := Speed(b); ok && v < 0 {
			t.Errorf("a speed of %v", v)
		}
		Bytes(b)
	})
}
