package memory

import (
	"context"
	"strings"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

var vmstatNuma = collect.Spec{
	Name:              "vmstat_numa",
	Help:              "Memory management of each NUMA node: pages by state, page events.",
	Reads:             []string{"/sys/devices/system/node/node[0-9]*/vmstat"},
	DisabledByDefault: true,
	Native:            true,
	Build:             collect.With(vmstatNumaOptions{}, newVmstatNuma),
}

type vmstatNumaOptions struct {
	Include collect.Regexp
}

func (o *vmstatNumaOptions) Fields() []collect.Field {
	return []collect.Field{
		{Name: "fields", Help: "Regular expression of the fields of a node's vmstat to export; empty for all fields.", Value: &o.Include},
	}
}

// vmstatNumaCollector reads the vmstat of each directory in
// /sys/devices/system/node, whose lines are a name and a number, mostly of pages:
//
//	nr_free_pages 1424018
//	numa_hit 83437712
//
// The kernel's mm/vmstat.c lists the names. Unlike those of /proc/vmstat, the
// families have a type.
type vmstatNumaCollector struct {
	sys    *host.Reader
	nodes  nodeList
	fields *metric.Keyed
	gauges map[*metric.Family]bool
}

func newVmstatNuma(env *collect.Env, o vmstatNumaOptions) (*vmstatNumaCollector, error) {
	m := env.Metrics
	c := &vmstatNumaCollector{sys: env.Host.Sys.Reader().Share(nodeDir), gauges: map[*metric.Family]bool{}}
	c.fields = m.Keyed(func(key string) *metric.Family {
		// In a metric name sec would stand for seconds.
		name := "node_numa_vmstat_" + strings.Replace(key, "_sec_", "_secondary_", 1)
		switch {
		case o.Include.IsSet() && !o.Include.Match(key):
			return nil
		case isVmstatCounter(key):
			return m.Counter(name+"_total", "Field "+key+" of the node's vmstat, since boot.", "node")
		}
		f := m.Gauge(name, "Field "+key+" of the node's vmstat.", "node")
		c.gauges[f] = true
		return f
	})
	return c, nil
}

func (c *vmstatNumaCollector) Update(ctx context.Context, out *metric.Sink) error {
	c.sys.BeginRun(ctx)
	if err := c.nodes.read(c.sys); err != nil {
		return err
	}
	for _, node := range c.nodes.nodes {
		b, err := c.sys.Read(nodeDir, node.dir, "vmstat")
		if !host.ReportUnlessGone(err, out.Error) {
			continue
		}
		eachVmstatLine(b, out, c.sys, func(key []byte, value uint64) {
			f := c.fields.Family(key)
			if f == nil {
				return
			}
			if c.gauges[f] {
				value = scan.ClampAmount64(value)
			}
			out.Emit(f, float64(value), node.number)
		})
	}
	return nil
}

// isVmstatCounter reports whether a field of a node's vmstat only increases. The
// kernel names amounts nr_*, and events without that prefix; the exceptions are
// those of enum node_stat_item in include/linux/mmzone.h.
func isVmstatCounter(key string) bool {
	switch key {
	case "workingset_nodes":
		return false
	case "nr_vmscan_write", "nr_vmscan_immediate_reclaim", "nr_dirtied", "nr_written", "nr_throttled_written",
		"nr_foll_pin_acquired", "nr_foll_pin_released":
		return true
	}
	return !strings.HasPrefix(key, "nr_")
}
