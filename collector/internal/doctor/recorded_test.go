package doctor

import (
	"testing"

	"github.com/hostexporter/host_exporter/collector/internal/snapshot"
)

func TestInspectRecorded(t *testing.T) {
	a, err := snapshot.Parse([]byte("A host.\n-- sys/class/net/eth0 -> ../../devices/eth0 --\n-- sys/devices/eth0/mtu --\n1500\n" +
		"-- sys/devices/eth0/speed !EINVAL --\n-- proc/secret/a !EACCES --\n-- proc/secret/b !EPERM --\n-- proc/hangs fifo --\n"))
	if err != nil {
		t.Fatal(err)
	}
	h, err := snapshot.Replay(a)
	if err != nil {
		t.Fatal(err)
	}
	have := InspectRecorded(h, []string{"/sys/class/net/*/mtu", "/sys/class/net/*/speed", "/sys/class/none/*", "/proc/secret/*", "/proc/hangs"})
	if have.PatternCount != 5 || have.MatchCount != 4 || len(have.Unreadable) != 1 {
		t.Fatalf("%+v", have)
	}
	if u := have.Unreadable[0]; u.Path != "/proc/secret/a" || u.More != 1 || u.Fix == "" {
		t.Errorf("%+v", u)
	}
	if p := have.Patterns[3]; p.Count != 2 || p.Unreadable != 2 || p.Path != "/proc/secret/*" {
		t.Errorf("%+v", p)
	}
}
