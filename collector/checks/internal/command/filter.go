package command

import (
	"errors"

	"github.com/hostexporter/host_exporter/collector/internal/capability"
	"github.com/hostexporter/host_exporter/collector/internal/seccomp"
)

// filter denies the calling thread, and so the program that it starts, the system calls
// that change processes of others, above all the exporter's, and much of the kernel
// that no check needs.
//
// The filter needs no_new_privs or CAP_SYS_ADMIN. A program that may gain privileges
// has none, unless the exporter has the latter: the documentation says so.
func (r *request) filter() error {
	if r.NewPrivileges {
		if have, err := capability.Effective(); err != nil || !have.Has(capability.SysAdmin) {
			return err
		}
	}
	f, err := seccomp.New(seccomp.Check())
	if err == nil {
		err = f.InstallThread()
	}
	if errors.Is(err, seccomp.ErrUnsupported) {
		return nil // as for a kernel without Landlock: the check runs with less
	}
	return err
}
