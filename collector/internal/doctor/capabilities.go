package doctor

import (
	"fmt"
	"strings"

	"github.com/hostexporter/host_exporter/collector/internal/capability"
)

// Capabilities returns the names of the process's effective capabilities, of
// those that a collector or check needs: "all" or "none" where that says it.
func Capabilities() string {
	have, err := capability.Effective()
	if err != nil {
		return fmt.Sprintf("unknown (%v)", err)
	}
	known := []capability.Capability{
		capability.DACReadSearch, capability.SysPtrace, capability.SysAdmin, capability.NetAdmin, capability.Perfmon,
		capability.SysRawIO, capability.SetUID, capability.SetGID, capability.Kill,
	}
	var names []string
	for _, c := range known {
		if have.Has(c) {
			names = append(names, c.String())
		}
	}
	switch len(names) {
	case 0:
		return "none"
	case len(known):
		return "all"
	}
	return strings.Join(names, " ")
}
