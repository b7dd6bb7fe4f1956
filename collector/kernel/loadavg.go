package kernel

import (
	"context"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

var loadavg = collect.Spec{
	Name:  "loadavg",
	Help:  "Load averages over 1, 5 and 15 minutes.",
	Reads: []string{"/proc/loadavg"},
	Build: collect.Plain(newLoadavg),
}

// loadavgCollector reads /proc/loadavg, one line:
//
//	0.20 0.18 0.12 1/80 11206
//
// See https://docs.kernel.org/filesystems/proc.html (section 1.8).
type loadavgCollector struct {
	proc     *host.Reader
	averages [3]*metric.Family
}

func newLoadavg(env *collect.Env) *loadavgCollector {
	m := env.Metrics
	return &loadavgCollector{
		proc: env.Host.Proc.Reader().KeepOpen().WholeReads(),
		averages: [3]*metric.Family{
			m.Gauge("node_load1", "Load average over 1 minute, from /proc/loadavg."),
			m.Gauge("node_load5", "Load average over 5 minutes, from /proc/loadavg."),
			m.Gauge("node_load15", "Load average over 15 minutes, from /proc/loadavg."),
		},
	}
}

func (c *loadavgCollector) Update(_ context.Context, out *metric.Sink) error {
	b, err := c.proc.Read("loadavg")
	if err != nil {
		return collect.OrNoData(err)
	}
	loads, err := parseLoadavg(b)
	if err != nil {
		return c.proc.At(err)
	}
	for i, load := range loads {
		out.Emit(c.averages[i], load)
	}
	return nil
}

func parseLoadavg(b []byte) (loads [3]float64, err error) {
	rest := b
	for i := range loads {
		var field []byte
		var ok bool
		field, rest = scan.Field(rest)
		if loads[i], ok = scan.Float(field); !ok || loads[i] < 0 {
			return loads, host.Bad(1, "three load averages", b)
		}
	}
	return loads, nil
}
