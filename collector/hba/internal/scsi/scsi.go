// Package scsi reads SCSI devices: logical units of disks, tapes and whatever
// else is behind a SCSI host. All that it reads comes from memory of the kernel;
// no file that it reads sends a command to a device.
package scsi

import (
	"fmt"
	"time"

	"github.com/hostexporter/host_exporter/collector/hba/internal/attr"
	"github.com/hostexporter/host_exporter/collector/hba/internal/san"
	"github.com/hostexporter/host_exporter/collector/hba/internal/scsihost"
	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/dm"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

// Options say which devices are exported, and how much of each.
type Options struct {
	luns    collect.String
	maxLUNs collect.Int
}

// DefaultOptions returns the default options.
func DefaultOptions() Options { return Options{luns: "summary", maxLUNs: 5000} }

// Fields returns the options as flags.
func (o *Options) Fields() []collect.Field {
	return []collect.Field{
		{Name: "luns", Value: &o.luns,
			Help: "What to export of each SCSI device: none, summary (what it is, its state and errors) or all (requests and queue too)."},
		{Name: "max-luns", Value: &o.maxLUNs,
			Help: "Maximum number of healthy SCSI devices to export; unhealthy ones are always exported, and the number left out is a metric."},
	}
}

// Check returns an error about the first option with a value that it cannot
// have.
func (o *Options) Check() error {
	switch o.luns {
	case "none", "summary", "all":
	default:
		return fmt.Errorf("luns: want none, summary or all, have %q", string(o.luns))
	}
	if o.maxLUNs < 0 {
		return fmt.Errorf("max-luns: want a number that is not negative, have %d", o.maxLUNs)
	}
	return nil
}

// detail returns how much of each device is read.
func (o *Options) detail() detail {
	switch o.luns {
	case "none":
		return onlyHealth
	case "summary":
		return withErrors
	}
	return withRequests
}

// unhealthyFor is how long a device is exported in spite of max-luns after it
// was last unhealthy: long enough for an alert to see that it recovered.
const unhealthyFor = 15 * time.Minute

// Links are what the transports know of the ways to devices.
type Links struct {
	// Names returns the world wide name of the port that a host of Fibre Channel
	// is on, and of the fabric that it is in.
	Names func(a attr.Reader, h *scsihost.Host) (port, fabric string)

	// Near returns the near end of the ways from a host that is on no PCI function
	// of its own, or shares its port with others; Far the far end where all ways
	// from the host lead to the same.
	Near func(a attr.Reader, h *san.Host) san.Near
	Far  func(a attr.Reader, h *san.Host) san.Way

	// These return the far end of the way over a remote port (Fibre Channel), an
	// iSCSI session or a SAS end device.
	Rport, Session, EndDevice func(a attr.Reader, name string) san.Way
}

// Devices are the families of SCSI devices.
type Devices struct {
	options  Options
	links    Links
	now      func() time.Time
	families families
	finder   finder

	hosts    map[string]*scsiHost // included
	order    []*scsiHost
	excluded map[string]*scsiHost // with paths of multipath maps; nil for those that are not there
	all      []*scsihost.Host
	ways     map[string]*way // by remote port, session or end device
	round    uint64
}

// A scsiHost is a SCSI host as the devices behind it see it.
type scsiHost struct {
	san.Host
	fcHost        string // its name, if it is on Fibre Channel
	initiatorPort string // name of the physical port
	fabric        string // that it is in, or was last
	adapter       string // address on PCI, without the function, or what stands for it
	far           san.Way
	states        [numStates]int
	omitted       int
}

// A way is the far end of a way, as it was last read.
type way struct {
	san.Way
	round uint64
}

// New declares the families.
func New(m *metric.Set, o Options, now func() time.Time, links Links) *Devices {
	return &Devices{
		options:  o,
		links:    links,
		now:      now,
		families: newFamilies(m),
		finder:   newFinder(),
		hosts:    map[string]*scsiHost{},
		excluded: map[string]*scsiHost{},
		ways:     map[string]*way{},
	}
}

// Find lists the devices. It returns the block devices of the host, which it
// lists for their names.
func (d *Devices) Find(a attr.Reader) (block []host.DirEntry) {
	d.finder.find(a)
	return d.finder.blockDevices()
}

// Update emits the devices that Find found on the included hosts, with the map
// that each is a path of.
func (d *Devices) Update(a attr.Reader, hosts *san.Hosts, maps []*dm.Multipath) {
	for name, w := range d.ways {
		if w.round != d.round {
			delete(d.ways, name)
		}
	}
	d.round++
	d.all = hosts.All
	clear(d.hosts)
	clear(d.excluded)
	d.order = d.order[:0]
	for _, h := range hosts.Included {
		sh := d.newHost(a, h)
		d.hosts[h.Name] = sh
		d.order = append(d.order, sh)
	}
	d.join(maps)
	d.updateDevices(a)
	if d.finder.listed {
		for _, h := range d.order {
			d.families.emitCounts(a, h)
		}
	}
}

func (d *Devices) newHost(a attr.Reader, h san.Host) *scsiHost {
	sh := &scsiHost{Host: h, initiatorPort: h.Physical, adapter: h.Adapter()}
	if h.Transport.IsFC() {
		sh.fcHost = h.Name
		var port string
		// Virtual ports share the fate of the physical port that they are on.
		if port, sh.fabric = d.links.Names(a, h.Host); port != "" {
			sh.initiatorPort = port
		}
	}
	near := d.links.Near(a, &sh.Host)
	if near.Port != "" {
		sh.initiatorPort = near.Port
	}
	if near.Adapter != "" {
		sh.adapter = near.Adapter
	}
	sh.far = d.links.Far(a, &sh.Host)
	return sh
}

// join sets the map that each device is a path of.
func (d *Devices) join(maps []*dm.Multipath) {
	for _, l := range d.finder.devices {
		l.multipath = nil
	}
	for _, m := range maps {
		for _, p := range m.Paths {
			if l := d.finder.byName[p.Name]; l != nil {
				l.multipath = m
			}
		}
	}
}

func (d *Devices) updateDevices(a attr.Reader) {
	now := d.now()
	detail, exported := d.options.detail(), 0
	d.families.settings.begin()
	defer d.families.settings.emit(a.Out)
	for i, l := range d.finder.devices {
		h := d.hosts[l.host]
		if h == nil {
			l.state, l.access = noState, noAccess
			continue
		}
		d.finder.describe(a, l, d.round)
		if !l.refresh(a, detail) {
			l.state, l.access = noState, noAccess
			continue
		}
		if l.state != noState {
			h.states[l.state]++
		}
		if detail == onlyHealth {
			continue
		}
		if d.finder.readSettings(a, l, i); l.settings.known {
			d.families.settings.add(l)
		}
		if l.newErrors || l.state != running {
			l.unhealthyAt = now
		}
		if exported >= int(d.options.maxLUNs) && (l.unhealthyAt.IsZero() || now.Sub(l.unhealthyAt) > unhealthyFor) {
			h.omitted++
			continue
		}
		exported++
		d.families.emit(a, l, h, d.way(a, l, h).TargetPort, detail)
	}
}

// way returns the far end of the way to a device. It is read once for all
// devices behind it.
func (d *Devices) way(a attr.Reader, l *device, h *scsiHost) san.Way {
	name, read := l.rport, d.links.Rport
	switch {
	case l.rport != "":
	case l.session != "":
		name, read = l.session, d.links.Session
	case l.endDevice != "":
		name, read = l.endDevice, d.links.EndDevice
	default:
		return h.far
	}
	w := d.ways[name]
	if w == nil {
		w = &way{}
		d.ways[name] = w
	}
	if w.round != d.round {
		*w = way{read(a, name), d.round}
	}
	return w.Way
}
