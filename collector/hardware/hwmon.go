package hardware

import (
	"context"
	"fmt"
	"time"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

var hwmon = collect.Spec{
	Name:  "hwmon",
	Help:  "Temperatures, fans, voltages, currents, power and other sensors of the hardware.",
	Reads: hwmonReads(),
	Needs: "CAP_DAC_READ_SEARCH for the energy counters of CPUs, which the kernel keeps from ordinary users.",
	Build: collect.With(hwmonOptions{}, newHwmon),
}

// hwmonReads returns the patterns of all files whose names parseHwmonFile knows.
func hwmonReads() []string {
	reads := []string{"/sys/class/hwmon/*/name", "/sys/class/hwmon/*/device"}
	for _, folder := range []string{"/sys/class/hwmon/*/", "/sys/class/hwmon/*/device/"} {
		for _, kind := range hwmonKinds {
			reads = append(reads, folder+kind+"[0-9]*")
		}
		reads = append(reads, folder+"temp", folder+"beep_enable", folder+"update_interval", folder+"vrm")
	}
	return reads
}

type hwmonOptions struct{ chip, sensor collect.Filter }

func (o *hwmonOptions) Fields() []collect.Field {
	return append(o.chip.Fields("chip"), o.sensor.Fields("sensor")...)
}

// hwmonCollector reads the sensor chips of /sys/class/hwmon, one number a
// file. A file's name says what it is:
//
//	temp1_input: 46000    of sensor temp1, the temperature now, in 1/1000 °C
//	temp1_label: Core 0
//
// See https://docs.kernel.org/hwmon/sysfs-interface.html.
//
// Drivers talk to slow and to broken buses. Each chip is therefore read in a
// flight of its own, which is abandoned when it is late: a chip that hangs
// costs its own samples, and time only once.
type hwmonCollector struct {
	options hwmonOptions
	host    *host.Host
	sys     *host.Reader
	set     *metric.Set

	class    host.Listing
	chips    []*hwmonChip              // as listed
	families map[string]*metric.Family // by name

	chipNames, sensorLabel *metric.Family
}

const (
	hwmonClass = "class/hwmon"

	// A chip that has not answered after hwmonWait is late, so that one that
	// hangs does not use up the time that a scraper gives to all collectors.
	hwmonWait = 2 * time.Second

	// Chips are read one after another, but those that take longer than
	// hwmonPatience are waited for together.
	hwmonPatience = 100 * time.Millisecond
)

func newHwmon(env *collect.Env, o hwmonOptions) (*hwmonCollector, error) {
	if err := o.chip.Check("chip", collect.Filter{}); err != nil {
		return nil, err
	}
	if err := o.sensor.Check("sensor", collect.Filter{}); err != nil {
		return nil, err
	}
	m := env.Metrics
	m.AllowDynamic() // the kernel makes up the names of sensors
	return &hwmonCollector{
		options:     o,
		host:        env.Host,
		sys:         env.Host.Sys.Reader(),
		set:         m,
		families:    map[string]*metric.Family{},
		chipNames:   m.Gauge("node_hwmon_chip_names", "Always 1: the name that the driver gives to a sensor chip.", "chip", "chip_name"),
		sensorLabel: m.Gauge("node_hwmon_sensor_label", "Always 1: the text that the driver or the firmware puts on a sensor.", "chip", "label", "sensor"),
	}, nil
}

func (c *hwmonCollector) Update(ctx context.Context, out *metric.Sink) error {
	changed, err := c.sys.List(&c.class, hwmonClass)
	if err != nil {
		return collect.OrNoData(err)
	}
	if changed {
		c.chips = c.discover()
	}
	c.read(ctx)
	for _, chip := range c.chips {
		if !chip.ignored {
			c.emit(chip, out)
		}
	}
	return nil
}

// read begins to read all chips, and waits for those that are not known to
// hang; not for long if there is something to serve of them as it is.
func (c *hwmonCollector) read(ctx context.Context) {
	var first time.Time
	var wait, patience time.Duration
	for _, chip := range c.chips {
		if chip.ignored || !chip.begin() {
			continue
		}
		if first.IsZero() {
			first = chip.run.StartTime
			wait = hwmonWaitFor(ctx, first)
			patience = min(hwmonPatience, wait/time.Duration(2*len(c.chips)))
		}
		chip.wait(ctx, chip.run.StartTime.Add(patience))
	}
	for _, chip := range c.chips {
		if !chip.ignored && !chip.late && chip.prior == nil {
			chip.wait(ctx, first.Add(wait))
		}
	}
}

// hwmonWaitFor returns how long chips may take of the time that the collector
// has.
func hwmonWaitFor(ctx context.Context, started time.Time) time.Duration {
	if deadline, ok := ctx.Deadline(); ok {
		return min(hwmonWait, deadline.Sub(started)*2/5)
	}
	return hwmonWait
}

func (c *hwmonCollector) emit(chip *hwmonChip, out *metric.Sink) {
	r, err := chip.result(c.host.Now())
	if err != nil {
		out.Error(fmt.Errorf("%s: %w", c.host.Sys.Path(chip.probe.folder), err))
		return
	}
	for _, err := range r.errs {
		out.Error(err)
	}
	facts := r.facts
	if facts == nil {
		return
	}
	if facts != chip.facts {
		chip.facts, chip.families = facts, c.declare(facts)
	}
	if facts.name != "" {
		out.Emit(c.chipNames, 1, chip.label, facts.name)
	}
	for _, l := range facts.labels {
		out.Emit(c.sensorLabel, 1, chip.label, l.text, l.sensor)
	}
	for i, v := range r.values {
		if v.ok {
			out.Emit(chip.families[i], v.number, chip.label, facts.elements[i].sensor)
		}
	}
}

// declare returns the families of a chip's elements.
func (c *hwmonCollector) declare(facts *hwmonFacts) []*metric.Family {
	var families []*metric.Family
	for _, e := range facts.elements {
		f := c.families[e.family]
		if f == nil {
			if e.counter {
				f = c.set.Counter(e.family, e.help, "chip", "sensor")
			} else {
				f = c.set.Gauge(e.family, e.help, "chip", "sensor")
			}
			c.families[e.family] = f
		}
		families = append(families, f)
	}
	return families
}
