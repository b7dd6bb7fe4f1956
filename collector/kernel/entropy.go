package kernel

import (
	"context"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

var entropy = collect.Spec{
	Name: "entropy",
	Help: "How much entropy the kernel's random number generator holds.",
	Reads: []string{
		"/proc/sys/kernel/random/entropy_avail",
		"/proc/sys/kernel/random/poolsize",
	},
	Build: collect.Plain(newEntropy),
}

// entropyCollector reads two files of /proc/sys/kernel/random, one number of
// bits each. Since Linux 5.18 both are 256 once the generator is seeded. See
// random(4).
type entropyCollector struct {
	proc  *host.Reader
	files []entropyFile
}

// An entropyFile pairs a file with the family it fills.
type entropyFile struct {
	name   string
	family *metric.Family
}

func newEntropy(env *collect.Env) *entropyCollector {
	m := env.Metrics
	return &entropyCollector{
		proc: env.Host.Proc.Reader(),
		files: []entropyFile{
			{"entropy_avail", m.Gauge("node_entropy_available_bits", "Entropy in the kernel's pool, from /proc/sys/kernel/random/entropy_avail.")},
			{"poolsize", m.Gauge("node_entropy_pool_size_bits", "Size of the kernel's entropy pool, from /proc/sys/kernel/random/poolsize.")},
		},
	}
}

func (c *entropyCollector) Update(_ context.Context, out *metric.Sink) error {
	var broken []error
	var absent error
	for _, f := range c.files {
		bits, err := c.proc.Uint("sys/kernel/random", f.name)
		switch {
		case err == nil:
			out.Emit(f.family, float64(bits))
		case host.Gone(err):
			if absent == nil {
				absent = err
			}
		default:
			broken = append(broken, err)
		}
	}
	return settle(out, broken, absent)
}
