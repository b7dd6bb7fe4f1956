package memory

import (
	"context"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

var meminfoNuma = collect.Spec{
	Name: "meminfo_numa",
	Help: "Memory of each NUMA node by use, and allocations by distance.",
	Reads: []string{
		"/sys/devices/system/node/node[0-9]*/meminfo",
		"/sys/devices/system/node/node[0-9]*/numastat",
	},
	DisabledByDefault: true,
	Build:             collect.Plain(newMeminfoNuma),
}

// meminfoNumaCollector reads two files of each directory in
// /sys/devices/system/node. The lines of meminfo are those of /proc/meminfo after
// the number of the node, those of numastat are pages counted since boot:
//
//	Node 0 MemTotal:        1508128 kB
//	Node 0 HugePages_Total:     0
//
//	numa_hit 1138679
//
// See https://docs.kernel.org/admin-guide/numastat.html.
type meminfoNumaCollector struct {
	sys    *host.Reader
	nodes  nodeList
	uses   *metric.Keyed
	events *metric.Keyed
}

func newMeminfoNuma(env *collect.Env) *meminfoNumaCollector {
	m := env.Metrics
	return &meminfoNumaCollector{
		sys: env.Host.Sys.Reader().Share(nodeDir),
		uses: m.Keyed(func(key string) *metric.Family {
			return m.Gauge("node_memory_numa_"+meminfoName(key),
				"Field "+key+" of the node's meminfo, in bytes unless it is a count.", "node")
		}),
		events: m.Keyed(func(key string) *metric.Family {
			return m.Counter("node_memory_numa_"+key+"_total", "Pages counted as "+key+" in the node's numastat.", "node")
		}),
	}
}

func (c *meminfoNumaCollector) Update(ctx context.Context, out *metric.Sink) error {
	c.sys.BeginRun(ctx)
	if err := c.nodes.read(c.sys); err != nil {
		return err
	}
	for _, node := range c.nodes.nodes {
		c.emitUses(out, node)
		c.emitEvents(out, node)
	}
	return nil
}

func (c *meminfoNumaCollector) emitUses(out *metric.Sink, node numaNode) {
	b, err := c.sys.Read(nodeDir, node.dir, "meminfo")
	if !host.ReportUnlessGone(err, out.Error) {
		return
	}
	const want = `lines such as "Node 0 MemFree: 1 kB"`
	if len(scan.Trim(b)) == 0 {
		out.Error(c.sys.At(host.Bad(1, want, b)))
	}
	var line []byte
	for n := 1; len(b) > 0; n++ {
		line, b = scan.Line(b)
		if len(line) == 0 {
			continue // an old kernel starts the file with an empty line
		}
		key, value, size, ok := parseMeminfoNumaLine(line)
		if !ok {
			out.Error(c.sys.At(host.Bad(n, want, line)))
			continue
		}
		v := float64(value)
		if size {
			v *= 1024
		}
		out.Emit(c.uses.Family(key), v, node.number)
	}
}

func parseMeminfoNumaLine(line []byte) (key []byte, value uint64, size, ok bool) {
	word, rest := scan.Field(line)
	number, rest := scan.Field(rest)
	if _, ok := scan.Uint(number); !ok || string(word) != "Node" {
		return nil, 0, false, false
	}
	return parseMeminfoLine(scan.Trim(rest))
}

func (c *meminfoNumaCollector) emitEvents(out *metric.Sink, node numaNode) {
	b, err := c.sys.Read(nodeDir, node.dir, "numastat")
	if !host.ReportUnlessGone(err, out.Error) {
		return
	}
	eachVmstatLine(b, out, c.sys, func(key []byte, value uint64) {
		out.Emit(c.events.Family(key), float64(value), node.number)
	})
}

// eachVmstatLine calls fn for each line of a node's vmstat or numastat, the file
// that the reader read last, and reports malformed lines.
func eachVmstatLine(b []byte, out *metric.Sink, sys *host.Reader, fn func(key []byte, value uint64)) {
	if len(scan.Trim(b)) == 0 {
		out.Error(sys.At(host.Bad(1, "lines such as \"numa_hit 1\"", b)))
	}
	var line []byte
	for n := 1; len(b) > 0; n++ {
		line, b = scan.Line(b)
		key, rest := scan.Field(line)
		value, ok := scan.Uint(scan.Trim(rest))
		if !ok {
			out.Error(sys.At(host.Bad(n, "a name and a number", line)))
			continue
		}
		fn(key, value)
	}
}
