package hardware

import (
	"context"
	"slices"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

var powersupplyclass = collect.Spec{
	Name:  "powersupplyclass",
	Help:  "Batteries, mains adapters and uninterruptible power supplies.",
	Reads: []string{"/sys/class/power_supply/*/*"},
	Build: collect.With(powersupplyclassOptions{Ignored: collect.Pattern("^$")}, newPowersupplyclass),
}

type powersupplyclassOptions struct{ Ignored collect.Regexp }

func (o *powersupplyclassOptions) Fields() []collect.Field {
	return []collect.Field{{
		Name:  "ignored-supplies",
		Help:  "Regular expression of power supplies to leave out.",
		Value: &o.Ignored,
		Flag:  "collector.powersupply.ignored-supplies",
	}}
}

// powersupplyclassCollector reads /sys/class/power_supply, a folder for each
// supply with a number or a word a file. Voltages, currents, charges, powers
// and energies count in millionths (voltage_now: 16093000), temperatures in
// tenths of a degree. Which files there are depends on the driver. See
// https://docs.kernel.org/power/power_supply_class.html.
type powersupplyclassCollector struct {
	sys     *host.Reader
	ignored collect.Regexp
	numbers map[string]powersupplyNumber // by file
	labels  []string                     // of info: the supply's name, and the files that hold words
	info    *metric.Family
}

const (
	powersupplyDir   = "class/power_supply"
	powersupplyLabel = "power_supply"
)

func newPowersupplyclass(env *collect.Env, o powersupplyclassOptions) (*powersupplyclassCollector, error) {
	c := &powersupplyclassCollector{
		sys:     env.Host.Sys.Reader(),
		ignored: o.Ignored,
		numbers: powersupplyNumbers(env.Metrics),
		labels: []string{
			"capacity_level", "charge_type", "health", "manufacturer", "model_name", powersupplyLabel,
			"scope", "serial_number", "status", "technology", "type", "usb_type",
		},
	}
	c.info = env.Metrics.Gauge("node_power_supply_info", "What the power supply is, and how it is, as labels, with the value 1.", c.labels...)
	return c, nil
}

func (c *powersupplyclassCollector) Update(_ context.Context, out *metric.Sink) error {
	supplies, err := c.sys.Names(powersupplyDir)
	if err != nil {
		return collect.OrNoData(err)
	}
	for _, supply := range supplies {
		if !c.ignored.Match(supply) {
			c.updateSupply(supply, out)
		}
	}
	return nil
}

func (c *powersupplyclassCollector) updateSupply(supply string, out *metric.Sink) {
	files, err := c.sys.Names(powersupplyDir, supply)
	if err != nil {
		if !host.Gone(err) {
			out.Error(err)
		}
		return
	}
	info := make([]string, len(c.labels))
	info[slices.Index(c.labels, powersupplyLabel)] = supply
	for _, file := range files {
		if n, ok := c.numbers[file]; ok {
			v, err := c.sys.Int(powersupplyDir, supply, file)
			if err == nil {
				out.Emit(n.family, float64(v)/n.unit, supply)
			} else if !noReading(err) {
				out.Error(err)
			}
		}
		if i := slices.Index(c.labels, file); i >= 0 {
			b, err := c.sys.Text(powersupplyDir, supply, file)
			if err != nil && !noReading(err) {
				out.Error(err)
			}
			info[i] = string(b)
		}
	}
	if c.sys.Exists(powersupplyDir, supply) { // it may have been unplugged by now
		out.Emit(c.info, 1, info...)
	}
}
