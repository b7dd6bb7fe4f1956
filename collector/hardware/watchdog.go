package hardware

import (
	"context"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

var watchdog = collect.Spec{
	Name: "watchdog",
	Help: "Hardware and software watchdogs.",
	Reads: []string{
		"/sys/class/watchdog/*/access_cs0",
		"/sys/class/watchdog/*/bootstatus",
		"/sys/class/watchdog/*/fw_version",
		"/sys/class/watchdog/*/identity",
		"/sys/class/watchdog/*/nowayout",
		"/sys/class/watchdog/*/options",
		"/sys/class/watchdog/*/pretimeout",
		"/sys/class/watchdog/*/pretimeout_governor",
		"/sys/class/watchdog/*/state",
		"/sys/class/watchdog/*/status",
		"/sys/class/watchdog/*/timeleft",
		"/sys/class/watchdog/*/timeout",
	},
	Build: collect.Plain(newWatchdog),
}

// watchdogCollector reads /sys/class/watchdog, a folder for each watchdog with
// a number or a word a file (timeout: 60). Which files there are depends on
// the driver, and kernels without CONFIG_WATCHDOG_SYSFS have none. See
// https://github.com/torvalds/linux/blob/master/Documentation/ABI/testing/sysfs-class-watchdog.
type watchdogCollector struct {
	sys     *host.Reader
	numbers []watchdogFile
	info    *metric.Family
}

// A watchdogFile pairs a file with the family it fills.
type watchdogFile struct {
	name   string
	family *metric.Family
}

const watchdogDir = "class/watchdog"

func newWatchdog(env *collect.Env) *watchdogCollector {
	m := env.Metrics
	return &watchdogCollector{
		sys: env.Host.Sys.Reader(),
		numbers: []watchdogFile{
			{"bootstatus", m.Gauge("node_watchdog_bootstatus", "Flags that tell whether and why the watchdog caused the last boot.", "name")},
			{"fw_version", m.Gauge("node_watchdog_fw_version", "Version of the watchdog's firmware.", "name")},
			{"nowayout", m.Gauge("node_watchdog_nowayout", "Whether the watchdog cannot be stopped once it is started.", "name")},
			{"timeleft", m.Gauge("node_watchdog_timeleft_seconds", "Time until the watchdog resets the machine.", "name")},
			{"timeout", m.Gauge("node_watchdog_timeout_seconds", "Time after which the watchdog resets the machine unless it is pinged.", "name")},
			{"pretimeout", m.Gauge("node_watchdog_pretimeout_seconds", "How long before the reset the watchdog warns.", "name")},
			{"access_cs0", m.Gauge("node_watchdog_access_cs0", "Whether the machine booted from chip select 0, and not from the other flash.", "name")},
		},
		info: m.Gauge("node_watchdog_info", "What the watchdog is, with the value 1.",
			"identity", "name", "options", "pretimeout_governor", "state", "status"),
	}
}

func (c *watchdogCollector) Update(_ context.Context, out *metric.Sink) error {
	names, err := c.sys.Names(watchdogDir)
	if err != nil {
		return collect.OrNoData(err)
	}
	for _, name := range names {
		c.updateDevice(name, out)
	}
	return nil
}

func (c *watchdogCollector) updateDevice(name string, out *metric.Sink) {
	for _, f := range c.numbers {
		v, err := c.sys.Int(watchdogDir, name, f.name)
		switch {
		case err == nil:
			out.Emit(f.family, float64(v), name)
		case !noReading(err):
			out.Error(err)
		}
	}
	text := func(file string) string {
		b, err := c.sys.Text(watchdogDir, name, file)
		if err != nil && !noReading(err) {
			out.Error(err)
		}
		return string(b)
	}
	identity, options, governor := text("identity"), text("options"), text("pretimeout_governor")
	state, status := text("state"), text("status")
	if c.sys.Exists(watchdogDir, name) { // it may have gone by now
		out.Emit(c.info, 1, identity, name, options, governor, state, status)
	}
}
