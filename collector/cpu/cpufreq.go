package cpu

import (
	"context"
	"slices"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

var cpufreq = collect.Spec{
	Name: "cpufreq",
	Help: "CPU frequencies as the scaling driver sees them, and its governors.",
	Reads: []string{
		"/sys/devices/system/cpu/cpu[0-9]*/cpufreq/scaling_cur_freq",
		"/sys/devices/system/cpu/cpu[0-9]*/cpufreq/scaling_max_freq",
		"/sys/devices/system/cpu/cpu[0-9]*/cpufreq/scaling_min_freq",
		"/sys/devices/system/cpu/cpu[0-9]*/cpufreq/scaling_governor",
		"/sys/devices/system/cpu/cpu[0-9]*/cpufreq/scaling_available_governors",
	},
	Build: collect.Plain(newCPUFreq),
}

// cpufreqCollector reads /sys/devices/system/cpu/cpu*/cpufreq, one number in
// kHz a file. See https://docs.kernel.org/admin-guide/pm/cpufreq.html.
type cpufreqCollector struct {
	sys         *host.Reader
	frequencies []cpufreqFile
	governor    *metric.Family
}

// A cpufreqFile pairs a file of a policy with the family it fills.
type cpufreqFile struct {
	name   string
	family *metric.Family
}

func newCPUFreq(env *collect.Env) *cpufreqCollector {
	m := env.Metrics
	return &cpufreqCollector{
		sys: env.Host.Sys.Reader(),
		frequencies: []cpufreqFile{
			{"scaling_cur_freq", m.Gauge("node_cpu_scaling_frequency_hertz", "CPU frequency that the scaling driver asked for last.", "cpu")},
			{"scaling_min_freq", m.Gauge("node_cpu_scaling_frequency_min_hertz", "Lowest CPU frequency that the policy allows.", "cpu")},
			{"scaling_max_freq", m.Gauge("node_cpu_scaling_frequency_max_hertz", "Highest CPU frequency that the policy allows.", "cpu")},
		},
		governor: m.Gauge("node_cpu_scaling_governor", "Whether this scaling governor is the one in effect.", "cpu", "governor"),
	}
}

func (c *cpufreqCollector) Update(_ context.Context, out *metric.Sink) error {
	names, err := c.sys.Names(cpuDir)
	if err != nil {
		return collect.OrNoData(err)
	}
	found := false
	for _, name := range names {
		cpu, ok := cpuNumber(name)
		if ok && c.sys.Exists(cpuDir, name, "cpufreq") {
			found = true
			c.updateCPU(name, cpu, out)
		}
	}
	if !found {
		return collect.ErrNoData
	}
	return nil
}

func (c *cpufreqCollector) updateCPU(name, cpu string, out *metric.Sink) {
	for _, f := range c.frequencies {
		kHz, err := c.sys.Uint(cpuDir, name, "cpufreq", f.name)
		switch {
		case err == nil:
			out.Emit(f.family, float64(kHz)*1000, cpu)
		case !host.Gone(err): // gone: the CPU went offline, or the driver does not tell
			out.Skip(err)
		}
	}
	current, err := c.sys.Text(cpuDir, name, "cpufreq", "scaling_governor")
	if err != nil {
		if !host.Gone(err) {
			out.Skip(err)
		}
		return
	}
	governors := []string{string(current)}
	available, err := c.sys.Text(cpuDir, name, "cpufreq", "scaling_available_governors")
	if err != nil && !host.Gone(err) {
		out.Skip(err)
	}
	for field, rest := scan.Field(available); len(field) > 0; field, rest = scan.Field(rest) {
		if g := string(field); !slices.Contains(governors, g) {
			governors = append(governors, g)
		}
	}
	for i, g := range governors {
		out.Bool(c.governor, i == 0, cpu, g)
	}
}

// cpuNumber returns the number in a name such as cpu17.
func cpuNumber(name string) (string, bool) {
	if len(name) <= 3 || name[:3] != "cpu" {
		return "", false
	}
	_, ok := scan.Uint([]byte(name[3:]))
	return name[3:], ok
}
