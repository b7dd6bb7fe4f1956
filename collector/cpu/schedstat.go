package cpu

import (
	"bytes"
	"context"
	"fmt"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

var schedstat = collect.Spec{
	Name:  "schedstat",
	Help:  "Time that tasks ran and waited on each CPU, and their timeslices.",
	Reads: []string{"/proc/schedstat"},
	Build: collect.Plain(newSchedstat),
}

// schedstatCollector reads /proc/schedstat. The last three of a CPU's nine
// numbers are the nanoseconds that tasks ran and waited, and the timeslices:
//
//	version 15
//	timestamp 4294937297
//	cpu0 498494191 0 3533438552 2553969831 3853684107 2465731542 2045936778163 343796328169 4767485306
//	domain0 00000000,00000003 212499247 210112015 ...
//
// Versions 15, 16 and 17 differ in the lines of domains only; older versions
// have more numbers before these. See
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
		running:    m.Counter("node_schedstat_running_seconds_total", "Time that tasks ran on the CPU, from /proc/schedstat.", "cpu"),
		waiting:    m.Counter("node_schedstat_waiting_seconds_total", "Time that runnable tasks waited for the CPU, from /proc/schedstat.", "cpu"),
		timeslices: m.Counter("node_schedstat_timeslices_total", "Timeslices run on the CPU, from /proc/schedstat.", "cpu"),
	}
}

// minSchedstatVersion is the oldest version with this format of a CPU's line.
const minSchedstatVersion = 15

func (c *schedstatCollector) Update(_ context.Context, out *metric.Sink) error {
	b, err := c.proc.Read("schedstat")
	if err != nil {
		return collect.OrNoData(err)
	}
	hasCPU := false
	var line []byte
	for n, rest := 1, b; len(rest) > 0; n++ {
		line, rest = scan.Line(rest)
		if text, ok := bytes.CutPrefix(line, []byte("version ")); ok {
			version, ok := scan.Uint(scan.Trim(text))
			if ok && version >= minSchedstatVersion {
				continue
			}
			err := c.proc.At(host.Bad(n, "version 15 or later", line))
			if ok {
				err = fmt.Errorf("%w: %w", collect.ErrNoData, err)
			}
			return err
		}
		if !bytes.HasPrefix(line, []byte("cpu")) {
			continue
		}
		hasCPU = true
		cpu, s, ok := parseSchedstatLine(line)
		if !ok {
			out.Error(c.proc.At(host.Bad(n, "a CPU and nine numbers", line)))
			continue
		}
		out.Emit(c.running, float64(s.running)/1e9, string(cpu))
		out.Emit(c.waiting, float64(s.waiting)/1e9, string(cpu))
		out.Emit(c.timeslices, float64(s.timeslices), string(cpu))
	}
	if !hasCPU {
		return c.proc.At(host.Bad(1, "a line for each CPU", b))
	}
	return nil
}

// schedstatNumbers are the exported numbers of a CPU's line.
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
	var numbers [9]uint64
	for i := range numbers {
		var valid bool
		numbers[i], valid = scan.Uint(fields[1+i])
		ok = ok && valid
	}
	s.running, s.waiting, s.timeslices = numbers[6], numbers[7], numbers[8]
	// The clocks of CPUs differ, so that a time may be below zero.
	s.running, s.waiting = scan.ClampAmount64(s.running), scan.ClampAmount64(s.waiting)
	return cpu, s, ok
}
