package scsi

import (
	"github.com/hostexporter/host_exporter/collector/hba/internal/attr"
	"github.com/hostexporter/host_exporter/collector/hba/internal/san"
	"github.com/hostexporter/host_exporter/collector/internal/host"
)

// Path returns a block device as a path of a multipath map, and whether it is a
// SCSI device.
//
// A path of an excluded host is a path like others: a map is as redundant as all
// of its paths make it, and one that seemed to depend on a single port because
// the other is excluded would raise a false alarm. It costs two files for each
// such path, and two for its host.
func (d *Devices) Path(a attr.Reader, block host.DirEntry) (p san.Path, ok bool) {
	if !isBlockDevice(block.Name) {
		return p, false
	}
	l, h := d.pathDevice(a, block.Name)
	if l == nil {
		word, known := a.Text(blockClass, block.Name, "device/state")
		p = san.Path{StateKnown: known, Health: san.PathOptimized}
		if known && string(word) != states[running].word {
			p.Health = san.PathOffline
		}
		return p, true
	}
	way := d.way(a, l, h)
	initiator := h.initiatorPort
	if l.sasPort != "" {
		initiator = l.sasPort
	}
	return san.Path{
		StateKnown: l.state != noState,
		Health:     l.health(way.State),
		Components: [san.NumComponents]string{
			san.InitiatorPort: initiator, san.TargetPort: way.Port(), san.Fabric: h.fabric, san.Adapter: h.adapter,
		},
		TargetPort: way.TargetPort,
		HCTL:       l.hctl, SCSIHost: l.host, FCHost: h.fcHost, Rport: l.rport,
	}, true
}

// pathDevice returns a device with its host; nil where it is not known.
func (d *Devices) pathDevice(a attr.Reader, block string) (*device, *scsiHost) {
	l := d.finder.byName[block]
	if l == nil {
		return nil, nil
	}
	if h := d.hosts[l.host]; h != nil {
		return l, h
	}
	h := d.excludedHost(a, l.host)
	if h == nil {
		return nil, nil
	}
	d.finder.locate(a, l)
	if !l.refresh(a, onlyHealth) {
		return nil, nil
	}
	return l, h
}

// excludedHost returns a host that is not included; nil when it is not there.
func (d *Devices) excludedHost(a attr.Reader, name string) *scsiHost {
	if h, ok := d.excluded[name]; ok {
		return h
	}
	var found *scsiHost
	for _, h := range d.all {
		if h.Name == name {
			found = d.newHost(a, san.Host{Host: h, Transport: san.TransportOf(a, h)})
		}
	}
	d.excluded[name] = found
	return found
}

// WWID reads the world wide identifier of a block device, and reports whether it
// is a SCSI device. The identifier changes while the device stays: where the array
// maps another LUN to the same number, and the kernel scans it again.
func (d *Devices) WWID(a attr.Reader, block string) (wwid string, ok bool) {
	if !isBlockDevice(block) {
		return "", false
	}
	l := d.finder.byName[block]
	if l == nil {
		return "", true
	}
	if l.describedIn == d.round {
		return l.wwid, true
	}
	if now := a.WWID(l.wwid, class, l.hctl, "device/wwid"); now != l.wwid {
		l.wwid = d.finder.word(now)
		d.finder.generation++
	}
	return l.wwid, true
}

// EachDisk calls fn for each disk of the included hosts that has a world wide
// identifier, but for those that are not for data.
func (d *Devices) EachDisk(fn func(name, wwid string)) {
	for _, l := range d.finder.devices {
		if l.wwid != "" && l.name != "" && l.isDisk() && d.hosts[l.host] != nil {
			fn(l.name, l.wwid)
		}
	}
}

// Generation returns a number that is another one after the disks changed.
func (d *Devices) Generation() uint64 { return d.finder.generation }

// isDisk reports whether a device is a disk for data. Those of two models are what
// arrays show in place of a LUN: for their management, and where there is none.
func (l *device) isDisk() bool {
	switch l.kind {
	case "disk", "simplified_disk", "zoned_disk":
		return l.model != "LUNZ" && l.model != "Universal Xport"
	}
	return false
}

// health returns how well a path over the device is. One whose state is not
// known passes for running.
func (l *device) health(way san.WayState) san.Health {
	switch {
	case l.state != running && l.state != noState:
		return san.PathOffline
	case way == san.Blocked:
		return san.PathBlocked
	case l.access == standby, l.access == unavailable, l.access == accessOffline, l.access == transitioning:
		return san.PathStandby
	case way == san.Marginal:
		return san.PathMarginal
	case l.access == nonOptimized:
		return san.PathNonOptimized
	}
	return san.PathOptimized
}
