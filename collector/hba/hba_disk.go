package hba

import (
	"strings"

	"github.com/hostexporter/host_exporter/collector/hba/internal/attr"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

const (
	scsiDevices = "class/scsi_device"
	scsiDisks   = "class/scsi_disk"
)

// hbaDisks knows the block devices of SCSI devices. What it finds it remembers
// until a disk comes or goes.
type hbaDisks struct {
	listing host.Listing
	known   map[string]string // block devices, such as sda, by SCSI device, such as 0:0:1:0
	looked  bool              // in this run
	changed bool              // since the last time that somebody looked
}

// begin starts a run.
func (d *hbaDisks) begin() { d.looked = false }

// look looks whether disks came or went, once in a run.
func (d *hbaDisks) look(a attr.Reader) (changed bool) {
	if !d.looked {
		d.looked = true
		d.changed = a.List(&d.listing, scsiDisks) || d.known == nil
		if d.changed {
			d.known = map[string]string{}
		}
	}
	return d.changed
}

// of returns the block device of a SCSI device; empty when it has none.
func (d *hbaDisks) of(a attr.Reader, device string) string {
	name, ok := d.known[device]
	if !ok {
		names, _ := a.Sys.Names(scsiDevices, device, "device/block")
		if len(names) == 0 {
			return "" // that may change without notice: the disk is listed first
		}
		name = names[0]
		d.known[device] = name
	}
	return name
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
