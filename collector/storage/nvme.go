package storage

import (
	"context"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/nvmefs"
)

var nvme = collect.Spec{
	Name: "nvme",
	Help: "NVMe controllers and their namespaces.",
	Reads: []string{
		"/sys/class/nvme/nvme*/state",
		"/sys/class/nvme/nvme*/model",
		"/sys/class/nvme/nvme*/serial",
		"/sys/class/nvme/nvme*/firmware_rev",
		"/sys/class/nvme/nvme*/cntlid",
		"/sys/class/nvme/nvme*/nvme*n*/nsid",
		"/sys/class/nvme/nvme*/nvme*n*/size",
		"/sys/class/nvme/nvme*/nvme*n*/queue/logical_block_size",
		"/sys/class/nvme/nvme*/nvme*n*/ana_state",
		"/sys/class/nvme/nvme*/nvme*n*/nuse",
	},
	Build: collect.Plain(newNvme),
}

// nvmeCollector reads the attributes of /sys/class/nvme/nvme* and of the
// namespaces below, which belong to the controller (nvme2n1) or are its paths
// to shared namespaces (nvme3c4n1).
//
// A read of one of them, nuse, sends a command to the controller; see
// nvmeUsage.
//
// See https://docs.kernel.org/admin-guide/nvme-multipath.html.
type nvmeCollector struct {
	sys   *host.Reader
	usage nvmeUsage

	info      *metric.Family
	namespace *metric.Family
	capacity  *metric.Family
	size      *metric.Family
	used      *metric.Family
	blockSize *metric.Family
}

func newNvme(env *collect.Env) *nvmeCollector {
	m := env.Metrics
	return &nvmeCollector{
		sys:       env.Host.Sys.Reader().Share(nvmefs.ClassDir, nvmefs.ClassDir+"/*", nvmefs.ClassDir+"/*/*", nvmefs.ClassDir+"/*/*/*"),
		usage:     newNvmeUsage(env.Host),
		info:      m.Gauge("node_nvme_info", "Identity and state of the NVMe controller; always 1.", "cntlid", "device", "firmware_revision", "model", "serial", "state"),
		namespace: m.Gauge("node_nvme_namespace_info", "Namespace of the controller with its ANA state; always 1.", "ana_state", "device", "nsid"),
		capacity:  m.Gauge("node_nvme_namespace_capacity_bytes", "Capacity of the namespace in bytes, the same as its size.", "device", "nsid"),
		size:      m.Gauge("node_nvme_namespace_size_bytes", "Size of the namespace in bytes.", "device", "nsid"),
		used:      m.Gauge("node_nvme_namespace_used_bytes", "Used bytes of the namespace as reported by the controller, from nuse.", "device", "nsid"),
		blockSize: m.Gauge("node_nvme_namespace_logical_block_size_bytes", "Size of a logical block of the namespace in bytes.", "device", "nsid"),
	}
}

func (c *nvmeCollector) Update(ctx context.Context, out *metric.Sink) error {
	c.sys.BeginRun(ctx)
	names, err := nvmefs.Controllers(c.sys)
	if err != nil {
		return collect.OrNoData(err)
	}
	c.usage.dropOthers(names)
	for _, name := range names {
		controller, ok := nvmefs.ReadController(c.sys, name, out.Error)
		if !ok {
			continue
		}
		out.Emit(c.info, 1, controller.ID, name, controller.Firmware, controller.Model, controller.Serial, controller.State)
		namespaces := nvmefs.Namespaces(c.sys, name, out.Error)
		for i := range namespaces {
			c.emit(name, &namespaces[i], out)
		}
		if controller.State == nvmefs.StateLive { // others keep the command until they are live again
			c.usage.start(name, namespaces)
		}
	}
	c.usage.emit(ctx, out, c.used)
	return nil
}

func (c *nvmeCollector) emit(controller string, n *nvmefs.Namespace, out *metric.Sink) {
	state := n.ANAState
	if state == "" {
		state = "unknown"
	}
	out.Emit(c.namespace, 1, state, controller, n.ID)
	if n.SectorsKnown {
		out.Emit(c.capacity, float64(n.Sectors)*sectorSize, controller, n.ID)
		out.Emit(c.size, float64(n.Sectors)*sectorSize, controller, n.ID)
	}
	if n.BlockSizeKnown {
		out.Emit(c.blockSize, float64(n.BlockSize), controller, n.ID)
	}
}
