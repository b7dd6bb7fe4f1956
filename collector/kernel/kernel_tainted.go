package kernel

import (
	"context"
	"strconv"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

var kernelTainted = collect.Spec{
	Name:              "kernel_tainted",
	Help:              "Events that tainted the kernel, such as an oops, a machine check or a proprietary module.",
	Reads:             []string{"/proc/sys/kernel/tainted"},
	DisabledByDefault: true,
	Native:            true,
	Build:             collect.Plain(newKernelTainted),
}

// kernelTaintedCollector reads /proc/sys/kernel/tainted, a number with a bit for
// each reason. Bits stay set until the next boot. See
// https://docs.kernel.org/admin-guide/tainted-kernels.html.
type kernelTaintedCollector struct {
	proc    *host.Reader
	taints  []kernelTaint
	tainted *metric.Family
}

// A kernelTaint is a bit of the number: the letter that the kernel prints for it,
// and the name of its constant TAINT_*.
type kernelTaint struct{ flag, reason string }

func newKernelTainted(env *collect.Env) *kernelTaintedCollector {
	return &kernelTaintedCollector{
		proc: env.Host.Proc.Reader(),
		taints: []kernelTaint{
			{"P", "proprietary_module"},
			{"F", "forced_module"},
			{"S", "cpu_out_of_spec"},
			{"R", "forced_rmmod"},
			{"M", "machine_check"},
			{"B", "bad_page"},
			{"U", "user"},
			{"D", "die"},
			{"A", "overridden_acpi_table"},
			{"W", "warn"},
			{"C", "crap"},
			{"I", "firmware_workaround"},
			{"O", "oot_module"},
			{"E", "unsigned_module"},
			{"L", "softlockup"},
			{"K", "livepatch"},
			{"X", "aux"},
			{"T", "randstruct"},
			{"N", "test"},
			{"J", "fwctl"},
		},
		tainted: env.Metrics.Gauge("node_kernel_tainted",
			"Whether the kernel is tainted for a reason, from /proc/sys/kernel/tainted.", "flag", "reason"),
	}
}

func (c *kernelTaintedCollector) Update(_ context.Context, out *metric.Sink) error {
	bits, err := c.proc.Uint("sys/kernel/tainted")
	if err != nil {
		return collect.OrNoData(err)
	}
	for i, taint := range c.taints {
		out.Bool(c.tainted, bits>>i&1 == 1, taint.flag, taint.reason)
	}
	// A later kernel may have further reasons.
	for i := len(c.taints); bits>>i > 0; i++ {
		if bits>>i&1 == 1 {
			out.Emit(c.tainted, 1, strconv.Itoa(i), "unknown")
		}
	}
	return nil
}
