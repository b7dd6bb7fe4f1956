package network

import (
	"context"
	"fmt"
	"strconv"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

var softnet = collect.Spec{
	Name:  "softnet",
	Help:  "Packets that each CPU processed, dropped and deferred, from /proc/net/softnet_stat.",
	Reads: []string{"/proc/net/softnet_stat"},
	Build: collect.Plain(newSoftnet),
}

// softnetCollector reads /proc/net/softnet_stat, a line of hexadecimal numbers
// for each CPU that is online:
//
//	00001852 00000000 00000002 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000001 00000000 00000000
//
// Kernels had 9 columns at first, then 10 (RPS), 11 (flow limit), 13 (backlog
// and CPU number, since 5.10) and 15 (the two parts of the backlog). See
// softnet_seq_show in
// https://github.com/torvalds/linux/blob/master/net/core/net-procfs.c.
type softnetCollector struct {
	proc    *host.Reader
	columns []softnetColumn
	cpus    map[uint64]string // labels, by number
}

// A softnetColumn is a column with its family.
type softnetColumn struct {
	index  int
	family *metric.Family
}

const (
	minSoftnetColumns    = 9  // columns of the oldest kernels
	softnetBacklogColumn = 11 // the one column that is not a counter
	softnetCPUColumn     = 12 // column with the number of the CPU
	softnetColumnsRead   = 13 // columns that are read
)

func newSoftnet(env *collect.Env) *softnetCollector {
	m := env.Metrics
	return &softnetCollector{
		proc: env.Host.Proc.Reader().KeepOpen(),
		columns: []softnetColumn{
			{0, m.Counter("node_softnet_processed_total", "Packets that the CPU processed.", "cpu")},
			{1, m.Counter("node_softnet_dropped_total", "Packets dropped because the backlog of the CPU was full.", "cpu")},
			{2, m.Counter("node_softnet_times_squeezed_total", "Times that processing stopped with packets left, at the limit of time or of packets.", "cpu")},
			{8, m.Counter("node_softnet_cpu_collision_total", "Collisions at the transmit lock of a device.", "cpu")},
			{9, m.Counter("node_softnet_received_rps_total", "Times that another CPU woke this one to process packets (RPS).", "cpu")},
			{10, m.Counter("node_softnet_flow_limit_count_total", "Times that the flow limit was reached.", "cpu")},
			{softnetBacklogColumn, m.Gauge("node_softnet_backlog_len", "Packets in the backlog of the CPU.", "cpu")},
		},
		cpus: map[uint64]string{},
	}
}

func (c *softnetCollector) Update(_ context.Context, out *metric.Sink) error {
	b, err := c.proc.Read("net/softnet_stat")
	if err != nil {
		return collect.OrNoData(err)
	}
	width := 0
	for n := 1; len(b) > 0; n++ {
		var line []byte
		line, b = scan.Line(b)
		var s softnetLine
		if err := s.parse(n, line); err != nil {
			out.Error(c.proc.At(err))
			continue
		}
		if width == 0 {
			width = s.count
		}
		if s.count != width {
			out.Error(c.proc.At(host.Bad(n, fmt.Sprintf("%d columns, as in the lines before", width), line)))
			continue
		}
		c.emit(&s, out)
	}
	return nil
}

func (c *softnetCollector) emit(s *softnetLine, out *metric.Sink) {
	cpu, ok := c.cpus[s.cpu]
	if !ok {
		cpu = strconv.FormatUint(s.cpu, 10)
		c.cpus[s.cpu] = cpu
	}
	for _, col := range c.columns {
		if col.index < s.count {
			v := s.columns[col.index]
			if col.index == softnetBacklogColumn {
				v = scan.ClampAmount32(v)
			}
			out.Emit(col.family, float64(v), cpu)
		}
	}
}

// A softnetLine is the content of one line.
type softnetLine struct {
	columns [softnetColumnsRead]uint64
	count   int
	cpu     uint64
}

// parse parses line n. Without a column for the CPU it takes the number of the
// line, which is right if all CPUs before it are online.
func (s *softnetLine) parse(n int, line []byte) error {
	for field, rest := scan.Field(line); len(field) > 0; field, rest = scan.Field(rest) {
		v, ok := scan.Hex(field)
		if !ok {
			return host.Bad(n, "hexadecimal numbers", line)
		}
		if s.count < softnetColumnsRead {
			s.columns[s.count] = v
		}
		s.count++
	}
	if s.count < minSoftnetColumns {
		return host.Bad(n, "9 columns or more", line)
	}
	s.cpu = uint64(n - 1)
	if s.count > softnetCPUColumn {
		s.cpu = s.columns[softnetCPUColumn]
	}
	return nil
}
