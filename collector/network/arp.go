package network

import (
	"bytes"
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
	Help:  "How many IPv4 neighbours are known on each network interface.",
	Reads: []string{"/proc/net/arp"},
	Build: collect.With(arpOptions{Netlink: true}, newARP),
}

type arpOptions struct {
	Devices collect.Filter
	Netlink collect.Bool
}

func (o *arpOptions) Fields() []collect.Field {
	return append(o.Devices.Fields("device"),
		collect.Field{Name: "netlink", Help: "Ask the kernel by rtnetlink, with /proc/net/arp as the second choice.", Value: &o.Netlink})
}

// arpCollector asks rtnetlink for the IPv4 neighbours and counts them by
// interface, without those that need no ARP (NUD_NOARP: loopback, multicast),
// as /proc/net/arp does not list them either. Where there is no rtnetlink it
// counts the lines of that file:
//
//	IP address       HW type     Flags       HW address            Mask     Device
//	192.0.2.1        0x1         0x2         02:00:00:00:00:01     *        eth0
//
// See rtnetlink(7) and arp(7).
type arpCollector struct {
	proc    *host.Reader
	links   *rtnl.Reader
	options arpOptions
	entries *metric.Family

	byIndex map[int]int
	byName  map[string]*int
	order   []string
}

func newARP(env *collect.Env, o arpOptions) (*arpCollector, error) {
	if err := o.Devices.Check("device", collect.Filter{}); err != nil {
		return nil, err
	}
	return &arpCollector{
		proc:    env.Host.Proc.Reader(),
		links:   rtnl.New(env.Host.Netlink),
		options: o,
		entries: env.Metrics.Gauge("node_arp_entries", "Entries of the ARP table, by the interface that the neighbour is on.", "device"),
		byIndex: map[int]int{},
		byName:  map[string]*int{},
	}, nil
}

func (c *arpCollector) Update(_ context.Context, out *metric.Sink) error {
	if c.options.Netlink {
		err := c.updateLinks(out)
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

// updateLinks counts by rtnetlink. It emits nothing if that fails.
func (c *arpCollector) updateLinks(out *metric.Sink) error {
	broken := c.links.Neighbours(unix.AF_INET, func() { clear(c.byIndex) }, func(n *rtnl.Neighbour) {
		if n.State&unix.NUD_NOARP == 0 {
			c.byIndex[n.Index]++
		}
	})
	if netlink.DumpFailed(broken) || len(c.byIndex) == 0 {
		return broken
	}
	clear(c.byName)
	err := c.links.Links(false, func(l *rtnl.Link) {
		if n := c.byIndex[l.Index]; n > 0 {
			c.byName[l.Name] = &n
		}
	})
	if netlink.DumpFailed(err) {
		return err
	}
	c.emit(out)
	if broken == nil {
		broken = err
	}
	return broken
}

func (c *arpCollector) updateFile(out *metric.Sink) error {
	b, err := c.proc.Read("net/arp")
	if err != nil {
		return collect.OrNoData(err)
	}
	clear(c.byName)
	parseARP(b, func(device []byte) {
		n := c.byName[string(device)]
		if n == nil {
			n = c.counter(metric.Clean(string(device)))
		}
		*n++
	}, func(err error) { out.Error(c.proc.At(err)) })
	c.emit(out)
	return nil
}

// counter returns the count of a device. Odd names that look the same as
// labels share one.
func (c *arpCollector) counter(device string) *int {
	n := c.byName[device]
	if n == nil {
		n = new(int)
		c.byName[device] = n
	}
	return n
}

func (c *arpCollector) emit(out *metric.Sink) {
	c.order = slices.AppendSeq(c.order[:0], maps.Keys(c.byName))
	slices.SortFunc(c.order, host.Natural)
	for _, device := range c.order {
		if !c.options.Devices.Ignores(device) {
			out.Emit(c.entries, float64(*c.byName[device]), device)
		}
	}
}

// parseARP calls each with the device of every line of /proc/net/arp. The
// hardware address is blank where a device has none, so that a line has six
// fields or five.
func parseARP(b []byte, each func(device []byte), bad func(error)) {
	var fields [6][]byte
	for n, rest := 1, b; len(rest) > 0; n++ {
		var line []byte
		line, rest = scan.Line(rest)
		if n == 1 {
			if !bytes.HasPrefix(line, []byte("IP address")) {
				bad(host.Bad(n, "the headings of the ARP table", line))
				return
			}
			continue
		}
		width := scan.Fields(fields[:], line)
		if width < 5 || width > 6 || !bytes.HasPrefix(fields[2], []byte("0x")) {
			bad(host.Bad(n, "a neighbour with address, type, flags, mask and device", line))
			continue
		}
		each(fields[width-1])
	}
}
