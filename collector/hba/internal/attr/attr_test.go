package attr

import (
	"math"
	"syscall"
	"testing"

	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
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
	for in, want := range map[string]float64{"off": math.Inf(1), "0": 0, "600": 600} {
		if got, ok := SecondsOrOff([]byte(in)); !ok || got != want {
			t.Errorf("SecondsOrOff(%q) = %v, %v", in, got, ok)
		}
	}
	for _, bad := range []string{"", "-1", "Unknown", "30 s"} {
		if got, ok := UintOrOff([]byte(bad)); ok {
			t.Errorf("UintOrOff(%q) = %v", bad, got)
		}
		if got, ok := SecondsOrOff([]byte(bad)); ok {
			t.Errorf("SecondsOrOff(%q) = %v", bad, got)
		}
	}
}

// TestRefused has attributes that a driver refuses to say: those that it cannot
// are no error, whatever the word for that is.
func TestRefused(t *testing.T) {
	for errno, wantErrors := range map[error]int{syscall.EINVAL: 0, syscall.EOPNOTSUPP: 0, syscall.ENOENT: 0, syscall.EIO: 2} {
		set := metric.NewSet()
		states := NewStates(set.Gauge("node_hba_test_state", "A state.", "state"), "up")
		tree := host.InjectFaults(host.NewTree(t.TempDir()).Attributes(), func(string) error { return errno })
		a := Reader{Sys: tree.Reader(), Out: metric.NewSink(set)}
		if b, ok := a.Text("x"); ok {
			t.Errorf("%v: text %q", errno, b)
		}
		a.State(states, []string{""}, "x")
		if n := a.ErrorCount(); n != wantErrors {
			t.Errorf("%v: %d errors, want %d", errno, n, wantErrors)
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
