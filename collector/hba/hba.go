package hba

import (
	"context"
	"slices"

	"github.com/hostexporter/host_exporter/collector/hba/internal/attr"
	"github.com/hostexporter/host_exporter/collector/hba/internal/firmware"
	"github.com/hostexporter/host_exporter/collector/hba/internal/firmware/fcstat"
	"github.com/hostexporter/host_exporter/collector/hba/internal/scsihost"
	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

func hba(readers *firmware.Shared) collect.Spec {
	return collect.Spec{
		Name:          "hba",
		Native:        true,
		Help:          "Host bus adapters: what they are, how they are, and their Fibre Channel ports.",
		Reads:         hbaReads(),
		OptionalReads: firmware.SlowReads(),
		Needs:         hbaNeeds,
		Build: collect.With(defaultHBA(), func(env *collect.Env, o hbaOptions) (*hbaCollector, error) {
			return newHBA(env, o, readers.Of(env.Host))
		}),
	}
}

type hbaOptions struct {
	hosts      collect.Filter
	statistics firmware.StatisticsOptions
	luns       lunOptions
	beyond     beyondOptions
	slow       firmware.SlowOptions
}

// defaultHBA leaves out what is a SCSI host in name only: SATA and USB, of
// which there is one for each plug.
func defaultHBA() hbaOptions {
	return hbaOptions{
		hosts:      collect.Filter{Exclude: collect.Pattern("^host[0-9]+:(ahci|ata_piix|pata_.*|sata_.*|usb-storage|uas)$")},
		statistics: firmware.DefaultStatistics(),
		luns:       defaultLUNs(),
		slow:       firmware.DefaultSlow(),
	}
}

func (o *hbaOptions) Fields() []collect.Field {
	return slices.Concat([]collect.Field{
		{Name: "host-include", Value: &o.hosts.Include,
			Help: "Regular expression of hosts to include, by name and driver, such as host3:lpfc (not together with host-exclude)."},
		{Name: "host-exclude", Value: &o.hosts.Exclude,
			Help: "Regular expression of hosts to exclude, by name and driver, such as host0:ahci (not together with host-include)."},
	}, o.statistics.Fields(), o.luns.Fields(), o.beyond.Fields(), o.slow.Fields())
}

// hbaCollector reads the SCSI hosts in /sys/class/scsi_host, their places in
// the device tree, and what their transports add: one attribute a file. What
// it reads at once is answered from memory; for the rest see package firmware.
//
// Its families are in the files named hba_*.go, one for each kind of thing.
type hbaCollector struct {
	attr.Reader
	finder  *scsihost.Finder
	options hbaOptions

	hosts    hbaHosts
	adapters hbaAdapters
	pcie     hbaPCIe
	ports    hbaPorts
	vports   hbaVports
	rports   hbaRports
	firmware *firmware.Statistics
	san      hbaSAN
	slow     *firmware.Slow
	hbaBeyond

	discovered *metric.Family
	chosen     []*scsihost.Host
	verdicts   map[string]hbaVerdict // on the hosts that were there last time
	statistics []fcstat.Port         // ports that have some
	devices    firmware.Devices
}

// A hbaVerdict is what the filter said of a host with a driver.
type hbaVerdict struct {
	driver  string
	ignored bool
}

func newHBA(env *collect.Env, o hbaOptions, readers *firmware.Readers) (*hbaCollector, error) {
	if err := o.statistics.Check(); err != nil {
		return nil, err
	}
	if err := o.hosts.Check("host", defaultHBA().hosts); err != nil {
		return nil, err
	}
	if err := o.luns.check(); err != nil {
		return nil, err
	}
	if err := o.slow.Check(); err != nil {
		return nil, err
	}
	m := env.Metrics
	return &hbaCollector{
		Reader:     attr.Reader{Sys: env.Host.Sys.Reader()},
		finder:     scsihost.NewFinder(env.Host.Sys, scsihost.SCSI),
		options:    o,
		hosts:      newHBAHosts(m),
		adapters:   newHBAAdapters(m),
		pcie:       newHBAPCIe(m),
		ports:      newHBAPorts(m),
		vports:     newHBAVports(m),
		rports:     newHBARports(m, env.Host.Sys.Reader()),
		firmware:   firmware.NewStatistics(m, o.statistics, readers),
		san:        newHBASAN(env, o.luns),
		slow:       firmware.NewSlow(m, o.slow, o.statistics, readers),
		hbaBeyond:  newHBABeyond(m, &o.beyond),
		discovered: m.Gauge("node_hba_hosts_discovered", "SCSI hosts that are looked after, by how they reach their devices.", "transport"),
		verdicts:   map[string]hbaVerdict{},
	}, nil
}

func (c *hbaCollector) updateHosts(ctx context.Context, out *metric.Sink) error {
	all, err := c.finder.Find()
	if err != nil {
		return collect.OrNoData(err)
	}
	c.Out = out
	c.chosen, c.statistics = c.chosen[:0], c.statistics[:0]
	for _, h := range all {
		if !c.ignores(h) {
			c.chosen = append(c.chosen, h)
		}
	}
	if len(c.chosen) == 0 {
		return collect.ErrNoData
	}
	c.san.begin(all, c.rports.finder)
	var transports [len(hbaTransports)]int
	for _, h := range c.chosen {
		if h.Err != nil {
			out.Error(h.Err)
		}
		if transport, ok := c.updateHost(h); ok {
			transports[transport]++
			c.san.add(c.Reader, h, transport)
		}
	}
	for t, n := range transports {
		if n > 0 {
			out.Emit(c.discovered, float64(n), hbaTransports[t])
		}
	}
	c.vports.update(c.Reader, c.chosen)
	c.rports.update(c.Reader)
	c.san.update(ctx, c.Reader)
	return nil
}

// ignores reports whether the filter leaves a host out.
func (c *hbaCollector) ignores(h *scsihost.Host) bool {
	v, ok := c.verdicts[h.Name]
	if !ok || v.driver != h.Driver {
		v = hbaVerdict{h.Driver, c.options.hosts.Ignores(h.Name + ":" + h.Driver)}
		c.verdicts[h.Name] = v
	}
	return v.ignored
}

// updateHost emits all there is of a host that can be had at once. It reports
// false for a host that went away meanwhile.
func (c *hbaCollector) updateHost(h *scsihost.Host) (hbaTransport, bool) {
	fc := c.Sys.Exists(scsihost.FC, h.Name)
	transport := c.transport(h, fc)
	if _, err := c.Sys.Text(scsihost.SCSI, h.Name, "state"); host.Gone(err) && !fc {
		return transport, false
	}
	c.hosts.update(c.Reader, h, transport, fc)
	c.adapters.update(c.Reader, h)
	if !h.IsVirtual() && h.Device != "" {
		c.pcie.update(c.Reader, h)
	}
	if fc {
		port := c.ports.update(c.Reader, h)
		c.rports.add(h)
		if !h.IsVirtual() {
			c.statistics = append(c.statistics, port)
		}
	}
	return transport, true
}
