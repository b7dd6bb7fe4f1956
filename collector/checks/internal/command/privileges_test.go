package command

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/hostexporter/host_exporter/collector/internal/capability"
)

// requireRoot skips a test without all the privileges of root.
func requireRoot(t *testing.T) {
	t.Helper()
	have, err := capability.Effective()
	if err != nil || os.Geteuid() != 0 || have.Missing(capability.SetPCap, capability.SysAdmin, capability.SetUID, capability.Chown) != nil {
		t.Skipf("needs root: capabilities %#x, %v", uint64(have), err)
	}
}

// capabilitySets returns the capability sets that a command of a user has.
func capabilitySets(t *testing.T, user string, change func(*Command)) string {
	t.Helper()
	c := shell("grep -E '^(Cap|NoNew)' /proc/self/status | cut -f2 | tr '\\n' ' '")
	c.User = user
	change(&c)
	res := runAlone(t, t.Context(), c)
	want(t, res, "")
	return strings.TrimSpace(string(res.Parsed))
}

// TestCapabilitiesOnThisHost: a check has no capabilities but those of its
// definition, whoever runs it and whatever the exporter has.
func TestCapabilitiesOnThisHost(t *testing.T) {
	requireRoot(t)
	const none = "0000000000000000"
	for _, tc := range []struct {
		user string
		caps []capability.Capability
		want string // inheritable, permitted, effective, bounding, ambient; no_new_privs
	}{
		{"0", nil, strings.Repeat(none+" ", 5) + "1"},
		{"65534", nil, strings.Repeat(none+" ", 5) + "1"},
		{"0", []capability.Capability{capability.SysRawIO}, strings.Repeat("0000000000020000 ", 5) + "1"},
		{"65534", []capability.Capability{capability.SysRawIO, capability.Kill}, strings.Repeat("0000000000020020 ", 5) + "1"},
	} {
		for _, memory := range []int64{-1, 4 << 20} { // the latter needs the second stage
			if have := capabilitySets(t, tc.user, func(c *Command) { c.Capabilities, c.Memory = tc.caps, memory }); have != tc.want {
				t.Errorf("user %s with %v: have %s, want %s", tc.user, tc.caps, have, tc.want)
			}
		}
	}
}

// TestAmbientCapabilitiesOnThisHost runs a check from a thread with ambient
// capabilities, as those of a service of systemd: the check has none of them.
func TestAmbientCapabilitiesOnThisHost(t *testing.T) {
	requireRoot(t)
	// The supervisor inherits them from the thread that starts it.
	done := make(chan string)
	go func() {
		done <- onAmbientThread(func() string {
			return capabilitySets(t, "65534", func(*Command) {})
		})
	}()
	have := <-done
	if want := strings.Repeat("0000000000000000 ", 5) + "1"; have != want {
		t.Errorf("have %s, want %s", have, want)
	}
}

// TestNewPrivilegesOnThisHost: setuid programs keep the bounding set to work with.
func TestNewPrivilegesOnThisHost(t *testing.T) {
	requireRoot(t)
	have := strings.Fields(capabilitySets(t, "65534", func(c *Command) { c.NewPrivileges = true }))
	if len(have) != 6 || have[2] != "0000000000000000" || have[3] == "0000000000000000" || have[5] != "0" {
		t.Errorf("%q", have)
	}
}

// TestMissingCapability wants what the exporter lacks.
func TestMissingCapability(t *testing.T) {
	c := shell("true")
	c.Capabilities = []capability.Capability{63}
	res := runAlone(t, t.Context(), c)
	want(t, res, Spawn)
	if have := fmt.Sprint(res.Err); have != "/bin/sh: capabilities: the exporter lacks capability 63" {
		t.Error(have)
	}
}

// TestDefaultUser runs a command without a user.
func TestDefaultUser(t *testing.T) {
	c := shell("id -u")
	r := NewRunner(Options{DefaultUser: "no-such-user"})
	res := r.Run(t.Context(), c)
	if !CanChangeUsers() {
		want(t, res, "")
		return
	}
	want(t, res, Spawn)
	for _, contains := range []string{`user "no-such-user" does not exist`, "sysusers", "--checks.user"} {
		if !strings.Contains(fmt.Sprint(res.Err), contains) {
			t.Errorf("no %q in %v", contains, res.Err)
		}
	}
	res = NewRunner(Options{DefaultUser: "65534"}).Run(t.Context(), c)
	want(t, res, "")
	if string(res.Parsed) != "65534\n" {
		t.Errorf("user %q", res.Parsed)
	}
}

// onAmbientThread calls f on a thread with CAP_DAC_READ_SEARCH and CAP_SYS_ADMIN as
// ambient capabilities, which the processes that it starts inherit.
func onAmbientThread(f func() string) string {
	runtime.LockOSThread() // without unlock: the thread ends with the goroutine
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&header, &data[0]); err != nil {
		return err.Error()
	}
	for _, c := range []uintptr{unix.CAP_DAC_READ_SEARCH, unix.CAP_SYS_ADMIN} {
		data[0].Inheritable |= 1 << c
		if err := unix.Capset(&header, &data[0]); err != nil {
			return err.Error()
		}
		if err := unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_RAISE, c, 0, 0); err != nil {
			return err.Error()
		}
	}
	return f()
}
