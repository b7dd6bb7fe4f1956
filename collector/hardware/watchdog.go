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

// watchdogCollector reads /sys/class/watchdog, a directory for each watchdog
// with a number or a word in each file (timeout: 60). Which files exist depends
// on the driver; kernels without CONFIG_WATCHDOG_SYSFS have none. See
// https://github.com/torvalds/linux/blob/master/Documentation/ABI/testing/sysfs-class-watchdog.
type watchdogCollector struct {
	sys     *host.Reader
	numbers []attribute
	info    *metric.Family
}

const watchdogDir = "class/watchdog"

func newWatchdog(env *collect.Env) *watchdogCollector {
	m := env.Metrics
	return &watchdogCollector{
		sys: env.Host.Sys.Reader(),
		numbers: []attribute{
			{"bootstatus", m.Gauge("node_watchdog_bootstatus", "Flags of the last boot, such as a reset by the watchdog, from bootstatus.", "name")},
			{"fw_version", m.Gauge("node_watchdog_fw_version", "Firmware version of the watchdog.", "name")},
			{"nowayout", m.Gauge("node_watchdog_nowayout", "Whether the watchdog cannot be stopped once started.", "name")},
			{"timeleft", m.Gauge("node_watchdog_timeleft_seconds", "Time until the watchdog resets the machine.", "name")},
			{"timeout", m.Gauge("node_watchdog_timeout_seconds", "Time without a ping after which the watchdog resets the machine.", "name")},
			{"pretimeout", m.Gauge("node_watchdog_pretimeout_seconds", "Time between the watchdog's warning and the reset.", "name")},
			{"access_cs0", m.Gauge("node_watchdog_access_cs0", "Whether the machine booted from flash chip select 0, and not from the alternate one.", "name")},
		},
		info: m.Gauge("node_watchdog_info", "Identity and state of the watchdog, in the labels; always 1.",
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
		v, err := c.sys.Counter(watchdogDir, name, f.name) // the kernel prints an unsigned version as signed
		if reportUnlessNoReading(err, out.Error) {
			out.Emit(f.family, float64(v), name)
		}
	}
	text := func(file string) string {
		b, err := c.sys.Text(watchdogDir, name, file)
		reportUnlessNoReading(err, out.Error)
		return string(b)
	}
	identity, options, governor := text("identity"), text("options"), text("pretimeout_governor")
	state, status := text("state"), text("status")
	if c.sys.Exists(watchdogDir, name) { // it may be gone by now
		out.Emit(c.info, 1, identity, name, options, governor, state, status)
	}
}
