// Package kernel has the collectors of the kernel as a whole: load, identity,
// time, pressure, limits.
package kernel

import "github.com/hostexporter/host_exporter/collector/internal/collect"

// Collectors returns the data sheets of the domain.
func Collectors() []collect.Spec {
	return []collect.Spec{
		loadavg,
	}
}
