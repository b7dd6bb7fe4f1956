// Package storage has the collectors of what data lies on: disks and their
// I/O, local and network file systems, caches of disks, software RAID, NVMe
// controllers, and several paths to one disk.
package storage

import "github.com/hostexporter/host_exporter/collector/internal/collect"

// Collectors returns the data sheets of the domain.
func Collectors() []collect.Spec {
	return []collect.Spec{
		bcache,
		bcachefs,
		btrfs,
		diskstats,
		dmmultipath,
		filesystem,
		mdadm,
		nfs,
		nfsd,
		nvme,
		nvmesubsystem,
		xfs,
		zfs,
	}
}
