package hardware

import (
	"context"
	"fmt"
	"time"

	"github.com/hostexporter/host_exporter/collector/internal/capability"
	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/flight"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

var hwmon = collect.Spec{
	Name:  "hwmon",
	Help:  "Temperatures, fans, voltages, currents, power and other hardware sensors.",
	Reads: hwmonReads(),
	Needs: "root or CAP_DAC_READ_SEARCH for the energy counters of CPUs (mode 0400)",
	Caps:  []capability.Capability{capability.DACReadSearch},
	Build: collect.With(hwmonOptions{}, newHwmon),
}

// hwmonReads returns patterns of all files that parseHwmonFile accepts.
func hwmonReads() []string {
	reads := []string{"/sys/class/hwmon/*/name", "/sys/class/hwmon/*/device"}
	for _, dir := range []string{"/sys/class/hwmon/*/", "/sys/class/hwmon/*/device/"} {
		for _, kind := range hwmonKinds {
			reads = append(reads, dir+kind+"[0-9]*")
		}
		reads = append(reads, dir+"temp", dir+"beep_enable", dir+"update_interval", dir+"vrm")
	}
	return reads
}

type hwmonOptions struct{ chip, sensor collect.Filter }

func (o *hwmonOptions) Fields() []collect.Field {
	return append(o.chip.Fields("chip"), o.sensor.Fields("sensor")...)
}

// hwmonCollector reads the sensor chips of /sys/class/hwmon, a number in each
// file. The name of a file consists of a sensor and an element:
//
//	temp1_input: 46000    current temperature of sensor temp1, in 1/1000 °C
//	temp1_label: Core 0
//
// See https://docs.kernel.org/hwmon/sysfs-interface.html.
//
// Drivers access slow and broken buses. Each chip therefore has its own flight:
// a chip that hangs costs its own samples, and only one scrape waits for it.
type hwmonCollector struct {
	options hwmonOptions
	host    *host.Host
	calls   *flight.Source // of places for the chips
	sys     *host.Reader
	set     *metric.Set

	class      host.Listing
	chips      []*hwmonChip              // in the order of class
	chipsKnown bool                      // whether chips has all of class
	families   map[string]*metric.Family // by name

	chipNames, sensorLabel *metric.Family
}

const (
	hwmonClass = "class/hwmon"

	// maxHwmonTotalWait is how long a scrape waits for chips that have answered before, so that a chip
	// that hangs does not use up the time of all collectors.
	maxHwmonTotalWait = 2 * time.Second

	// maxHwmonFirstWait is how long a scrape waits for chips that no scrape has
	// waited for: one that always takes seconds is in the first scrape, too.
	maxHwmonFirstWait = 4 * time.Second

	// maxHwmonChipWait is how long a scrape waits for a chip before it starts to
	// read the next one; it waits for slower chips together.
	maxHwmonChipWait = 100 * time.Millisecond
)

func newHwmon(env *collect.Env, o hwmonOptions) (*hwmonCollector, error) {
	m := env.Metrics
	m.AllowDynamic() // drivers define the names of sensors
	return &hwmonCollector{
		options:     o,
		host:        env.Host,
		calls:       env.Host.Calls.Source(),
		sys:         env.Host.Sys.Reader(),
		set:         m,
		families:    map[string]*metric.Family{},
		chipNames:   m.Gauge("node_hwmon_chip_names", "Name that the driver gives to the sensor chip; always 1.", "chip", "chip_name"),
		sensorLabel: m.Gauge("node_hwmon_sensor_label", "Text that the driver or firmware gives to the sensor; always 1.", "chip", "label", "sensor"),
	}, nil
}

func (c *hwmonCollector) Update(ctx context.Context, out *metric.Sink) error {
	changed, err := c.sys.List(&c.class, hwmonClass)
	if err != nil {
		return collect.OrNoData(err)
	}
	if changed || !c.chipsKnown {
		c.listChips(out)
	}
	c.readChips(ctx)
	for _, chip := range c.chips {
		if !chip.excluded {
			c.emit(chip, out)
		}
	}
	return nil
}

// readChips starts to read all chips, and waits for those without a pending
// run. It waits for a chip that has a previous reading to serve only a short
// time.
func (c *hwmonCollector) readChips(ctx context.Context) {
	firstDeadline := flight.Deadline(ctx, maxHwmonFirstWait)
	var first time.Time
	var totalWait, chipWait time.Duration
	for _, chip := range c.chips {
		if chip.excluded || !chip.start() {
			continue
		}
		if first.IsZero() {
			first = chip.run.StartTime
			totalWait = hwmonTotalWait(ctx, first)
			chipWait = min(maxHwmonChipWait, totalWait/time.Duration(2*len(c.chips)))
		}
		chip.wait(ctx, chip.run.StartTime.Add(chipWait))
	}
	for _, chip := range c.chips {
		if chip.excluded || chip.pending || chip.previous != nil {
			continue
		}
		if chip.answered {
			chip.wait(ctx, first.Add(totalWait))
		} else {
			chip.wait(ctx, firstDeadline)
		}
	}
}

// hwmonTotalWait returns how long to wait for all chips, a part of the time
// until the deadline.
func hwmonTotalWait(ctx context.Context, start time.Time) time.Duration {
	if deadline, ok := ctx.Deadline(); ok {
		return min(maxHwmonTotalWait, deadline.Sub(start)*2/5)
	}
	return maxHwmonTotalWait
}

func (c *hwmonCollector) emit(chip *hwmonChip, out *metric.Sink) {
	r, err := chip.result(c.host.Now())
	if err != nil {
		out.Error(fmt.Errorf("%s: %w", c.host.Sys.Path(chip.probe.dir), err))
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
