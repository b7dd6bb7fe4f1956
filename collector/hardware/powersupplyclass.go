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
	Build: collect.With(powersupplyclassOptions{Exclude: collect.Pattern("^$")}, newPowersupplyclass),
}

type powersupplyclassOptions struct{ Exclude collect.Regexp }

func (o *powersupplyclassOptions) Fields() []collect.Field {
	return []collect.Field{{
		Name:  "ignored-supplies",
		Help:  "Regular expression of the power supplies to exclude.",
		Value: &o.Exclude,
		Flag:  "collector.powersupply.ignored-supplies",
	}}
}

// powersupplyclassCollector reads /sys/class/power_supply, a directory for each
// supply with a number or a word in each file. Voltages, currents, charges,
// powers and energies are in millionths (voltage_now: 16093000), temperatures
// in tenths of a degree. Which files exist depends on the driver. See
// https://docs.kernel.org/power/power_supply_class.html.
type powersupplyclassCollector struct {
	sys     *host.Reader
	exclude collect.Regexp
	numbers map[string]powersupplyNumber // by file
	labels  []string                     // of info: the supply's name, and the files with words
	info    *metric.Family
}

const (
	powersupplyDir   = "class/power_supply"
	powersupplyLabel = "power_supply"
)

func newPowersupplyclass(env *collect.Env, o powersupplyclassOptions) (*powersupplyclassCollector, error) {
	c := &powersupplyclassCollector{
		sys:     env.Host.Sys.Reader(),
		exclude: o.Exclude,
		numbers: powersupplyNumbers(env.Metrics),
		labels: []string{
			"capacity_level", "charge_type", "health", "manufacturer", "model_name", powersupplyLabel,
			"scope", "serial_number", "status", "technology", "type", "usb_type",
		},
	}
	c.info = env.Metrics.Gauge("node_power_supply_info", "Identity and state of the power supply, in the labels; always 1.", c.labels...)
	env.Metrics.OmitEmpty(c.info, c.labels...) // which depend on the driver
	return c, nil
}

func (c *powersupplyclassCollector) Update(_ context.Context, out *metric.Sink) error {
	supplies, err := c.sys.Names(powersupplyDir)
	if err != nil {
		return collect.OrNoData(err)
	}
	for _, supply := range supplies {
		if !c.exclude.Match(supply) {
			c.updateSupply(supply, out)
		}
	}
	return nil
}

func (c *powersupplyclassCollector) updateSupply(supply string, out *metric.Sink) {
	files, err := c.sys.Names(powersupplyDir, supply)
	if !host.ReportUnlessGone(err, out.Error) {
		return
	}
	info := make([]string, len(c.labels))
	info[slices.Index(c.labels, powersupplyLabel)] = supply
	for _, file := range files {
		if n, ok := c.numbers[file]; ok {
			v, err := c.sys.Int(powersupplyDir, supply, file)
			if reportUnlessNoReading(err, out.Error) {
				out.Emit(n.family, float64(v)/n.divisor, supply)
			}
		}
		if i := slices.Index(c.labels, file); i >= 0 {
			b, err := c.sys.Text(powersupplyDir, supply, file)
			reportUnlessNoReading(err, out.Error)
			info[i] = string(b)
		}
	}
	if c.sys.Exists(powersupplyDir, supply) { // it may be unplugged by now
		out.Emit(c.info, 1, info...)
	}
}
