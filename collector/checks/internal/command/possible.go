package command

import (
	"syscall"

	"github.com/hostexporter/host_exporter/collector/internal/trust"
)

// CheckPath returns an error if the program at path cannot be run: it is missing, it is
// no program, or users other than root and that of this process can change it.
func CheckPath(path string, allowUnsafe bool) error {
	return trust.NewRule().CheckProgram(path, allowUnsafe)
}

// CheckUser returns an error if a user or a group, each a name, a number or empty, does
// not exist. It does not say whether the exporter may become it.
func CheckUser(userName, groupName string) error {
	var c syscall.Credential
	if userName != "" {
		if err := lookUser(&c, userName); err != nil {
			return err
		}
	}
	if groupName != "" {
		return lookGroup(&c, groupName)
	}
	return nil
}

// NewCredential returns the credential of a user, as a Runner uses it for commands.
func NewCredential(userName string) (*syscall.Credential, error) { return credential(userName, "") }
