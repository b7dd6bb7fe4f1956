package doctor

import (
	"fmt"
	"strings"

	"golang.org/x/sys/unix"
)

// Capabilities names the effective capabilities of the process, of those that a
// collector or a check can use: "all", "none", or a list. See capabilities(7).
func Capabilities() string {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&header, &data[0]); err != nil {
		return fmt.Sprintf("unknown (%v)", err)
	}
	has := func(c uint) bool { return data[c/32].Effective&(1<<(c%32)) != 0 }
	var names []string
	for _, c := range []struct {
		name   string
		number uint
	}{
		{"CAP_DAC_READ_SEARCH", unix.CAP_DAC_READ_SEARCH}, {"CAP_SYS_PTRACE", unix.CAP_SYS_PTRACE},
		{"CAP_SYS_ADMIN", unix.CAP_SYS_ADMIN}, {"CAP_NET_ADMIN", unix.CAP_NET_ADMIN},
		{"CAP_PERFMON", unix.CAP_PERFMON}, {"CAP_SYS_RAWIO", unix.CAP_SYS_RAWIO},
		{"CAP_SETUID", unix.CAP_SETUID}, {"CAP_SETGID", unix.CAP_SETGID}, {"CAP_KILL", unix.CAP_KILL},
	} {
		if has(c.number) {
			names = append(names, c.name)
		}
	}
	switch len(names) {
	case 0:
		return "none"
	case 9:
		return "all"
	}
	return strings.Join(names, " ")
}
