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
	Help: "Time that tasks stalled for CPU, I/O, memory and interrupts (PSI).",
	Reads: []string{
		"/proc/pressure/cpu",
		"/proc/pressure/io",
		"/proc/pressure/memory",
		"/proc/pressure/irq",
	},
	Build: collect.Plain(newPressure),
}

// pressureCollector reads /proc/pressure, a file for each resource, whose totals
// are microseconds:
//
//	some avg10=19.15 avg60=36.07 avg300=27.84 total=152067817
//	full avg10=0.00 avg60=0.00 avg300=0.00 total=0
//
// See https://docs.kernel.org/accounting/psi.html.
type pressureCollector struct {
	proc      *host.Reader
	resources []pressureResource
}

// A pressureResource pairs a file with the families of its lines; a line
// without a family is not exported.
type pressureResource struct {
	name       string
	some, full *metric.Family
}

func newPressure(env *collect.Env) *pressureCollector {
	m := env.Metrics
	return &pressureCollector{
		proc: env.Host.Proc.Reader().KeepOpen().WholeReads(),
		resources: []pressureResource{
			// The full line of the CPU, since Linux 5.13, is always zero: while
			// tasks wait for a CPU, another one runs on it.
			{
				name: "cpu",
				some: m.Counter("node_pressure_cpu_waiting_seconds_total", "Time in which at least one task waited for a CPU, from /proc/pressure/cpu."),
			},
			{
				name: "io",
				some: m.Counter("node_pressure_io_waiting_seconds_total", "Time in which at least one task waited for I/O, from /proc/pressure/io."),
				full: m.Counter("node_pressure_io_stalled_seconds_total", "Time in which all non-idle tasks waited for I/O, from /proc/pressure/io."),
			},
			{
				name: "memory",
				some: m.Counter("node_pressure_memory_waiting_seconds_total", "Time in which at least one task waited for memory, from /proc/pressure/memory."),
				full: m.Counter("node_pressure_memory_stalled_seconds_total", "Time in which all non-idle tasks waited for memory, from /proc/pressure/memory."),
			},
			{
				name: "irq",
				full: m.Counter("node_pressure_irq_stalled_seconds_total", "Time in which interrupts stalled runnable tasks, from /proc/pressure/irq."),
			},
		},
	}
}

func (c *pressureCollector) Update(_ context.Context, out *metric.Sink) error {
	var errs []error
	var absent error
	for _, r := range c.resources {
		b, err := c.proc.Read("pressure", r.name)
		switch {
		case isPressureAbsent(err):
			if absent == nil {
				absent = err
			}
			continue
		case err != nil:
			errs = append(errs, err)
			continue
		}
		s, err := parsePressure(b)
		if err != nil {
			errs = append(errs, c.proc.At(err))
		}
		s.some.emit(out, r.some)
		s.full.emit(out, r.full)
	}
	return reportOrFail(out, errs, absent)
}

// isPressureAbsent reports whether an error says that the kernel does not have
// the file or does not measure this pressure: any pressure with psi=0 on the
// command line, that of interrupts without interrupt time accounting.
func isPressureAbsent(err error) bool {
	return host.Gone(err) || errors.Is(err, syscall.EOPNOTSUPP)
}

// pressureTimes are the totals of a file of /proc/pressure.
type pressureTimes struct{ some, full pressureTime }

// A pressureTime is the total of a line, if the file has the line.
type pressureTime struct {
	microseconds uint64
	known        bool
}

func (s pressureTime) emit(out *metric.Sink, f *metric.Family) {
	if s.known && f != nil {
		out.Emit(f, s.seconds())
	}
}

// seconds returns the time in seconds. To divide once would round better, but a
// sample that is one bit less than that of node_exporter is a counter reset to
// rate() after the exporter was replaced.
func (s pressureTime) seconds() float64 { return float64(s.microseconds) / 1000 / 1000 }

// parsePressure parses a file of /proc/pressure. With an error it also returns
// the lines that it could parse.
func parsePressure(b []byte) (s pressureTimes, err error) {
	input, hasKnown := b, false
	for n := 1; len(b) > 0; n++ {
		var line []byte
		line, b = scan.Line(b)
		kind, values := scan.Field(line)
		var total *pressureTime
		switch string(kind) {
		case "some":
			total = &s.some
		case "full":
			total = &s.full
		default:
			continue
		}
		hasKnown = true
		if total.microseconds, total.known = pressureTotal(values); !total.known {
			err = host.Bad(n, "a total", line)
		}
	}
	if !hasKnown {
		return s, host.Bad(1, "a line of some or full", input)
	}
	return s, err
}

func pressureTotal(b []byte) (microseconds uint64, ok bool) {
	for field, rest := scan.Field(b); len(field) > 0; field, rest = scan.Field(rest) {
		if key, value, _ := scan.Cut(field, '='); string(key) == "total" {
			return scan.Amount64(value) // below zero on some kernels after the clock of a CPU went back
		}
	}
	return 0, false
}
