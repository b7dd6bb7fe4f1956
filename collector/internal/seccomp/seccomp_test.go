package seccomp

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// TestNumbers compares the table with the numbers of golang.org/x/sys/unix.
func TestNumbers(t *testing.T) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "golang.org/x/sys").Output()
	if err != nil {
		t.Skip("no go command: ", err)
	}
	for column, goarchs := range [columns][]string{{"amd64"}, {"386"}, {"arm64", "riscv64", "loong64"}, {"arm"}, {"mips64le"}, {"mipsle"}, {"ppc64le"}, {"s390x"}} {
		for _, goarch := range goarchs {
			source, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(out)), "unix", "zsysnum_linux_"+goarch+".go"))
			if err != nil {
				t.Fatal(err)
			}
			want := map[string]int{}
			for _, m := range regexp.MustCompile(`SYS_(\w+) += (\d+)`).FindAllStringSubmatch(string(source), -1) {
				want[strings.ToLower(m[1])], _ = strconv.Atoi(m[2])
			}
			for _, n := range numbers {
				number, ok := want[n.call]
				if !ok {
					number = none
				}
				if have := int(n.number[column]); have != number {
					t.Errorf("%s on %s: %d, want %d", n.call, goarch, have, number)
				}
			}
		}
	}
}

// A call is a system call as a filter sees it.
type call struct {
	goarch string
	arch   uint32 // 0: goarch's own
	name   string
	number int // if there is no name
	args   [6]uint64
}

// run returns the error number with which a program answers a call; 0: allowed.
func (c call) run(t *testing.T, rules []Rule) unix.Errno {
	t.Helper()
	code, err := assemble(abis(c.goarch), rules)
	if err != nil {
		t.Fatal(err)
	}
	a := abis(c.goarch)[0]
	for _, other := range abis(c.goarch) {
		if other.arch == c.arch {
			a = other
		}
	}
	if c.arch == 0 {
		c.arch = a.arch
	}
	if c.name != "" {
		if c.number, err = numberOf(c.name, a.column); err != nil {
			t.Fatal(err)
		}
	}
	// The virtual machine reads words in network order; the kernel, in its own.
	words := []uint32{uint32(c.number), c.arch, 0, 0}
	for _, arg := range c.args {
		low, high := uint32(arg), uint32(arg>>32)
		if a.bigEndian {
			low, high = high, low
		}
		words = append(words, low, high)
	}
	var data []byte
	for _, w := range words {
		data = binary.BigEndian.AppendUint32(data, w)
	}
	vm, err := bpf.NewVM(code)
	if err != nil {
		t.Fatal(err)
	}
	result, err := vm.Run(data)
	if err != nil {
		t.Fatal(err)
	}
	switch uint32(result) & unix.SECCOMP_RET_ACTION_FULL {
	case unix.SECCOMP_RET_ALLOW:
		return 0
	case unix.SECCOMP_RET_ERRNO:
		return unix.Errno(result & unix.SECCOMP_RET_DATA)
	}
	t.Fatalf("result %#x", result)
	return 0
}

// TestDecisions runs the assembled programs of every architecture.
func TestDecisions(t *testing.T) {
	const self, other = 4711, 4712
	thread := uint64(unix.CLONE_VM | unix.CLONE_FS | unix.CLONE_FILES | unix.CLONE_SIGHAND | unix.CLONE_THREAD)
	for _, tc := range []struct {
		name            string
		args            [6]uint64
		exporter, check unix.Errno
	}{
		{name: "execve", exporter: unix.EPERM},
		{name: "execveat", exporter: unix.EPERM},
		{name: "fork", exporter: unix.EPERM},
		{name: "clone", args: [6]uint64{thread, 1 << 40}},
		{name: "clone", args: [6]uint64{uint64(unix.SIGCHLD), unix.CLONE_THREAD}, exporter: unix.EPERM}, // the stack is no flag
		{name: "clone", args: [6]uint64{unix.CLONE_NEWUSER}, exporter: unix.EPERM, check: unix.EPERM},
		{name: "clone3", args: [6]uint64{1 << 40}, exporter: unix.ENOSYS, check: unix.ENOSYS},
		{name: "unshare", args: [6]uint64{unix.CLONE_NEWUSER | unix.CLONE_NEWNS}, exporter: unix.EPERM, check: unix.EPERM},
		{name: "unshare", args: [6]uint64{unix.CLONE_FS}, exporter: unix.EPERM},
		{name: "prlimit64", args: [6]uint64{0}},
		{name: "prlimit64", args: [6]uint64{self}, check: unix.EPERM},
		{name: "prlimit64", args: [6]uint64{other}, exporter: unix.EPERM, check: unix.EPERM},
		{name: "prlimit64", args: [6]uint64{self | 1<<32}, check: unix.EPERM}, // the kernel uses 32 bits
		{name: "prlimit64", args: [6]uint64{1 << 32}},
		{name: "setpriority", args: [6]uint64{unix.PRIO_PROCESS, 0, 10}},
		{name: "setpriority", args: [6]uint64{unix.PRIO_PROCESS, other, 10}, exporter: unix.EPERM, check: unix.EPERM},
		{name: "setpriority", args: [6]uint64{unix.PRIO_USER, 0, 10}, exporter: unix.EPERM, check: unix.EPERM},
		{name: "ioprio_set", args: [6]uint64{1, 0, 3}},
		{name: "ioprio_set", args: [6]uint64{1, other, 3}, exporter: unix.EPERM, check: unix.EPERM},
		{name: "ioprio_set", args: [6]uint64{3, 0, 3}, exporter: unix.EPERM, check: unix.EPERM},
		{name: "sched_setaffinity", args: [6]uint64{0}},
		{name: "sched_setaffinity", args: [6]uint64{other}, exporter: unix.EPERM, check: unix.EPERM},
		{name: "kill", args: [6]uint64{self, 15}},
		{name: "kill", args: [6]uint64{other, 15}, exporter: unix.EPERM},
		{name: "tgkill", args: [6]uint64{self, 5000, 23}},
		{name: "tgkill", args: [6]uint64{other, 5000, 23}, exporter: unix.EPERM},
		{name: "socket", args: [6]uint64{unix.AF_UNIX, unix.SOCK_STREAM | unix.SOCK_CLOEXEC}},
		{name: "socket", args: [6]uint64{unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_ROUTE}},
		{name: "socket", args: [6]uint64{unix.AF_INET, unix.SOCK_DGRAM | unix.SOCK_CLOEXEC}},
		{name: "socket", args: [6]uint64{unix.AF_INET, unix.SOCK_STREAM | unix.SOCK_CLOEXEC, unix.IPPROTO_MPTCP}, exporter: unix.EPERM},
		{name: "socket", args: [6]uint64{unix.AF_INET6, unix.SOCK_STREAM}, exporter: unix.EPERM},
		{name: "socket", args: [6]uint64{unix.AF_INET6, unix.SOCK_RAW}, exporter: unix.EPERM},
		{name: "socket", args: [6]uint64{unix.AF_SMC, unix.SOCK_STREAM}, exporter: unix.EPERM},
		{name: "socket", args: [6]uint64{unix.AF_PACKET, unix.SOCK_RAW}, exporter: unix.EPERM},
		{name: "ptrace", exporter: unix.EPERM, check: unix.EPERM},
		{name: "mount", exporter: unix.EPERM, check: unix.EPERM},
		{name: "bpf", exporter: unix.EPERM, check: unix.EPERM},
		{name: "io_uring_setup", exporter: unix.EPERM, check: unix.EPERM},
		{name: "keyctl", exporter: unix.EPERM, check: unix.EPERM},
		{name: "finit_module", exporter: unix.EPERM, check: unix.EPERM},
		{name: "kexec_load", exporter: unix.EPERM, check: unix.EPERM},
	} {
		for _, goarch := range []string{"amd64", "386", "arm64", "arm", "riscv64", "loong64", "mips64le", "mipsle", "ppc64le", "s390x"} {
			for _, a := range abis(goarch) {
				if n, err := numberOf(tc.name, a.column); err != nil || n == none {
					continue
				}
				args := tc.args
				if tc.name == "clone" && goarch == "s390x" {
					args[0], args[1] = args[1], args[0]
				}
				c := call{goarch: goarch, arch: a.arch, name: tc.name, args: args}
				if have := c.run(t, Exporter(self)); have != tc.exporter {
					t.Errorf("exporter: %s%x on %s (%#x): %v, want %v", tc.name, args, goarch, a.arch, have, tc.exporter)
				}
				if have := c.run(t, Check()); have != tc.check {
					t.Errorf("check: %s%x on %s (%#x): %v, want %v", tc.name, args, goarch, a.arch, have, tc.check)
				}
			}
		}
	}
}

// TestForeign denies calls whose numbers mean something else: those of other
// architectures, and of the x32 ABI.
func TestForeign(t *testing.T) {
	for _, c := range []call{
		{goarch: "amd64", number: x32 | 39},
		{goarch: "amd64", number: x32 | 520}, // execve of x32
		{goarch: "amd64", arch: unix.AUDIT_ARCH_AARCH64, number: 172},
		{goarch: "arm64", arch: unix.AUDIT_ARCH_X86_64, number: 39},
		{goarch: "s390x", arch: unix.AUDIT_ARCH_S390, number: 20},
		{goarch: "mips64le", arch: unix.AUDIT_ARCH_MIPSEL64N32, number: 6038},
	} {
		if have := c.run(t, Check()); have != unix.EPERM {
			t.Errorf("%+v: %v", c, have)
		}
	}
	native, err := assemble(abis("amd64")[:1], Exporter(1))
	if err != nil {
		t.Fatal(err)
	}
	for _, ins := range native {
		if jump, ok := ins.(bpf.JumpIf); ok && jump.Val == unix.AUDIT_ARCH_I386 {
			t.Error("the filter of one ABI has another one")
		}
	}
	if have := (call{goarch: "amd64", arch: unix.AUDIT_ARCH_I386, number: 20}).run(t, Exporter(1)); have != 0 {
		t.Errorf("getpid of a 32-bit program: %v", have)
	}
}

// TestSeveralConditions needs all conditions of a rule, and one rule of several.
func TestSeveralConditions(t *testing.T) {
	rules := []Rule{
		{Call: "kcmp", If: []Condition{{Value: 1}, {Arg: 1, Mask: 6, Value: 2}}, Errno: unix.EACCES},
		{Call: "kcmp", If: []Condition{{Arg: 2, Not: true, Value: 3}}},
	}
	for args, want := range map[[6]uint64]unix.Errno{
		{1, 2, 3}: unix.EACCES, {1, 3, 3}: unix.EACCES, {1, 6, 3}: 0, {2, 2, 3}: 0, {2, 2, 4}: unix.EPERM, {1, 2, 4}: unix.EACCES,
	} {
		if have := (call{goarch: "riscv64", name: "kcmp", args: args}).run(t, rules); have != want {
			t.Errorf("%v: %v, want %v", args, have, want)
		}
	}
}

// TestUnknown reports what cannot be assembled.
func TestUnknown(t *testing.T) {
	if _, err := assemble(abis("amd64"), Deny("frobnicate")); err == nil || !strings.Contains(err.Error(), "frobnicate") {
		t.Error(err)
	}
	if _, err := assemble(abis("vax"), Check()); !errors.Is(err, ErrUnsupported) {
		t.Error(err)
	}
}

// TestInstallThread installs the filter of checks on one thread, which ends with the
// test: other threads, and what the thread may do, stay as they are.
func TestInstallThread(t *testing.T) {
	filter, err := New(Check())
	if err != nil {
		t.Skip(err)
	}
	result := make(chan []error)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		var errs []error
		defer func() { result <- errs }()
		if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
			errs = []error{err}
			return
		}
		if err := filter.InstallThread(); err != nil {
			errs = []error{err}
			return
		}
		errs = attempts()
	}()
	errs := <-result
	if len(errs) == 1 {
		skipUnsupported(t, errs[0])
		t.Fatal(errs[0])
	}
	for i, err := range errs {
		if !errors.Is(err, unix.EPERM) {
			t.Errorf("attempt %d: %v", i, err)
		}
	}
	var limit unix.Rlimit
	if err := unix.Prlimit(os.Getppid(), unix.RLIMIT_NOFILE, nil, &limit); os.Geteuid() == 0 && err != nil {
		t.Errorf("another thread: %v", err)
	}
}

// attempts tries what both lists deny.
func attempts() []error {
	var limit unix.Rlimit
	_, _, keyctl := unix.Syscall(unix.SYS_KEYCTL, 0, 0, 0)
	return []error{
		unix.Prlimit(os.Getppid(), unix.RLIMIT_NOFILE, nil, &limit),
		unix.Setpriority(unix.PRIO_USER, 0, 19),
		unix.Unshare(unix.CLONE_NEWUSER),
		keyctl,
	}
}

// TestInstallProcess installs the exporter's filter on all threads of another
// process, which tries from all of them.
func TestInstallProcess(t *testing.T) {
	if os.Getenv("SECCOMP_TEST_CHILD") != "" {
		installProcess()
	}
	cmd := exec.Command("/proc/self/exe", "-test.run=^TestInstallProcess$")
	cmd.Env = append(os.Environ(), "SECCOMP_TEST_CHILD=1")
	out, err := cmd.CombinedOutput()
	if string(out) == "unsupported" {
		t.Skip("the kernel has no system call filters")
	}
	if err != nil || string(out) != "denied" {
		t.Errorf("%v: %s", err, out)
	}
}

// installProcess is the other process. It does not return.
func installProcess() {
	fail := func(err error) {
		fmt.Print(err)
		os.Exit(1)
	}
	filter, err := NewNative(Exporter(os.Getpid()))
	if err != nil {
		fmt.Print("unsupported")
		os.Exit(0)
	}
	started, start, done := make(chan bool), make(chan bool), make(chan []error)
	const threads = 4
	for range threads {
		go func() {
			runtime.LockOSThread()
			started <- true
			<-start
			done <- append(attempts(), exec.Command("/bin/true").Run())
		}()
	}
	for range threads {
		<-started
	}
	runtime.LockOSThread()
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		fail(err)
	}
	switch err := filter.InstallProcess(); {
	case errors.Is(err, ErrUnsupported):
		fmt.Print("unsupported")
		os.Exit(0)
	case err != nil:
		fail(err)
	}
	close(start)
	for range threads {
		for i, err := range <-done {
			if !errors.Is(err, unix.EPERM) {
				fail(fmt.Errorf("attempt %d: %v", i, err))
			}
		}
	}
	fmt.Print("denied")
	os.Exit(0)
}

func skipUnsupported(t *testing.T, err error) {
	t.Helper()
	if errors.Is(err, ErrUnsupported) {
		t.Skip(err)
	}
}
