package snapshot

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// An action is what happens to the payload of an attribute. What has none is overwritten
// with zeros: attributes that no collector reads may hold anything.
type action int

const (
	keep action = iota + 1
	hardware
	network
	freeText
	elements // of a wireless network, which have its name
)

// attributes returns the size of the header of messages, and what to do with their
// attributes by type. The attributes of nested ones are in the second table.
func attributes(protocol int, typ uint16) (header int, known map[uint16]action, nested map[uint16]map[uint16]action) {
	switch protocol {
	case unix.NETLINK_SOCK_DIAG:
		return 72, nil, nil // struct inet_diag_msg
	case unix.NETLINK_GENERIC:
		if typ == unix.GENL_ID_CTRL {
			return 4, map[uint16]action{unix.CTRL_ATTR_FAMILY_ID: keep, unix.CTRL_ATTR_FAMILY_NAME: keep}, nil
		}
		return 4, map[uint16]action{
				unix.NL80211_ATTR_IFINDEX: keep, unix.NL80211_ATTR_IFNAME: freeName, unix.NL80211_ATTR_MAC: hardware,
				unix.NL80211_ATTR_WIPHY_FREQ: keep, unix.NL80211_ATTR_STA_INFO: keep, unix.NL80211_ATTR_GENERATION: keep,
			}, map[uint16]map[uint16]action{
				unix.NL80211_ATTR_BSS: {
					unix.NL80211_BSS_BSSID: hardware, unix.NL80211_BSS_STATUS: keep, unix.NL80211_BSS_INFORMATION_ELEMENTS: elements,
				},
			}
	}
	switch typ {
	case unix.RTM_GETLINK:
		known = map[uint16]action{
			unix.IFLA_ADDRESS: hardware, unix.IFLA_BROADCAST: hardware, unix.IFLA_IFALIAS: freeText, unix.IFLA_IFNAME: freeName,
		}
		for _, t := range []uint16{
			unix.IFLA_MTU, unix.IFLA_LINK, unix.IFLA_TXQLEN, unix.IFLA_GROUP, unix.IFLA_CARRIER, unix.IFLA_CARRIER_CHANGES,
			unix.IFLA_CARRIER_UP_COUNT, unix.IFLA_CARRIER_DOWN_COUNT, unix.IFLA_PROMISCUITY, unix.IFLA_ALLMULTI,
			unix.IFLA_OPERSTATE, unix.IFLA_LINKMODE, unix.IFLA_STATS, unix.IFLA_STATS64, unix.IFLA_QDISC,
		} {
			known[t] = keep
		}
		return unix.SizeofIfInfomsg, known, map[uint16]map[uint16]action{unix.IFLA_LINKINFO: {unix.IFLA_INFO_KIND: keep}}
	case unix.RTM_GETADDR:
		return unix.SizeofIfAddrmsg, map[uint16]action{unix.IFA_ADDRESS: network, unix.IFA_LOCAL: network, unix.IFA_FLAGS: keep}, nil
	case unix.RTM_GETNEIGH:
		return 12, map[uint16]action{unix.NDA_DST: network, unix.NDA_LLADDR: hardware}, nil
	case unix.RTM_GETROUTE:
		return unix.SizeofRtMsg, map[uint16]action{
			unix.RTA_DST: network, unix.RTA_GATEWAY: network, unix.RTA_PREFSRC: network, unix.RTA_SRC: network,
			unix.RTA_PRIORITY: keep, unix.RTA_OIF: keep, unix.RTA_TABLE: keep, unix.RTA_VIA: viaAddress, unix.RTA_MULTIPATH: hops,
		}, nil
	case unix.RTM_GETQDISC:
		return 20, map[uint16]action{unix.TCA_KIND: keep, unix.TCA_STATS: keep, unix.TCA_STATS2: keep}, nil
	}
	return 1, nil, nil
}

const (
	freeName   = iota + elements + 1 // a name that may have an address in it
	viaAddress                       // struct rtvia
	hops                             // a list of struct rtnexthop
)

// netlink redacts the messages of a section, whose name is PROTOCOL/TYPE or longer.
func (r *redactor) netlink(section string, b []byte) []byte {
	parts := strings.Split(section, "/")
	if len(parts) < 2 {
		return nil
	}
	protocol, err := strconv.Atoi(parts[0])
	typ, err2 := strconv.Atoi(parts[1])
	if err != nil || err2 != nil {
		return nil
	}
	header, known, nested := attributes(protocol, uint16(typ))
	var out []byte
	for line := range bytes.Lines(b) {
		msg, err := hex.DecodeString(strings.TrimSpace(string(line)))
		if err != nil {
			continue
		}
		if protocol == unix.NETLINK_SOCK_DIAG {
			r.socket(msg)
		}
		if len(msg) > header {
			r.attributes(msg[header:], known, nested)
		}
		out = append(append(out, hex.EncodeToString(msg)...), '\n')
	}
	return out
}

// socket redacts the addresses of a struct inet_diag_msg.
func (r *redactor) socket(msg []byte) {
	const source, destination = 8, 24
	for _, at := range []int{source, destination} {
		if len(msg) < at+16 {
			return
		}
		if msg[0] == unix.AF_INET {
			r.address(msg[at : at+4])
		} else {
			r.address(msg[at : at+16])
		}
	}
}

// address redacts an IP address in place.
func (r *redactor) address(b []byte) {
	switch len(b) {
	case 4:
		a := r.ipv4([4]byte(b))
		copy(b, a[:])
	case 16:
		a := r.ipv6([16]byte(b))
		copy(b, a[:])
	default:
		clear(b)
	}
}

// attributes redacts attributes in place. Numbers in them are little endian.
func (r *redactor) attributes(b []byte, known map[uint16]action, nested map[uint16]map[uint16]action) {
	for len(b) > 0 {
		size := 0
		if len(b) >= unix.SizeofNlAttr {
			size = int(binary.LittleEndian.Uint16(b))
		}
		if size < unix.SizeofNlAttr || size > len(b) {
			clear(b) // not an attribute
			return
		}
		part := b[:size]
		b = b[min((size+3)&^3, len(b)):]
		const typeMask = 0x3fff // without NLA_F_NESTED and NLA_F_NET_BYTEORDER
		typ, data := binary.LittleEndian.Uint16(part[2:])&typeMask, part[unix.SizeofNlAttr:]
		if inner, ok := nested[typ]; ok {
			r.attributes(data, inner, nil)
			continue
		}
		r.attribute(data, known[typ])
	}
}

func (r *redactor) attribute(data []byte, do action) {
	switch do {
	case keep:
	case hardware:
		r.hardware(data)
	case network:
		r.address(data)
	case freeText:
		copy(data, r.shape(string(data)))
	case freeName:
		name := unix.ByteSliceToString(data)
		if new := r.path(name); len(new) == len(name) {
			copy(data, new)
		}
	case elements:
		r.elements(data)
	case viaAddress: // a family of two bytes, and an address
		if len(data) > 2 {
			r.address(data[2:])
		}
	case hops:
		const header = unix.SizeofRtNexthop
		eachPart(data, header, binary.LittleEndian, func(hop []byte) {
			if len(hop) > header {
				r.attributes(hop[header:], map[uint16]action{unix.RTA_GATEWAY: network, unix.RTA_VIA: viaAddress}, nil)
			}
		})
	default:
		clear(data)
	}
}

// hardware redacts the address of a link, which may be an IP address of a tunnel.
func (r *redactor) hardware(b []byte) {
	switch len(b) {
	case 6:
		m := r.mac([6]byte(b))
		copy(b, m[:])
	case 4, 16:
		r.address(b)
	case 8, 20: // of InfiniBand, the last eight bytes are the GUID
		id, err := hex.DecodeString(r.id(hex.EncodeToString(b[len(b)-8:])))
		if err == nil {
			copy(b[len(b)-8:], id)
		}
	default:
		clear(b)
	}
}

// elements redacts the name of a wireless network, and overwrites the other elements.
func (r *redactor) elements(b []byte) {
	for len(b) >= 2 && len(b) >= 2+int(b[1]) {
		data := b[2 : 2+int(b[1])]
		if b[0] == 0 {
			copy(data, r.shape(string(data)))
		} else {
			clear(data)
		}
		b = b[2+len(data):]
	}
	clear(b)
}
