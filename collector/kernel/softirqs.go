package kernel

import (
	"context"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

var softirqs = collect.Spec{
	Name:              "softirqs",
	Help:              "Soft interrupts of each vector by CPU.",
	Reads:             []string{"/proc/softirqs"},
	DisabledByDefault: true,
	Build:             collect.Plain(newSoftirqs),
}

// softirqsCollector reads /proc/softirqs: a column for each CPU that the host may
// have, online or not, and a line for each vector.
//
//	             CPU0       CPU1
//	   HI:          0          0
//	TIMER:     104787      94675
//
// The numbers wrap at 2^32, which looks like a reset to Prometheus; see
// interruptsCollector. See https://docs.kernel.org/filesystems/proc.html (section
// 1.2).
type softirqsCollector struct {
	proc    *host.Reader
	total   *metric.Family
	columns cpuColumns
}

func newSoftirqs(env *collect.Env) *softirqsCollector {
	return &softirqsCollector{
		proc: env.Host.Proc.Reader(),
		total: env.Metrics.Counter("node_softirqs_functions_total",
			"Soft interrupts by CPU and vector, modulo 2^32, from /proc/softirqs.", "cpu", "type"),
	}
}

func (c *softirqsCollector) Update(_ context.Context, out *metric.Sink) error {
	b, err := c.proc.Read("softirqs")
	if err != nil {
		return collect.OrNoData(err)
	}
	line, b := scan.Line(b)
	if !c.columns.parse(line) {
		return c.proc.At(host.Bad(1, "CPUs such as CPU0 CPU1", line))
	}
	for n := 2; len(b) > 0; n++ {
		line, b = scan.Line(b)
		vector, found, rest, ok := c.columns.parseLine(line)
		if !ok || found != len(c.columns.counts) || len(rest) > 0 {
			out.Error(c.proc.At(host.Bad(n, "a vector and its number for each CPU", line)))
			continue
		}
		for i, count := range c.columns.counts {
			out.Emit(c.total, float64(count), c.columns.numbers[i], string(vector))
		}
	}
	return nil
}
