// Package cpu has the collectors of processors: times and states, frequencies,
// and how long tasks wait to run.
package cpu

import (
	"context"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

var cpu = collect.Spec{
	Name: "cpu",
	Help: "CPU times by mode, online and isolated CPUs, thermal throttling, and optionally CPU models.",
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
		{Name: "info.flags-include", Help: "Regular expression of the CPU flags to export as node_cpu_flag_info; implies --collector.cpu.info.", Value: &o.IncludeFlags},
		{Name: "info.bugs-include", Help: "Regular expression of the CPU bugs to export as node_cpu_bug_info; implies --collector.cpu.info.", Value: &o.IncludeBugs},
	}
}

// cpuCollector reads the times of the CPUs from /proc/stat, their states from
// sysfs, and their models from /proc/cpuinfo.
type cpuCollector struct {
	times  *cpuTimes
	states *cpuStates
	info   *cpuInfo // nil unless an option selects it
}

func newCPU(env *collect.Env, o cpuOptions) (*cpuCollector, error) {
	c := &cpuCollector{times: newCPUTimes(env, bool(o.Guest)), states: newCPUStates(env)}
	if bool(o.Info) || o.IncludeFlags.IsSet() || o.IncludeBugs.IsSet() {
		c.info = newCPUInfo(env, o)
	}
	return c, nil
}

func (c *cpuCollector) Update(ctx context.Context, out *metric.Sink) error {
	// A host without readable times may still have the rest.
	err := c.times.update(ctx, out)
	c.states.update(ctx, out)
	if c.info != nil {
		c.info.update(out)
	}
	return err
}
