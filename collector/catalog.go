package collector

import (
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

//go:generate go run ./internal/tool/docs ../docs ../testdata

// Domains returns the data sheets of all collectors, by domain.
func Domains() []collect.Domain { return DomainsWith(checks.Collectors()) }

// DomainsWith returns Domains with the given data sheets in the domain of
// checks: those of an exporter are bound to the checks that it runs.
func DomainsWith(checks []collect.Spec) []collect.Domain {
	return []collect.Domain{
		{Name: "cpu", Specs: cpu.Collectors()},
		{Name: "memory", Specs: memory.Collectors()},
		{Name: "network", Specs: network.Collectors()},
		{Name: "storage", Specs: storage.Collectors()},
		{Name: "hba", Specs: hba.Collectors()},
		{Name: "hardware", Specs: hardware.Collectors()},
		{Name: "kernel", Specs: kernel.Collectors()},
		{Name: "checks", Specs: checks},
	}
}

// Catalog returns the data sheets of all collectors.
func Catalog() []collect.Spec { return collect.Specs(Domains()) }
