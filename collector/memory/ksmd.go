package memory

import (
	"context"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

var ksmd = collect.Spec{
	Name: "ksmd",
	Help: "Kernel samepage merging: settings, shared pages and profit.",
	Reads: []string{
		"/sys/kernel/mm/ksm/full_scans",
		"/sys/kernel/mm/ksm/general_profit",
		"/sys/kernel/mm/ksm/merge_across_nodes",
		"/sys/kernel/mm/ksm/pages_shared",
		"/sys/kernel/mm/ksm/pages_sharing",
		"/sys/kernel/mm/ksm/pages_to_scan",
		"/sys/kernel/mm/ksm/pages_unshared",
		"/sys/kernel/mm/ksm/pages_volatile",
		"/sys/kernel/mm/ksm/run",
		"/sys/kernel/mm/ksm/sleep_millisecs",
	},
	DisabledByDefault: true,
	Build:             collect.Plain(newKsmd),
}

// ksmdCollector reads /sys/kernel/mm/ksm, whose files have one number each. The
// profit may be negative, and is there since Linux 6.4; merge_across_nodes is
// there if the kernel supports NUMA. See
// https://docs.kernel.org/admin-guide/mm/ksm.html.
type ksmdCollector struct {
	sys   *host.Reader
	files []ksmdFile
}

// A ksmdFile pairs a file with its family. Its number is divided by divisor.
type ksmdFile struct {
	name    string
	divisor float64
	family  *metric.Family
}

const (
	ksmdDir = "kernel/mm/ksm"

	// ksmdProfit is the one file whose number may be below zero.
	ksmdProfit = "general_profit"
)

func newKsmd(env *collect.Env) *ksmdCollector {
	m := env.Metrics
	return &ksmdCollector{
		sys: env.Host.Sys.Reader(),
		files: []ksmdFile{
			{"full_scans", 1, m.Counter("node_ksmd_full_scans_total", "Times that ksmd scanned all mergeable memory, from /sys/kernel/mm/ksm.")},
			{ksmdProfit, 1, m.Gauge("node_ksmd_general_profit_bytes", "Memory saved by merging, less its own cost; may be negative.")},
			{"merge_across_nodes", 1, m.Gauge("node_ksmd_merge_across_nodes", "Whether pages of different NUMA nodes may be merged.")},
			{"pages_shared", 1, m.Gauge("node_ksmd_pages_shared", "Merged pages in use.")},
			{"pages_sharing", 1, m.Gauge("node_ksmd_pages_sharing", "Further mappings of merged pages: the pages saved.")},
			{"pages_to_scan", 1, m.Gauge("node_ksmd_pages_to_scan", "Pages that ksmd scans before it sleeps.")},
			{"pages_unshared", 1, m.Gauge("node_ksmd_pages_unshared", "Unique pages that ksmd checks again and again.")},
			{"pages_volatile", 1, m.Gauge("node_ksmd_pages_volatile", "Pages that change too fast to be merged.")},
			{"run", 1, m.Gauge("node_ksmd_run", "State of ksmd: 0 stopped, 1 running, 2 stopped with all pages unmerged.")},
			{"sleep_millisecs", 1000, m.Gauge("node_ksmd_sleep_seconds", "Time that ksmd sleeps between scans.")},
		},
	}
}

func (c *ksmdCollector) Update(_ context.Context, out *metric.Sink) error {
	var absent error
	present := 0
	for _, f := range c.files {
		v, err := c.read(f)
		switch {
		case host.Gone(err):
			if absent == nil {
				absent = err
			}
			continue
		case err != nil:
			out.Error(err)
		default:
			out.Emit(f.family, v/f.divisor)
		}
		present++
	}
	if present == 0 {
		return collect.OrNoData(absent)
	}
	return nil
}

func (c *ksmdCollector) read(f ksmdFile) (float64, error) {
	if f.name == ksmdProfit {
		v, err := c.sys.Int(ksmdDir, f.name)
		return float64(v), err
	}
	v, err := c.sys.Amount64(ksmdDir, f.name)
	return float64(v), err
}
