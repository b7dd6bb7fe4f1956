// Package hba has the collectors of host bus adapters and of what is behind
// them: SCSI hosts of any kind, Fibre Channel and InfiniBand ports, tape drives,
// and the SAN that they see.
package hba

import (
	"github.com/hostexporter/host_exporter/collector/hba/internal/firmware/fcstat"
	"github.com/hostexporter/host_exporter/collector/internal/collect"
)

// Collectors returns the data sheets of the domain. The collectors that are
// built from one call share what reads the firmware's counters, host by host,
// so that it is asked once for all of them.
func Collectors() []collect.Spec {
	statistics := new(fcstat.Shared)
	return []collect.Spec{
		fibrechannel(statistics),
		hba(statistics),
		infiniband,
		tapestats,
	}
}
