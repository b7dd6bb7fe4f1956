package kernel

import (
	"context"
	"errors"
	"syscall"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

var pressure = collect.Spec{
	Name: "pressure",
	Help: "How long tasks were held up for want of CPU, I/O and memory, and by interrupts (PSI).",
	Reads: []string{
		"/proc/pressure/cpu",
		"/proc/pressure/io",
		"/proc/pressure/memory",
		"/proc/pressure/irq",
	},
	Build: collect.Plain(newPressure),
}

// pressureCollector reads /proc/pressure, a file for each resource with times
// in microseconds at the end of its lines:
//
//	some avg10=19.15 avg60=36.07 avg300=27.84 total=152067817
//	full avg10=0.00 avg60=0.00 avg300=0.00 total=0
//
// See https://docs.kernel.org/accounting/psi.html.
type pressureCollector struct {
	proc      *host.Reader
	resources []pressureResource
}

// A pressureResource pairs a file with the families that its lines fill; nil
// leaves a line out.
type pressureResource struct {
	name       string
	some, full *metric.Family
}

func newPressure(env *collect.Env) *pressureCollector {
	m := env.Metrics
	return &pressureCollector{
		proc: env.Host.Proc.Reader(),
		resources: []pressureResource{
			// The CPU's full line, which Linux has since 5.13, is always zero: while
			// tasks wait for a CPU, another one runs on it.
			{
				name: "cpu",
				some: m.Counter("node_pressure_cpu_waiting_seconds_total", "Time in which at least one task waited for a CPU, from /proc/pressure/cpu."),
			},
			{
				name: "io",
				some: m.Counter("node_pressure_io_waiting_seconds_total", "Time in which at least one task waited for I/O, from /proc/pressure/io."),
				full: m.Counter("node_pressure_io_stalled_seconds_total", "Time in which all tasks that were not idle waited for I/O, from /proc/pressure/io."),
			},
			{
				name: "memory",
				some: m.Counter("node_pressure_memory_waiting_seconds_total", "Time in which at least one task waited for memory, from /proc/pressure/memory."),
				full: m.Counter("node_pressure_memory_stalled_seconds_total", "Time in which all tasks that were not idle waited for memory, from /proc/pressure/memory."),
			},
			{
				name: "irq",
				full: m.Counter("node_pressure_irq_stalled_seconds_total", "Time in which tasks that could run were held up by interrupts, from /proc/pressure/irq."),
			},
		},
	}
}

func (c *pressureCollector) Update(_ context.Context, out *metric.Sink) error {
	var broken []error
	var absent error
	for _, r := range c.resources {
		b, err := c.proc.Read("pressure", r.name)
		switch {
		case pressureAbsent(err):
			if absent == nil {
				absent = err
			}
			continue
		case err != nil:
			broken = append(broken, err)
			continue
		}
		s, err := parsePressure(b)
		if err != nil {
			broken = append(broken, c.proc.At(err))
		}
		s.some.emit(out, r.some)
		s.full.emit(out, r.full)
	}
	return settle(out, broken, absent)
}

// pressureAbsent reports whether a read says that the kernel does not have the
// file, or that this pressure is not measured: all of it with psi=0 on the
// command line, that of interrupts where their time is not accounted for.
func pressureAbsent(err error) bool {
	return host.Gone(err) || errors.Is(err, syscall.EOPNOTSUPP)
}

// A stall is one file of /proc/pressure.
type stall struct{ some, full stallTime }

// A stallTime is the total of one line; not every file has both lines.
type stallTime struct {
	microseconds uint64
	known        bool
}

func (s stallTime) emit(out *metric.Sink, f *metric.Family) {
	if s.known && f != nil {
		out.Emit(f, float64(s.microseconds)/1e6)
	}
}

// parsePressure reads one file of /proc/pressure. With an error it returns
// what it could read besides.
func parsePressure(b []byte) (s stall, err error) {
	whole, known := b, false
	for n := 1; len(b) > 0; n++ {
		var line []byte
		line, b = scan.Line(b)
		kind, values := scan.Field(line)
		var total *stallTime
		switch string(kind) {
		case "some":
			total = &s.some
		case "full":
			total = &s.full
		default:
			continue
		}
		known = true
		if total.microseconds, total.known = pressureTotal(values); !total.known {
			err = host.Bad(n, "a total", line)
		}
	}
	if !known {
		return s, host.Bad(1, "pressure of some or all tasks", whole)
	}
	return s, err
}

func pressureTotal(b []byte) (microseconds uint64, ok bool) {
	for field, rest := scan.Field(b); len(field) > 0; field, rest = scan.Field(rest) {
		if key, value, _ := scan.Cut(field, '='); string(key) == "total" {
			return scan.Uint(value)
		}
	}
	return 0, false
}
