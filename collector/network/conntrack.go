package network

import (
	"context"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
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
// No file exists while the module is not loaded; the last one needs
// CONFIG_NF_CONNTRACK_PROCFS. See
// https://docs.kernel.org/networking/nf_conntrack-sysctl.html.
type conntrackCollector struct {
	proc    *host.Reader
	entries *metric.Family
	limit   *metric.Family
	stats   []conntrackStat
}

// A conntrackStat is a column with its family.
type conntrackStat struct {
	name   string
	family *metric.Family
}

func newConntrack(env *collect.Env) *conntrackCollector {
	m := env.Metrics
	return &conntrackCollector{
		proc:    env.Host.Proc.Reader(),
		entries: m.Gauge("node_nf_conntrack_entries", "Connections in the tracking table, from nf_conntrack_count."),
		limit:   m.Gauge("node_nf_conntrack_entries_limit", "Maximum number of connections in the tracking table, from nf_conntrack_max."),
		stats: []conntrackStat{
			{"found", m.Gauge("node_nf_conntrack_stat_found", "Table lookups that found an entry.")},
			{"invalid", m.Gauge("node_nf_conntrack_stat_invalid", "Packets that could not be tracked.")},
			{"ignore", m.Gauge("node_nf_conntrack_stat_ignore", "Packets of connections that were already tracked.")},
			{"insert", m.Gauge("node_nf_conntrack_stat_insert", "Entries inserted into the table.")},
			{"insert_failed", m.Gauge("node_nf_conntrack_stat_insert_failed", "Entries not inserted because the table already had them.")},
			{"drop", m.Gauge("node_nf_conntrack_stat_drop", "Packets dropped because tracking failed.")},
			{"early_drop", m.Gauge("node_nf_conntrack_stat_early_drop", "Entries dropped to make room for new ones.")},
			{"search_restart", m.Gauge("node_nf_conntrack_stat_search_restart", "Table lookups restarted because the table was resized.")},
		},
	}
}

func (c *conntrackCollector) Update(_ context.Context, out *metric.Sink) error {
	if err := c.emitNumber(c.entries, "nf_conntrack_count", out); err != nil {
		return collect.OrNoData(err)
	}
	_ = c.emitNumber(c.limit, "nf_conntrack_max", out) // an error means that the file is absent
	b, err := c.proc.Read("net/stat/nf_conntrack")
	if !host.ReportUnlessGone(err, out.Error) {
		return nil
	}
	var s conntrackSums
	if err := s.parse(b); err != nil {
		out.Error(c.proc.At(err))
		return nil
	}
	for _, stat := range c.stats {
		if v, ok := s.sum(stat.name); ok {
			out.Emit(stat.family, float64(v))
		}
	}
	return nil
}

// emitNumber emits the number in a file of netfilter. It returns the error of
// an absent file, and reports any other.
func (c *conntrackCollector) emitNumber(f *metric.Family, file string, out *metric.Sink) error {
	v, err := c.proc.Uint("sys/net/netfilter", file)
	switch {
	case err == nil:
		out.Emit(f, float64(v))
	case host.Gone(err):
		return err
	default:
		out.Error(err)
	}
	return nil
}

// conntrackSums holds the columns of nf_conntrack, summed over the CPUs.
// Columns are found by name, because kernels drop, add and reuse columns.
type conntrackSums struct {
	names   [maxConntrackColumns][]byte
	sums    [maxConntrackColumns]uint64
	columns int // in the file
	cpus    int // lines of numbers in the file
}

// maxConntrackColumns bounds the columns; kernels have 16 or 17.
const maxConntrackColumns = 32

func (s *conntrackSums) parse(b []byte) error {
	line, b := scan.Line(b)
	s.columns = scan.Fields(s.names[:], line)
	if _, ok := s.column("entries"); !ok || s.columns > maxConntrackColumns {
		return host.Bad(1, "column names with entries", line)
	}
	for n := 2; len(b) > 0; n++ {
		line, b = scan.Line(b)
		var fields [maxConntrackColumns][]byte
		if scan.Fields(fields[:], line) != s.columns {
			return host.Bad(n, "a number for each name", line)
		}
		for i, f := range fields[:s.columns] {
			v, ok := scan.Hex(f)
			if !ok {
				return host.Bad(n, "hexadecimal numbers", line)
			}
			s.sums[i] += v
		}
		s.cpus++
	}
	return nil
}

// sum returns the sum of a column, and whether the file has it.
func (s *conntrackSums) sum(name string) (uint64, bool) {
	i, ok := s.column(name)
	if !ok || s.cpus == 0 {
		return 0, false
	}
	return s.sums[i], true
}

func (s *conntrackSums) column(name string) (int, bool) {
	for i, n := range s.names[:min(s.columns, maxConntrackColumns)] {
		if string(n) == name {
			return i, true
		}
	}
	return 0, false
}
