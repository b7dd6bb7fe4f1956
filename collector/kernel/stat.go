package kernel

import (
	"context"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/wrap"
)

var stat = collect.Spec{
	Name:  "stat",
	Help:  "Interrupts, context switches, forks, boot time, and running and blocked threads.",
	Reads: []string{"/proc/stat"},
	Build: collect.With(statOptions{}, newStat),
}

type statOptions struct{ softirq collect.Bool }

func (o *statOptions) Fields() []collect.Field {
	return []collect.Field{
		{Name: "softirq", Help: "Export soft interrupts by vector.", Value: &o.softirq},
	}
}

// statCollector reads the lines of /proc/stat that follow those of the CPUs:
//
//	intr 389584 225 9 0 0 199 0 0 0 1 0 ...
//	ctxt 333107
//	btime 1795350126
//	processes 1489
//	procs_running 2
//	procs_blocked 0
//	softirq 180493 2 37605 14 335 107 1 292 58937 0 83200
//
// The sum of interrupts is made of counters that wrap at 2^32, each by itself; the
// collector continues the sum across a wrap.
//
// See https://docs.kernel.org/filesystems/proc.html (section 1.7).
type statCollector struct {
	file    *host.SharedFile
	numbers [statLines]*metric.Family

	interrupts  wrap.Total
	corrections *metric.Family

	softirqs *metric.Family // this and the next two only with the option softirq
	vectors  []string
	counts   []uint64
}

func newStat(env *collect.Env, o statOptions) (*statCollector, error) {
	m := env.Metrics
	c := &statCollector{
		file: env.Host.Proc.Shared("stat"),
		numbers: [statLines]*metric.Family{
			statIntr:      m.Counter("node_intr_total", "Interrupts of all kinds since boot, from /proc/stat."),
			statCtxt:      m.Counter("node_context_switches_total", "Context switches of all CPUs since boot, from /proc/stat."),
			statProcesses: m.Counter("node_forks_total", "Processes and threads created since boot, from /proc/stat."),
			statBtime:     m.Gauge("node_boot_time_seconds", "Boot time of the kernel as Unix time, from /proc/stat."),
			statRunning:   m.Gauge("node_procs_running", "Threads that run or wait for a CPU, from /proc/stat."),
			statBlocked:   m.Gauge("node_procs_blocked", "Threads blocked by I/O, from /proc/stat."),
		},
		corrections: m.Counter("host_exporter_interrupt_sum_corrections_total", "Times that the sum of interrupts in /proc/stat decreased and was corrected."),
	}
	if o.softirq {
		c.softirqs = m.Counter("node_softirqs_total", "Soft interrupts by vector since boot, from /proc/stat.", "vector")
		// In the order of include/linux/interrupt.h, where block_iopoll is now
		// irq_poll.
		c.vectors = []string{"hi", "timer", "net_tx", "net_rx", "block", "block_iopoll", "tasklet", "sched", "hrtimer", "rcu"}
		c.counts = make([]uint64, len(c.vectors))
	}
	return c, nil
}

func (c *statCollector) Update(ctx context.Context, out *metric.Sink) error {
	return collect.OrNoData(c.file.Read(ctx, func(b []byte) error { return c.emit(b, out) }))
}

func (c *statCollector) emit(b []byte, out *metric.Sink) error {
	s, err := parseStat(b, c.counts, func(err error) { out.Error(c.file.At(err)) })
	if err != nil {
		return err
	}
	if n := &s.numbers[statIntr]; n.known {
		n.value = c.interrupts.Continue(n.value)
		out.Emit(c.corrections, float64(c.interrupts.Corrections()))
	}
	for i, n := range s.numbers {
		switch {
		case !n.known:
		case i == statBtime:
			out.Emit(c.numbers[i], float64(int64(n.value)))
		default:
			out.Emit(c.numbers[i], float64(n.value))
		}
	}
	for i, n := range s.softirqs {
		out.Emit(c.softirqs, float64(n), c.vectors[i])
	}
	return nil
}
