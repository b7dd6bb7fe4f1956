// Package storage has the collectors of storage: disks and their I/O, local and
// network file systems, caches of disks, software RAID, NVMe controllers, and
// multipath.
package storage

// sectorSize is the unit of sizes in /proc and sysfs in bytes, whatever the sector size
// of the device is.
const sectorSize = 512
