package firmware

import (
	"fmt"
	"time"

	"github.com/hostexporter/host_exporter/collector/hba/internal/firmware/fcstat"
	"github.com/hostexporter/host_exporter/collector/hba/internal/firmware/slowfile"
	"github.com/hostexporter/host_exporter/collector/internal/collect"
)

// StatisticsOptions say how the statistics of Fibre Channel ports are read. Two
// collectors have them in common.
type StatisticsOptions struct {
	mode        collect.String
	timeout     collect.Duration
	minInterval collect.Duration
}

// DefaultStatistics returns the default options.
func DefaultStatistics() StatisticsOptions {
	return StatisticsOptions{
		mode:        "auto",
		timeout:     collect.Duration(2 * time.Second),
		minInterval: collect.Duration(10 * time.Second),
	}
}

// Fields returns the options with their whole flags, which are the same for both
// collectors.
func (o *StatisticsOptions) Fields() []collect.Field {
	return []collect.Field{
		{Name: "statistics", Flag: "collector.hba.statistics", Value: &o.mode,
			Help: "Whether to read the counters of Fibre Channel firmware: auto or none."},
		{Name: "statistics-timeout", Flag: "collector.hba.statistics-timeout", Value: &o.timeout,
			Help: "How long a scrape waits for the counters of the firmware before it serves the last ones."},
		{Name: "statistics-min-interval", Flag: "collector.hba.statistics-min-interval", Value: &o.minInterval,
			Help: "Minimum time between two readings of the counters of the firmware."},
	}
}

// Check returns an error if an option is not valid.
func (o *StatisticsOptions) Check() error {
	if o.mode != "auto" && o.mode != "none" {
		return fmt.Errorf("statistics: want auto or none, have %q", string(o.mode))
	}
	return nil
}

// None reports whether the statistics are not to be read.
func (o *StatisticsOptions) None() bool { return o.mode == "none" }

// Limits returns the limits of a read.
func (o *StatisticsOptions) Limits() fcstat.Limits {
	return fcstat.Limits{Timeout: time.Duration(o.timeout), MinInterval: time.Duration(o.minInterval)}
}

// SlowOptions say which slow values are read: none by default.
type SlowOptions struct {
	interval    collect.Duration
	sfp         collect.Bool
	temperature collect.Bool
	sasErrors   collect.Bool
	enclosures  collect.Bool
	resources   collect.Bool
	utilization collect.Bool
}

// DefaultSlow returns the default options.
func DefaultSlow() SlowOptions { return SlowOptions{interval: collect.Duration(5 * time.Minute)} }

// Fields returns the options.
func (o *SlowOptions) Fields() []collect.Field {
	return []collect.Field{
		{Name: "slow-interval", Value: &o.interval,
			Help: "Time between two readings of the values below; after an error longer, up to an hour."},
		{Name: "sfp", Value: &o.sfp,
			Help: "Read optical transceivers (qla2xxx and zfcp: as root; lpfc), at the cost of firmware commands."},
		{Name: "temperature", Value: &o.temperature,
			Help: "Read the temperature of adapters (qla2xxx), at the cost of a firmware command."},
		{Name: "sas-phy-errors", Value: &o.sasErrors,
			Help: "Read the error counters of SAS phys, those of expanders too: four commands for each phy. mpt3sas resets its adapter when one is not answered in time."},
		{Name: "enclosure-status", Value: &o.enclosures,
			Help: "Read the status of enclosure bays: three commands for each bay, which may wake up a sleeping shelf."},
		{Name: "resources-max", Value: &o.resources,
			Help: "Read once how many exchanges and ports adapters can have (lpfc), at the cost of three firmware commands."},
		{Name: "zfcp-utilization", Value: &o.utilization,
			Help: "Read the utilization of zfcp adapters as often as statistics-min-interval allows, at the cost of a firmware command."},
	}
}

// Check returns an error if an option is not valid.
func (o *SlowOptions) Check() error {
	if o.interval <= 0 {
		return fmt.Errorf("slow-interval: want a time, have %v", time.Duration(o.interval))
	}
	return nil
}

// any reports whether any slow value is read.
func (o *SlowOptions) any() bool {
	return bool(o.sfp || o.temperature || o.sasErrors || o.enclosures || o.resources || o.utilization)
}

// limits returns the limits of a read: its first pass is waited for as long as
// one of the statistics.
func (o *SlowOptions) limits(statistics fcstat.Limits) slowfile.Limits {
	return slowfile.Limits{Interval: time.Duration(o.interval), Wait: statistics.Timeout}
}
