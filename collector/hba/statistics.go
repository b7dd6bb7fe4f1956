package hba

import (
	"fmt"
	"time"

	"github.com/hostexporter/host_exporter/collector/hba/internal/firmware/fcstat"
	"github.com/hostexporter/host_exporter/collector/internal/collect"
)

// statisticsOptions say how the firmware of Fibre Channel adapters may be
// asked for its counters. Two collectors show them, and both obey.
type statisticsOptions struct {
	mode        collect.String
	timeout     collect.Duration
	minInterval collect.Duration
}

func defaultStatistics() statisticsOptions {
	return statisticsOptions{
		mode:        "auto",
		timeout:     collect.Duration(2 * time.Second),
		minInterval: collect.Duration(10 * time.Second),
	}
}

// Fields names the flags in full: they are the same for both collectors.
func (o *statisticsOptions) Fields() []collect.Field {
	return []collect.Field{
		{Name: "statistics", Flag: "collector.hba.statistics", Value: &o.mode,
			Help: "Whether to ask the firmware of Fibre Channel adapters for its counters: auto or none."},
		{Name: "statistics-timeout", Flag: "collector.hba.statistics-timeout", Value: &o.timeout,
			Help: "How long a scrape waits for the firmware's counters before it makes do with the last ones."},
		{Name: "statistics-min-interval", Flag: "collector.hba.statistics-min-interval", Value: &o.minInterval,
			Help: "How long the firmware is left alone after it was asked for its counters."},
	}
}

func (o *statisticsOptions) check() error {
	if o.mode != "auto" && o.mode != "none" {
		return fmt.Errorf("statistics: want auto or none, have %q", string(o.mode))
	}
	return nil
}

func (o *statisticsOptions) none() bool { return o.mode == "none" }

func (o *statisticsOptions) ask() fcstat.Ask {
	return fcstat.Ask{Timeout: time.Duration(o.timeout), MinInterval: time.Duration(o.minInterval)}
}
