// Package storage has the collectors of disks and their I/O, local and network
// file systems, caches of disks, software RAID, NVMe controllers and multipath.
package storage

// sectorSize is the size in bytes of the sectors that /proc and sysfs count,
// which does not depend on the sector size of the device.
const sectorSize = 512
