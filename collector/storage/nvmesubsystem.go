package storage

import (
	"context"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/nvmefs"
)

var nvmesubsystem = collect.Spec{
	Name: "nvmesubsystem",
	Help: "NVMe subsystems and the states of the controllers that lead to them.",
	Reads: []string{
		"/sys/class/nvme-subsystem/nvme-subsys*/subsysnqn",
		"/sys/class/nvme-subsystem/nvme-subsys*/model",
		"/sys/class/nvme-subsystem/nvme-subsys*/serial",
		"/sys/class/nvme-subsystem/nvme-subsys*/iopolicy",
		"/sys/class/nvme-subsystem/nvme-subsys*/nvme*/state",
		"/sys/class/nvme-subsystem/nvme-subsys*/nvme*/transport",
		"/sys/class/nvme-subsystem/nvme-subsys*/nvme*n*",
	},
	DisabledByDefault: true,
	Build:             collect.Plain(newNvmesubsystem),
}

// nvmesubsystemCollector reads /sys/class/nvme-subsystem/nvme-subsys*, where
// the controllers and the shared namespaces of a subsystem are found by name.
//
// See https://docs.kernel.org/admin-guide/nvme-multipath.html.
type nvmesubsystemCollector struct {
	sys *host.Reader

	info      *metric.Family
	namespace *metric.Family
	paths     *metric.Family
	live      *metric.Family
	state     *metric.Family
}

func newNvmesubsystem(env *collect.Env) *nvmesubsystemCollector {
	m := env.Metrics
	return &nvmesubsystemCollector{
		sys:       env.Host.Sys.Reader(),
		info:      m.Gauge("node_nvmesubsystem_info", "Always 1; the labels identify an NVMe subsystem and say how it spreads I/O over its paths.", "iopolicy", "model", "nqn", "serial", "subsystem"),
		namespace: m.Gauge("node_nvmesubsystem_namespace_info", "Always 1; the labels say which block devices are shared namespaces of the subsystem.", "device", "subsystem"),
		paths:     m.Gauge("node_nvmesubsystem_paths", "Controllers that lead to the subsystem, whatever their state.", "subsystem"),
		live:      m.Gauge("node_nvmesubsystem_paths_live", "Controllers that lead to the subsystem and are live.", "subsystem"),
		state:     m.Gauge("node_nvmesubsystem_path_state", "Whether the controller is in this state; unknown stands for all states that are not listed.", "controller", "state", "subsystem", "transport"),
	}
}

func (c *nvmesubsystemCollector) Update(_ context.Context, out *metric.Sink) error {
	subsystems, err := nvmefs.Subsystems(c.sys, out.Error)
	if err != nil {
		return collect.OrNoData(err)
	}
	for i := range subsystems {
		c.emit(&subsystems[i], out)
	}
	return nil
}

func (c *nvmesubsystemCollector) emit(s *nvmefs.Subsystem, out *metric.Sink) {
	out.Emit(c.info, 1, s.IOPolicy, s.Model, s.NQN, s.Serial, s.Name)
	for _, device := range s.Namespaces {
		out.Emit(c.namespace, 1, device, s.Name)
	}
	live := 0
	for _, p := range s.Controllers {
		if p.State == nvmefs.StateLive {
			live++
		}
		if p.State == "" { // not to be read: counts as a path, and as nothing that was not seen
			continue
		}
		current := nvmeState(p.State)
		for _, state := range nvmeStates {
			out.Bool(c.state, state == current, p.Controller, state, s.Name, p.Transport)
		}
	}
	out.Emit(c.paths, float64(len(s.Controllers)), s.Name)
	out.Emit(c.live, float64(live), s.Name)
}

// nvmeStates are the states that a controller's state is told by.
var nvmeStates = [...]string{"connecting", "dead", "deleting", "live", "new", "resetting", "unknown"}

// nvmeState returns which of nvmeStates the kernel's word stands for.
func nvmeState(word string) string {
	if word == "deleting (no IO)" {
		return "deleting"
	}
	for _, state := range nvmeStates {
		if state == word {
			return state
		}
	}
	return "unknown"
}
