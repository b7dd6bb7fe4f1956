package seccomp

import (
	"runtime"
	"slices"

	"golang.org/x/sys/unix"
)

// A Rule denies one system call where all its conditions hold. A call is denied if
// one of its rules denies it.
type Rule struct {
	Call  string      // as in numbers.go
	If    []Condition // none: always
	Errno unix.Errno  // that the call returns; 0: EPERM
}

// A Condition compares the lower 32 bits of an argument, which are all that the
// kernel uses of process numbers and flags. Pointers cannot be followed.
type Condition struct {
	Arg   int    // from 0
	Mask  uint32 // the bits to compare; 0: all
	Not   bool   // holds if the values differ
	Value uint32
}

// Deny returns a rule without conditions for each of the calls.
func Deny(calls ...string) []Rule {
	rules := make([]Rule, 0, len(calls))
	for _, c := range calls {
		rules = append(rules, Rule{Call: c})
	}
	return rules
}

// Unless returns a rule that denies a call whose argument has none of the values.
func Unless(call string, arg int, values ...uint32) Rule {
	r := Rule{Call: call}
	for _, v := range values {
		r.If = append(r.If, Condition{Arg: arg, Not: true, Value: v})
	}
	return r
}

// Exporter returns the rules for the process with this number, which starts no
// other process, whose collectors only read, and whose listeners are open. They are
// for NewNative.
func Exporter(pid int) []Rule {
	self := uint32(pid)
	return slices.Concat(
		processes(),
		others(0, self),
		Deny("execve", "execveat", "fork", "vfork", "unshare"),
		[]Rule{
			{Call: "clone", If: []Condition{{Mask: unix.CLONE_THREAD}}},
			// The flags are in memory. With ENOSYS the C library uses clone.
			{Call: "clone3", Errno: unix.ENOSYS},
			Unless("kill", 0, self),
			Unless("tgkill", 0, self),
			Unless("rt_sigqueueinfo", 0, self),
			Unless("rt_tgsigqueueinfo", 0, self),
		},
		sockets(),
		Deny("reboot", "settimeofday", "stime", "clock_settime", "clock_settime64", "sethostname", "setdomainname",
			"acct", "quotactl", "quotactl_fd", "iopl", "ioperm", "userfaultfd", "open_by_handle_at", "personality"),
	)
}

// sockets returns the rules that leave local sockets, netlink, and datagrams, which
// ioctl on network devices takes. Landlock does not see TCP in a socket of MPTCP or
// SMC, which connect over TCP where the peer has no more.
func sockets() []Rule {
	const typeMask = 0xf // without SOCK_NONBLOCK and SOCK_CLOEXEC
	rules := []Rule{Unless("socket", 0, unix.AF_UNIX, unix.AF_NETLINK, unix.AF_INET, unix.AF_INET6)}
	for _, family := range []uint32{unix.AF_INET, unix.AF_INET6} {
		rules = append(rules, Rule{Call: "socket", If: []Condition{{Value: family}, {Arg: 1, Mask: typeMask, Not: true, Value: unix.SOCK_DGRAM}}})
	}
	// Its arguments are in memory. Go uses it on these two architectures.
	if runtime.GOARCH != "386" && runtime.GOARCH != "s390x" {
		rules = append(rules, Deny("socketcall")...)
	}
	return rules
}

// Check returns the rules for a program that may start others, but must not change
// processes that are not its own, for example the exporter that runs as the same
// user.
func Check() []Rule {
	namespace := []Condition{{Mask: unix.CLONE_NEWUSER, Not: true}}
	return slices.Concat(
		processes(),
		others(0),
		[]Rule{
			{Call: "clone", If: namespace},
			{Call: "unshare", If: namespace},
			{Call: "clone3", Errno: unix.ENOSYS},
		},
	)
}

// processes returns the rules for access to other processes, and for what changes
// the kernel or what processes see of the host.
func processes() []Rule {
	return Deny(
		"ptrace", "process_vm_readv", "process_vm_writev", "process_madvise", "kcmp",
		"pidfd_open", "pidfd_getfd", "pidfd_send_signal",
		"bpf", "io_uring_setup", "io_uring_enter", "io_uring_register",
		"mount", "umount", "umount2", "move_mount", "open_tree", "open_tree_attr", "mount_setattr",
		"fsopen", "fsconfig", "fsmount", "fspick", "pivot_root", "chroot", "swapon", "swapoff", "setns",
		"add_key", "request_key", "keyctl",
		"init_module", "finit_module", "delete_module", "kexec_load", "kexec_file_load",
	)
}

// others returns the rules for limits and priorities of processes whose number is
// not one of self; 0 is the caller.
func others(self ...uint32) []Rule {
	var rules []Rule
	for _, call := range []string{"prlimit64", "sched_setaffinity", "sched_setscheduler", "sched_setparam", "sched_setattr", "migrate_pages", "move_pages"} {
		rules = append(rules, Unless(call, 0, self...))
	}
	const ioprioWhoProcess = 1 // linux/ioprio.h
	return append(rules,
		Unless("setpriority", 0, unix.PRIO_PROCESS), Unless("setpriority", 1, self...),
		Unless("ioprio_set", 0, ioprioWhoProcess), Unless("ioprio_set", 1, self...),
	)
}
