package kernel

import (
	"context"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

var kernelHung = collect.Spec{
	Name:  "kernel_hung",
	Help:  "Hung tasks that the kernel detected.",
	Reads: []string{"/proc/sys/kernel/hung_task_detect_count"},
	Build: collect.Plain(newKernelHung),
}

// kernelHungCollector reads /proc/sys/kernel/hung_task_detect_count, one number.
// Linux has the file since 6.13, if it is built to detect hung tasks. See
// https://docs.kernel.org/admin-guide/sysctl/kernel.html.
type kernelHungCollector struct {
	proc  *host.Reader
	tasks *metric.Family
}

func newKernelHung(env *collect.Env) *kernelHungCollector {
	return &kernelHungCollector{
		proc:  env.Host.Proc.Reader().KeepOpen().WholeReads(),
		tasks: env.Metrics.Counter("node_kernel_hung_tasks_total", "Hung tasks detected since boot, from /proc/sys/kernel/hung_task_detect_count."),
	}
}

func (c *kernelHungCollector) Update(_ context.Context, out *metric.Sink) error {
	n, err := c.proc.Uint("sys/kernel/hung_task_detect_count")
	if err != nil {
		return collect.OrNoData(err)
	}
	out.Emit(c.tasks, float64(n))
	return nil
}
