package network

import (
	"context"
	"slices"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/netlink"
	"github.com/hostexporter/host_exporter/collector/internal/rtnl"
)

var netdev = collect.Spec{
	Name: "netdev",
	Help: "Traffic, errors and drops of network interfaces.",
	Reads: []string{
		"/proc/net/dev",
		"/sys/class/net/*/ifalias",
	},
	Build: collect.With(netdevOptions{Netlink: true}, newNetdev),
}

type netdevOptions struct {
	Devices     collect.Filter
	Netlink     collect.Bool
	Detailed    collect.Bool
	AddressInfo collect.Bool
	LabelAlias  collect.Bool
	Interfaces  interfaceOptions
}

func (o *netdevOptions) Fields() []collect.Field {
	devices := o.Devices.ExclusiveFields("device")
	devices[0].Aliases = []string{"collector.netdev.device-whitelist"}
	devices[1].Aliases = []string{"collector.netdev.device-blacklist"}
	return slices.Concat(devices, []collect.Field{
		{Name: "netlink", Help: "Read counters by rtnetlink, and /proc/net/dev only if that fails.", Value: &o.Netlink},
		{Name: "enable-detailed-metrics", Help: "Export each counter of the kernel in a family of its own, instead of the sums of /proc/net/dev.", Value: &o.Detailed},
		{Name: "address-info", Help: "Export the IP addresses of all interfaces.", Value: &o.AddressInfo},
		{Name: "label-ifalias", Help: "Label the counters with the alias of the interface.", Value: &o.LabelAlias},
	}, o.Interfaces.Fields())
}

// netdevCollector reads the counters of all links (struct rtnl_link_stats64) by
// rtnetlink. Without rtnetlink it reads /proc/net/dev, which has sums of some
// of them:
//
//	Inter-|   Receive                                                |  Transmit
//	 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
//	  eth0: 1532020  1021    0    0    0     0          0         0    91201     731    0    0    0     0       0          0
//
// See https://docs.kernel.org/networking/statistics.html.
type netdevCollector struct {
	proc, sys *host.Reader
	links     *rtnl.Reader
	options   netdevOptions
	filter    *interfaceFilter

	counters  []linkCounter    // from rtnetlink
	columns   []*metric.Family // from /proc/net/dev
	addresses *addressInfo     // nil without the option

	names   rtnl.Names        // of the devices of this scrape
	aliases map[string]string // cached, by device
	labels  [2]string         // of the current device; one array for all, to allocate nothing
}

func newNetdev(env *collect.Env, o netdevOptions) (*netdevCollector, error) {
	if err := o.Devices.Check("device", collect.Filter{}); err != nil {
		return nil, err
	}
	c := &netdevCollector{
		proc:    env.Host.Proc.Reader(),
		sys:     env.Host.Sys.Reader(),
		links:   rtnl.New(env.Host.Netlink),
		options: o,
		filter:  newInterfaceFilter(env.Host, o.Interfaces),
		aliases: map[string]string{},
	}
	labels := []string{"device"}
	if o.LabelAlias {
		labels = append(labels, "ifalias")
	}
	if o.Netlink {
		c.counters = linkCounters(env.Metrics, bool(o.Detailed), labels, nil)
	}
	c.columns = fileColumns(env.Metrics, bool(o.Detailed), labels)
	if o.AddressInfo {
		c.addresses = newAddressInfo(env)
	}
	return c, nil
}

func (c *netdevCollector) Update(ctx context.Context, out *metric.Sink) error {
	c.names.Begin()
	c.filter.refresh(ctx, out)
	err := c.updateCounters(ctx, out)
	if c.addresses != nil {
		c.addresses.update(ctx, c.filter, out)
	}
	return err
}

func (c *netdevCollector) updateCounters(ctx context.Context, out *metric.Sink) error {
	if bool(c.options.Netlink) && c.updateNetlink(ctx, out) {
		return nil
	}
	return c.updateFile(out)
}

// updateNetlink emits the devices of a dump. It reports false if the file may
// have more of them.
func (c *netdevCollector) updateNetlink(ctx context.Context, out *metric.Sink) bool {
	complete := true
	err := c.links.SharedLinks(ctx, func(l *rtnl.Link) {
		if c.options.Devices.Ignores(l.Name) || c.filter.excludes(l.Name) {
			return
		}
		if l.Stats.Len == 0 { // an emulated kernel, which may have counters in the file
			complete = false
			return
		}
		if _, first := c.names.Take(l.RawName); first {
			c.emitLink(l, out)
		}
	})
	switch {
	case err == netlink.ErrUnavailable:
		return false
	case err != nil:
		out.Error(err)
		return false
	}
	return complete
}

func (c *netdevCollector) emitLink(l *rtnl.Link, out *metric.Sink) {
	labels := c.labelsOf(l.Name, l.Alias)
	for _, counter := range c.counters {
		if v, ok := counter.value(&l.Stats); ok {
			out.Emit(counter.family, float64(v), labels...)
		}
	}
}

// updateFile emits the devices of /proc/net/dev that the dump did not have.
func (c *netdevCollector) updateFile(out *metric.Sink) error {
	b, err := c.proc.Read("net/dev")
	if err != nil {
		return collect.OrNoData(err)
	}
	parseNetdev(b, func(device []byte, values *[netdevColumns]uint64) {
		name, first := c.names.Take(device)
		if !first || c.options.Devices.Ignores(name) || c.filter.excludes(name) {
			return
		}
		var alias []byte
		if c.options.LabelAlias {
			alias, err = c.sys.Text(netDir, name, "ifalias")
			host.ReportUnlessGone(err, out.Error)
		}
		labels := c.labelsOf(name, alias)
		for i, family := range c.columns {
			out.Emit(family, float64(values[i]), labels...)
		}
	}, func(err error) { out.Error(c.proc.At(err)) })
	return nil
}

// labelsOf returns the label values of a device, which are valid until the next
// call.
func (c *netdevCollector) labelsOf(device string, alias []byte) []string {
	c.labels[0] = device
	if !c.options.LabelAlias {
		return c.labels[:1]
	}
	label, ok := c.aliases[device]
	if alias := trimAlias(alias); !ok || label != string(alias) {
		label = string(alias)
		if len(c.aliases) > maxAliases {
			clear(c.aliases)
		}
		c.aliases[device] = label
	}
	c.labels[1] = label
	return c.labels[:]
}

// maxAliases bounds the cached aliases of devices that come and go.
const maxAliases = 1 << 14
