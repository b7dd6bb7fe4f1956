package golden

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// capture lays out a host as a capture has it: files that could not be read are
// in a list of errors rather than in the tree.
func capture(t *testing.T, hostFile, errorsTSV string) string {
	t.Helper()
	a, err := Parse([]byte(hostFile))
	if err != nil {
		t.Fatal(err)
	}
	r, err := layOut(a, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(r.root, "CAPTURE"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(r.root, "CAPTURE/errors.tsv"), []byte(errorsTSV), 0o644); err != nil {
		t.Fatal(err)
	}
	return r.root
}

const netHost = `Two network devices.
-- sys/class/net/eth2 -> ../../devices/pci/eth2 --
-- sys/class/net/eth10 -> ../../devices/virtual/eth10 --
-- sys/class/net/bonding_masters --
bond0
-- sys/devices/pci/eth2/mtu --
1500
-- sys/devices/pci/eth2/address --
52:54:00:12:34:56
-- sys/devices/pci/eth2/subsystem -> ../../../class/net --
-- sys/devices/pci/eth2/queues folder --
-- sys/devices/virtual/eth10/mtu --
9000
-- sys/devices/virtual/eth10/alias escaped --
caf\xc3\xa9 \x00
`

func TestRecord(t *testing.T) {
	root := capture(t, netHost, "/sys/devices/virtual/eth10/speed\tEINVAL\n/sys/devices/pci/eth2/phys_port_id\tEOPNOTSUPP\n/sys/devices/pci/eth2/gone\tlstat: ENOENT\n")
	for _, c := range []struct {
		what     string
		patterns []string
		want     string
	}{
		{"links on the way are recorded, in natural order", []string{"/sys/class/net/*/mtu"}, `
-- sys/class/net/eth2 -> ../../devices/pci/eth2 --
-- sys/devices/pci/eth2/mtu --
1500
-- sys/class/net/eth10 -> ../../devices/virtual/eth10 --
-- sys/devices/virtual/eth10/mtu --
9000
`},
		{"nothing is recorded twice", []string{"/sys/class/net/eth2/mtu", "/sys/devices/pci/eth2/mtu", "/sys/class/net/eth2/mtu"}, `
-- sys/class/net/eth2 -> ../../devices/pci/eth2 --
-- sys/devices/pci/eth2/mtu --
1500
`},
		{"what failed in the capture fails here, and is reached by its links", []string{"/sys/class/net/*/speed", "/sys/class/net/*/phys_port_id"}, `
-- sys/class/net/eth10 -> ../../devices/virtual/eth10 --
-- sys/devices/virtual/eth10/speed !EINVAL --
-- sys/class/net/eth2 -> ../../devices/pci/eth2 --
-- sys/devices/pci/eth2/phys_port_id !EOPNOTSUPP --
`},
		{"a file that was not there to be listed", []string{"/sys/class/net/eth2/gone"}, `
-- sys/class/net/eth2 -> ../../devices/pci/eth2 --
-- sys/devices/pci/eth2/gone !ENOENT --
`},
		{"a link at the end, a folder, a file among folders", []string{"/sys/class/net/eth2/subsystem", "/sys/class/net/eth2/queues", "/sys/class/net/bonding_masters/mtu", "/sys/class/net/bonding_masters"}, `
-- sys/class/net/eth2 -> ../../devices/pci/eth2 --
-- sys/devices/pci/eth2/subsystem -> ../../../class/net --
-- sys/class/net folder --
-- sys/devices/pci/eth2/queues folder --
-- sys/class/net/bonding_masters --
bond0
`},
		{"odd bytes are escaped", []string{"/sys/class/net/eth2/address", "/sys/devices/virtual/eth10/alias"}, `
-- sys/class/net/eth2 -> ../../devices/pci/eth2 --
-- sys/devices/pci/eth2/address --
52:54:00:12:34:56
-- sys/devices/virtual/eth10/alias escaped --
caf\u00e9 \x00
`},
		{"nothing", []string{"/sys/class/none/*", "/sys/class/net/eth9/mtu", "["}, "\n"},
	} {
		a, err := Record(root, c.patterns)
		if err != nil {
			t.Errorf("%s: %v", c.what, err)
			continue
		}
		a.Description = "\n"
		if have := string(a.Format()); have != c.want {
			t.Errorf("%s: have%swant%s", c.what, have, c.want)
		}
	}
}

// TestRecordedHostReadsAlike records a host, lays the record out, and reads it.
func TestRecordedHostReadsAlike(t *testing.T) {
	root := capture(t, netHost, "/sys/devices/virtual/eth10/speed\tEINVAL\n")
	a, err := Record(root, []string{"/sys/class/net/*", "/sys/class/net/*/mtu", "/sys/class/net/*/speed", "/sys/class/net/*/alias"})
	if err != nil {
		t.Fatal(err)
	}
	again, err := Parse(a.Format())
	if err != nil {
		t.Fatal(err)
	}
	r, err := layOut(again, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	sys := r.Sys.Reader()
	names, err := sys.Names("class/net")
	if have := strings.Join(names, " "); err != nil || have != "bonding_masters eth2 eth10" {
		t.Errorf("devices %q, %v", have, err)
	}
	for file, want := range map[string]string{"eth2/mtu": "1500", "eth10/mtu": "9000", "eth10/alias": "café"} {
		if have, err := sys.Text("class/net", file); string(have) != want || err != nil {
			t.Errorf("%s = %q, %v, want %q", file, have, err, want)
		}
	}
	if _, err := sys.Read("class/net/eth10/speed"); err == nil || !strings.HasSuffix(err.Error(), unix.EINVAL.Error()) {
		t.Errorf("speed: %v", err)
	}
}

func TestRecordLinkLoop(t *testing.T) {
	root := capture(t, "A loop.\n-- sys/a -> b --\n-- sys/b -> a --\n-- sys/out -> /etc --\n", "")
	if a, err := Record(root, []string{"/sys/a"}); err == nil {
		t.Errorf("no error, but %+v", a.Entries)
	}
	a, err := Record(root, []string{"/sys/out"})
	if err != nil || len(a.Entries) != 1 || a.Entries[0].Target != "/etc" {
		t.Errorf("a link out of the tree: %+v, %v", a, err)
	}
}

// TestSyscalls makes the system calls of a recorded host.
func TestSyscalls(t *testing.T) {
	a, err := Parse([]byte("Answers.\n-- syscall/uname --\nsysname=Linux\nnodename=a=b\n-- syscall/adjtimex --\nstate=5\noffset=-7\ntick=10000\n" +
		"-- syscall/statfs --\n/data bsize=4096 blocks=0x10\n/secret !EACCES\n-- syscall/netlink/0/18 --\n0a0b\n0c\n"))
	if err != nil {
		t.Fatal(err)
	}
	r, err := layOut(a, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if u, err := r.Uname(); err != nil || u.Sysname != "Linux" || u.Nodename != "a=b" {
		t.Errorf("uname: %+v, %v", u, err)
	}
	if state, tx, err := r.Adjtimex(); err != nil || state != 5 || tx.Offset != -7 || tx.Tick != 10000 {
		t.Errorf("adjtimex: %d, %+v, %v", state, tx, err)
	}
	for path, want := range map[string]string{
		"/data": "4096 16 <nil>", r.root + "/data": "4096 16 <nil>", "/secret": "0 0 permission denied", "/none": "0 0 no such file or directory",
	} {
		st, err := r.Statfs(path)
		if have := fmt.Sprintln(st.Bsize, st.Blocks, err); have != want+"\n" {
			t.Errorf("statfs %s: %s want %s", path, have, want)
		}
	}
}
