// Package rport reads the remote ports that Fibre Channel ports see, in
// /sys/class/fc_remote_ports: targets, other initiators, services of the
// fabric. All of it comes from the kernel's memory.
//
// A host can see thousands. What can change at any time is read each time (state,
// roles, address, notifications); what a port is only when that moved, and
// what an administrator can set also every now and then.
package rport

import (
	"strings"

	"github.com/hostexporter/host_exporter/collector/internal/host"
)

// The classes that remote ports, and the devices below them, are listed in.
const (
	Class   = "class/fc_remote_ports"
	devices = "class/scsi_device"
)

// Reads returns the files that a Finder reads, for a data sheet.
func Reads() []string {
	const dir = "/sys/class/fc_remote_ports/rport-*/"
	return []string{
		dir + "dev_loss_tmo", dir + "encryption/encryption_status", dir + "fast_io_fail_tmo", dir + "node_name", dir + "port_id",
		dir + "port_name", dir + "port_state", dir + "roles", dir + "scsi_target_id", dir + "statistics/fpin_*",
		"/sys/class/scsi_device/*:*",
	}
}

// A Finder finds the remote ports, and remembers them. It is not for
// concurrent use.
type Finder struct {
	sys     *host.Reader
	listing host.Listing
	byName  map[string]*Port
	byHost  map[string][]*Port
	round   uint64

	devices host.Listing
	luns    map[string]int // by SCSI target; nil when they cannot be counted
}

// NewFinder returns a finder that reads sysfs with a reader.
func NewFinder(sys *host.Reader) *Finder { return &Finder{sys: sys} }

// Find finds out which remote ports there are, and counts the devices below
// them. What it cannot count is told.
func (f *Finder) Find(tell func(error)) error {
	f.round++
	changed, err := f.sys.List(&f.listing, Class)
	if err != nil {
		f.byName, f.byHost = nil, nil
		return err
	}
	if changed {
		f.arrange()
	}
	if len(f.listing.Entries) > 0 {
		f.countDevices(tell)
	}
	return nil
}

// arrange takes over what is known of the ports that stayed.
func (f *Finder) arrange() {
	known := f.byName
	f.byName, f.byHost = make(map[string]*Port, len(f.listing.Entries)), map[string][]*Port{}
	for i, e := range f.listing.Entries {
		p := known[e.Name]
		if p == nil || p.inode != e.Inode {
			if p = f.newPort(e); p == nil {
				continue
			}
			p.facts.turn = i // so that not all of them have their turn at once
		}
		f.byName[p.Name] = p
		f.byHost[p.Host] = append(f.byHost[p.Host], p)
	}
}

// newPort returns a port by its name, rport-<host>:<channel>-<number>, and nil
// for something else.
func (f *Finder) newPort(e host.DirEntry) *Port {
	rest, ok := strings.CutPrefix(e.Name, "rport-")
	if !ok {
		return nil
	}
	number, rest, ok := strings.Cut(rest, ":")
	if !ok || number == "" {
		return nil
	}
	channel, _, ok := strings.Cut(rest, "-")
	if !ok {
		return nil
	}
	p := &Port{Name: e.Name, Host: "host" + number, Channel: channel, State: Unknown, Role: Other, inode: e.Inode, dir: Class + "/" + e.Name}
	// The way over the class is longer: a third of the time of each reading.
	link, err := f.sys.Link(Class, e.Name)
	if dir, ok := strings.CutPrefix(link, "../../devices/"); ok && err == nil {
		p.dir = "devices/" + dir
	}
	return p
}

// countDevices counts the SCSI devices of each target. Their names tell:
// host:channel:target:lun.
func (f *Finder) countDevices(tell func(error)) {
	changed, err := f.sys.List(&f.devices, devices)
	if err != nil {
		if f.luns = nil; !host.Gone(err) {
			tell(err)
		}
		return
	}
	if !changed {
		return
	}
	f.luns = map[string]int{}
	for _, e := range f.devices.Entries {
		if i := strings.LastIndexByte(e.Name, ':'); i > 0 {
			f.luns[e.Name[:i]]++
		}
	}
}

// Of returns the remote ports that a host sees, in the order of their numbers,
// as they were when they were last read.
func (f *Finder) Of(host string) []*Port { return f.byHost[host] }

// Port returns the remote port of a name, as it was when it was last read, or
// nil.
func (f *Finder) Port(name string) *Port { return f.byName[name] }

// Fresh returns the remote port of a name if it was read since the last Find,
// and nil otherwise.
func (f *Finder) Fresh(name string) *Port {
	if p := f.byName[name]; p != nil && p.round == f.round {
		return p
	}
	return nil
}
