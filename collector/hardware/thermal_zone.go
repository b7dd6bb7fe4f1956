package hardware

import (
	"context"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

var thermalZone = collect.Spec{
	Name: "thermal_zone",
	Help: "Temperatures of thermal zones, and states of cooling devices.",
	Reads: []string{
		"/sys/class/thermal/thermal_zone[0-9]*/type",
		"/sys/class/thermal/thermal_zone[0-9]*/temp",
		"/sys/class/thermal/cooling_device[0-9]*/type",
		"/sys/class/thermal/cooling_device[0-9]*/cur_state",
		"/sys/class/thermal/cooling_device[0-9]*/max_state",
	},
	NoDataIsSuccess: true,
	Build:           collect.Plain(newThermalZone),
}

// thermalZoneCollector reads /sys/class/thermal: a directory for each zone with
// its temperature in thousandths of a degree (temp: 53000), and one for each
// cooling device with its state (cur_state: 3) from 0 to max_state. See
// https://docs.kernel.org/driver-api/thermal/sysfs-api.html.
type thermalZoneCollector struct {
	sys      *host.Reader
	temp     *metric.Family
	curState *metric.Family
	maxState *metric.Family
}

const thermalDir = "class/thermal"

func newThermalZone(env *collect.Env) *thermalZoneCollector {
	m := env.Metrics
	return &thermalZoneCollector{
		sys:      env.Host.Sys.Reader(),
		temp:     m.Gauge("node_thermal_zone_temp", "Temperature of the thermal zone, in degrees Celsius.", "type", "zone"),
		curState: m.Gauge("node_cooling_device_cur_state", "Cooling state of the device, from 0 to its maximum.", "name", "type"),
		maxState: m.Gauge("node_cooling_device_max_state", "Maximum cooling state of the device.", "name", "type"),
	}
}

func (c *thermalZoneCollector) Update(_ context.Context, out *metric.Sink) error {
	names, err := c.sys.Names(thermalDir)
	if err != nil {
		return collect.OrNoData(err)
	}
	for _, name := range names {
		if zone, ok := scan.NumberAfter("thermal_zone", name); ok {
			c.updateZone(name, zone, out)
		} else if device, ok := scan.NumberAfter("cooling_device", name); ok {
			c.updateDevice(name, device, out)
		}
	}
	return nil
}

func (c *thermalZoneCollector) updateZone(name, zone string, out *metric.Sink) {
	typ, ok := c.typeOf(name, out)
	if !ok {
		return
	}
	if milli, ok := c.number(name, "temp", out); ok && milli >= absoluteZero { // the kernel has -274000 for none
		out.Emit(c.temp, float64(milli)/1000, typ, zone)
	}
}

// updateDevice reads a cooling device. The state -1 of some means off.
func (c *thermalZoneCollector) updateDevice(name, device string, out *metric.Sink) {
	typ, ok := c.typeOf(name, out)
	if !ok {
		return
	}
	if state, ok := c.number(name, "cur_state", out); ok {
		out.Emit(c.curState, float64(state), device, typ)
	}
	if state, ok := c.number(name, "max_state", out); ok {
		out.Emit(c.maxState, float64(state), device, typ)
	}
}

// typeOf returns the type of a zone or device. Samples without it would be of
// another series.
func (c *thermalZoneCollector) typeOf(name string, out *metric.Sink) (string, bool) {
	typ, err := c.sys.Text(thermalDir, name, "type")
	return string(typ), host.ReportUnlessGone(err, out.Error)
}

func (c *thermalZoneCollector) number(name, file string, out *metric.Sink) (int64, bool) {
	v, err := c.sys.Int(thermalDir, name, file)
	return v, reportUnlessNoReading(err, out.Error)
}
