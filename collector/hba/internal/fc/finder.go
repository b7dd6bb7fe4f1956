package fc

import (
	"strings"

	"github.com/hostexporter/host_exporter/collector/hba/internal/attr"
	"github.com/hostexporter/host_exporter/collector/internal/host"
)

// class lists the remote ports.
const class = "class/fc_remote_ports"

// A finder finds the remote ports, and remembers them. A host can see thousands.
// What can change at any time is read each time (state, roles, address,
// notifications); what a port is only when that changed, and what an
// administrator can set also every few readings.
type finder struct {
	listing host.Listing
	byName  map[string]*remotePort
	byHost  map[string][]*remotePort
	round   uint64

	luns map[string]int // of the host whose ports are read, by SCSI target; nil when they cannot be counted
}

// find lists the remote ports. It reports
// false where they cannot be listed.
func (f *finder) find(a attr.Reader) bool {
	f.round++
	changed, err := a.Sys.List(&f.listing, class)
	if !host.ReportUnlessGone(err, a.Out.Error) {
		f.byName, f.byHost = nil, nil
		return false
	}
	if changed {
		f.arrange(a)
	}
	return true
}

// arrange keeps the ports that are still the same.
func (f *finder) arrange(a attr.Reader) {
	known := f.byName
	f.byName, f.byHost = make(map[string]*remotePort, len(f.listing.Entries)), map[string][]*remotePort{}
	for i, e := range f.listing.Entries {
		p := known[e.Name]
		if p == nil || p.inode != e.Inode {
			if p = newRemotePort(a, e); p == nil {
				continue
			}
			p.last.turn = i // so that the ports take turns
		}
		f.byName[p.name] = p
		f.byHost[p.host] = append(f.byHost[p.host], p)
	}
}

// newRemotePort returns a port by its name, rport-<host>:<channel>-<number>, and
// nil for another name.
func newRemotePort(a attr.Reader, e host.DirEntry) *remotePort {
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
	p := &remotePort{name: e.Name, host: "host" + number, channel: channel, state: unknown, role: otherRole, inode: e.Inode, dir: class + "/" + e.Name}
	// Resolving the link of the class takes a third of the time of each reading.
	link, err := a.Sys.Link(class, e.Name)
	if dir, ok := strings.CutPrefix(link, "../../devices/"); ok && err == nil {
		p.dir = "devices/" + dir
	}
	return p
}

// of returns the remote ports that a host sees, in the order of their numbers,
// as they were last read.
func (f *finder) of(host string) []*remotePort { return f.byHost[host] }

// fresh returns the remote port of a name if it was read since the last find,
// and nil otherwise.
func (f *finder) fresh(name string) *remotePort {
	if p := f.byName[name]; p != nil && p.round == f.round {
		return p
	}
	return nil
}
