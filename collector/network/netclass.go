package network

import (
	"context"
	"time"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/netlink"
	"github.com/hostexporter/host_exporter/collector/internal/rtnl"
)

var netclass = collect.Spec{
	Name:  "netclass",
	Help:  "State and settings of network interfaces.",
	Reads: netclassReads(),
	Build: collect.With(netclassOptions{Ignored: collect.Pattern("^$")}, newNetclass),
}

func netclassReads() []string {
	reads := []string{
		"/sys/class/net/*/address",
		"/sys/class/net/*/broadcast",
		"/sys/class/net/*/duplex",
		"/sys/class/net/*/ifalias",
		"/sys/class/net/*/operstate",
		"/sys/class/net/*/speed",
	}
	for _, n := range netclassNumbers() {
		reads = append(reads, "/sys/class/net/*/"+n.file)
	}
	return reads
}

type netclassOptions struct {
	Ignored            collect.Regexp
	IgnoreInvalidSpeed collect.Bool
	Netlink            collect.Bool
	WithStats          collect.Bool
	Interfaces         interfaceOptions
}

func (o *netclassOptions) Fields() []collect.Field {
	return append([]collect.Field{
		{Name: "ignored-devices", Help: "Regular expression of devices to exclude.", Value: &o.Ignored},
		{Name: "ignore-invalid-speed", Help: "Omit the speed of devices whose driver does not know it.", Value: &o.IgnoreInvalidSpeed},
		{Name: "netlink", Help: "Export the values of rtnetlink as they are, instead of converting them to those of sysfs.", Value: &o.Netlink},
		{Name: "with-stats", Help: "Export the counters of devices too, in place of the netdev collector; needs netclass.netlink.", Value: &o.WithStats, Flag: "collector.netclass_rtnl.with-stats"},
	}, o.Interfaces.Fields()...)
}

// netclassCollector exports the attributes of network interfaces, such as
// /sys/class/net/eth0/mtu:
//
//	1500
//
// It takes most of them from one rtnetlink dump, because sysfs takes three
// system calls for each attribute of each device, and for some the one lock of
// the network stack. The attributes that only sysfs has are read when the
// device changes, and again after some minutes. Everything is read from sysfs
// where rtnetlink is unavailable, or shows other devices than sysfs, as in a
// container that has the sysfs of its host.
//
// See https://docs.kernel.org/networking/index.html and
// Documentation/ABI/testing/sysfs-class-net.
type netclassCollector struct {
	host    *host.Host
	sys     *host.Reader
	links   *rtnl.Reader
	options netclassOptions
	filter  *interfaceFilter

	up, info, speed *metric.Family
	numbers         []netclassNumber
	stats           *netclassStats // nil without the option

	mismatch       error                     // why rtnetlink may show other devices than sysfs; nil if it shows the same
	nextComparison time.Time                 // when to compare them again
	round          uint64                    // counts dumps
	facts          map[string]*netclassFacts // by device
	names          rtnl.Names
	device         netclassDevice // the current one
}

func newNetclass(env *collect.Env, o netclassOptions) (*netclassCollector, error) {
	m := env.Metrics
	c := &netclassCollector{
		host:     env.Host,
		sys:      env.Host.Sys.Reader().Share(netDir),
		links:    rtnl.New(env.Host.Netlink),
		options:  o,
		filter:   newInterfaceFilter(env.Host, o.Interfaces),
		up:       m.Gauge("node_network_up", "Whether the operstate of the interface is up.", "device"),
		info:     m.Gauge("node_network_info", "Addresses, alias and states of the network interface; always 1.", netclassLabels(o)...),
		speed:    m.Gauge("node_network_speed_bytes", "Link speed of the interface in bytes per second.", "device"),
		numbers:  netclassNumbers(),
		mismatch: netlink.ErrUnavailable,
		facts:    map[string]*netclassFacts{},
	}
	for i := range c.numbers {
		c.numbers[i].declare(m)
	}
	if o.WithStats && o.Netlink {
		c.stats = newNetclassStats(env)
	}
	return c, nil
}

// netclassLabels returns the labels of node_network_info. With the netlink
// option it has never had adminstate.
func netclassLabels(o netclassOptions) []string {
	if o.Netlink {
		return []string{"address", "broadcast", "device", "duplex", "ifalias", "operstate"}
	}
	return []string{"address", "adminstate", "broadcast", "device", "duplex", "ifalias", "operstate"}
}

func (c *netclassCollector) Update(ctx context.Context, out *metric.Sink) error {
	c.sys.BeginRun(ctx)
	c.filter.refresh(ctx, out)
	mismatch := c.checkMismatch()
	if mismatch != nil && !bool(c.options.Netlink) {
		return c.updateFiles(out)
	}
	err := c.updateNetlink(ctx, mismatch == nil, out)
	switch {
	case netlink.DumpFailed(err):
		if c.options.Netlink {
			out.Error(err)
		}
		return c.updateFiles(out)
	case err != nil:
		out.Error(err)
	case mismatch != nil: // the attributes that only sysfs has are missing
		out.Error(mismatch)
	}
	return nil
}

// updateNetlink emits the devices of a dump, withSysfs together with what only
// sysfs has. It emits nothing of a dump that fails from the start.
func (c *netclassCollector) updateNetlink(ctx context.Context, withSysfs bool, out *metric.Sink) error {
	c.round++
	now := c.host.Now()
	links := 0
	err := c.links.SharedLinks(ctx, func(l *rtnl.Link) {
		if c.options.Ignored.Match(l.Name) || c.filter.excludes(l.Name) {
			return
		}
		links++
		d := &c.device
		*d = netclassDevice{name: l.Name}
		f := c.factsOf(l, now)
		d.fromLink(l, f, bool(c.options.Netlink))
		if withSysfs {
			c.addFacts(l, f, d, out)
		}
		c.emit(d, out)
		if c.stats != nil {
			c.stats.emit(l, out)
		}
	})
	c.dropRemoved(links)
	if links > 0 && netlink.DumpFailed(err) {
		out.Error(err) // and return nil, or sysfs would emit the same devices again
		return nil
	}
	return err
}

// updateFiles emits the devices of sysfs.
func (c *netclassCollector) updateFiles(out *metric.Sink) error {
	names, err := c.sys.Names(netDir)
	if err != nil {
		return collect.OrNoData(err)
	}
	c.names.Begin()
	for _, name := range names {
		if c.options.Ignored.Match(name) || c.filter.excludes(name) {
			continue
		}
		d := &c.device
		*d = netclassDevice{name: name}
		if !c.fromFiles(d, out) {
			continue
		}
		if _, first := c.names.Take([]byte(name)); first {
			c.emit(d, out)
		}
	}
	return nil
}

func (c *netclassCollector) emit(d *netclassDevice, out *metric.Sink) {
	if d.operStateKnown {
		out.Bool(c.up, d.operState == "up", d.name)
	}
	if c.options.Netlink {
		out.Emit(c.info, 1, d.address, d.broadcast, d.name, d.duplex, d.alias, d.operState)
	} else {
		out.Emit(c.info, 1, d.address, d.adminState(), d.broadcast, d.name, d.duplex, d.alias, d.operState)
	}
	for i := range c.numbers {
		if v, ok := d.number(i); ok {
			out.Emit(c.numbers[i].family, float64(v), d.name)
		}
	}
	if d.hasSpeed && (d.speed > 0 || !bool(c.options.IgnoreInvalidSpeed || c.options.Netlink)) {
		out.Emit(c.speed, float64(d.speed)*(1e6/8), d.name)
	}
}
