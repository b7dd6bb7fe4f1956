package network

import (
	"context"

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
}

func (o *netdevOptions) Fields() []collect.Field {
	devices := o.Devices.Fields("device")
	devices[0].Aliases = []string{"collector.netdev.device-whitelist"}
	devices[1].Aliases = []string{"collector.netdev.device-blacklist"}
	return append(devices,
		collect.Field{Name: "netlink", Help: "Ask the kernel by rtnetlink, with /proc/net/dev as the second choice.", Value: &o.Netlink},
		collect.Field{Name: "enable-detailed-metrics", Help: "One family for each counter of the kernel, under other names than the sums that are usual.", Value: &o.Detailed},
		collect.Field{Name: "address-info", Help: "Expose the addresses of all interfaces.", Value: &o.AddressInfo},
		collect.Field{Name: "label-ifalias", Help: "Label the counters with the alias of the interface.", Value: &o.LabelAlias},
	)
}

// netdevCollector asks rtnetlink for all links with their counters (struct
// rtnl_link_stats64). Where it may not, or must not, it reads /proc/net/dev,
// which has some of them summed up:
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

	counters []linkCounter    // of the answers of rtnetlink
	columns  []*metric.Family // of /proc/net/dev
	address  *addressInfo     // nil unless asked for

	names   rtnl.Names
	aliases map[string]string // by device, the alias as it was last
	labels  [2]string         // of the device at hand, so that they are not made anew for each sample
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
		c.address = newAddressInfo(env)
	}
	return c, nil
}

func (c *netdevCollector) Update(_ context.Context, out *metric.Sink) error {
	c.names.Begin()
	err := c.update(out)
	if c.address != nil {
		c.address.update(out)
	}
	return err
}

func (c *netdevCollector) update(out *metric.Sink) error {
	if bool(c.options.Netlink) && c.updateLinks(out) {
		return nil
	}
	return c.updateFile(out)
}

// updateLinks emits what rtnetlink tells. It reports false when something is
// left for the file to tell.
func (c *netdevCollector) updateLinks(out *metric.Sink) bool {
	complete := true
	err := c.links.Links(true, func(l *rtnl.Link) {
		if c.options.Devices.Ignores(l.Name) {
			return
		}
		if l.Stats.Len == 0 { // an emulated kernel, which may tell in the file
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

// updateFile emits what the file tells of devices that are not told yet.
func (c *netdevCollector) updateFile(out *metric.Sink) error {
	b, err := c.proc.Read("net/dev")
	if err != nil {
		return collect.OrNoData(err)
	}
	parseNetdev(b, func(device []byte, values *[netdevColumns]uint64) {
		name, first := c.names.Take(device)
		if !first || c.options.Devices.Ignores(name) {
			return
		}
		var alias []byte
		if c.options.LabelAlias {
			if alias, err = c.sys.Text("class/net", name, "ifalias"); err != nil && !host.Gone(err) {
				out.Error(err)
			}
		}
		labels := c.labelsOf(name, alias)
		for i, family := range c.columns {
			out.Emit(family, float64(values[i]), labels...)
		}
	}, func(err error) { out.Error(c.proc.At(err)) })
	return nil
}

// labelsOf returns the label values of a device. They are valid until the next
// call.
func (c *netdevCollector) labelsOf(device string, alias []byte) []string {
	c.labels[0] = device
	if !c.options.LabelAlias {
		return c.labels[:1]
	}
	known, ok := c.aliases[device]
	if alias := trimAlias(alias); !ok || known != string(alias) {
		known = string(alias)
		if len(c.aliases) > maxAliases {
			clear(c.aliases)
		}
		c.aliases[device] = known
	}
	c.labels[1] = known
	return c.labels[:]
}

// maxAliases bounds what is kept of devices that came and went.
const maxAliases = 1 << 14
