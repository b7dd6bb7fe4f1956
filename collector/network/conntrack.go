package network

import (
	"context"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
	"github.com/hostexporter/host_exporter/collector/internal/wrap"
)

var conntrack = collect.Spec{
	Name: "conntrack",
	Help: "Size, limit and statistics of the connection tracking table.",
	Reads: []string{
		"/proc/sys/net/netfilter/nf_conntrack_count",
		"/proc/sys/net/netfilter/nf_conntrack_max",
		"/proc/net/stat/nf_conntrack",
	},
	Build: collect.Plain(newConntrack),
}

// conntrackCollector reads the size and the limit of the table, each a number
// in a file below /proc/sys/net/netfilter, and /proc/net/stat/nf_conntrack, a
// line of names and then a line of hexadecimal numbers for each CPU:
//
//	entries  clashres found new invalid ignore delete chainlength insert insert_failed drop early_drop ...
//	0000002a  00000000 00000007 00000000 00000013 00000000 00000000 00000000 00000000 00000000 00000000 00000000 ...
//
// The statistics of each CPU wrap at 2^32; their sums are continued across a wrap.
//
// No file exists while the module is not loaded; the last one needs
// CONFIG_NF_CONNTRACK_PROCFS. See
// https://docs.kernel.org/networking/nf_conntrack-sysctl.html.
type conntrackCollector struct {
	proc    *host.Reader
	entries *metric.Family
	limit   *metric.Family
	stats   []conntrackStat
	table   conntrackTable
}

// A conntrackStat is a column with its family and its sum over all CPUs.
type conntrackStat struct {
	name   string
	family *metric.Family
	sum    wrap.Sum
}

func newConntrack(env *collect.Env) *conntrackCollector {
	m := env.Metrics
	return &conntrackCollector{
		proc:    env.Host.Proc.Reader().KeepOpen(),
		entries: m.Gauge("node_nf_conntrack_entries", "Connections in the tracking table, from nf_conntrack_count."),
		limit:   m.Gauge("node_nf_conntrack_entries_limit", "Maximum number of connections in the tracking table, from nf_conntrack_max."),
		stats: []conntrackStat{
			{name: "found", family: m.Gauge("node_nf_conntrack_stat_found", "Table lookups that found an entry.")},
			{name: "invalid", family: m.Gauge("node_nf_conntrack_stat_invalid", "Packets that could not be tracked.")},
			{name: "ignore", family: m.Gauge("node_nf_conntrack_stat_ignore", "Packets of connections that were already tracked.")},
			{name: "insert", family: m.Gauge("node_nf_conntrack_stat_insert", "Entries inserted into the table.")},
			{name: "insert_failed", family: m.Gauge("node_nf_conntrack_stat_insert_failed", "Entries not inserted because the table already had them.")},
			{name: "drop", family: m.Gauge("node_nf_conntrack_stat_drop", "Packets dropped because tracking failed.")},
			{name: "early_drop", family: m.Gauge("node_nf_conntrack_stat_early_drop", "Entries dropped to make room for new ones.")},
			{name: "search_restart", family: m.Gauge("node_nf_conntrack_stat_search_restart", "Table lookups restarted because the table was resized.")},
		},
	}
}

func (c *conntrackCollector) Update(_ context.Context, out *metric.Sink) error {
	entries, err := c.proc.Amount32(netfilterDir, "nf_conntrack_count")
	if host.Gone(err) {
		return collect.OrNoData(err)
	}
	emitUnlessGone(out, c.entries, entries, err)
	const limitFile = "nf_conntrack_max" // unsigned, and printed as signed
	limit, err := c.proc.Counter(netfilterDir, limitFile)
	emitUnlessGone(out, c.limit, limit, err)
	b, err := c.proc.Read("net/stat/nf_conntrack")
	if !host.ReportUnlessGone(err, out.Error) {
		return nil
	}
	if err := c.table.parse(b); err != nil {
		out.Error(c.proc.At(err))
		return nil
	}
	for i := range c.stats {
		stat := &c.stats[i]
		column, ok := c.table.column(stat.name)
		if !ok || c.table.cpus() == 0 {
			continue
		}
		stat.sum.Resize(c.table.cpus())
		for cpu := range c.table.cpus() {
			stat.sum.Add(cpu, c.table.values[cpu*c.table.columns+column])
		}
		out.Emit(stat.family, float64(stat.sum.Total()))
	}
	return nil
}

const netfilterDir = "sys/net/netfilter"

// emitUnlessGone emits the number in a file, or reports its error unless the file
// is absent.
func emitUnlessGone(out *metric.Sink, f *metric.Family, v uint64, err error) {
	if host.ReportUnlessGone(err, out.Error) {
		out.Emit(f, float64(v))
	}
}

// A conntrackTable is the content of nf_conntrack. Columns are found by name,
// because kernels drop, add and reuse columns.
type conntrackTable struct {
	names   [maxConntrackColumns][]byte
	columns int      // in the file
	values  []uint64 // of each CPU, of each column
}

// maxConntrackColumns bounds the columns; kernels have 16 or 17.
const maxConntrackColumns = 32

func (t *conntrackTable) parse(b []byte) error {
	line, b := scan.Line(b)
	t.columns, t.values = scan.Fields(t.names[:], line), t.values[:0]
	if _, ok := t.column("entries"); !ok || t.columns > maxConntrackColumns {
		return host.Bad(1, "column names with entries", line)
	}
	for n := 2; len(b) > 0; n++ {
		line, b = scan.Line(b)
		var fields [maxConntrackColumns][]byte
		if scan.Fields(fields[:], line) != t.columns {
			return host.Bad(n, "a number for each name", line)
		}
		for _, f := range fields[:t.columns] {
			v, ok := scan.Hex(f)
			if !ok {
				return host.Bad(n, "hexadecimal numbers", line)
			}
			t.values = append(t.values, v)
		}
	}
	return nil
}

// cpus returns the number of lines of numbers in the file.
func (t *conntrackTable) cpus() int { return len(t.values) / t.columns }

func (t *conntrackTable) column(name string) (int, bool) {
	for i, n := range t.names[:min(t.columns, maxConntrackColumns)] {
		if string(n) == name {
			return i, true
		}
	}
	return 0, false
}
