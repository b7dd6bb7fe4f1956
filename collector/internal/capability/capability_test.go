package capability

import (
	"bytes"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
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

// TestNames compares the names that are in use with the numbers of the kernel's header.
func TestNames(t *testing.T) {
	for c, want := range map[Capability]string{
		unix.CAP_CHOWN: "CAP_CHOWN", unix.CAP_FSETID: "CAP_FSETID", unix.CAP_SETPCAP: "CAP_SETPCAP", unix.CAP_NET_ADMIN: "CAP_NET_ADMIN",
		unix.CAP_SYS_MODULE: "CAP_SYS_MODULE", unix.CAP_SYS_ADMIN: "CAP_SYS_ADMIN", unix.CAP_SYS_RESOURCE: "CAP_SYS_RESOURCE", unix.CAP_SETFCAP: "CAP_SETFCAP",
		unix.CAP_MAC_OVERRIDE: "CAP_MAC_OVERRIDE", unix.CAP_AUDIT_READ: "CAP_AUDIT_READ", unix.CAP_LAST_CAP: "CAP_CHECKPOINT_RESTORE",
	} {
		if have := c.String(); have != want {
			t.Errorf("%d is %s, want %s", uint(c), have, want)
		}
		if have, ok := Parse(want); !ok || have != c {
			t.Errorf("%s is %d (%t), want %d", want, uint(have), ok, uint(c))
		}
	}
	for _, name := range []string{"", "CAP_", "cap_kill", "KILL", "capability 63"} {
		if c, ok := Parse(name); ok {
			t.Errorf("%q is %v, want nothing", name, c)
		}
	}
}

// TestClearInheritable clears the set of one thread.
func TestClearInheritable(t *testing.T) {
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // the thread ends with the goroutine
		done <- ClearInheritable()
	}()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
