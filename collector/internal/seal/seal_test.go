package seal

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/hostexporter/host_exporter/collector/internal/capability"
	"github.com/hostexporter/host_exporter/collector/internal/landlock"
)

func TestLacks(t *testing.T) {
	granted := Needs{
		Capabilities: []capability.Capability{capability.DACReadSearch},
		Read:         []string{"/proc", "/srv/a"},
		List:         []string{"/mnt"},
		Devices:      []string{"/dev/mapper/control"},
		Exceptions:   map[Layer]string{Dumpable: "x"},
	}
	r := Report{granted: granted, dropped: capabilityDrop{before: capability.SetOf(capability.DACReadSearch, capability.NetAdmin), after: capability.SetOf(capability.DACReadSearch)}}
	for _, l := range Layers() {
		r.add(l, Enforced, "")
	}
	for want, n := range map[string]Needs{
		"":                              granted,
		"/srv/ab":                       {Read: []string{"/srv/a/b", "/srv/ab", "/srv/a"}},
		"/srv":                          {Read: []string{"/srv"}},
		"/":                             {List: []string{"/", "/mnt/x", "/proc/1"}},
		"/dev/sda":                      {Devices: []string{"/dev/sda"}},
		"/mnt":                          {Read: []string{"/mnt"}}, // allowed to list only
		"abstract sockets":              {AbstractSockets: true},
		"CAP_NET_ADMIN":                 {Capabilities: []capability.Capability{capability.NetAdmin, capability.SysPtrace}}, // the process never had the other one
		"seccomp off: checks":           {Exceptions: map[Layer]string{Seccomp: "checks"}},
		"dumpable off: y CAP_NET_ADMIN": {Exceptions: map[Layer]string{Dumpable: "y"}, Capabilities: []capability.Capability{capability.NetAdmin}},
	} {
		if want == "" {
			r.Layers[1].State = Disabled // as of an exception
		}
		if have := strings.Join(r.Lacks(n), " "); have != want {
			t.Errorf("%+v: lacks %q, want %q", n, have, want)
		}
		r.Layers[1].State = Enforced
	}
	r = Report{}
	if have := r.Lacks(Needs{Read: []string{"/x"}, Capabilities: []capability.Capability{capability.NetAdmin}}); have != nil {
		t.Errorf("nothing is in effect: %q", have)
	}
}

func TestKeep(t *testing.T) {
	needed := []capability.Capability{capability.DACReadSearch, capability.Perfmon}
	for _, tc := range []struct{ permitted, want capability.Set }{
		{0, 0},
		{capability.SetOf(capability.DACReadSearch, capability.DACOverride, capability.SysAdmin, capability.Perfmon), capability.SetOf(capability.DACReadSearch, capability.Perfmon)},
		{capability.SetOf(capability.DACOverride, capability.SysAdmin, capability.NetAdmin), capability.SetOf(capability.DACOverride)},
	} {
		if have := keep(tc.permitted, needed); have != tc.want {
			t.Errorf("of %x: %x, want %x", tc.permitted, have, tc.want)
		}
	}
}

func TestReport(t *testing.T) {
	off, err := Enforce(Needs{}, Off)
	if err != nil || off.Complete() || len(off.Layers) != len(Layers()) || !strings.HasPrefix(off.String(), "no_new_privs off (--sandbox=off), ") {
		t.Errorf("%v, %v", off, err)
	}
	r := Report{Layers: []LayerState{{Landlock, Partial, "version 2"}, {Seccomp, Enforced, ""}}}
	if have := r.String(); have != "landlock partial (version 2), seccomp enforced" || r.Complete() {
		t.Errorf("%q", have)
	}
}

// TestEnforce seals another process, which then tries what a captured exporter would
// try, from threads that exist already and from new ones.
func TestEnforce(t *testing.T) {
	if os.Getenv("SEAL_TEST_CHILD") != "" {
		sealedProcess()
	}
	dir := t.TempDir()
	abstract, err := net.Listen("unix", "@"+dir)
	if err != nil {
		t.Fatal(err)
	}
	defer abstract.Close()
	named, err := net.Listen("unix", filepath.Join(dir, "s"))
	if err != nil {
		t.Fatal(err)
	}
	defer named.Close()
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer tcp.Close()
	for _, name := range []string{"allowed/file", "denied/file", "listed/file"} {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte("1"), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("/proc/self/exe", "-test.run=^TestEnforce$")
	cmd.Env = append(os.Environ(), "SEAL_TEST_CHILD="+dir, "SEAL_TEST_TCP="+tcp.Addr().String())
	out, err := cmd.CombinedOutput()
	switch {
	case strings.HasPrefix(string(out), "skip: "):
		t.Skip(string(out))
	case err != nil || string(out) != "sealed":
		t.Errorf("%v\n%s", err, out)
	}
}

// sealedProcess is the other process. It does not return.
func sealedProcess() {
	dir := os.Getenv("SEAL_TEST_CHILD")
	start, done := make(chan bool), make(chan []string)
	const threads = 3
	for range threads {
		ready := make(chan bool)
		go func() {
			runtime.LockOSThread()
			ready <- true
			done <- violations(dir, <-start)
		}()
		<-ready
	}
	report, err := Enforce(Needs{Read: []string{"/proc", filepath.Join(dir, "allowed")}, List: []string{filepath.Join(dir, "listed")}, Devices: []string{"/dev/null"}}, Auto)
	if err != nil || report.state(Capabilities) != Enforced || !report.inEffect(Landlock) || report.state(Seccomp) != Enforced {
		fmt.Print("skip: ", report, err)
		os.Exit(0)
	}
	isComplete := report.Complete()
	failed := violations(dir, isComplete)
	for range threads {
		start <- isComplete
		failed = append(failed, <-done...)
	}
	if len(failed) > 0 {
		fmt.Println(strings.Join(failed, "\n"))
		os.Exit(1)
	}
	fmt.Print("sealed")
	os.Exit(0)
}

// violations tries what is denied and what is allowed, and returns what turned out
// otherwise. Without a complete sandbox, abstract sockets are allowed.
func violations(dir string, isComplete bool) (all []string) {
	try := func(want error, what string, err error) {
		if !errors.Is(err, want) || want == nil && err != nil {
			all = append(all, fmt.Sprintf("%s: %v, want %v", what, err, want))
		}
	}
	in := func(elem ...string) string { return filepath.Join(append([]string{dir}, elem...)...) }
	read := func(path string) error { _, err := os.ReadFile(path); return err }
	list := func(path string) error { _, err := os.ReadDir(path); return err }
	dial := func(network, address string) error {
		c, err := net.Dial(network, address)
		if err == nil {
			c.Close()
		}
		return err
	}

	try(nil, "read", read(in("allowed/file")))
	try(nil, "list", list(in("listed")))
	try(nil, "list what is readable", list(in("allowed")))
	try(nil, "read procfs", read("/proc/self/stat"))
	try(nil, "stat", func() error { _, err := os.Stat(in("denied/file")); return err }())
	try(nil, "statfs", unix.Statfs(in("denied"), new(unix.Statfs_t)))
	try(nil, "connect to a named socket", dial("unix", in("s")))
	try(nil, "open a netlink socket", func() error {
		fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_ROUTE)
		_ = unix.Close(fd)
		return err
	}())
	try(nil, "read a device", read("/dev/null"))
	try(fs.ErrPermission, "read another device", read("/dev/zero"))
	try(nil, "signal itself", unix.Kill(os.Getpid(), 0))

	try(fs.ErrPermission, "read what is denied", read(in("denied/file")))
	try(fs.ErrPermission, "read what may be listed", read(in("listed/file")))
	try(fs.ErrPermission, "list what is denied", list(in("denied")))
	try(fs.ErrPermission, "read through procfs", read("/proc/self/root"+in("denied/file")))
	try(fs.ErrPermission, "write", os.WriteFile(in("allowed/file"), nil, 0o644))
	try(fs.ErrPermission, "create", os.WriteFile(in("allowed/new"), nil, 0o644))
	try(fs.ErrPermission, "remove", os.Remove(in("allowed/file")))
	if isComplete {
		try(fs.ErrPermission, "connect to an abstract socket", dial("unix", "@"+dir))
	}
	try(fs.ErrPermission, "connect over TCP", dial("tcp", os.Getenv("SEAL_TEST_TCP")))
	try(fs.ErrPermission, "listen on TCP", func() error {
		var c net.ListenConfig
		c.SetMultipathTCP(runtime.GOARCH != "386" && runtime.GOARCH != "s390x") // where no filter sees it
		l, err := c.Listen(context.Background(), "tcp", "127.0.0.1:0")
		if err == nil {
			l.Close()
		}
		return err
	}())
	try(fs.ErrPermission, "start a program", exec.Command("/bin/true").Run())
	try(unix.EPERM, "replace the program", syscall.Exec("/bin/true", []string{"true"}, nil))
	try(unix.EPERM, "signal another process", unix.Kill(os.Getppid(), 0))
	try(unix.EPERM, "trace another process", unix.PtraceSeize(os.Getppid()))
	try(unix.EPERM, "limit another process", unix.Prlimit(os.Getppid(), unix.RLIMIT_NOFILE, nil, new(unix.Rlimit)))
	try(unix.EPERM, "make a namespace", unix.Unshare(unix.CLONE_NEWUSER))
	if dumpable, err := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0); dumpable != 0 || err != nil {
		all = append(all, "dumpable")
	}
	if have, err := capability.Read(); err != nil || have != (capability.State{}) {
		all = append(all, fmt.Sprintf("capabilities %x, %v", have, err))
	}
	return all
}

// TestPartial is what older kernels enforce.
func TestPartial(t *testing.T) {
	for version, want := range map[int]State{0: Unavailable, 1: Partial, landlock.FullVersion - 1: Partial, landlock.FullVersion: Enforced} {
		if have, detail := landlockState(version, true); have != want || (detail == "") != (want == Enforced) {
			t.Errorf("version %d: %s (%s), want %s", version, have, detail, want)
		}
	}
	if have, detail := landlockState(6, false); have != Partial || !strings.Contains(detail, "signals") {
		t.Errorf("%s (%s)", have, detail)
	}
}
