package scsi

import (
	"strings"

	"github.com/hostexporter/host_exporter/collector/hba/internal/attr"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

// isManagement reports whether a device is a logical unit that an array shows
// to be managed over it. Arrays show it to hosts that they give no storage, too.
func isManagement(kind, model, hctl string) bool {
	switch kind {
	case "processor", "raid_controller", "enclosure", "well_known_lun":
		return true
	}
	if isWellKnown(hctl) {
		return true
	}
	if kind != "disk" && kind != "unknown" {
		return false
	}
	switch strings.ReplaceAll(model, "_", " ") {
	// The first is that of CLARiiON and VNX, and the second that of E-Series and
	// of all that descends from Engenio.
	case "LUNZ", "Universal Xport", "SES", "Virtual Management", "W-LUN":
		return true
	}
	return false
}

// isWellKnown reports whether an address is that of a well known logical unit,
// whose number begins with the byte 0xc1: 49409 is the list of all LUNs.
func isWellKnown(hctl string) bool {
	lun, ok := scan.Uint([]byte(hctl[strings.LastIndexByte(hctl, ':')+1:]))
	return ok && lun>>8 == 0xc1
}

// lunCounts are the devices that are storage, by SCSI target, such as 3:0:1.
type lunCounts struct {
	byHost map[string]map[string]int
	stale  bool
}

// LUNs returns how many devices that are storage the targets of a host have, by
// the address of the target, such as 3:0:1. It returns nil where the devices
// could not be listed. One that could not be read counts as storage. Find lists
// the devices.
func (d *Devices) LUNs(a attr.Reader, host string) map[string]int {
	f := &d.finder
	if !f.listed {
		return nil
	}
	if f.luns.stale {
		f.luns.byHost, f.luns.stale = map[string]map[string]int{}, false
	}
	if counts, ok := f.luns.byHost[host]; ok {
		return counts
	}
	counts := map[string]int{}
	for _, l := range f.devices {
		if l.host != host {
			continue
		}
		if f.describe(a, l, d.round); !l.described {
			f.luns.stale = true
		}
		if !l.isManagement {
			counts[l.hctl[:strings.LastIndexByte(l.hctl, ':')]]++
		}
	}
	f.luns.byHost[host] = counts
	return counts
}
