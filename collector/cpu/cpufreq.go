package cpu

import (
	"context"
	"errors"

	"golang.org/x/sys/unix"

	"github.com/hostexporter/host_exporter/collector/internal/capability"
	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

var cpufreq = collect.Spec{
	Name: "cpufreq",
	Help: "Frequency of each CPU, the limits of its hardware and policy, and its scaling governor.",
	Reads: []string{
		"/sys/devices/system/cpu/present",
		"/sys/devices/system/cpu/offline",
		"/sys/devices/system/cpu/cpu[0-9]*/cpufreq/cpuinfo_avg_freq",
		"/sys/devices/system/cpu/cpu[0-9]*/cpufreq/cpuinfo_cur_freq",
		"/sys/devices/system/cpu/cpu[0-9]*/cpufreq/cpuinfo_max_freq",
		"/sys/devices/system/cpu/cpu[0-9]*/cpufreq/cpuinfo_min_freq",
		"/sys/devices/system/cpu/cpu[0-9]*/cpufreq/scaling_available_governors",
		"/sys/devices/system/cpu/cpu[0-9]*/cpufreq/scaling_cur_freq",
		"/sys/devices/system/cpu/cpu[0-9]*/cpufreq/scaling_governor",
		"/sys/devices/system/cpu/cpu[0-9]*/cpufreq/scaling_max_freq",
		"/sys/devices/system/cpu/cpu[0-9]*/cpufreq/scaling_min_freq",
	},
	Needs:           "root for cpuinfo_cur_freq, which is left out otherwise",
	Caps:            []capability.Capability{capability.DACReadSearch},
	NoDataIsSuccess: true,
	Build:           collect.Plain(newCPUFreq),
}

// cpufreqCollector reads /sys/devices/system/cpu/cpu*/cpufreq: a file for each
// value, most of them a number of kHz such as 1219917. See
// https://docs.kernel.org/admin-guide/pm/cpufreq.html.
type cpufreqCollector struct {
	sys      *host.Reader
	limits   []cpufreqFile // known to the kernel without a measurement
	current  *cpufreqCurrent
	governor *metric.Family

	devices      cpuDevices
	offline      cpuListFile
	online       []cpuDevice // online CPUs with a policy
	governorName []byte      // of one CPU, in effect
}

// A cpufreqFile pairs a file of a policy with its family.
type cpufreqFile struct {
	name   string
	family *metric.Family
}

func newCPUFreq(env *collect.Env) *cpufreqCollector {
	m := env.Metrics
	return &cpufreqCollector{
		sys: env.Host.Sys.Reader().Share(cpuPaths()...),
		limits: []cpufreqFile{
			{"cpuinfo_min_freq", m.Gauge("node_cpu_frequency_min_hertz", "Lowest frequency of the CPU, from cpuinfo_min_freq.", "cpu")},
			{"cpuinfo_max_freq", m.Gauge("node_cpu_frequency_max_hertz", "Highest frequency of the CPU, from cpuinfo_max_freq.", "cpu")},
			{"scaling_min_freq", m.Gauge("node_cpu_scaling_frequency_min_hertz", "Lowest CPU frequency that the policy allows, from scaling_min_freq.", "cpu")},
			{"scaling_max_freq", m.Gauge("node_cpu_scaling_frequency_max_hertz", "Highest CPU frequency that the policy allows, from scaling_max_freq.", "cpu")},
		},
		current:  newCPUFreqCurrent(env),
		governor: m.Gauge("node_cpu_scaling_governor", "Whether the scaling governor is in effect, from scaling_governor.", "cpu", "governor"),
		devices:  cpuDevices{present: cpuListFile{name: "present"}},
		offline:  cpuListFile{name: "offline"},
	}
}

func (c *cpufreqCollector) Update(ctx context.Context, out *metric.Sink) error {
	c.sys.BeginRun(ctx)
	if _, err := c.devices.refresh(c.sys, out); err != nil {
		return collect.OrNoData(err)
	}
	c.offline.read(c.sys, out)
	c.online = c.online[:0]
	for _, cpu := range c.devices.list {
		// An offline CPU may still have the policy that it shared with others.
		if !c.offline.list.has(cpu.id) && c.sys.Exists(cpuDir, cpu.dir, "cpufreq") {
			c.online = append(c.online, cpu)
		}
	}
	if len(c.online) == 0 {
		return collect.ErrNoData
	}
	for _, cpu := range c.online {
		for _, f := range c.limits {
			kHz, err := c.sys.Counter(cpuDir, cpu.dir, "cpufreq", f.name)
			if reportFrequency(err, out.Error) && kHz < minErrorKHz {
				out.Emit(f.family, float64(kHz)*1000, cpu.number)
			}
		}
		c.updateGovernors(cpu, out)
	}
	c.current.update(ctx, c.online, out)
	return nil
}

func (c *cpufreqCollector) updateGovernors(cpu cpuDevice, out *metric.Sink) {
	current, err := c.sys.Text(cpuDir, cpu.dir, "cpufreq", "scaling_governor")
	if !reportFrequency(err, out.Error) || len(current) == 0 {
		return
	}
	c.governorName = append(c.governorName[:0], current...)
	available, err := c.sys.Text(cpuDir, cpu.dir, "cpufreq", "scaling_available_governors")
	reportFrequency(err, out.Error)
	listed := false
	for field, rest := scan.Field(available); len(field) > 0; field, rest = scan.Field(rest) {
		inEffect := string(field) == string(c.governorName)
		listed = listed || inEffect
		out.Bool(c.governor, inEffect, cpu.number, string(field))
	}
	if !listed {
		out.Bool(c.governor, true, cpu.number, string(c.governorName))
	}
}

// minErrorKHz is the lowest frequency that is none: some drivers return an errno
// as an unsigned number of 32 bits.
const minErrorKHz = 1<<32 - 4095

// reportFrequency passes err to report, unless it means that the CPU has no
// value now: it is offline (EBUSY while its policy sleeps) or idle (EAGAIN), it
// cannot measure (EOPNOTSUPP), or its driver does not have the file. It reports
// whether err is nil.
func reportFrequency(err error, report func(error)) (ok bool) {
	if errors.Is(err, unix.EBUSY) || errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EOPNOTSUPP) {
		return false
	}
	return host.ReportUnlessGone(err, report)
}
