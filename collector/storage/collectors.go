// Package storage has the collectors of what data lies on: disks and their
// I/O, file systems, software RAID.
package storage

import "github.com/hostexporter/host_exporter/collector/internal/collect"

// Collectors returns the data sheets of the domain.
func Collectors() []collect.Spec {
	return []collect.Spec{
		bcache,
		bcachefs,
		btrfs,
		diskstats,
		filesystem,
		mdadm,
		xfs,
	}
}
