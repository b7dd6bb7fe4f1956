package kernel

import (
	"bytes"
	"context"
	"strings"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

var interrupts = collect.Spec{
	Name:              "interrupts",
	Help:              "Interrupts of each line by CPU.",
	Reads:             []string{"/proc/interrupts"},
	DisabledByDefault: true,
	Build:             collect.With(interruptsOptions{IncludeZeros: true}, newInterrupts),
}

type interruptsOptions struct {
	Filter       collect.Filter
	IncludeZeros collect.Bool
}

func (o *interruptsOptions) Fields() []collect.Field {
	return []collect.Field{
		{Name: "name-include", Help: "Regular expression of interrupts to include, as TYPE;INFO;DEVICES.", Value: &o.Filter.Include},
		{Name: "name-exclude", Help: "Regular expression of interrupts to exclude, as TYPE;INFO;DEVICES; takes precedence over name-include.", Value: &o.Filter.Exclude},
		{Name: "include-zeros", Help: "Export counts of 0.", Value: &o.IncludeZeros},
	}
}

// interruptsCollector reads /proc/interrupts: a column for each CPU that is
// online, and a line for each interrupt of a device and each kind of interrupt of
// the CPUs. Errors have one number for the whole host.
//
//	           CPU0       CPU1       CPU2
//	 26:          0         14          0   IO-APIC   4-edge      ttyS0
//	LOC:      84880      83261      78961   Local timer interrupts
//	ERR:          0
//
// Each number is an unsigned int of the kernel, which wraps at 2^32, and which
// starts again at 0 when a driver gets the number of a line that another had. A
// wrap looks like a reset to Prometheus, and costs what was counted between the
// last scrape and the wrap; to continue a count across it here would take such a
// reset for 2^32 interrupts.
//
// The format of a line depends on the architecture; see show_interrupts in the
// kernel's kernel/irq/proc.c and arch_show_interrupts in arch/*/kernel/irq.c.
type interruptsCollector struct {
	proc         *host.Reader
	filter       collect.Filter
	includeZeros bool
	textless     bool // whether a line of all CPUs may lack a text

	total  *metric.Family
	errors *metric.Family

	columns cpuColumns
	lines   []interruptLine // by their place, with labels of the last run
}

// An interruptLine has the labels of a line.
type interruptLine struct {
	name, text         []byte // as they stand in the file
	typ, info, devices string
	excluded           bool
}

func newInterrupts(env *collect.Env, o interruptsOptions) (*interruptsCollector, error) {
	m := env.Metrics
	return &interruptsCollector{
		proc:         env.Host.Proc.Reader(),
		filter:       o.Filter,
		includeZeros: bool(o.IncludeZeros),
		textless:     env.Host.Arch == "s390x",
		total: m.Counter("node_interrupts_total", "Interrupts by CPU and line, modulo 2^32, from /proc/interrupts.",
			"cpu", "type", "info", "devices"),
		errors: m.Counter("node_interrupt_errors_total", "Interrupt errors of the whole host, from /proc/interrupts.", "type"),
	}, nil
}

func (c *interruptsCollector) Update(_ context.Context, out *metric.Sink) error {
	n := 0
	err := c.proc.Lines(func(line []byte) error {
		n++
		if n == 1 {
			if !c.columns.parse(line) {
				return host.Bad(n, "CPUs such as CPU0 CPU1", line)
			}
		} else if len(line) > 0 && !c.updateLine(out, n-2, line) { // arm64 has empty lines
			out.Error(c.proc.At(host.Bad(n, "an interrupt and its number for each CPU", line)))
		}
		return nil
	}, "interrupts")
	if err == nil && n == 0 {
		err = host.Bad(1, "CPUs such as CPU0 CPU1", nil)
	}
	if err != nil {
		return collect.OrNoData(c.proc.At(err))
	}
	return nil
}

// updateLine emits a line. It returns false, and emits nothing, if that does not
// have a number for each CPU: CPUs may go online and offline while the kernel
// writes the file.
func (c *interruptsCollector) updateLine(out *metric.Sink, place int, line []byte) bool {
	name, n, text, ok := c.columns.parseLine(line)
	if !ok {
		return false
	}
	_, numbered := scan.Uint(name)
	if n == 1 && len(text) == 0 && !numbered && (len(c.columns.counts) > 1 || !c.textless) {
		out.Emit(c.errors, float64(c.columns.counts[0]), string(name))
		return true
	}
	if n != len(c.columns.counts) || startsWithNumber(text) {
		return false
	}
	l := c.line(place, name, text, numbered)
	if l.excluded {
		return true
	}
	for i, count := range c.columns.counts {
		if count > 0 || c.includeZeros {
			out.Emit(c.total, float64(count), c.columns.numbers[i], l.typ, l.info, l.devices)
		}
	}
	return true
}

// startsWithNumber reports whether there is another number behind those of the
// CPUs. No text starts with one.
func startsWithNumber(text []byte) bool {
	word, _ := scan.Field(text)
	_, ok := scan.Uint(word)
	return ok
}

// line returns the labels of the line at a place. They are made anew if the line
// is another than in the last run.
func (c *interruptsCollector) line(place int, name, text []byte, numbered bool) *interruptLine {
	for place >= len(c.lines) {
		c.lines = append(c.lines, interruptLine{})
	}
	l := &c.lines[place]
	if bytes.Equal(l.name, name) && bytes.Equal(l.text, text) {
		return l
	}
	l.name, l.text = append(l.name[:0], name...), append(l.text[:0], text...)
	l.typ, l.info, l.devices = string(name), strings.Join(strings.Fields(string(text)), " "), ""
	if numbered {
		l.info, l.devices, _ = strings.Cut(l.info, " ")
	}
	l.excluded = c.filter.Ignores(l.typ + ";" + l.info + ";" + l.devices)
	return l
}
