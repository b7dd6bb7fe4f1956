package command

import (
	"fmt"
	"os"
	"os/user"
	"strconv"
	"strings"
	"syscall"

	"github.com/hostexporter/host_exporter/collector/internal/capability"
)

// credential returns the credential of a command. One without a user has the default
// user, if the exporter may change users.
func (r *Runner) credential(c Command) (*syscall.Credential, error) {
	if c.User != "" || r.DefaultUser == "" || !CanChangeUsers() {
		return credential(c.User, c.Group)
	}
	if err := lookUser(&syscall.Credential{}, r.DefaultUser); err != nil {
		return nil, fmt.Errorf("%s: %w: create it (docs/service/sysusers.d/host_exporter.conf), or set user: of the check or --checks.user", c.Argv[0], err)
	}
	return credential(r.DefaultUser, c.Group)
}

// CanChangeUsers reports whether the exporter may run programs as other users.
func CanChangeUsers() bool {
	have, err := capability.Effective()
	return err == nil && have.Missing(changeUser()...) == nil
}

// changeUser returns what it takes to become another user and, in the end, to kill
// its processes.
func changeUser() []capability.Capability {
	return []capability.Capability{capability.SetUID, capability.SetGID, capability.Kill}
}

// grantable returns an error if the exporter lacks a capability of a command.
func grantable(c Command) error {
	if len(c.Capabilities) == 0 {
		return nil
	}
	have, err := capability.Effective()
	if err != nil {
		return err
	}
	if missing := have.Missing(c.Capabilities...); missing != nil {
		return fmt.Errorf("%s: capabilities: the exporter lacks %s", c.Argv[0], strings.Join(missing, ", "))
	}
	return nil
}

// credential returns the credential of a user and a group, each a name, a number
// or empty. It is nil for that of the exporter. It is an error if the exporter
// lacks the capabilities to run a program with it.
func credential(userName, groupName string) (*syscall.Credential, error) {
	if userName == "" && groupName == "" {
		return nil, nil
	}
	c := &syscall.Credential{Uid: uint32(os.Geteuid()), Gid: uint32(os.Getegid())}
	if userName != "" {
		if err := lookUser(c, userName); err != nil {
			return nil, err
		}
	}
	if groupName != "" {
		if err := lookGroup(c, groupName); err != nil {
			return nil, err
		}
	}
	if c.Uid == uint32(os.Geteuid()) && c.Gid == uint32(os.Getegid()) {
		return nil, nil
	}
	have, err := capability.Effective()
	if err != nil {
		return nil, err
	}
	need := []capability.Capability{capability.SetGID}
	if c.Uid != uint32(os.Geteuid()) {
		need = changeUser()
	}
	if missing := have.Missing(need...); missing != nil {
		return nil, fmt.Errorf("running as user %q, group %q: the exporter lacks %s", userName, groupName, strings.Join(missing, ", "))
	}
	return c, nil
}

func lookUser(c *syscall.Credential, name string) error {
	u, err := user.Lookup(name)
	if err != nil {
		if u, err = user.LookupId(name); err != nil {
			return fmt.Errorf("user %q does not exist", name)
		}
	}
	ids, err := u.GroupIds()
	if err != nil {
		return fmt.Errorf("user %q: reading its groups: %w", name, err)
	}
	for _, id := range ids {
		gid, err := strconv.ParseUint(id, 10, 32)
		if err != nil {
			return fmt.Errorf("user %q: want a number for a group, have %q", name, id)
		}
		c.Groups = append(c.Groups, uint32(gid))
	}
	uid, uidErr := strconv.ParseUint(u.Uid, 10, 32)
	gid, gidErr := strconv.ParseUint(u.Gid, 10, 32)
	if uidErr != nil || gidErr != nil {
		return fmt.Errorf("user %q: want numbers for user and group, have %q and %q", name, u.Uid, u.Gid)
	}
	c.Uid, c.Gid = uint32(uid), uint32(gid)
	return nil
}

func lookGroup(c *syscall.Credential, name string) error {
	g, err := user.LookupGroup(name)
	if err != nil {
		if g, err = user.LookupGroupId(name); err != nil {
			return fmt.Errorf("group %q does not exist", name)
		}
	}
	gid, err := strconv.ParseUint(g.Gid, 10, 32)
	if err != nil {
		return fmt.Errorf("group %q: want a number, have %q", name, g.Gid)
	}
	c.Gid = uint32(gid)
	return nil
}

// canLimitProcesses reports whether a limit on processes is safe without a
// control group. RLIMIT_NPROC counts all processes of a user, so it is safe only
// for a user of the command's own. It does not bind the supervisor, which is root.
func canLimitProcesses(c *syscall.Credential) bool {
	return c != nil && c.Uid != 0 && c.Uid != uint32(os.Geteuid()) && os.Geteuid() == 0
}
