package hba

import (
	"github.com/hostexporter/host_exporter/collector/hba/internal/fcstat"
	"github.com/hostexporter/host_exporter/collector/internal/collect"
)

// Collectors returns the data sheets of the domain. The collectors that are
// built from one call share what reads the firmware's counters, host by host,
// so that each counter is read once for all of them.
func Collectors() []collect.Spec {
	statistics := new(fcstat.Shared)
	return []collect.Spec{
		fibrechannel(statistics),
		hba(statistics),
		infiniband,
		tapestats,
	}
}
