// Package rtnl reads network interfaces, addresses, neighbours, routes and
// queueing disciplines by rtnetlink: a dump takes a handful of system calls,
// where sysfs takes three for every attribute of every interface. It parses
// messages in place into reused structs, so that a dump of a thousand links
// allocates next to nothing. See rtnetlink(7).
package rtnl

import (
	"context"
	"time"

	"golang.org/x/sys/unix"

	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/netlink"
)

// A Reader requests dumps. It is not for concurrent use.
type Reader struct {
	client *netlink.Client
	names  Names
	link   Link
}

// New returns a Reader that uses the Netlink method of a host, or nil if it has
// none.
func New(request func(host.NetlinkRequest, func([]byte) error) error) *Reader {
	return &Reader{client: netlink.New(request, unix.NETLINK_ROUTE, "rtnetlink")}
}

var (
	// An ifinfomsg of any family, without and with IFLA_EXT_MASK.
	linkRequest             = make([]byte, unix.SizeofIfInfomsg)
	linkRequestWithoutStats = native.AppendUint32(native.AppendUint16(native.AppendUint16(make([]byte, unix.SizeofIfInfomsg), 8), unix.IFLA_EXT_MASK), filterSkipStats)
)

const filterSkipStats = 1 << 3 // RTEXT_FILTER_SKIP_STATS, since Linux 4.4

// Links calls each for every network interface, once per name, with a Link that
// is valid during the call. Without stats the kernel need not sum up the
// counters of all CPUs. Links skips a message that it cannot parse, and returns
// the error after the dump; netlink.DumpFailed is false for it.
func (r *Reader) Links(stats bool, each func(*Link)) error {
	body := linkRequestWithoutStats
	if stats {
		body = linkRequest
	}
	return r.dumpLinks(time.Time{}, body, each)
}

// SharedLinks is Links with statistics, from the one dump of all readers in a scrape
// if the context is that of a scrape.
func (r *Reader) SharedLinks(ctx context.Context, each func(*Link)) error {
	return r.dumpLinks(host.Since(ctx), linkRequest, each)
}

func (r *Reader) dumpLinks(since time.Time, body []byte, each func(*Link)) error {
	r.names.Begin()
	return r.client.DumpSince(since, unix.RTM_GETLINK, body, func() {}, func(b []byte) error {
		if err := ParseLink(b, &r.link); err != nil {
			return err
		}
		var first bool
		if r.link.Name, first = r.names.Take(r.link.RawName); first {
			each(&r.link)
		}
		return nil
	})
}

// Neighbours calls each for every neighbour of an address family. It calls begin
// before each attempt, which starts over.
func (r *Reader) Neighbours(family uint8, begin func(), each func(*Neighbour)) error {
	body := make([]byte, unix.SizeofNdMsg)
	body[0] = family
	var n Neighbour
	return r.client.Dump(unix.RTM_GETNEIGH, body, begin, func(b []byte) error {
		err := ParseNeighbour(b, &n)
		if err == nil && n.Family == family { // an old kernel may list other families
			each(&n)
		}
		return err
	})
}

// Addresses calls each for every IPv4 and IPv6 address, and again for the same
// ones when it repeats an interrupted dump.
func (r *Reader) Addresses(each func(*Address)) error {
	var a Address
	return r.client.Dump(unix.RTM_GETADDR, make([]byte, unix.SizeofIfAddrmsg), func() {}, func(b []byte) error {
		err := ParseAddress(b, &a)
		if err == nil && a.IP.IsValid() {
			each(&a)
		}
		return err
	})
}

// Routes calls each for every route of an address family in all tables, with a
// Route that is valid during the call. It makes one attempt, since it keeps no
// route: of a dump that changes interrupt, a route may be missing or come twice.
func (r *Reader) Routes(family uint8, each func(*Route)) error {
	body := make([]byte, unix.SizeofRtMsg)
	body[0] = family
	var route Route
	return r.client.Dump(unix.RTM_GETROUTE, body, nil, func(b []byte) error {
		err := ParseRoute(b, &route)
		if err == nil && route.Family == family {
			each(&route)
		}
		return err
	})
}

// Qdiscs calls each for every queueing discipline, and again for the same ones
// when it repeats an interrupted dump. The Qdisc is valid during the call.
func (r *Reader) Qdiscs(each func(*Qdisc)) error {
	var q Qdisc
	return r.client.Dump(unix.RTM_GETQDISC, make([]byte, sizeofTcMsg), func() {}, func(b []byte) error {
		err := ParseQdisc(b, &q)
		if err == nil {
			each(&q)
		}
		return err
	})
}
