package sas

import (
	"strings"

	"github.com/hostexporter/host_exporter/collector/hba/internal/attr"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

const (
	scsiDeviceClass = "class/scsi_device"
	scsiDiskClass   = "class/scsi_disk"
)

// disks finds the block devices of SCSI devices, and remembers them until a disk
// comes or goes.
type disks struct {
	listing   host.Listing
	known     map[string]string // block devices, such as sda, by SCSI device, such as 0:0:1:0
	refreshed bool              // in this scrape
	changed   bool              // since the scrape that refreshed it before
}

// begin starts a scrape.
func (d *disks) begin() { d.refreshed = false }

// refresh lists the disks, once in a scrape, and reports whether any came or
// went.
func (d *disks) refresh(a attr.Reader) (changed bool) {
	if !d.refreshed {
		d.refreshed = true
		d.changed = a.List(&d.listing, scsiDiskClass) || d.known == nil
		if d.changed {
			d.known = map[string]string{}
		}
	}
	return d.changed
}

// of returns the block device of a SCSI device, or "" where there is none.
func (d *disks) of(a attr.Reader, device string) string {
	name, ok := d.known[device]
	if !ok {
		names := a.Names(scsiDeviceClass, device, "device/block")
		if len(names) == 0 {
			return "" // not remembered: the disk is listed before it has its block device
		}
		name = names[0]
		d.known[device] = name
	}
	return name
}

// ofEndDevice returns the block device of an end device: that of its first unit.
func (d *disks) ofEndDevice(a attr.Reader, device string) string {
	for _, target := range a.Names(endDeviceClass, device, "device") {
		if !strings.HasPrefix(target, "target") {
			continue
		}
		for _, unit := range a.Names(endDeviceClass, device, "device", target) {
			if isSCSIDevice(unit) {
				if disk := d.of(a, unit); disk != "" {
					return disk
				}
			}
		}
	}
	return ""
}

// isSCSIDevice reports whether a name is that of a SCSI device: 0:0:1:0.
func isSCSIDevice(name string) bool {
	parts := 0
	for part := range strings.SplitSeq(name, ":") {
		if _, ok := scan.Uint([]byte(part)); !ok {
			return false
		}
		parts++
	}
	return parts == 4
}
