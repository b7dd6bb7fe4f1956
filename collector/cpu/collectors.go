package cpu

import "github.com/hostexporter/host_exporter/collector/internal/collect"

// Collectors returns the specs of the domain.
func Collectors() []collect.Spec {
	return []collect.Spec{
		cpu,
		cpuVulnerabilities,
		cpufreq,
		perf,
		schedstat,
	}
}
