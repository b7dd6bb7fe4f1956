// Package rtnl asks the kernel for network interfaces, addresses and
// neighbours by rtnetlink: one dump in a handful of system calls, where sysfs
// takes three for every attribute of every interface. Messages are read in
// place, into structs that are used again, so that a dump of a thousand links
// allocates next to nothing. See rtnetlink(7).
package rtnl

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/hostexporter/host_exporter/collector/internal/host"
)

// ErrUnavailable says that there is no netlink: on a recorded host.
var ErrUnavailable = errors.New("rtnetlink is not available")

// A Reader makes dumps. It is not for concurrent use.
type Reader struct {
	netlink func(host.NetlinkRequest, func([]byte) error) error
	names   Names
	link    Link
}

// New returns a reader of a host's links. netlink is host.Host's, or nil.
func New(netlink func(host.NetlinkRequest, func([]byte) error) error) *Reader {
	return &Reader{netlink: netlink}
}

// attempts bounds how often a dump is repeated because of changes.
const attempts = 3

var (
	// An ifinfomsg for any family, alone and with IFLA_EXT_MASK behind it.
	allOfLinks   = make([]byte, unix.SizeofIfInfomsg)
	withoutStats = native.AppendUint32(native.AppendUint16(native.AppendUint16(make([]byte, unix.SizeofIfInfomsg), 8), unix.IFLA_EXT_MASK), skipStats)
)

const skipStats = 1 << 3 // RTEXT_FILTER_SKIP_STATS, since Linux 4.4

// Links calls each for every network interface, once for a name, with a Link
// that is valid during the call. Without stats the kernel need not sum up the
// counters of all CPUs.
//
// A message that cannot be read costs its link only: the error is returned in
// the end. Whether the dump failed as a whole is told by Failed.
func (r *Reader) Links(stats bool, each func(*Link)) error {
	body := withoutStats
	if stats {
		body = allOfLinks
	}
	r.names.Begin()
	return r.dump(unix.RTM_GETLINK, body, func(b []byte) error {
		if err := ParseLink(b, &r.link); err != nil {
			return err
		}
		var first bool
		if r.link.Name, first = r.names.Take(r.link.RawName); first {
			each(&r.link)
		}
		return nil
	}, func() {})
}

// Neighbours calls each for every neighbour of an address family. It calls
// begin before each attempt: what came before does not count.
func (r *Reader) Neighbours(family uint8, begin func(), each func(*Neighbour)) error {
	body := make([]byte, unix.SizeofNdMsg)
	body[0] = family
	var n Neighbour
	return r.dump(unix.RTM_GETNEIGH, body, func(b []byte) error {
		err := ParseNeighbour(b, &n)
		if err == nil && n.Family == family { // an old kernel may list others
			each(&n)
		}
		return err
	}, begin)
}

// Addresses calls each for every IPv4 and IPv6 address. After an interrupted
// attempt it may come with the same again.
func (r *Reader) Addresses(each func(*Address)) error {
	var a Address
	return r.dump(unix.RTM_GETADDR, make([]byte, unix.SizeofIfAddrmsg), func(b []byte) error {
		err := ParseAddress(b, &a)
		if err == nil && a.IP.IsValid() {
			each(&a)
		}
		return err
	}, func() {})
}

// dump repeats a dump that was interrupted, in case something was missed. In
// the end it takes what there is: on a busy host something always changes.
func (r *Reader) dump(typ uint16, body []byte, each func([]byte) error, begin func()) error {
	if r.netlink == nil {
		return ErrUnavailable
	}
	var broken error
	for range attempts {
		begin()
		broken = nil
		err := r.netlink(host.NetlinkRequest{Protocol: unix.NETLINK_ROUTE, Type: typ, Body: body}, func(b []byte) error {
			if err := each(b); err != nil && broken == nil {
				broken = &messageError{err}
			}
			return nil
		})
		if err == nil {
			return broken
		}
		if !errors.Is(err, host.ErrDumpInterrupted) {
			return fmt.Errorf("rtnetlink: %w", err)
		}
	}
	return broken
}

// messageError is the error of a message in a dump that is otherwise good.
type messageError struct{ err error }

func (e *messageError) Error() string { return "rtnetlink: " + e.err.Error() }
func (e *messageError) Unwrap() error { return e.err }

// DumpFailed reports whether an error is that of a whole dump, for which files may
// have to do.
func DumpFailed(err error) bool {
	var m *messageError
	return err != nil && !errors.As(err, &m)
}
