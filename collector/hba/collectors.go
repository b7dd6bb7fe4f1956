// Package hba has the collectors of what leads to the storage network, and of
// what is reached through it: InfiniBand ports, tape drives.
package hba

import "github.com/hostexporter/host_exporter/collector/internal/collect"

// Collectors returns the data sheets of the domain.
func Collectors() []collect.Spec {
	return []collect.Spec{
		infiniband,
		tapestats,
	}
}
