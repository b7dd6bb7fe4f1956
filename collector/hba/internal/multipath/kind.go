package multipath

import (
	"github.com/hostexporter/host_exporter/collector/hba/internal/attr"
	"github.com/hostexporter/host_exporter/collector/hba/internal/san"
	"github.com/hostexporter/host_exporter/collector/internal/host"
)

// A Kind is a kind of block devices that can be paths.
type Kind interface {
	// Path returns a block device as a path, and whether it is of this kind. The
	// inode of the entry stays the same as long as the device is there, and is zero
	// where it is not known.
	Path(a attr.Reader, block host.DirEntry) (san.Path, bool)

	// WWID reads the world wide identifier of a block device, which is empty where it
	// has none. It reports whether the device is of this kind.
	WWID(a attr.Reader, block string) (string, bool)
}

// Disks are the disks of a Kind that can have several paths.
type Disks interface {
	// EachDisk calls fn for each disk with its name and world wide identifier.
	EachDisk(fn func(name, wwid string))

	// Generation returns a number that is another one after the disks changed.
	Generation() uint64
}
