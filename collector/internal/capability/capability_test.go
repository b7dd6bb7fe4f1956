package capability

import (
	"bytes"
	"os"
	"strconv"
	"strings"
	"testing"
)

func TestMissing(t *testing.T) {
	user := []Capability{SetUID, SetGID, Kill}
	for _, c := range []struct {
		have Set
		need []Capability
		want string
	}{
		{0x1ffffffffff, user, ""},
		{0, user, "CAP_SETUID CAP_SETGID CAP_KILL"},
		{0xc0, user, "CAP_KILL"}, // 6 and 7
		{0x20, user, "CAP_SETUID CAP_SETGID"},
		{0x40, []Capability{SetGID}, ""},
		{0, []Capability{SetGID}, "CAP_SETGID"},
		{1 << 38, []Capability{Perfmon, 63}, "capability 63"},
	} {
		if have := strings.Join(c.have.Missing(c.need...), " "); have != c.want {
			t.Errorf("%#x lacks %q, want %q", uint64(c.have), have, c.want)
		}
	}
}

// TestEffectiveOnThisHost compares with the kernel's text.
func TestEffectiveOnThisHost(t *testing.T) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Skip(err)
	}
	have, err := Effective()
	if err != nil {
		t.Fatal(err)
	}
	for line := range bytes.Lines(status) {
		if hex, ok := bytes.CutPrefix(line, []byte("CapEff:")); ok {
			if want, err := strconv.ParseUint(string(bytes.TrimSpace(hex)), 16, 64); err != nil || uint64(have) != want {
				t.Errorf("have %#x, want %#x (%v)", uint64(have), want, err)
			}
		}
	}
}
