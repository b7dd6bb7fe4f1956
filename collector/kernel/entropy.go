package kernel

import (
	"context"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

var entropy = collect.Spec{
	Name: "entropy",
	Help: "Entropy of the kernel's random number generator.",
	Reads: []string{
		"/proc/sys/kernel/random/entropy_avail",
		"/proc/sys/kernel/random/poolsize",
	},
	Build: collect.Plain(newEntropy),
}

// entropyCollector reads two files of /proc/sys/kernel/random, each a number of
// bits. Since Linux 5.18 both are 256 once the generator is seeded. Before, the
// kernel printed an estimate that had fallen below zero as a negative number. See
// random(4).
type entropyCollector struct {
	proc  *host.Reader
	files []entropyFile
}

// An entropyFile pairs a file with its family.
type entropyFile struct {
	name   string
	family *metric.Family
}

func newEntropy(env *collect.Env) *entropyCollector {
	m := env.Metrics
	return &entropyCollector{
		proc: env.Host.Proc.Reader().KeepOpen().WholeReads(),
		files: []entropyFile{
			{"entropy_avail", m.Gauge("node_entropy_available_bits", "Entropy in the kernel's pool in bits, from /proc/sys/kernel/random/entropy_avail.")},
			{"poolsize", m.Gauge("node_entropy_pool_size_bits", "Size of the kernel's entropy pool in bits, from /proc/sys/kernel/random/poolsize.")},
		},
	}
}

func (c *entropyCollector) Update(_ context.Context, out *metric.Sink) error {
	var errs []error
	var absent error
	for _, f := range c.files {
		bits, err := c.proc.Amount32("sys/kernel/random", f.name)
		switch {
		case err == nil:
			out.Emit(f.family, float64(bits))
		case host.Gone(err):
			if absent == nil {
				absent = err
			}
		default:
			errs = append(errs, err)
		}
	}
	return reportOrFail(out, errs, absent)
}
