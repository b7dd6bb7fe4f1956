package network

import (
	"context"
	"hash/maphash"
	"net/netip"
	"strconv"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/netlink"
	"github.com/hostexporter/host_exporter/collector/internal/rtnl"
)

var networkRoute = collect.Spec{
	Name:              "network_route",
	Help:              "IPv4 and IPv6 unicast routes of all routing tables.",
	DisabledByDefault: true,
	Build:             collect.Plain(newNetworkRoute),
}

// networkRouteCollector asks rtnetlink for the routes of all tables and takes
// those to single hosts or networks (RTN_UNICAST), without entries of the cache,
// such as those of path MTU discovery. A route with several hops has a series
// for each. Routes that differ in nothing that a label shows, such as the same
// one in two tables, have one series, but all are counted.
//
// A router on the Internet has a million routes: messages are not kept, labels
// are built in one buffer, and a route takes 8 to 16 bytes until the next run.
//
// See rtnetlink(7).
type networkRouteCollector struct {
	links        *rtnl.Reader
	info, routes *metric.Family

	devices []routeDevice
	byIndex map[int]int // index of an interface to index in devices
	emitted hashSet
	scratch []byte
}

// A routeDevice is an interface with the number of routes that lead over it.
type routeDevice struct {
	name  string
	count int
}

func newNetworkRoute(env *collect.Env) *networkRouteCollector {
	m := env.Metrics
	return &networkRouteCollector{
		links:   rtnl.New(env.Host.Netlink),
		info:    m.Gauge("node_network_route_info", "A unicast route, or one hop of a multipath route; always 1.", "device", "src", "dest", "gw", "priority", "proto", "weight"),
		routes:  m.Gauge("node_network_routes", "Unicast routes over an interface, each hop counted.", "device"),
		byIndex: map[int]int{},
		emitted: hashSet{seed: maphash.MakeSeed()},
	}
}

func (c *networkRouteCollector) Update(ctx context.Context, out *metric.Sink) error {
	// Routes without a known interface have an empty device.
	c.devices = append(c.devices[:0], routeDevice{})
	clear(c.byIndex)
	err := c.links.SharedLinks(ctx, func(l *rtnl.Link) {
		c.byIndex[l.Index] = len(c.devices)
		c.devices = append(c.devices, routeDevice{name: l.Name})
	})
	if netlink.DumpFailed(err) {
		return err
	}
	if err != nil {
		out.Error(err)
	}
	c.emitted.begin()
	defer c.emitted.end()
	complete := true
	for _, family := range []uint8{unix.AF_INET, unix.AF_INET6} {
		if err := c.links.Routes(family, func(r *rtnl.Route) { c.take(r, out) }); err != nil {
			out.Error(err)
			complete = false
		}
	}
	for _, d := range c.devices {
		if d.count > 0 && complete {
			out.Emit(c.routes, float64(d.count), d.name)
		}
	}
	return nil
}

func (c *networkRouteCollector) take(r *rtnl.Route, out *metric.Sink) {
	switch {
	case r.Type != unix.RTN_UNICAST || r.Flags&unix.RTM_F_CLONED != 0:
	case r.IsMultipath():
		_ = r.EachHop(func(h *rtnl.Hop) { c.emit(r, h, out) })
	default:
		c.emit(r, &r.Hop, out)
	}
}

// labelEnd cannot be in the name of an interface.
const labelEnd = "\x00"

func (c *networkRouteCollector) emit(r *rtnl.Route, h *rtnl.Hop, out *metric.Sink) {
	device := &c.devices[c.byIndex[h.Index]]
	device.count++
	b := append(c.scratch[:0], device.name...)
	b = appendIP(append(b, labelEnd...), r.PreferredSource)
	b = append(b, labelEnd...)
	if r.DestinationBits == 0 {
		b = append(b, "default"...)
	} else {
		b = r.Destination.AppendTo(b)
		b = strconv.AppendInt(append(b, '/'), int64(r.DestinationBits), 10)
	}
	b = appendIP(append(b, labelEnd...), h.Gateway)
	b = strconv.AppendUint(append(b, labelEnd...), uint64(r.Priority), 10)
	b = appendRouteProtocol(append(b, labelEnd...), r.Protocol)
	b = append(b, labelEnd...)
	if r.IsMultipath() {
		b = strconv.AppendInt(b, int64(h.Weight), 10)
	}
	c.scratch = b
	if !c.emitted.add(b) {
		return
	}
	// Emit copies labels: these share the scratch, so that none is allocated.
	text := unsafe.String(unsafe.SliceData(b), len(b))
	var labels [7]string
	for i := range labels {
		labels[i], text, _ = strings.Cut(text, labelEnd)
	}
	out.Emit(c.info, 1, labels[:]...)
}

func appendIP(b []byte, ip netip.Addr) []byte {
	if !ip.IsValid() {
		return b
	}
	return ip.AppendTo(b)
}

// routeProtocols are the names of RTPROT_* (include/uapi/linux/rtnetlink.h).
var routeProtocols = [256]string{
	0: "unspec", 1: "redirect", 2: "kernel", 3: "boot", 4: "static",
	8: "gated", 9: "ra", 10: "mrt", 11: "zebra", 12: "bird", 13: "dnrouted",
	14: "xorp", 15: "ntk", 16: "dhcp", 17: "mrouted", 18: "keepalived",
	42: "babel", 186: "bgp", 187: "isis", 188: "ospf", 189: "rip", 192: "eigrp",
}

func appendRouteProtocol(b []byte, protocol uint8) []byte {
	if name := routeProtocols[protocol]; name != "" {
		return append(b, name...)
	}
	return strconv.AppendUint(b, uint64(protocol), 10)
}

// A hashSet holds texts by their hashes of 64 bits: of a million texts, two have
// the same one with a probability below one in ten million.
type hashSet struct {
	seed  maphash.Seed
	slots []uint64 // 0 is empty; the length is a power of two
	count int
}

const (
	minHashSlots = 1 << 10
	maxKeptSlots = 1 << 15 // larger ones are made anew for each run
)

// begin empties the set. It makes room for as many texts as there were.
func (s *hashSet) begin() {
	want := minHashSlots
	for want*3/4 < s.count {
		want *= 2
	}
	if len(s.slots) == want {
		clear(s.slots)
	} else {
		s.slots = make([]uint64, want)
	}
	s.count = 0
}

// end gives back the memory of a large set.
func (s *hashSet) end() {
	if len(s.slots) > maxKeptSlots {
		s.slots = nil
	}
}

// add adds a text, and reports whether it is new.
func (s *hashSet) add(text []byte) bool {
	hash := max(maphash.Bytes(s.seed, text), 1)
	if !s.put(hash) {
		return false
	}
	s.count++
	if s.count > len(s.slots)*3/4 {
		old := s.slots
		s.slots = make([]uint64, 2*len(old))
		for _, h := range old {
			if h != 0 {
				s.put(h)
			}
		}
	}
	return true
}

func (s *hashSet) put(hash uint64) bool {
	mask := uint64(len(s.slots) - 1)
	for i := hash & mask; ; i = (i + 1) & mask {
		switch s.slots[i] {
		case 0:
			s.slots[i] = hash
			return true
		case hash:
			return false
		}
	}
}
