package kernel

import (
	"bytes"
	"context"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

var cgroups = collect.Spec{
	Name:              "cgroups",
	Help:              "Number of control groups of each controller.",
	Reads:             []string{"/proc/cgroups"},
	DisabledByDefault: true,
	Build:             collect.Plain(newCgroups),
}

// cgroupsCollector reads /proc/cgroups, a line for each controller:
//
//	#subsys_name	hierarchy	num_cgroups	enabled
//	cpuset	0	66	1
//
// See cgroups(7).
type cgroupsCollector struct {
	proc    *host.Reader
	cgroups *metric.Family
	enabled *metric.Family
}

func newCgroups(env *collect.Env) *cgroupsCollector {
	m := env.Metrics
	return &cgroupsCollector{
		proc:    env.Host.Proc.Reader(),
		cgroups: m.Gauge("node_cgroups_cgroups", "Control groups in the controller's hierarchy, from /proc/cgroups.", "subsys_name"),
		enabled: m.Gauge("node_cgroups_enabled", "Whether the controller is enabled, from /proc/cgroups.", "subsys_name"),
	}
}

func (c *cgroupsCollector) Update(_ context.Context, out *metric.Sink) error {
	b, err := c.proc.Read("cgroups")
	if err != nil {
		return collect.OrNoData(err)
	}
	line, b := scan.Line(b)
	if !bytes.HasPrefix(line, []byte("#subsys_name")) {
		return c.proc.At(host.Bad(1, "a heading that starts with #subsys_name", line))
	}
	for n := 2; len(b) > 0; n++ {
		line, b = scan.Line(b)
		name, groups, enabled, ok := parseCgroupsLine(line)
		if !ok {
			out.Error(c.proc.At(host.Bad(n, "a name and three numbers", line)))
			continue
		}
		out.Emit(c.cgroups, float64(groups), string(name))
		out.Emit(c.enabled, float64(enabled), string(name))
	}
	return nil
}

func parseCgroupsLine(line []byte) (name []byte, groups, enabled uint64, ok bool) {
	var f [4][]byte
	if scan.Fields(f[:], line) < len(f) {
		return nil, 0, 0, false
	}
	_, hierarchyOK := scan.Uint(f[1])
	groups, groupsOK := scan.Uint(f[2])
	enabled, enabledOK := scan.Uint(f[3])
	return f[0], groups, enabled, hierarchyOK && groupsOK && enabledOK
}
