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
	Help: "The connection tracking table: its size, its limit, and how it fares.",
	Reads: []string{
		"/proc/sys/net/netfilter/nf_conntrack_count",
		"/proc/sys/net/netfilter/nf_conntrack_max",
		"/proc/net/stat/nf_conntrack",
	},
	Build: collect.Plain(newConntrack),
}

// conntrackCollector reads the table's size and limit, each a number in a file
// below /proc/sys/net/netfilter, and /proc/net/stat/nf_conntrack: a line of
// names, then hexadecimal numbers in a line for each CPU:
//
//	entries  clashres found new invalid ignore delete chainlength insert insert_failed drop early_drop ...
//	0000002a  00000000 00000007 00000000 00000013 00000000 00000000 00000000 00000000 00000000 00000000 00000000 ...
//
// There is nothing where the module is not loaded, and no second file where
// the kernel is built without CONFIG_NF_CONNTRACK_PROCFS. See
// https://docs.kernel.org/networking/nf_conntrack-sysctl.html.
type conntrackCollector struct {
	proc    *host.Reader
	entries *metric.Family
	limit   *metric.Family
	stats   []conntrackStat
}

// A conntrackStat pairs a column with the family it fills.
type conntrackStat struct {
	name   string
	family *metric.Family
}

func newConntrack(env *collect.Env) *conntrackCollector {
	m := env.Metrics
	return &conntrackCollector{
		proc:    env.Host.Proc.Reader(),
		entries: m.Gauge("node_nf_conntrack_entries", "Connections in the table."),
		limit:   m.Gauge("node_nf_conntrack_entries_limit", "Connections that the table may hold."),
		stats: []conntrackStat{
			{"found", m.Gauge("node_nf_conntrack_stat_found", "Entries that a search found.")},
			{"invalid", m.Gauge("node_nf_conntrack_stat_invalid", "Packets that cannot be tracked.")},
			{"ignore", m.Gauge("node_nf_conntrack_stat_ignore", "Packets of connections that are tracked already.")},
			{"insert", m.Gauge("node_nf_conntrack_stat_insert", "Entries that were put into the table.")},
			{"insert_failed", m.Gauge("node_nf_conntrack_stat_insert_failed", "Entries that were not put into the table because they were there.")},
			{"drop", m.Gauge("node_nf_conntrack_stat_drop", "Packets that were dropped because tracking failed.")},
			{"early_drop", m.Gauge("node_nf_conntrack_stat_early_drop", "Entries that were dropped to make room for new ones.")},
			{"search_restart", m.Gauge("node_nf_conntrack_stat_search_restart", "Searches that began anew because the table was resized.")},
		},
	}
}

func (c *conntrackCollector) Update(_ context.Context, out *metric.Sink) error {
	if err := c.emitNumber(c.entries, "nf_conntrack_count", out); err != nil {
		return collect.OrNoData(err)
	}
	_ = c.emitNumber(c.limit, "nf_conntrack_max", out) // gone: nothing to say
	b, err := c.proc.Read("net/stat/nf_conntrack")
	if err != nil {
		if !host.Gone(err) {
			out.Error(err)
		}
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

// emitNumber emits what a file of netfilter holds. It returns an error when
// the file is not there; any other is told.
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

// conntrackSums holds the columns of nf_conntrack, summed over the CPUs. Their
// names tell them apart: kernels drop and add columns, and have given the
// place of one to another.
type conntrackSums struct {
	names [conntrackColumns][]byte
	sums  [conntrackColumns]uint64
	width int // columns
	cpus  int // lines
}

// conntrackColumns is as many as are looked at; kernels have 16 or 17.
const conntrackColumns = 32

func (s *conntrackSums) parse(b []byte) error {
	line, b := scan.Line(b)
	s.width = scan.Fields(s.names[:], line)
	if _, ok := s.column("entries"); !ok || s.width > conntrackColumns {
		return host.Bad(1, "names of columns with entries", line)
	}
	for n := 2; len(b) > 0; n++ {
		line, b = scan.Line(b)
		var fields [conntrackColumns][]byte
		if scan.Fields(fields[:], line) != s.width {
			return host.Bad(n, "as many numbers as names", line)
		}
		for i, f := range fields[:s.width] {
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

// sum returns the sum of a column, if there is one.
func (s *conntrackSums) sum(name string) (uint64, bool) {
	i, ok := s.column(name)
	if !ok || s.cpus == 0 {
		return 0, false
	}
	return s.sums[i], true
}

func (s *conntrackSums) column(name string) (int, bool) {
	for i, n := range s.names[:min(s.width, conntrackColumns)] {
		if string(n) == name {
			return i, true
		}
	}
	return 0, false
}
