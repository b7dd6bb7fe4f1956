package doctor

import (
	"fmt"
	"strings"

	"github.com/hostexporter/host_exporter/collector/internal/capability"
)

// Capabilities names the effective capabilities of the process, of those that a
// collector or a check can use: "all", "none", or a list. See capabilities(7).
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
