package kernel

import (
	"context"
	"strings"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

// timeSpec is not called time, which would keep the standard package of that
// name out of every file of this one.
var timeSpec = collect.Spec{
	Name: "time",
	Help: "The system's time and time zone, and the clock source that it comes from.",
	Reads: []string{
		"/sys/devices/system/clocksource/clocksource[0-9]*/available_clocksource",
		"/sys/devices/system/clocksource/clocksource[0-9]*/current_clocksource",
	},
	Build: collect.Plain(newTime),
}

// timeCollector reads the clock, and what drives it from
// /sys/devices/system/clocksource/clocksource0, where available_clocksource
// is one line of names and current_clocksource one of them:
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
		now:       m.Gauge("node_time_seconds", "The system's time, in seconds since the epoch."),
		zone:      m.Gauge("node_time_zone_offset_seconds", "How far the exporter's time zone is ahead of UTC.", "time_zone"),
		available: m.Gauge("node_time_clocksource_available_info", "A clock source that the system has, from /sys/devices/system/clocksource; the value is 1.", "clocksource", "device"),
		current:   m.Gauge("node_time_clocksource_current_info", "The clock source that the system uses, from /sys/devices/system/clocksource; the value is 1.", "clocksource", "device"),
	}
}

func (c *timeCollector) Update(_ context.Context, out *metric.Sink) error {
	now := c.host.Now()
	zone, offset := now.Zone()
	// A float64 tells a quarter of a microsecond here. Nanoseconds would not fit
	// one, and be rounded twice.
	out.Emit(c.now, float64(now.UnixMicro())/1e6)
	out.Emit(c.zone, float64(offset), zone)

	names, err := c.sys.Names(clocksourceDir)
	if err != nil {
		if !host.Gone(err) {
			out.Error(err)
		}
		return nil
	}
	for _, name := range names {
		device, ok := strings.CutPrefix(name, "clocksource")
		if _, number := scan.Uint([]byte(device)); ok && number {
			c.updateDevice(name, device, out)
		}
	}
	return nil
}

func (c *timeCollector) updateDevice(name, device string, out *metric.Sink) {
	available, err := c.sys.Text(clocksourceDir, name, "available_clocksource")
	if err != nil && !host.Gone(err) {
		out.Error(err)
	}
	for source, rest := scan.Field(available); len(source) > 0; source, rest = scan.Field(rest) {
		out.Emit(c.available, 1, string(source), device)
	}
	current, err := c.sys.Text(clocksourceDir, name, "current_clocksource")
	switch {
	case err == nil && len(current) > 0:
		out.Emit(c.current, 1, string(current), device)
	case err != nil && !host.Gone(err):
		out.Error(err)
	}
}
