package storage

import "github.com/hostexporter/host_exporter/collector/internal/collect"

// Collectors returns the data sheets of the domain.
func Collectors() []collect.Spec {
	return []collect.Spec{
		bcache,
		bcachefs,
		blockstack,
		btrfs,
		diskstats,
		dmmultipath,
		drbd,
		ext4,
		filesystem,
		mdadm,
		mountstats,
		nfs,
		nfsd,
		nvme,
		nvmesubsystem,
		scsi,
		xfs,
		zfs,
	}
}
