package cpu

import (
	"context"
	"errors"

	"golang.org/x/sys/unix"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

var cpufreq = collect.Spec{
	Name: "cpufreq",
	Help: "Frequencies of each CPU: the present one, the limits of hardware and policy, and the governor.",
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
	NoDataIsSuccess: true,
	Build:           collect.Plain(newCPUFreq),
}

// cpufreqCollector reads /sys/devices/system/cpu/cpu*/cpufreq: a file for each
// thing that is told, in most of them a number of kHz such as 1219917. See
// https://docs.kernel.org/admin-guide/pm/cpufreq.html.
type cpufreqCollector struct {
	sys      *host.Reader
	limits   []cpufreqFile // what the kernel has at hand
	present  *cpufreqPresent
	governor *metric.Family

	folders  cpuFolders
	offline  cpuListFile
	online   []cpuFolder // those of the folders that have a policy
	governed []byte      // the governor in effect
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
		limits: []cpufreqFile{
			{"cpuinfo_min_freq", m.Gauge("node_cpu_frequency_min_hertz", "Lowest frequency that the CPU can run at.", "cpu")},
			{"cpuinfo_max_freq", m.Gauge("node_cpu_frequency_max_hertz", "Highest frequency that the CPU can run at.", "cpu")},
			{"scaling_min_freq", m.Gauge("node_cpu_scaling_frequency_min_hertz", "Lowest CPU frequency that the policy allows.", "cpu")},
			{"scaling_max_freq", m.Gauge("node_cpu_scaling_frequency_max_hertz", "Highest CPU frequency that the policy allows.", "cpu")},
		},
		present:  newCPUFreqPresent(env),
		governor: m.Gauge("node_cpu_scaling_governor", "Whether this scaling governor is the one in effect.", "cpu", "governor"),
		folders:  cpuFolders{present: cpuListFile{name: "present"}},
		offline:  cpuListFile{name: "offline"},
	}
}

func (c *cpufreqCollector) Update(ctx context.Context, out *metric.Sink) error {
	if _, err := c.folders.read(c.sys, out); err != nil {
		return collect.OrNoData(err)
	}
	c.offline.read(c.sys, out)
	c.online = c.online[:0]
	for _, cpu := range c.folders.all {
		// An offline CPU may still show the policy of those that it shared one with.
		if !c.offline.list.has(cpu.id) && c.sys.Exists(cpuDir, cpu.dir, "cpufreq") {
			c.online = append(c.online, cpu)
		}
	}
	if len(c.online) == 0 {
		return collect.ErrNoData
	}
	for _, cpu := range c.online {
		for _, f := range c.limits {
			kHz, err := c.sys.Uint(cpuDir, cpu.dir, "cpufreq", f.name)
			if err == nil {
				out.Emit(f.family, float64(kHz)*1000, cpu.number)
			} else if !cpufreqSilent(err) {
				out.Error(err)
			}
		}
		c.updateGovernors(cpu, out)
	}
	c.present.update(ctx, c.online, out)
	return nil
}

func (c *cpufreqCollector) updateGovernors(cpu cpuFolder, out *metric.Sink) {
	current, err := c.sys.Text(cpuDir, cpu.dir, "cpufreq", "scaling_governor")
	if err != nil || len(current) == 0 {
		if err != nil && !cpufreqSilent(err) {
			out.Error(err)
		}
		return
	}
	c.governed = append(c.governed[:0], current...)
	available, err := c.sys.Text(cpuDir, cpu.dir, "cpufreq", "scaling_available_governors")
	if err != nil && !cpufreqSilent(err) {
		out.Error(err)
	}
	listed := false
	for field, rest := scan.Field(available); len(field) > 0; field, rest = scan.Field(rest) {
		inEffect := string(field) == string(c.governed)
		listed = listed || inEffect
		out.Bool(c.governor, inEffect, cpu.number, string(field))
	}
	if !listed {
		out.Bool(c.governor, true, cpu.number, string(c.governed))
	}
}

// cpufreqSilent reports whether an error is no fault: the CPU went offline
// (EBUSY while its policy sleeps), it is idle and tells no frequency (EAGAIN),
// or the driver does not have the file.
func cpufreqSilent(err error) bool {
	return host.Gone(err) || errors.Is(err, unix.EBUSY) || errors.Is(err, unix.EAGAIN)
}
