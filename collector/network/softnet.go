package network

import (
	"context"
	"strconv"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

var softnet = collect.Spec{
	Name:  "softnet",
	Help:  "Packets that the kernel's network backlog processed, dropped or put off, by CPU.",
	Reads: []string{"/proc/net/softnet_stat"},
	Build: collect.Plain(newSoftnet),
}

// softnetCollector reads /proc/net/softnet_stat, hexadecimal numbers in a line
// for each CPU that is online:
//
//	00001852 00000000 00000002 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000001 00000000 00000000
//
// Kernels had 9 columns at first, then 10 (RPS), 11 (flow limit), 13 (backlog,
// and whose CPU the line is, since 5.10) and 15 (the backlog's two parts).
// See softnet_seq_show in https://github.com/torvalds/linux/blob/master/net/core/net-procfs.c.
type softnetCollector struct {
	proc    *host.Reader
	columns []softnetColumn
	cpus    map[uint64]string
}

// A softnetColumn pairs a column, counted from 0, with the family it fills.
type softnetColumn struct {
	at     int
	family *metric.Family
}

const (
	softnetMin = 9  // columns that every kernel has
	softnetCPU = 12 // column that tells the CPU
	softnetMax = 13 // columns that are read
)

func newSoftnet(env *collect.Env) *softnetCollector {
	m := env.Metrics
	return &softnetCollector{
		proc: env.Host.Proc.Reader(),
		columns: []softnetColumn{
			{0, m.Counter("node_softnet_processed_total", "Packets that were processed.", "cpu")},
			{1, m.Counter("node_softnet_dropped_total", "Packets that were dropped because the backlog was full.", "cpu")},
			{2, m.Counter("node_softnet_times_squeezed_total", "How often processing stopped with packets left, for want of time or budget.", "cpu")},
			{8, m.Counter("node_softnet_cpu_collision_total", "Collisions while waiting for a device's transmit lock.", "cpu")},
			{9, m.Counter("node_softnet_received_rps_total", "How often another CPU woke this one to process packets.", "cpu")},
			{10, m.Counter("node_softnet_flow_limit_count_total", "How often the flow limit was reached.", "cpu")},
			{11, m.Gauge("node_softnet_backlog_len", "Packets that wait in the backlog.", "cpu")},
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
			width = s.width
		}
		if s.width != width {
			out.Error(c.proc.At(host.Bad(n, "as many columns as in the lines before", line)))
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
		if col.at < s.width {
			out.Emit(col.family, float64(s.columns[col.at]), cpu)
		}
	}
}

// A softnetLine is one line: the columns up to the CPU's number, and how many
// there are in all.
type softnetLine struct {
	columns [softnetMax]uint64
	width   int
	cpu     uint64
}

// parse reads line n. Where no column tells the CPU, the line's number has to
// do, which is right as long as all CPUs before it are online.
func (s *softnetLine) parse(n int, line []byte) error {
	for field, rest := scan.Field(line); len(field) > 0; field, rest = scan.Field(rest) {
		v, ok := scan.Hex(field)
		if !ok {
			return host.Bad(n, "hexadecimal numbers", line)
		}
		if s.width < softnetMax {
			s.columns[s.width] = v
		}
		s.width++
	}
	if s.width < softnetMin {
		return host.Bad(n, "9 columns or more", line)
	}
	s.cpu = uint64(n - 1)
	if s.width > softnetCPU {
		s.cpu = s.columns[softnetCPU]
	}
	return nil
}
