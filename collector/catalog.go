package collector

import (
	"slices"

	"github.com/hostexporter/host_exporter/collector/checks"
	"github.com/hostexporter/host_exporter/collector/cpu"
	"github.com/hostexporter/host_exporter/collector/hardware"
	"github.com/hostexporter/host_exporter/collector/hba"
	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/kernel"
	"github.com/hostexporter/host_exporter/collector/memory"
	"github.com/hostexporter/host_exporter/collector/network"
	"github.com/hostexporter/host_exporter/collector/storage"
)

// Catalog returns the data sheets of all collectors, domain by domain.
func Catalog() []collect.Spec {
	return slices.Concat(
		cpu.Collectors(),
		memory.Collectors(),
		network.Collectors(),
		storage.Collectors(),
		hba.Collectors(),
		hardware.Collectors(),
		kernel.Collectors(),
		checks.Collectors(),
	)
}
