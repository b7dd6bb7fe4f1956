// Package hardware has the collectors of the machine: its identity, sensors,
// power, watchdogs and the errors of its memory.
package hardware

import "github.com/hostexporter/host_exporter/collector/internal/collect"

// Collectors returns the data sheets of the domain.
func Collectors() []collect.Spec {
	return []collect.Spec{
		dmi,
		edac,
		hwmon,
		powersupplyclass,
		rapl,
		thermalZone,
		watchdog,
	}
}
