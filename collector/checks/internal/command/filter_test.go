package command

import (
	"os"
	"strconv"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/hostexporter/host_exporter/collector/checks/internal/sandbox"
)

// An attack is a system call that no check may make.
type attack struct {
	name   string
	number uintptr
	args   [6]uintptr
}

// attacks returns system calls that would harm a process, or that give a program much
// of the kernel to attack.
func attacks(pid uintptr) []attack {
	limit := &unix.Rlimit{Cur: 8, Max: 8}
	cpus := &unix.CPUSet{}
	cpus.Set(0)
	word, scratch := new(uint64), new([256]byte)
	iovec := &unix.Iovec{Base: (*byte)(unsafe.Pointer(word)), Len: 8}
	p := func(v unsafe.Pointer) uintptr { return uintptr(v) }
	const ioprioWhoProcess, classIdle, schedIdle = 1, 3 << 13, 5
	return []attack{
		{"prlimit64", unix.SYS_PRLIMIT64, [6]uintptr{pid, unix.RLIMIT_NOFILE, p(unsafe.Pointer(limit))}},
		{"setpriority", unix.SYS_SETPRIORITY, [6]uintptr{unix.PRIO_PROCESS, pid, 19}},
		{"setpriority of the user", unix.SYS_SETPRIORITY, [6]uintptr{unix.PRIO_USER, 0, 19}},
		{"setpriority of a group", unix.SYS_SETPRIORITY, [6]uintptr{unix.PRIO_PGRP, pid, 19}},
		{"sched_setaffinity", unix.SYS_SCHED_SETAFFINITY, [6]uintptr{pid, unsafe.Sizeof(*cpus), p(unsafe.Pointer(cpus))}},
		{"sched_setscheduler", unix.SYS_SCHED_SETSCHEDULER, [6]uintptr{pid, schedIdle, p(unsafe.Pointer(scratch))}},
		{"ioprio_set", unix.SYS_IOPRIO_SET, [6]uintptr{ioprioWhoProcess, pid, classIdle}},
		{"process_vm_readv", unix.SYS_PROCESS_VM_READV, [6]uintptr{pid, p(unsafe.Pointer(iovec)), 1, p(unsafe.Pointer(iovec)), 1}},
		{"process_vm_writev", unix.SYS_PROCESS_VM_WRITEV, [6]uintptr{pid, p(unsafe.Pointer(iovec)), 1, p(unsafe.Pointer(iovec)), 1}},
		{"ptrace", unix.SYS_PTRACE, [6]uintptr{unix.PTRACE_SEIZE, pid}},
		{"pidfd_open", unix.SYS_PIDFD_OPEN, [6]uintptr{pid}},
		{"pidfd_getfd", unix.SYS_PIDFD_GETFD, [6]uintptr{0, 0}},
		{"bpf", unix.SYS_BPF, [6]uintptr{0, p(unsafe.Pointer(scratch)), 64}},
		{"io_uring_setup", unix.SYS_IO_URING_SETUP, [6]uintptr{1, p(unsafe.Pointer(scratch))}},
		{"mount", unix.SYS_MOUNT, [6]uintptr{0, 0, 0, unix.MS_REC | unix.MS_PRIVATE}},
		{"unshare", unix.SYS_UNSHARE, [6]uintptr{unix.CLONE_NEWUSER}},
		{"setns", unix.SYS_SETNS, [6]uintptr{0, 0}},
		{"keyctl", unix.SYS_KEYCTL, [6]uintptr{0, ^uintptr(0)}},
		{"delete_module", unix.SYS_DELETE_MODULE, [6]uintptr{p(unsafe.Pointer(scratch)), 0}},
	}
}

// TestAttacksOnThisHost attacks the exporter, here the test process, from a check of
// the same user, in each sandbox.
func TestAttacksOnThisHost(t *testing.T) {
	limit := func() (l unix.Rlimit) {
		if err := unix.Prlimit(0, unix.RLIMIT_NOFILE, nil, &l); err != nil {
			t.Fatal(err)
		}
		return l
	}
	before := limit()
	for _, mode := range []sandbox.Mode{sandbox.None, sandbox.Strict} {
		for _, user := range []string{"", "0"} {
			if user != "" && os.Geteuid() != 0 {
				continue
			}
			c := helperCommand(t, "attack "+strconv.Itoa(os.Getpid()))
			c.Sandbox, c.User = mode, user
			r := NewRunner(Options{})
			res := r.Run(t.Context(), c)
			want(t, res, "")
			lines := strings.Split(strings.TrimSpace(string(res.Parsed)), "\n")
			if len(lines) != len(attacks(0)) {
				t.Errorf("have %q", lines)
			}
			for _, line := range lines {
				if !strings.HasSuffix(line, ": "+unix.EPERM.Error()) {
					t.Errorf("sandbox %s: %s", mode, line)
				}
			}
		}
	}
	if after := limit(); after != before {
		t.Errorf("limit of descriptors %+v, want %+v", after, before)
	}
}

// TestOwnAttributes: what a program may do with itself and its children stays allowed.
func TestOwnAttributes(t *testing.T) {
	c := shell("ulimit -n 100 && nice -n 5 true && (sleep 100 & kill $!) && echo fine")
	res := runAlone(t, t.Context(), c)
	want(t, res, "")
	if string(res.Parsed) != "fine\n" {
		t.Errorf("%q %s", res.Parsed, res.Stderr)
	}
}
