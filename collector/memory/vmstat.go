package memory

import (
	"context"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

var vmstat = collect.Spec{
	Name:  "vmstat",
	Help:  "Counters of memory management: paging, swapping, page faults, OOM kills.",
	Reads: []string{"/proc/vmstat"},
	Build: collect.With(vmstatOptions{Include: collect.Pattern(`^(oom_kill|pgpg|pswp|pg.*fault).*`)}, newVmstat),
}

type vmstatOptions struct {
	Include collect.Regexp
}

func (o *vmstatOptions) Fields() []collect.Field {
	return []collect.Field{
		{Name: "fields", Help: "Regular expression of the fields of /proc/vmstat to export; empty for all fields.", Value: &o.Include},
	}
}

// vmstatCollector reads /proc/vmstat, whose lines are a name and a number:
//
//	pgpgin 1146973
//
// Some numbers are counters and others gauges, and the file does not say which;
// the families are untyped. A gauge may have fallen below zero, which the kernel
// prints as an unsigned number. The kernel's mm/vmstat.c lists the names.
type vmstatCollector struct {
	proc   *host.Reader
	fields *metric.Keyed
	gauges map[*metric.Family]bool
}

func newVmstat(env *collect.Env, o vmstatOptions) (*vmstatCollector, error) {
	m := env.Metrics
	c := &vmstatCollector{proc: env.Host.Proc.Reader().KeepOpen(), gauges: map[*metric.Family]bool{}}
	c.fields = m.Keyed(func(key string) *metric.Family {
		if o.Include.IsSet() && !o.Include.Match(key) {
			return nil
		}
		f := m.Untyped("node_vmstat_"+key, "Field "+key+" of /proc/vmstat.")
		if !isVmstatCounter(key) {
			c.gauges[f] = true
		}
		return f
	})
	return c, nil
}

func (c *vmstatCollector) Update(_ context.Context, out *metric.Sink) error {
	b, err := c.proc.Read("vmstat")
	if err != nil {
		return collect.OrNoData(err)
	}
	if len(scan.Trim(b)) == 0 {
		return c.proc.At(host.Bad(1, "lines such as \"pgpgin 1\"", b))
	}
	var line []byte
	for n := 1; len(b) > 0; n++ {
		line, b = scan.Line(b)
		key, number, ok := parseVmstatLine(line)
		if !ok {
			out.Error(c.proc.At(host.Bad(n, "a name and a number", line)))
		} else if f := c.fields.Family(key); f != nil {
			if c.gauges[f] && (number < 0 || number >= 1<<63) {
				number = 0
			}
			out.Emit(f, number)
		}
	}
	return nil
}

func parseVmstatLine(line []byte) (key []byte, value float64, ok bool) {
	key, rest := scan.Field(line)
	value, ok = scan.Float(scan.Trim(rest))
	return key, value, ok
}
