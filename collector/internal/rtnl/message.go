package rtnl

import (
	"errors"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"

	"github.com/hostexporter/host_exporter/collector/internal/netlink"
)

var native = netlink.Native

// A Link is a network interface in an RTM_NEWLINK message: struct ifinfomsg and
// attributes. Fields whose attribute is not in the message are zero; see Has.
// See also rtnetlink(7) and include/uapi/linux/if_link.h.
type Link struct {
	Index int
	Type  uint16 // ARPHRD_*
	Flags uint32 // IFF_*, as SIOCGIFFLAGS has them

	Name      string // set by Reader.Links; valid after the call
	RawName   []byte // valid during the call only, as the next four
	Alias     []byte
	Address   []byte
	Broadcast []byte
	Kind      []byte // such as "vlan"; empty for hardware

	MTU            uint32
	TxQueueLen     uint32
	Group          uint32
	Link           int // index of the lower interface; Index if there is none
	OperState      uint8
	LinkMode       uint8
	Carrier        uint8
	CarrierChanges uint32
	CarrierUp      uint32
	CarrierDown    uint32
	Promiscuity    uint32 // number of users of IFF_PROMISC
	AllMulti       uint32 // number of users of IFF_ALLMULTI

	Stats Stats

	attributes uint64
}

// Has reports whether the message had an attribute, such as unix.IFLA_MTU.
func (l *Link) Has(typ int) bool { return typ < 64 && l.attributes&(1<<typ) != 0 }

// ParseLink parses an RTM_NEWLINK message without its nlmsghdr.
func ParseLink(b []byte, l *Link) error {
	if len(b) < unix.SizeofIfInfomsg {
		return fmt.Errorf("link message: want %d bytes, have %d", unix.SizeofIfInfomsg, len(b))
	}
	*l = Link{
		Type:  native.Uint16(b[2:]),
		Index: int(int32(native.Uint32(b[4:]))),
		Flags: native.Uint32(b[8:]),
	}
	l.Link = l.Index
	if err := netlink.EachAttribute(b[unix.SizeofIfInfomsg:], l.setAttribute); err != nil {
		return fmt.Errorf("link %d %q: %w", l.Index, l.RawName, err)
	}
	if len(l.RawName) == 0 {
		return fmt.Errorf("link %d: want a name, have none", l.Index)
	}
	return nil
}

func (l *Link) setAttribute(a netlink.Attribute) (err error) {
	switch a.Type {
	case unix.IFLA_IFNAME:
		l.RawName = a.Text()
	case unix.IFLA_IFALIAS:
		l.Alias = a.Text()
	case unix.IFLA_ADDRESS:
		l.Address = a.Data
	case unix.IFLA_BROADCAST:
		l.Broadcast = a.Data
	case unix.IFLA_LINKINFO:
		err = a.Each(func(inner netlink.Attribute) error {
			if inner.Type == unix.IFLA_INFO_KIND {
				l.Kind = inner.Text()
			}
			return nil
		})
	case unix.IFLA_MTU:
		err = a.Uint32(&l.MTU)
	case unix.IFLA_TXQLEN:
		err = a.Uint32(&l.TxQueueLen)
	case unix.IFLA_GROUP:
		err = a.Uint32(&l.Group)
	case unix.IFLA_LINK:
		var lower uint32
		err = a.Uint32(&lower)
		l.Link = int(int32(lower))
	case unix.IFLA_OPERSTATE:
		err = a.Uint8(&l.OperState)
	case unix.IFLA_LINKMODE:
		err = a.Uint8(&l.LinkMode)
	case unix.IFLA_CARRIER:
		err = a.Uint8(&l.Carrier)
	case unix.IFLA_CARRIER_CHANGES:
		err = a.Uint32(&l.CarrierChanges)
	case unix.IFLA_CARRIER_UP_COUNT:
		err = a.Uint32(&l.CarrierUp)
	case unix.IFLA_CARRIER_DOWN_COUNT:
		err = a.Uint32(&l.CarrierDown)
	case unix.IFLA_PROMISCUITY:
		err = a.Uint32(&l.Promiscuity)
	case unix.IFLA_ALLMULTI:
		err = a.Uint32(&l.AllMulti)
	case unix.IFLA_STATS64:
		err = l.Stats.parse(a, 8)
	case unix.IFLA_STATS:
		if !l.Has(unix.IFLA_STATS64) {
			err = l.Stats.parse(a, 4)
		}
	}
	if a.Type < 64 {
		l.attributes |= 1 << a.Type
	}
	return err
}

// A Neighbour is the struct ndmsg of an RTM_NEWNEIGH message. Its attributes,
// the addresses, are not parsed: neighbours are only counted, and a host may
// have a hundred thousand.
type Neighbour struct {
	Family uint8
	Index  int    // of the interface
	State  uint16 // NUD_*
}

// ParseNeighbour parses an RTM_NEWNEIGH message without its nlmsghdr.
func ParseNeighbour(b []byte, n *Neighbour) error {
	if len(b) < unix.SizeofNdMsg {
		return fmt.Errorf("neighbour message: want %d bytes, have %d", unix.SizeofNdMsg, len(b))
	}
	*n = Neighbour{Family: b[0], Index: int(int32(native.Uint32(b[4:]))), State: native.Uint16(b[8:])}
	return nil
}

// An Address is an address of an interface in an RTM_NEWADDR message.
type Address struct {
	Family uint8
	Index  int        // of the interface
	Prefix int        // length of the netmask in bits
	IP     netip.Addr // the interface's own, not that of its peer
}

// ParseAddress parses an RTM_NEWADDR message without its nlmsghdr. It leaves IP
// zero for families other than IPv4 and IPv6.
func ParseAddress(b []byte, a *Address) error {
	if len(b) < unix.SizeofIfAddrmsg {
		return fmt.Errorf("address message: want %d bytes, have %d", unix.SizeofIfAddrmsg, len(b))
	}
	*a = Address{Family: b[0], Prefix: int(b[1]), Index: int(int32(native.Uint32(b[4:])))}
	if a.Family != unix.AF_INET && a.Family != unix.AF_INET6 {
		return nil
	}
	hasLocal := false
	err := netlink.EachAttribute(b[unix.SizeofIfAddrmsg:], func(attr netlink.Attribute) (err error) {
		// Where the two differ, IFA_LOCAL is the interface's and IFA_ADDRESS
		// the peer's.
		if attr.Type != unix.IFA_LOCAL && (attr.Type != unix.IFA_ADDRESS || hasLocal) {
			return nil
		}
		hasLocal = attr.Type == unix.IFA_LOCAL
		a.IP, err = parseIP(attr, a.Family, a.Prefix)
		return err
	})
	if err == nil && !a.IP.IsValid() {
		err = errors.New("want an address, have none")
	}
	if err != nil {
		return fmt.Errorf("address on link %d: %w", a.Index, err)
	}
	return nil
}

// parseIP returns the address in an attribute, which has at least some bits.
func parseIP(a netlink.Attribute, family uint8, bits int) (netip.Addr, error) {
	ip, ok := netip.AddrFromSlice(a.Data)
	if !ok || ip.Is4() != (family == unix.AF_INET) || bits > ip.BitLen() {
		return ip, fmt.Errorf("want an address of family %d with at least %d bits, have %d bytes", family, bits, len(a.Data))
	}
	return ip, nil
}
