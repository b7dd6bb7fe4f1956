package scsi

import (
	"testing"

	"github.com/hostexporter/host_exporter/collector/hba/internal/san"
)

func TestHealth(t *testing.T) {
	for _, c := range []struct {
		state  state
		way    san.WayState
		access access
		want   san.Health
	}{
		{offline, san.Blocked, noAccess, san.PathOffline},
		{running, san.Blocked, standby, san.PathBlocked},
		{running, san.Marginal, unavailable, san.PathStandby},
		{running, san.Marginal, nonOptimized, san.PathMarginal},
		{running, san.Open, nonOptimized, san.PathNonOptimized},
		{running, san.Open, noAccess, san.PathOptimized},
		{running, san.Open, otherAccess, san.PathOptimized},
		{noState, san.Open, noAccess, san.PathOptimized},
	} {
		l := device{state: c.state, access: c.access}
		if got := l.health(c.way); got != c.want {
			t.Errorf("%+v is %v", c, got)
		}
	}
}

func TestCNumber(t *testing.T) {
	for in, want := range map[string]uint64{"0x1f": 31, "31": 31, "0": 0} {
		if v, ok := cNumber([]byte(in)); !ok || v != want {
			t.Errorf("cNumber(%q) = %v, %v", in, v, ok)
		}
	}
	for _, in := range []string{"", "0x", "1f", "-1"} {
		if v, ok := cNumber([]byte(in)); ok {
			t.Errorf("cNumber(%q) = %v", in, v)
		}
	}
}

func TestLatency(t *testing.T) {
	for text, want := range map[string]latency{
		"120 900 2500000 10 40 150000 8000 ": {2.5, 0.15, 8000},
		"4294967 0 0 4294967 0 0 0":          {},
	} {
		if have, ok := parseLatency([]byte(text)); !ok || have != want {
			t.Errorf("%q: %v, %v", text, have, ok)
		}
	}
	for _, bad := range []string{"", "1 2 3 4 5 6", "1 2 3 4 5 6 7 8", "1 2 -3 4 5 6 7", "a b c d e f g"} {
		if have, ok := parseLatency([]byte(bad)); ok {
			t.Errorf("%q: %v", bad, have)
		}
	}
}

func TestScheduler(t *testing.T) {
	for in, want := range map[string]string{"[none] mq-deadline": "none", "none [mq-deadline] kyber": "mq-deadline", "none": "none"} {
		if got, ok := parseScheduler([]byte(in)); !ok || string(got) != want {
			t.Errorf("%q: %q, %v", in, got, ok)
		}
	}
	for _, in := range []string{"none mq-deadline", "[none", "[]", "none]"} {
		if got, ok := parseScheduler([]byte(in)); ok {
			t.Errorf("%q: %q", in, got)
		}
	}
}
