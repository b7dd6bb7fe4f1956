// Package blockdev has the block devices that are neither SCSI devices nor NVMe
// namespaces as paths of multipath maps: virtio disks, DASDs of IBM Z, disks of
// Xen, and any other. They have no families of their own. It reads no file that
// sends a command to a device, as the serial number of a virtio disk does.
package blockdev

import (
	"errors"
	"io/fs"
	"slices"
	"strings"

	"github.com/hostexporter/host_exporter/collector/hba/internal/attr"
	"github.com/hostexporter/host_exporter/collector/hba/internal/san"
	"github.com/hostexporter/host_exporter/collector/hba/internal/scsihost"
	"github.com/hostexporter/host_exporter/collector/internal/host"
)

const class = "block"

// Disks are the block devices that are paths of multipath maps.
type Disks struct {
	known map[string]*disk // by name
	round uint64
}

// A disk is what does not change while a disk is there.
type disk struct {
	inode   uint64
	round   uint64 // in which it was last a path
	pci     string // address of the PCI function; empty where there is none
	channel string // folder of the subchannel of a DASD, below sysfs
	noState bool   // there is no such file
}

// New returns the block devices.
func New() *Disks { return &Disks{known: map[string]*disk{}} }

// Reads returns the files that Path and WWID read.
func Reads() []string {
	return []string{
		"/sys/block/*",
		"/sys/block/dasd*/device/availability",
		"/sys/block/dasd*/device/status",
		"/sys/block/dasd*/device/uid",
		"/sys/block/xvd*/device/state",
		"/sys/devices/css*/*.*.*/chpids",
		"/sys/devices/css*/*.*.*/pimpampom",
	}
}

// Path returns a block device as a path of a multipath map. It is of this kind
// whatever it is; where the kernel shows no state of it, it is as good as it is
// there.
func (d *Disks) Path(a attr.Reader, block host.DirEntry) (san.Path, bool) {
	k := d.find(a, block)
	p := san.Path{Health: san.PathOptimized}
	p.Components[san.Adapter] = k.pci
	switch {
	case strings.HasPrefix(block.Name, "dasd"):
		p.Health, p.StateKnown = dasdHealth(a, block.Name)
		if k.channel != "" {
			p.Components[san.InitiatorPort] = channelPaths(a, k.channel)
		}
	case strings.HasPrefix(block.Name, "xvd") && !k.noState:
		p.Health, p.StateKnown = k.xenHealth(a, block.Name)
	}
	p.StateKnown = p.StateKnown || p.Health == san.PathOptimized && a.Sys.Exists(class, block.Name)
	return p, true
}

// WWID reads the identifier of a DASD; the others have none that costs no command.
func (d *Disks) WWID(a attr.Reader, block string) (string, bool) {
	if !strings.HasPrefix(block, "dasd") {
		return "", true
	}
	return a.WWID("", class, block, "device/uid"), true
}

// Forget forgets the disks that were not paths since it was last called.
func (d *Disks) Forget() {
	for name, k := range d.known {
		if k.round != d.round {
			delete(d.known, name)
		}
	}
	d.round++
}

// find finds out where a disk is in the device tree:
//
//	../devices/pci0000:00/0000:00:05.0/virtio2/block/vdb
//	../devices/css0/0.0.000d/0.0.1900/block/dasda
func (d *Disks) find(a attr.Reader, block host.DirEntry) *disk {
	k := d.known[block.Name]
	if k != nil && k.inode == block.Inode {
		k.round = d.round
		return k
	}
	k = &disk{inode: block.Inode, round: d.round}
	link, err := a.Sys.Link(class, block.Name)
	if err != nil {
		return k // it may be there the next time
	}
	d.known[block.Name] = k
	parts := strings.Split(strings.TrimPrefix(link, "../"), "/")
	for i, part := range parts {
		switch {
		case scsihost.IsPCI(part):
			k.pci = part // the last one; those above are bridges
		case strings.HasPrefix(part, "css") && i+1 < len(parts):
			k.channel = strings.Join(parts[:i+2], "/")
		}
	}
	return k
}

// dasdHealth returns how well a path over a DASD is. One without a channel path
// that works holds its I/O until there is one.
func dasdHealth(a attr.Reader, name string) (health san.Health, known bool) {
	availability, known := a.Text(class, name, "device/availability")
	switch string(availability) {
	case "", "good":
	case "no path":
		return san.PathBlocked, true
	case "boxed", "no device": // boxed: reserved by another system
		return san.PathOffline, true
	default:
		a.Out.Error(a.Sys.At(host.Bad(1, "whether a device is available", availability)))
	}
	status, ok := a.Text(class, name, "device/status")
	switch string(status) {
	case "", "online":
		return san.PathOptimized, known || ok
	case "new", "detected", "basic", "unformatted", "ready", "no stat", "unknown":
	default:
		a.Out.Error(a.Sys.At(host.Bad(1, "the status of a DASD", status)))
	}
	return san.PathOffline, true
}

// xenStates are the states of a connection to another domain, as
// drivers/xen/xenbus/xenbus_client.c in the kernel has them.
var xenStates = [...]string{
	"Connected", "Unknown", "Initialising", "InitWait", "Initialised", "Closing", "Closed", "Reconfiguring", "Reconfigured", "INVALID",
}

// xenHealth returns how well a path over a disk of Xen is, by the state of its
// connection to the domain that serves it. Older kernels do not show it.
func (k *disk) xenHealth(a attr.Reader, name string) (health san.Health, known bool) {
	state, err := a.Sys.Text(class, name, "device/state")
	switch {
	case errors.Is(err, fs.ErrNotExist):
		k.noState = true
		return san.PathOptimized, false
	case err != nil:
		host.ReportUnlessGone(err, a.Out.Error)
		return san.PathOptimized, false
	case string(state) == xenStates[0]:
		return san.PathOptimized, true
	case !slices.Contains(xenStates[:], string(state)):
		a.Out.Error(a.Sys.At(host.Bad(1, "the state of a connection", state)))
	}
	return san.PathOffline, true
}
