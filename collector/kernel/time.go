package kernel

import (
	"context"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

// timeSpec is not called time, which would hide the standard package in all
// files of this package.
var timeSpec = collect.Spec{
	Name: "time",
	Help: "System time and time zone, and the clock sources.",
	Reads: []string{
		"/sys/devices/system/clocksource/clocksource[0-9]*/available_clocksource",
		"/sys/devices/system/clocksource/clocksource[0-9]*/current_clocksource",
	},
	Build: collect.Plain(newTime),
}

// timeCollector reads the clock, and the clock sources from
// /sys/devices/system/clocksource/clocksource0, where available_clocksource is a
// line of names and current_clocksource one of them:
//
//	tsc kvm-clock
//
// See https://docs.kernel.org/timers/timekeeping.html.
type timeCollector struct {
	host               *host.Host
	sys                *host.Reader
	now, zone          *metric.Family
	available, current *metric.Family
}

const clocksourceDir = "devices/system/clocksource"

func newTime(env *collect.Env) *timeCollector {
	m := env.Metrics
	return &timeCollector{
		host:      env.Host,
		sys:       env.Host.Sys.Reader(),
		now:       m.Gauge("node_time_seconds", "System time as Unix time."),
		zone:      m.Gauge("node_time_zone_offset_seconds", "Offset of the exporter's time zone from UTC, in seconds.", "time_zone"),
		available: m.Gauge("node_time_clocksource_available_info", "Available clock source, from /sys/devices/system/clocksource; always 1.", "clocksource", "device"),
		current:   m.Gauge("node_time_clocksource_current_info", "Current clock source, from /sys/devices/system/clocksource; always 1.", "clocksource", "device"),
	}
}

func (c *timeCollector) Update(_ context.Context, out *metric.Sink) error {
	now := c.host.Now()
	zone, offset := now.Zone()
	// A float64 has a resolution of a quarter of a microsecond here. Nanoseconds
	// would be rounded twice.
	out.Emit(c.now, float64(now.UnixMicro())/1e6)
	out.Emit(c.zone, float64(offset), zone)

	names, err := c.sys.Names(clocksourceDir)
	if !host.ReportUnlessGone(err, out.Error) {
		return nil
	}
	for _, name := range names {
		if device, ok := scan.NumberAfter("clocksource", name); ok {
			c.updateDevice(name, device, out)
		}
	}
	return nil
}

func (c *timeCollector) updateDevice(name, device string, out *metric.Sink) {
	available, err := c.sys.Text(clocksourceDir, name, "available_clocksource")
	host.ReportUnlessGone(err, out.Error)
	for source, rest := scan.Field(available); len(source) > 0; source, rest = scan.Field(rest) {
		out.Emit(c.available, 1, string(source), device)
	}
	current, err := c.sys.Text(clocksourceDir, name, "current_clocksource")
	if host.ReportUnlessGone(err, out.Error) && len(current) > 0 {
		out.Emit(c.current, 1, string(current), device)
	}
}
