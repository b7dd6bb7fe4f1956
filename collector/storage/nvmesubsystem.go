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

// nvmesubsystemCollector reads /sys/class/nvme-subsystem/nvme-subsys*, which
// have entries for the controllers and the shared namespaces of the subsystem.
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
		sys:       env.Host.Sys.Reader().Share(nvmefs.SubsystemDir, nvmefs.SubsystemDir+"/*", nvmefs.SubsystemDir+"/*/*"),
		info:      m.Gauge("node_nvmesubsystem_info", "Identity and I/O policy of the NVMe subsystem; always 1.", "iopolicy", "model", "nqn", "serial", "subsystem"),
		namespace: m.Gauge("node_nvmesubsystem_namespace_info", "Block device of a shared namespace of the subsystem; always 1.", "device", "subsystem"),
		paths:     m.Gauge("node_nvmesubsystem_paths", "Controllers that lead to the subsystem in any state.", "subsystem"),
		live:      m.Gauge("node_nvmesubsystem_paths_live", "Controllers that lead to the subsystem in state live.", "subsystem"),
		state:     m.Gauge("node_nvmesubsystem_path_state", "Whether the controller is in this state; unknown is any state without a series of its own.", "controller", "state", "subsystem", "transport"),
	}
}

func (c *nvmesubsystemCollector) Update(ctx context.Context, out *metric.Sink) error {
	c.sys.BeginRun(ctx)
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
		if p.State == "" { // the state is unreadable
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

// nvmeStates are the values of the label state.
var nvmeStates = [...]string{"connecting", "dead", "deleting", "live", "new", "resetting", "unknown"}

// nvmeState returns which of nvmeStates a state of the kernel is.
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
