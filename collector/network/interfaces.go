package network

import (
	"context"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/netlink"
	"github.com/hostexporter/host_exporter/collector/internal/rtnl"
)

// interfaceOptions select network interfaces for arp, ethtool, netclass, netdev
// and qdisc alike, in addition to the options of each.
type interfaceOptions struct {
	include, exclude collect.Regexp
	excludeKind      collect.Regexp
}

// Fields returns the options, which have the same flags in all collectors.
func (o *interfaceOptions) Fields() []collect.Field {
	const flag = "collector.network."
	return []collect.Field{
		{Name: "interface-include", Flag: flag + "interface-include", Value: &o.include,
			Help: "Regular expression of interfaces to include in arp, ethtool, netclass, netdev and qdisc."},
		{Name: "interface-exclude", Flag: flag + "interface-exclude", Value: &o.exclude,
			Help: "Regular expression of interfaces to exclude from arp, ethtool, netclass, netdev and qdisc."},
		{Name: "interface-kind-exclude", Flag: flag + "interface-kind-exclude", Value: &o.excludeKind,
			Help: "Regular expression of kinds of interfaces to exclude from arp, ethtool, netclass, netdev and qdisc, such as ^(veth|bridge)$."},
	}
}

// An interfaceFilter decides which network interfaces a collector exports.
type interfaceFilter struct {
	options interfaceOptions
	links   *rtnl.Reader
	kinds   map[string]string // by interface; hardware has none
}

func newInterfaceFilter(h *host.Host, o interfaceOptions) *interfaceFilter {
	return &interfaceFilter{options: o, links: rtnl.New(h.Netlink), kinds: map[string]string{}}
}

// refresh reads the kinds of the interfaces, if an option needs them. Without
// rtnetlink, no interface is excluded by its kind.
func (f *interfaceFilter) refresh(ctx context.Context, out *metric.Sink) {
	if !f.options.excludeKind.IsSet() {
		return
	}
	clear(f.kinds)
	err := f.links.SharedLinks(ctx, func(l *rtnl.Link) {
		if len(l.Kind) > 0 {
			f.kinds[l.Name] = string(l.Kind)
		}
	})
	if err != nil && err != netlink.ErrUnavailable {
		out.Error(err)
	}
}

// excludes reports whether the options exclude an interface.
func (f *interfaceFilter) excludes(name string) bool {
	o := &f.options
	return o.exclude.Match(name) || o.include.IsSet() && !o.include.Match(name) ||
		o.excludeKind.IsSet() && f.kinds[name] != "" && o.excludeKind.Match(f.kinds[name])
}
