// Package hba has the collectors of host bus adapters and of what is behind
// them: SCSI hosts of any kind, Fibre Channel and InfiniBand ports, tape drives,
// and the SAN that they see.
//
// The collector of its name is made of slices, one for each kind of thing:
// adapter, fc, scsi, multipath, iscsi, sas, srp and nvme in internal. Each slice has
// its files, its parsing and its families together, and knows no other slice; what
// they share is in internal/san.
package hba

import (
	"context"
	"errors"
	"slices"

	"github.com/hostexporter/host_exporter/collector/hba/internal/adapter"
	"github.com/hostexporter/host_exporter/collector/hba/internal/attr"
	"github.com/hostexporter/host_exporter/collector/hba/internal/blockdev"
	"github.com/hostexporter/host_exporter/collector/hba/internal/fc"
	"github.com/hostexporter/host_exporter/collector/hba/internal/firmware"
	"github.com/hostexporter/host_exporter/collector/hba/internal/firmware/fcstat"
	"github.com/hostexporter/host_exporter/collector/hba/internal/iscsi"
	"github.com/hostexporter/host_exporter/collector/hba/internal/multipath"
	"github.com/hostexporter/host_exporter/collector/hba/internal/nvme"
	"github.com/hostexporter/host_exporter/collector/hba/internal/san"
	"github.com/hostexporter/host_exporter/collector/hba/internal/sas"
	"github.com/hostexporter/host_exporter/collector/hba/internal/scsi"
	"github.com/hostexporter/host_exporter/collector/hba/internal/scsihost"
	"github.com/hostexporter/host_exporter/collector/hba/internal/srp"
	"github.com/hostexporter/host_exporter/collector/internal/capability"
	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/dm"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/nvmefs"
)

func hba(readers *firmware.Shared) collect.Spec {
	return collect.Spec{
		Name:            "hba",
		Native:          true,
		Help:            "Host bus adapters: their identity, health and ports, and the SAN behind them.",
		Reads:           hbaReads(),
		OptionalReads:   firmware.SlowReads(),
		Needs:           multipath.Needs + " With --collector.hba.sfp: CAP_SYS_ADMIN for the transceivers of qla2xxx, root or CAP_DAC_READ_SEARCH for those of zfcp.",
		AbstractSockets: true,
		Caps:            []capability.Capability{capability.SysAdmin, capability.DACReadSearch},
		Build: collect.With(defaultHBA(), func(env *collect.Env, o hbaOptions) (*hbaCollector, error) {
			return newHBA(env, o, readers.Of(env.Host))
		}),
	}
}

// hbaReads returns the files that the collector reads.
func hbaReads() []string {
	reads := slices.Concat(scsihost.Reads(), san.Reads(), adapter.Reads(), fc.Reads(), fcstat.Reads(),
		scsi.Reads(), multipath.Reads(), iscsi.Reads(), sas.Reads(), srp.Reads(), nvme.Reads(), blockdev.Reads())
	slices.Sort(reads)
	return slices.Compact(reads)
}

type hbaOptions struct {
	hosts      collect.Filter
	statistics firmware.StatisticsOptions
	scsi       scsi.Options
	multipath  multipath.Options
	nvme       nvme.Options
	slow       firmware.SlowOptions
}

// defaultHBA excludes what is a SCSI host in name only: SATA and USB, of which
// there is one for each plug.
func defaultHBA() hbaOptions {
	return hbaOptions{
		hosts:      collect.Filter{Exclude: collect.Pattern("^host[0-9]+:(ahci|ata_piix|pata_.*|sata_.*|usb-storage|uas)$")},
		statistics: firmware.DefaultStatistics(),
		scsi:       scsi.DefaultOptions(),
		multipath:  multipath.DefaultOptions(),
		slow:       firmware.DefaultSlow(),
	}
}

func (o *hbaOptions) Fields() []collect.Field {
	return slices.Concat([]collect.Field{
		{Name: "host-include", Value: &o.hosts.Include,
			Help: "Regular expression of hosts to include, by name and driver, such as host3:lpfc (not together with host-exclude)."},
		{Name: "host-exclude", Value: &o.hosts.Exclude,
			Help: "Regular expression of hosts to exclude, by name and driver, such as host0:ahci (not together with host-include)."},
	}, o.statistics.Fields(), o.scsi.Fields(), o.multipath.Fields(), o.nvme.Fields(), o.slow.Fields())
}

func (o *hbaOptions) check() error {
	for _, err := range []error{
		o.statistics.Check(), o.hosts.Check("host", defaultHBA().hosts), o.scsi.Check(), o.multipath.Check(), o.slow.Check(),
	} {
		if err != nil {
			return err
		}
	}
	return nil
}

// hbaCollector reads the SCSI hosts in /sys/class/scsi_host, their places in
// the device tree, and what their transports add: one attribute a file. What
// the slices read comes from memory of the kernel; for what costs commands to the
// firmware see package firmware.
type hbaCollector struct {
	attr.Reader
	finder  *scsihost.Finder
	options hbaOptions

	adapters   *adapter.Adapters
	fc         *fc.Ports
	statistics *firmware.Statistics
	scsi       *scsi.Devices
	multipath  *multipath.Maps
	slow       *firmware.Slow
	iscsi      *iscsi.Sessions
	sas        *sas.Tree
	srp        *srp.Ports
	nvme       *nvme.Controllers
	blockdev   *blockdev.Disks

	discovered *metric.Family
	hosts      san.Hosts
	filtered   map[string]filteredHost // by name
	ports      []fcstat.Port           // physical
	devices    firmware.Devices
}

// A filteredHost is what the filter decided for a host with a driver.
type filteredHost struct {
	driver   string
	excluded bool
}

// sharedPaths returns what other collectors of storage read, too, or what is read for
// each of several hosts.
func sharedPaths() []string {
	return append(dm.SharedPaths(),
		nvmefs.ClassDir,
		nvmefs.ClassDir+"/*",
		nvmefs.ClassDir+"/*/*",
		nvmefs.ClassDir+"/*/*/*",
		nvmefs.SubsystemDir,
		nvmefs.SubsystemDir+"/*",
		nvmefs.SubsystemDir+"/*/*",
		scsihost.FC+"/*/*",
		scsihost.SCSI+"/*/*",
		"class/iscsi_connection/*/*",
		"class/iscsi_host/*/*",
		"class/iscsi_session/*/*",
		"class/sas_phy/*/*",
		"class/srp_remote_ports/*/*",
		tapeDir,
		"module/*/version",
	)
}

func newHBA(env *collect.Env, o hbaOptions, readers *firmware.Readers) (*hbaCollector, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	// The order of the families is the order of the calls.
	m := env.Metrics
	c := &hbaCollector{
		Reader:     attr.Reader{Sys: env.Host.Sys.Reader().Share(sharedPaths()...)},
		finder:     scsihost.NewFinder(env.Host.Sys, scsihost.SCSI),
		options:    o,
		filtered:   map[string]filteredHost{},
		adapters:   adapter.New(m),
		fc:         fc.New(m),
		statistics: firmware.NewStatistics(m, o.statistics, readers),
	}
	c.scsi = scsi.New(m, o.scsi, env.Host.Now, scsi.Links{
		Names: c.fc.Names, Near: c.near, Rport: c.fc.Way, Session: iscsi.Way, EndDevice: sas.Way,
		Far: func(a attr.Reader, h *san.Host) san.Way { return c.srp.Far(a, h) },
	})
	c.multipath = multipath.New(env, o.multipath)
	c.slow = firmware.NewSlow(m, o.slow, o.statistics, readers)
	c.iscsi = iscsi.New(m)
	c.sas = sas.New(m)
	c.srp = srp.New(m)
	c.nvme = nvme.New(m, o.nvme, nvme.Links{Route: c.fc.Route, Rport: c.fc.Way, Adapter: c.adapterOf})
	c.blockdev = blockdev.New()
	c.multipath.AddKinds(c.scsi, c.nvme, c.blockdev)
	c.discovered = m.Gauge("node_hba_hosts_discovered", "Included SCSI hosts, by transport.", "transport")
	return c, nil
}

// Update reads the SCSI hosts and then what is reached over them, and what is
// reached over none: NVMe controllers have no SCSI host, and the paths of a
// multipath map can be disks of any kind.
func (c *hbaCollector) Update(ctx context.Context, out *metric.Sink) error {
	c.Out, c.ports = out, c.ports[:0]
	c.Sys.BeginRun(ctx)
	err := c.findHosts(ctx)
	c.adapters.Update(c.Reader, &c.hosts)
	block := c.scsi.Find(c.Reader)
	for _, port := range c.fc.Update(c.Reader, &c.hosts, c.scsi.LUNs) {
		if !port.IsVirtual() {
			c.ports = append(c.ports, fcstat.Port{Host: port.Host, State: port.State, Type: port.Type})
		}
	}
	c.srp.Find(c.Reader)
	c.scsi.Update(c.Reader, &c.hosts, c.multipath.Find(c.Reader, block))
	c.nvme.Update(c.Reader, block)
	c.multipath.Update(ctx, c.Reader)
	c.blockdev.Forget()
	c.statistics.Update(ctx, out, c.ports)
	c.sas.Update(c.Reader, &c.hosts)
	c.iscsi.Update(c.Reader, &c.hosts)
	c.srp.Update(c.Reader, &c.hosts)
	c.slow.Update(ctx, c.Reader, c.slowDevices())
	c.statistics.EmitHealth(c.Reader, c.devices.Hosts, c.slow)
	if errors.Is(err, collect.ErrNoData) && (out.SampleCount() > 0 || c.ErrorCount() > 0) {
		return nil
	}
	return err
}

// near returns the near end of the ways from a host, as far as its slice knows
// more than its place on PCI.
func (c *hbaCollector) near(a attr.Reader, h *san.Host) san.Near {
	switch h.Transport {
	case san.ISCSI:
		return c.iscsi.Near(a, h)
	case san.SRP:
		if near := c.srp.Near(a, h); near != (san.Near{}) {
			return near
		}
	}
	return c.adapters.Near(a, h)
}

// findHosts finds the hosts that the options include. It returns an error if
// there is none.
func (c *hbaCollector) findHosts(ctx context.Context) error {
	all, err := c.finder.Find(ctx)
	c.hosts.Reset(all)
	if err != nil {
		return collect.OrNoData(err)
	}
	found := false
	var counts [san.NumTransports]int
	for _, h := range all {
		if c.excludes(h) {
			continue
		}
		found = true
		if h.Err != nil {
			c.Out.Error(h.Err)
		}
		transport := san.TransportOf(c.Reader, h)
		if _, err := c.Sys.Text(scsihost.SCSI, h.Name, "state"); host.Gone(err) && !transport.IsFC() {
			continue // it went away meanwhile
		}
		c.hosts.Include(h, transport)
		counts[transport]++
	}
	if !found {
		return collect.ErrNoData
	}
	for transport, n := range counts {
		if n > 0 {
			c.Out.Emit(c.discovered, float64(n), san.Transport(transport).String())
		}
	}
	return nil
}

// excludes reports whether the filter excludes a host.
func (c *hbaCollector) excludes(h *scsihost.Host) bool {
	f, ok := c.filtered[h.Name]
	if !ok || f.driver != h.Driver {
		f = filteredHost{h.Driver, c.options.hosts.Ignores(h.Name + ":" + h.Driver)}
		c.filtered[h.Name] = f
	}
	return f.excluded
}

// adapterOf returns the address of the card that a SCSI host is on, or "".
func (c *hbaCollector) adapterOf(name string) string {
	if h := c.hosts.Named(name); h != nil {
		return h.Adapter()
	}
	return ""
}

// slowDevices returns what has slow values. An enclosure that is on no SCSI host
// has none: it is not known what else must not be read at the same time.
func (c *hbaCollector) slowDevices() *firmware.Devices {
	d := &c.devices
	d.Hosts, d.Phys, d.Slots = d.Hosts[:0], d.Phys[:0], d.Slots[:0]
	for _, h := range c.hosts.Included {
		d.Hosts = append(d.Hosts, h.Host)
	}
	for _, phy := range c.sas.Phys() {
		if h := c.hosts.Of(phy.Name); h != nil {
			d.Phys = append(d.Phys, firmware.Phy{Host: h.Host, Name: phy.Name})
		}
	}
	for _, e := range c.sas.Enclosures() {
		if h := c.hosts.Of(e.Name); h != nil && e.OnSCSIHost() {
			for _, s := range e.Slots {
				d.Slots = append(d.Slots, firmware.Slot{Host: h.Host, Enclosure: e.Name, Name: s.Name, Label: s.Label})
			}
		}
	}
	return d
}
