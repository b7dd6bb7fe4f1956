// Package cpu has the collectors of processors: what they spend their time on,
// how fast they run, how long tasks wait for them.
package cpu

import "github.com/hostexporter/host_exporter/collector/internal/collect"

// Collectors returns the data sheets of the domain.
func Collectors() []collect.Spec {
	return []collect.Spec{
		cpu,
		cpufreq,
		schedstat,
	}
}
