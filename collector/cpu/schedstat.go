package cpu

import (
	"bytes"
	"context"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

var schedstat = collect.Spec{
	Name:  "schedstat",
	Help:  "How long tasks ran and waited on each CPU's run queue.",
	Reads: []string{"/proc/schedstat"},
	Build: collect.Plain(newSchedstat),
}

// schedstatCollector reads /proc/schedstat. Of a CPU's nine numbers the last
// three are the nanoseconds that tasks ran and waited, and the timeslices:
//
//	version 15
//	timestamp 4294937297
//	cpu0 498494191 0 3533438552 2553969831 3853684107 2465731542 2045936778163 343796328169 4767485306
//	domain0 00000000,00000003 212499247 210112015 ...
//
// Versions 15, 16 and 17 differ in the lines of domains only; older ones have
// more numbers before these. See
// https://docs.kernel.org/scheduler/sched-stats.html.
type schedstatCollector struct {
	proc       *host.Reader
	running    *metric.Family
	waiting    *metric.Family
	timeslices *metric.Family
}

func newSchedstat(env *collect.Env) *schedstatCollector {
	m := env.Metrics
	return &schedstatCollector{
		proc:       env.Host.Proc.Reader(),
		running:    m.Counter("node_schedstat_running_seconds_total", "Time that tasks spent running on the CPU.", "cpu"),
		waiting:    m.Counter("node_schedstat_waiting_seconds_total", "Time that tasks spent waiting for the CPU while they could run.", "cpu"),
		timeslices: m.Counter("node_schedstat_timeslices_total", "Timeslices that tasks ran on the CPU.", "cpu"),
	}
}

// schedstatVersion is the oldest version of the file whose lines of CPUs are
// what is expected here.
const schedstatVersion = 15

func (c *schedstatCollector) Update(_ context.Context, out *metric.Sink) error {
	b, err := c.proc.Read("schedstat")
	if err != nil {
		return collect.OrNoData(err)
	}
	found := false
	var line []byte
	for n, rest := 1, b; len(rest) > 0; n++ {
		line, rest = scan.Line(rest)
		if text, ok := bytes.CutPrefix(line, []byte("version ")); ok {
			if version, ok := scan.Uint(scan.Trim(text)); !ok || version < schedstatVersion {
				return c.proc.At(host.Bad(n, "version 15 or later", line))
			}
			continue
		}
		if !bytes.HasPrefix(line, []byte("cpu")) {
			continue
		}
		found = true
		cpu, s, ok := parseSchedstatLine(line)
		if !ok {
			out.Error(c.proc.At(host.Bad(n, "a CPU and nine numbers", line)))
			continue
		}
		out.Emit(c.running, float64(s.running)/1e9, string(cpu))
		out.Emit(c.waiting, float64(s.waiting)/1e9, string(cpu))
		out.Emit(c.timeslices, float64(s.timeslices), string(cpu))
	}
	if !found {
		return c.proc.At(host.Bad(1, "a line for each CPU", b))
	}
	return nil
}

// schedstatNumbers are what is exported of a CPU's line.
type schedstatNumbers struct {
	running, waiting uint64 // nanoseconds
	timeslices       uint64
}

func parseSchedstatLine(line []byte) (cpu []byte, s schedstatNumbers, ok bool) {
	var fields [10][]byte
	if scan.Fields(fields[:], line) < len(fields) {
		return nil, s, false
	}
	cpu = fields[0][len("cpu"):]
	_, ok = scan.Uint(cpu)
	for i, number := range []*uint64{&s.running, &s.waiting, &s.timeslices} {
		var valid bool
		*number, valid = scan.Uint(fields[7+i])
		ok = ok && valid
	}
	return cpu, s, ok
}
