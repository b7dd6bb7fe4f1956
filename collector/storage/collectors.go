// Package storage has the collectors of file systems and what they lie on: ZFS,
// NFS.
package storage

import "github.com/hostexporter/host_exporter/collector/internal/collect"

// Collectors returns the data sheets of the domain.
func Collectors() []collect.Spec {
	return []collect.Spec{
		nfs,
		nfsd,
		zfs,
	}
}
