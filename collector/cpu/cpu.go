package cpu

import (
	"context"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

var cpu = collect.Spec{
	Name: "cpu",
	Help: "What each CPU spends its time on, which CPUs are online, isolated or throttled, and on request what they are.",
	Reads: []string{
		"/proc/stat",
		"/proc/cpuinfo",
		"/sys/devices/system/cpu/online",
		"/sys/devices/system/cpu/present",
		"/sys/devices/system/cpu/isolated",
		"/sys/devices/system/cpu/cpu[0-9]*",
		"/sys/devices/system/cpu/cpu[0-9]*/topology/core_id",
		"/sys/devices/system/cpu/cpu[0-9]*/topology/physical_package_id",
		"/sys/devices/system/cpu/cpu[0-9]*/thermal_throttle/core_throttle_count",
		"/sys/devices/system/cpu/cpu[0-9]*/thermal_throttle/package_throttle_count",
	},
	Build: collect.With(cpuOptions{Guest: true}, newCPU),
}

type cpuOptions struct {
	Guest        collect.Bool
	Info         collect.Bool
	IncludeFlags collect.Regexp
	IncludeBugs  collect.Regexp
}

func (o *cpuOptions) Fields() []collect.Field {
	return []collect.Field{
		{Name: "guest", Help: "Export node_cpu_guest_seconds_total.", Value: &o.Guest},
		{Name: "info", Help: "Export node_cpu_info and node_cpu_frequency_hertz.", Value: &o.Info},
		{Name: "info.flags-include", Help: "Regular expression of the CPU flags to export as node_cpu_flag_info; it implies info.", Value: &o.IncludeFlags},
		{Name: "info.bugs-include", Help: "Regular expression of the CPU bugs to export as node_cpu_bug_info; it implies info.", Value: &o.IncludeBugs},
	}
}

// cpuCollector reads /proc/stat for the times, sysfs for what state the CPUs
// are in, and /proc/cpuinfo for what they are. Each of the three has a file of
// its own here.
type cpuCollector struct {
	times  *cpuTimes
	states *cpuStates
	info   *cpuInfo // nil unless asked for
}

func newCPU(env *collect.Env, o cpuOptions) (*cpuCollector, error) {
	c := &cpuCollector{times: newCPUTimes(env, bool(o.Guest)), states: newCPUStates(env)}
	if bool(o.Info) || o.IncludeFlags.IsSet() || o.IncludeBugs.IsSet() {
		c.info = newCPUInfo(env, o)
	}
	return c, nil
}

func (c *cpuCollector) Update(_ context.Context, out *metric.Sink) error {
	// A host whose times cannot be read may still tell the rest.
	err := c.times.update(out)
	c.states.update(out)
	if c.info != nil {
		c.info.update(out)
	}
	return err
}

// skip notes that a part could not be read, unless it is not there.
func skip(out *metric.Sink, err error) {
	if !host.Gone(err) {
		out.Error(err)
	}
}
