// Package memory has the collectors of memory: how much there is of it, what
// it is used for, and how hard the kernel works to find some.
package memory

import "github.com/hostexporter/host_exporter/collector/internal/collect"

// Collectors returns the data sheets of the domain.
func Collectors() []collect.Spec {
	return []collect.Spec{
		meminfo,
		vmstat,
	}
}
