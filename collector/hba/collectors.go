package hba

import (
	"github.com/hostexporter/host_exporter/collector/hba/internal/firmware"
	"github.com/hostexporter/host_exporter/collector/internal/collect"
)

// Collectors returns the data sheets of the domain. The collectors that are
// built from one call share the readers of firmware of each host.
func Collectors() []collect.Spec {
	readers := new(firmware.Shared)
	return []collect.Spec{
		fibrechannel(readers),
		hba(readers),
		infiniband,
		tapestats,
	}
}
