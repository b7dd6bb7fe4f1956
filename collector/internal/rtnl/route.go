package rtnl

import (
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"

	"github.com/hostexporter/host_exporter/collector/internal/netlink"
)

// A Route is a route in an RTM_NEWROUTE message: struct rtmsg and attributes.
// Addresses that are not in the message are zero. See also rtnetlink(7).
type Route struct {
	Family   uint8
	Type     uint8  // RTN_*
	Protocol uint8  // RTPROT_*: who made the route
	Flags    uint32 // RTM_F_*

	Destination     netip.Addr
	DestinationBits int // of the prefix; 0 for the default route
	PreferredSource netip.Addr
	Priority        uint32 // the metric of ip-route(8)
	Hop             Hop    // of a route without Multipath

	multipath []byte
}

// A Hop is a way that a route leads.
type Hop struct {
	Index   int        // of the interface; 0 if there is none
	Gateway netip.Addr // may be an IPv6 address for an IPv4 route (RFC 8950)
	Weight  int        // relative to other hops of the route, from 1
}

// IsMultipath reports whether the route leads several ways, and Hop is none.
func (r *Route) IsMultipath() bool { return len(r.multipath) > 0 }

// ParseRoute parses an RTM_NEWROUTE message without its nlmsghdr. It parses the
// header only for families other than IPv4 and IPv6.
func ParseRoute(b []byte, r *Route) error {
	if len(b) < unix.SizeofRtMsg {
		return fmt.Errorf("route message: want %d bytes, have %d", unix.SizeofRtMsg, len(b))
	}
	*r = Route{Family: b[0], DestinationBits: int(b[1]), Protocol: b[5], Type: b[7], Flags: native.Uint32(b[8:])}
	if r.Family != unix.AF_INET && r.Family != unix.AF_INET6 {
		return nil
	}
	r.Hop.Weight = 1
	if err := netlink.EachAttribute(b[unix.SizeofRtMsg:], r.setAttribute); err != nil {
		return fmt.Errorf("route: %w", err)
	}
	switch {
	case r.DestinationBits > 0 && !r.Destination.IsValid():
		return fmt.Errorf("route: want a destination of %d bits, have none", r.DestinationBits)
	case r.IsMultipath():
		return r.EachHop(func(*Hop) {})
	}
	return nil
}

func (r *Route) setAttribute(a netlink.Attribute) (err error) {
	switch a.Type {
	case unix.RTA_DST:
		r.Destination, err = parseIP(a, r.Family, r.DestinationBits)
	case unix.RTA_PREFSRC:
		r.PreferredSource, err = parseIP(a, r.Family, 0)
	case unix.RTA_PRIORITY:
		err = a.Uint32(&r.Priority)
	case unix.RTA_OIF:
		var index uint32
		err = a.Uint32(&index)
		r.Hop.Index = int(int32(index))
	case unix.RTA_MULTIPATH:
		r.multipath = a.Data
	default:
		err = r.Hop.setGateway(a, r.Family)
	}
	return err
}

// setGateway sets the gateway if the attribute has one.
func (h *Hop) setGateway(a netlink.Attribute, family uint8) (err error) {
	switch a.Type {
	case unix.RTA_GATEWAY:
		h.Gateway, err = parseIP(a, family, 0)
	case unix.RTA_VIA: // struct rtvia: a family and an address
		if len(a.Data) < 2 {
			return a.CheckSize(2)
		}
		a, family := netlink.Attribute{Type: a.Type, Data: a.Data[2:]}, native.Uint16(a.Data)
		h.Gateway, err = parseIP(a, uint8(family), 0)
	}
	return err
}

// EachHop calls each for the hops of a multipath route. The Hop is valid during
// the call. It returns no error for a route that ParseRoute has parsed.
func (r *Route) EachHop(each func(*Hop)) error {
	for b := r.multipath; len(b) > 0; {
		// struct rtnexthop: length, flags, hops, index of the interface.
		if len(b) < unix.SizeofRtNexthop {
			return fmt.Errorf("route: want a hop, have %d bytes", len(b))
		}
		size := int(native.Uint16(b))
		if size < unix.SizeofRtNexthop || size > len(b) {
			return fmt.Errorf("route: want a hop of at most %d bytes, have %d", len(b), size)
		}
		hop := Hop{Weight: int(b[3]) + 1, Index: int(int32(native.Uint32(b[4:])))}
		err := netlink.EachAttribute(b[unix.SizeofRtNexthop:size], func(a netlink.Attribute) error {
			return hop.setGateway(a, r.Family)
		})
		if err != nil {
			return fmt.Errorf("route: %w", err)
		}
		each(&hop)
		b = b[min((size+3)&^3, len(b)):]
	}
	return nil
}
