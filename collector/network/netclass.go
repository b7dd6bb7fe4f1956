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
}

func (o *netclassOptions) Fields() []collect.Field {
	return []collect.Field{
		{Name: "ignored-devices", Help: "Regular expression of devices to leave out.", Value: &o.Ignored},
		{Name: "ignore-invalid-speed", Help: "Leave out the speed of devices that do not know theirs.", Value: &o.IgnoreInvalidSpeed},
		{Name: "netlink", Help: "Tell what rtnetlink tells in its own terms. Without this it is asked too, where it sees the devices of sysfs, and answers in the terms of sysfs.", Value: &o.Netlink},
		{Name: "with-stats", Help: "Expose the counters of the devices too, for use without the netdev collector. Goes together with netclass.netlink.", Value: &o.WithStats, Flag: "collector.netclass_rtnl.with-stats"},
	}
}

// netclassCollector tells what the attributes in /sys/class/net/* tell, such
// as /sys/class/net/eth0/mtu:
//
//	1500
//
// Most of it comes from one rtnetlink dump, where a read of sysfs takes three
// system calls for each attribute of each device, and some take the one lock
// of the network stack. What only sysfs has is read when something about the
// device changed, and now and then. Where rtnetlink cannot be asked, or sees
// other devices than the sysfs tree has (in a container, with the host's sysfs
// mounted), everything is read from sysfs.
//
// See https://docs.kernel.org/networking/index.html and
// Documentation/ABI/testing/sysfs-class-net.
type netclassCollector struct {
	host    *host.Host
	sys     *host.Reader
	links   *rtnl.Reader
	options netclassOptions

	up, info, speed *metric.Family
	numbers         []netclassNumber
	stats           *netclassStats // nil unless asked for

	differ  error     // why rtnetlink and sysfs are not believed to agree; nil if they do
	retry   time.Time // when to compare them again
	round   uint64
	facts   map[string]*netclassFacts // by device
	names   rtnl.Names
	current netclassDevice
}

func newNetclass(env *collect.Env, o netclassOptions) (*netclassCollector, error) {
	m := env.Metrics
	c := &netclassCollector{
		host:    env.Host,
		sys:     env.Host.Sys.Reader(),
		links:   rtnl.New(env.Host.Netlink),
		options: o,
		up:      m.Gauge("node_network_up", "Whether the interface is operational: 1 if operstate is up.", "device"),
		info:    m.Gauge("node_network_info", "What there is in words about a network interface. The value is always 1.", "address", "adminstate", "broadcast", "device", "duplex", "ifalias", "operstate"),
		speed:   m.Gauge("node_network_speed_bytes", "Speed of the interface in bytes per second.", "device"),
		numbers: netclassNumbers(),
		differ:  netlink.ErrUnavailable,
		facts:   map[string]*netclassFacts{},
	}
	for i := range c.numbers {
		c.numbers[i].declare(m)
	}
	if o.WithStats && o.Netlink {
		c.stats = newNetclassStats(env)
	}
	return c, nil
}

func (c *netclassCollector) Update(_ context.Context, out *metric.Sink) error {
	differ := c.disagree()
	if differ != nil && !bool(c.options.Netlink) {
		return c.updateFiles(out)
	}
	err := c.updateLinks(differ == nil, out)
	switch {
	case netlink.DumpFailed(err):
		if c.options.Netlink {
			out.Error(err)
		}
		return c.updateFiles(out)
	case err != nil:
		out.Error(err)
	case differ != nil: // what only sysfs has is left out
		out.Error(differ)
	}
	return nil
}

// updateLinks emits what rtnetlink tells, completed from sysfs where the two
// agree. It emits nothing of a dump that fails from the start.
func (c *netclassCollector) updateLinks(agree bool, out *metric.Sink) error {
	c.round++
	now := c.host.Now()
	links := 0
	err := c.links.Links(c.stats != nil, func(l *rtnl.Link) {
		if c.options.Ignored.Match(l.Name) {
			return
		}
		links++
		d := &c.current
		*d = netclassDevice{name: l.Name}
		f := c.factsOf(l, now)
		d.fromLink(l, f, bool(c.options.Netlink))
		if agree {
			c.complete(l, f, d, out)
		}
		c.emit(d, out)
		if c.stats != nil {
			c.stats.emit(l, out)
		}
	})
	c.forget(links)
	if links > 0 && netlink.DumpFailed(err) {
		out.Error(err) // half a dump: what it told must not be told twice
		return nil
	}
	return err
}

// updateFiles emits what sysfs tells.
func (c *netclassCollector) updateFiles(out *metric.Sink) error {
	names, err := c.sys.Names(netDir)
	if err != nil {
		return collect.OrNoData(err)
	}
	c.names.Begin()
	for _, name := range names {
		if c.options.Ignored.Match(name) {
			continue
		}
		d := &c.current
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
	if d.known {
		out.Bool(c.up, d.operstate == "up", d.name)
	}
	out.Emit(c.info, 1, d.address, d.adminState(), d.broadcast, d.name, d.duplex, d.alias, d.operstate)
	for i := range c.numbers {
		if v, ok := d.number(i); ok {
			out.Emit(c.numbers[i].family, float64(v), d.name)
		}
	}
	if d.hasSpeed && (d.speed >= 0 || !bool(c.options.IgnoreInvalidSpeed || c.options.Netlink)) {
		out.Emit(c.speed, float64(d.speed)*(1e6/8), d.name)
	}
}
