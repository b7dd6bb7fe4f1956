package network

import (
	"bytes"
	"cmp"
	"context"
	"maps"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/netlink"
	"github.com/hostexporter/host_exporter/collector/internal/rtnl"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

var arp = collect.Spec{
	Name:  "arp",
	Help:  "Number of IPv4 neighbours of each network interface.",
	Reads: []string{"/proc/net/arp"},
	Build: collect.With(arpOptions{Netlink: true}, newARP),
}

type arpOptions struct {
	Devices    collect.Filter
	Netlink    collect.Bool
	Interfaces interfaceOptions
}

func (o *arpOptions) Fields() []collect.Field {
	return slices.Concat(o.Devices.Fields("device"), []collect.Field{
		{Name: "netlink", Help: "Read neighbours by rtnetlink, and /proc/net/arp only if that fails.", Value: &o.Netlink},
	}, o.Interfaces.Fields())
}

// arpCollector counts the IPv4 neighbours of each interface. It reads them by
// rtnetlink and leaves out those that need no ARP (NUD_NOARP: loopback,
// multicast), as /proc/net/arp does. Without rtnetlink it counts the lines of
// that file:
//
//	IP address       HW type     Flags       HW address            Mask     Device
//	192.0.2.1        0x1         0x2         02:00:00:00:00:01     *        eth0
//
// See rtnetlink(7) and arp(7).
type arpCollector struct {
	proc    *host.Reader
	links   *rtnl.Reader
	options arpOptions
	filter  *interfaceFilter
	family  *metric.Family

	countByIndex map[int]int
	countByName  map[string]*int
	devices      []string // the keys of countByName, sorted
}

func newARP(env *collect.Env, o arpOptions) (*arpCollector, error) {
	return &arpCollector{
		proc:         env.Host.Proc.Reader(),
		links:        rtnl.New(env.Host.Netlink),
		options:      o,
		filter:       newInterfaceFilter(env.Host, o.Interfaces),
		family:       env.Metrics.Gauge("node_arp_entries", "IPv4 neighbours of the interface, without those that need no ARP.", "device"),
		countByIndex: map[int]int{},
		countByName:  map[string]*int{},
	}, nil
}

func (c *arpCollector) Update(ctx context.Context, out *metric.Sink) error {
	c.filter.refresh(ctx, out)
	if c.options.Netlink {
		err := c.updateNetlink(ctx, out)
		if err == nil {
			return nil
		}
		if !netlink.DumpFailed(err) {
			out.Error(err)
			return nil
		}
	}
	return c.updateFile(out)
}

// updateNetlink counts by rtnetlink. It emits nothing if that fails.
func (c *arpCollector) updateNetlink(ctx context.Context, out *metric.Sink) error {
	neighbourErr := c.links.Neighbours(unix.AF_INET, func() { clear(c.countByIndex) }, func(n *rtnl.Neighbour) {
		if n.State&unix.NUD_NOARP == 0 {
			c.countByIndex[n.Index]++
		}
	})
	if netlink.DumpFailed(neighbourErr) || len(c.countByIndex) == 0 {
		return neighbourErr
	}
	clear(c.countByName)
	linkErr := c.links.SharedLinks(ctx, func(l *rtnl.Link) {
		if n := c.countByIndex[l.Index]; n > 0 {
			c.countByName[l.Name] = &n
		}
	})
	if netlink.DumpFailed(linkErr) {
		return linkErr
	}
	c.emit(out)
	return cmp.Or(neighbourErr, linkErr)
}

func (c *arpCollector) updateFile(out *metric.Sink) error {
	b, err := c.proc.Read("net/arp")
	if err != nil {
		return collect.OrNoData(err)
	}
	clear(c.countByName)
	parseARP(b, func(device []byte) {
		n := c.countByName[string(device)]
		if n == nil {
			n = c.countOf(metric.Clean(string(device)))
		}
		*n++
	}, func(err error) { out.Error(c.proc.At(err)) })
	c.emit(out)
	return nil
}

// countOf returns the count of a device. Devices whose names are the same as
// labels share one.
func (c *arpCollector) countOf(device string) *int {
	n := c.countByName[device]
	if n == nil {
		n = new(int)
		c.countByName[device] = n
	}
	return n
}

func (c *arpCollector) emit(out *metric.Sink) {
	c.devices = slices.AppendSeq(c.devices[:0], maps.Keys(c.countByName))
	slices.SortFunc(c.devices, host.CompareNatural)
	for _, device := range c.devices {
		if !c.options.Devices.Ignores(device) && !c.filter.excludes(device) {
			out.Emit(c.family, float64(*c.countByName[device]), device)
		}
	}
}

// parseARP calls each with the device of every line of /proc/net/arp. A line
// has six fields, or five where the device has no hardware address.
func parseARP(b []byte, each func(device []byte), report func(error)) {
	var fields [6][]byte
	for n, rest := 1, b; len(rest) > 0; n++ {
		var line []byte
		line, rest = scan.Line(rest)
		if n == 1 {
			if !bytes.HasPrefix(line, []byte("IP address")) {
				report(host.Bad(n, "the header of the ARP table", line))
				return
			}
			continue
		}
		width := scan.Fields(fields[:], line)
		if width < 5 || width > 6 || !bytes.HasPrefix(fields[2], []byte("0x")) {
			report(host.Bad(n, "a neighbour with address, type, flags, mask and device", line))
			continue
		}
		each(fields[width-1])
	}
}
