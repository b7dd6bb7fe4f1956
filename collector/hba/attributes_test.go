package hba

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
		if v, ok := speed([]byte(c.in)); ok != c.ok || ok && v != c.speed {
			t.Errorf("speed(%q) = %v, %v", c.in, v, ok)
		}
		if v, ok := maxSpeed([]byte(c.in)); ok != c.ok || ok && v != c.max {
			t.Errorf("maxSpeed(%q) = %v, %v", c.in, v, ok)
		}
	}
}

func TestBandwidth(t *testing.T) {
	for gbit, want := range map[float64]float64{8: 800e6, 16: 1600e6, 32: 3200e6, 64: 6400e6, 10: 1250e6, 25: 3125e6, 100: 12500e6} {
		if got := bandwidth(gbit * 1e9); got != want {
			t.Errorf("%v Gbit carry %v bytes a second, want %v", gbit, got, want)
		}
	}
}

func TestTransfers(t *testing.T) {
	for _, c := range []struct {
		in   string
		want float64
		ok   bool
	}{
		{"8.0 GT/s PCIe", 8e9, true}, {"2.5 GT/s", 2.5e9, true}, {"Unknown", 0, true}, {"Unknown speed", 0, true},
		{"8.0", 0, false}, {"-1 GT/s", 0, false}, {"", 0, false},
	} {
		if v, ok := transfers([]byte(c.in)); ok != c.ok || ok && v != c.want {
			t.Errorf("transfers(%q) = %v, %v", c.in, v, ok)
		}
	}
}

func TestLpfcInFlight(t *testing.T) {
	for _, c := range []struct {
		in   string
		want uint64
		ok   bool
	}{
		{"HDWQ (0): Rd 1 Wr 2 IO 3 Cmpl 4 OutIO 5\nTotal FCP Cmpl 10 Issue 1a OutIO 0000000a\n", 10, true},
		{"Total FCP Cmpl 10 Issue 1a OutIO 0", 0, true},
		{"HDWQ (0): Rd 1 Wr 2 IO 3 Cmpl 4 OutIO 5\n", 0, false},
		{"Total FCP Cmpl 10", 0, false}, {"Total FCP OutIO xyz", 0, false}, {"", 0, false},
	} {
		if v, ok := lpfcInFlight([]byte(c.in)); ok != c.ok || v != c.want {
			t.Errorf("lpfcInFlight(%q) = %v, %v", c.in, v, ok)
		}
	}
}

func TestSnake(t *testing.T) {
	for in, want := range map[string]string{
		"Not Present": "not_present", "cancel/recovery": "cancel_recovery", "transport-offline": "transport_offline", "VPort Failed": "vport_failed",
	} {
		if got := snake(in); got != want {
			t.Errorf("snake(%q) = %q", in, got)
		}
	}
}

func FuzzParsers(f *testing.F) {
	for _, s := range []string{"8 Gbit, 16 Gbit", "2048 bytes", "8.0 GT/s PCIe", "off", "Total FCP Cmpl 1 Issue 1 OutIO 0", "RxErr 0\nTOTAL_ERR_COR 5\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if v, ok := speed(b); ok && v < 0 {
			t.Errorf("a speed of %v", v)
		}
		if v, ok := transfers(b); ok && !(v >= 0) {
			t.Errorf("%v transfers", v)
		}
		bytesOf(b)
		ehDeadline(b)
		lpfcInFlight(b)
		aerTotal(b)
	})
}
