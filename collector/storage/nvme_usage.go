package storage

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/hostexporter/host_exporter/collector/internal/flight"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/nvmefs"
)

// nvmeTimeout is how long to wait for the answers of all controllers. A healthy
// controller takes milliseconds; an unhealthy one may keep a command for the
// minute after which the kernel resets the controller.
const nvmeTimeout = time.Second

var errNoAnswerYet = errors.New("no answer yet")

// An nvmeUsage reads how much of the namespaces is in use, from nuse.
//
// For a read of nuse the kernel sends an Identify command, at most every five
// seconds for a namespace, so that a collector needs no interval of its own.
// The read cannot be cancelled. So the controllers are probed in flights, all
// at once; none is probed again before it answers, and a late one loses only
// its own samples. While a read is in progress, the driver cannot be unloaded.
type nvmeUsage struct {
	host    *host.Host
	calls   *flight.Source // of places for the reads
	timeout time.Duration
	byName  map[string]*nvmeProbe // by name of the controller
	probes  []*nvmeProbe          // of this scrape, in order
}

// An nvmeProbe reads the usage of the namespaces of one controller.
type nvmeProbe struct {
	sys    *host.Reader // used by the run in progress
	flight flight.Flight[[]nvmeNamespaceUsage]
	run    *flight.Run[[]nvmeNamespaceUsage]
	isNew  bool // whether this scrape started run

	controller string
	namespaces []nvmefs.Namespace // as this scrape read them
}

// An nvmeNamespaceUsage is the answer for one namespace.
type nvmeNamespaceUsage struct {
	namespace string
	blocks    uint64
	err       error
}

func newNvmeUsage(h *host.Host) nvmeUsage {
	return nvmeUsage{host: h, calls: h.Calls.Source(), timeout: nvmeTimeout, byName: map[string]*nvmeProbe{}}
}

// dropOthers drops the probes of controllers that are not among the names.
func (u *nvmeUsage) dropOthers(names []string) {
	for name := range u.byName {
		if !slices.Contains(names, name) {
			delete(u.byName, name)
		}
	}
}

// start starts a read of the usage of a controller's namespaces, unless one is
// in progress.
func (u *nvmeUsage) start(controller string, namespaces []nvmefs.Namespace) {
	probe := u.byName[controller]
	if probe == nil {
		probe = &nvmeProbe{controller: controller, sys: u.host.Sys.Reader(), flight: flight.Flight[[]nvmeNamespaceUsage]{Source: u.calls}}
		u.byName[controller] = probe
	}
	probe.namespaces = namespaces
	probe.run, probe.isNew = probe.flight.Go(func() ([]nvmeNamespaceUsage, error) {
		usages := make([]nvmeNamespaceUsage, 0, len(namespaces))
		for _, n := range namespaces {
			blocks, err := nvmefs.UsedBlocks(probe.sys, controller, n.Name)
			usages = append(usages, nvmeNamespaceUsage{n.Name, blocks, err})
		}
		return usages, nil
	})
	u.probes = append(u.probes, probe)
}

// emit waits for the probes of this scrape, and emits their samples. It does
// not wait for a read of an earlier scrape.
func (u *nvmeUsage) emit(ctx context.Context, out *metric.Sink, used *metric.Family) {
	deadline := flight.Deadline(ctx, u.timeout)
	for _, probe := range u.probes {
		until := deadline
		if !probe.isNew {
			until = probe.run.StartTime
		}
		if !probe.run.Wait(ctx, until) {
			out.Error(fmt.Errorf("%s: nuse: %w", u.host.Sys.Path("class/nvme", probe.controller), probe.run.Unfinished(errNoAnswerYet)))
			continue
		}
		usages, err := probe.run.Result()
		if err != nil {
			out.Error(fmt.Errorf("%s: nuse: %w", u.host.Sys.Path("class/nvme", probe.controller), err))
		}
		for _, usage := range usages {
			probe.emit(usage, out, used)
		}
	}
	u.probes = u.probes[:0]
}

// emit emits the usage of a namespace, unless the namespace is gone: an earlier
// scrape may have started the read.
func (p *nvmeProbe) emit(usage nvmeNamespaceUsage, out *metric.Sink, used *metric.Family) {
	i := slices.IndexFunc(p.namespaces, func(n nvmefs.Namespace) bool { return n.Name == usage.namespace })
	switch {
	case i < 0 || host.Gone(usage.err): // Linux before 6.8 has no nuse
	case usage.err != nil:
		out.Error(usage.err)
	case p.namespaces[i].BlockSizeKnown:
		out.Emit(used, float64(usage.blocks)*float64(p.namespaces[i].BlockSize), p.controller, p.namespaces[i].ID)
	}
}
