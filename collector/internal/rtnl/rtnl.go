// Package rtnl reads network interfaces, addresses and neighbours by rtnetlink:
// a dump takes a handful of system calls, where sysfs takes three for every
// attribute of every interface. It parses messages in place into reused
// structs, so that a dump of a thousand links allocates next to nothing. See
// rtnetlink(7).
package rtnl

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/hostexporter/host_exporter/collector/internal/host"
)

// ErrUnavailable says that the host has no netlink, as a recorded one.
var ErrUnavailable = errors.New("rtnetlink is not available")

// A Reader requests dumps. It is not for concurrent use.
type Reader struct {
	netlink func(host.NetlinkRequest, func([]byte) error) error
	names   Names
	link    Link
}

// New returns a Reader that uses the Netlink method of a host, or nil if it has
// none.
func New(netlink func(host.NetlinkRequest, func([]byte) error) error) *Reader {
	return &Reader{netlink: netlink}
}

// maxAttempts limits the attempts at a dump that changes interrupt.
const maxAttempts = 3

var (
	// An ifinfomsg of any family, without and with IFLA_EXT_MASK.
	linkRequest             = make([]byte, unix.SizeofIfInfomsg)
	linkRequestWithoutStats = native.AppendUint32(native.AppendUint16(native.AppendUint16(make([]byte, unix.SizeofIfInfomsg), 8), unix.IFLA_EXT_MASK), filterSkipStats)
)

const filterSkipStats = 1 << 3 // RTEXT_FILTER_SKIP_STATS, since Linux 4.4

// Links calls each for every network interface, once per name, with a Link that
// is valid during the call. Without stats the kernel need not sum up the
// counters of all CPUs. Links skips a message that it cannot parse, and returns
// the error after the dump; DumpFailed is false for it.
func (r *Reader) Links(stats bool, each func(*Link)) error {
	body := linkRequestWithoutStats
	if stats {
		body = linkRequest
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

// Neighbours calls each for every neighbour of an address family. It calls begin
// before each attempt, which starts over.
func (r *Reader) Neighbours(family uint8, begin func(), each func(*Neighbour)) error {
	body := make([]byte, unix.SizeofNdMsg)
	body[0] = family
	var n Neighbour
	return r.dump(unix.RTM_GETNEIGH, body, func(b []byte) error {
		err := ParseNeighbour(b, &n)
		if err == nil && n.Family == family { // an old kernel may list other families
			each(&n)
		}
		return err
	}, begin)
}

// Addresses calls each for every IPv4 and IPv6 address, and again for the same
// ones when it repeats an interrupted dump.
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

// dump requests a dump, and repeats one that was interrupted, because it may
// miss messages. It accepts an interrupted last attempt: on a busy host
// something always changes.
func (r *Reader) dump(typ uint16, body []byte, each func([]byte) error, begin func()) error {
	if r.netlink == nil {
		return ErrUnavailable
	}
	var messageErr error
	for range maxAttempts {
		begin()
		messageErr = nil
		err := r.netlink(host.NetlinkRequest{Protocol: unix.NETLINK_ROUTE, Type: typ, Body: body}, func(b []byte) error {
			if err := each(b); err != nil && messageErr == nil {
				messageErr = &messageError{err}
			}
			return nil
		})
		if err == nil {
			return messageErr
		}
		if !errors.Is(err, host.ErrDumpInterrupted) {
			return fmt.Errorf("rtnetlink: %w", err)
		}
	}
	return messageErr
}

// A messageError is the error of one message in a dump.
type messageError struct{ err error }

func (e *messageError) Error() string { return "rtnetlink: " + e.err.Error() }
func (e *messageError) Unwrap() error { return e.err }

// DumpFailed reports whether an error is that of a whole dump, so that the
// caller has to read files instead.
func DumpFailed(err error) bool {
	var m *messageError
	return err != nil && !errors.As(err, &m)
}
