// Package hardware has the collectors of the machine itself: its sensors
// (hwmon) and the errors of its memory (edac).
package hardware

import "github.com/hostexporter/host_exporter/collector/internal/collect"

// Collectors returns the data sheets of the domain.
func Collectors() []collect.Spec {
	return []collect.Spec{
		edac,
		hwmon,
	}
}
