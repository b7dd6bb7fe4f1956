package snapshot

import (
	"encoding/binary"

	"golang.org/x/sys/unix"

	"github.com/hostexporter/host_exporter/collector/internal/host"
)

// A layout says where a netlink message has numbers, in the byte order of the host:
// b, h, i and q are fields of 1, 2, 4 and 8 bytes. The last field repeats up to the
// end, or the attributes of a message or of a nested attribute follow. Fields of one
// byte are also those in another order, such as addresses.
type layout struct {
	fields     string
	attributes map[uint16]layout // by type; those that are not here have no numbers
	hops       bool              // a list of struct rtnexthop with attributes, each with its length
}

// nested returns the layout of an attribute that has only attributes.
func nested(attributes map[uint16]layout) layout { return layout{attributes: attributes} }

// requestLayout returns the layout of a request, and answerLayout that of a message
// of the answer, both without nlmsghdr. Layouts are those of include/uapi/linux.
func requestLayout(protocol int, typ uint16) layout {
	if protocol == unix.NETLINK_SOCK_DIAG {
		return layout{fields: "bbbbib"} // struct inet_diag_req_v2
	}
	return answerLayout(protocol, typ)
}

func answerLayout(protocol int, typ uint16) layout {
	number, wide := layout{fields: "i"}, layout{fields: "q"}
	switch protocol {
	case unix.NETLINK_SOCK_DIAG: // struct inet_diag_msg
		return layout{fields: "bbbb" + "bbbb" + "bbbbbbbbbbbbbbbb" + "bbbbbbbbbbbbbbbb" + "i"}
	case unix.NETLINK_GENERIC:
		return genericLayout(typ)
	}
	switch typ {
	case unix.RTM_GETLINK:
		return layout{fields: "bbhiii", attributes: map[uint16]layout{
			unix.IFLA_MTU: number, unix.IFLA_TXQLEN: number, unix.IFLA_GROUP: number, unix.IFLA_LINK: number,
			unix.IFLA_CARRIER_CHANGES: number, unix.IFLA_CARRIER_UP_COUNT: number, unix.IFLA_CARRIER_DOWN_COUNT: number,
			unix.IFLA_PROMISCUITY: number, unix.IFLA_ALLMULTI: number, unix.IFLA_EXT_MASK: number,
			unix.IFLA_STATS: number, unix.IFLA_STATS64: wide, unix.IFLA_LINKINFO: nested(map[uint16]layout{}),
		}}
	case unix.RTM_GETADDR:
		return layout{fields: "bbbbi", attributes: map[uint16]layout{}}
	case unix.RTM_GETNEIGH:
		return layout{fields: "bbhihbb", attributes: map[uint16]layout{}}
	case unix.RTM_GETROUTE:
		return layout{fields: "bbbbbbbbi", attributes: map[uint16]layout{
			unix.RTA_PRIORITY: number, unix.RTA_OIF: number, unix.RTA_VIA: {fields: "hb"}, unix.RTA_MULTIPATH: {hops: true},
		}}
	case unix.RTM_GETQDISC:
		return layout{fields: "bbhiiii", attributes: map[uint16]layout{
			unix.TCA_STATS: {fields: "qi"},
			// TCA_STATS_BASIC, TCA_STATS_QUEUE and TCA_STATS_PKT64.
			unix.TCA_STATS2: nested(map[uint16]layout{1: {fields: "qi"}, 3: number, 8: wide}),
		}}
	}
	return layout{fields: "b"}
}

// genericLayout returns the layout of messages of the controller of generic netlink,
// and of nl80211, whose type is not the same on all hosts.
func genericLayout(typ uint16) layout {
	const fields = "bbh" // struct genlmsghdr
	short, number, wide := layout{fields: "h"}, layout{fields: "i"}, layout{fields: "q"}
	if typ == unix.GENL_ID_CTRL {
		return layout{fields: fields, attributes: map[uint16]layout{unix.CTRL_ATTR_FAMILY_ID: short}}
	}
	rate := nested(map[uint16]layout{unix.NL80211_RATE_INFO_BITRATE: short, unix.NL80211_RATE_INFO_BITRATE32: number})
	return layout{fields: fields, attributes: map[uint16]layout{
		unix.NL80211_ATTR_IFINDEX: number, unix.NL80211_ATTR_WIPHY_FREQ: number,
		unix.NL80211_ATTR_BSS: nested(map[uint16]layout{unix.NL80211_BSS_STATUS: number}),
		unix.NL80211_ATTR_STA_INFO: nested(map[uint16]layout{
			unix.NL80211_STA_INFO_CONNECTED_TIME: number, unix.NL80211_STA_INFO_INACTIVE_TIME: number,
			unix.NL80211_STA_INFO_RX_BITRATE: rate, unix.NL80211_STA_INFO_TX_BITRATE: rate,
			unix.NL80211_STA_INFO_TX_RETRIES: number, unix.NL80211_STA_INFO_TX_FAILED: number,
			unix.NL80211_STA_INFO_BEACON_LOSS: number,
			unix.NL80211_STA_INFO_RX_PACKETS:  number, unix.NL80211_STA_INFO_TX_PACKETS: number,
			unix.NL80211_STA_INFO_RX_BYTES: number, unix.NL80211_STA_INFO_TX_BYTES: number,
			unix.NL80211_STA_INFO_RX_BYTES64: wide, unix.NL80211_STA_INFO_TX_BYTES64: wide,
		}),
	}}
}

// toRecorded changes the numbers of a message in place from the byte order of this
// machine to that of recorded messages, and fromRecorded changes them back.
func toRecorded(b []byte, l layout) { l.convert(b, binary.NativeEndian, binary.LittleEndian) }

func fromRecorded(b []byte, l layout) { l.convert(b, binary.LittleEndian, binary.NativeEndian) }

// recordedRequest returns the body of a request in the byte order of recorded
// messages.
func recordedRequest(req host.NetlinkRequest) []byte {
	b := append([]byte(nil), req.Body...)
	toRecorded(b, requestLayout(req.Protocol, req.Type))
	return b
}

// convert changes the numbers in b in place. It leaves what is cut off, and what
// follows an attribute that does not fit.
func (l layout) convert(b []byte, from, to binary.ByteOrder) {
	switch {
	case l.hops:
		// struct rtnexthop: length, flags, weight, index of the interface.
		hop := layout{fields: "hbbi", attributes: map[uint16]layout{unix.RTA_VIA: {fields: "hb"}}}
		eachPart(b, unix.SizeofRtNexthop, from, func(part []byte) { hop.convert(part, from, to) })
	case l.attributes == nil:
		convertFields(b, l.fields, true, from, to)
	default:
		b = convertFields(b, l.fields, false, from, to)
		eachPart(b, unix.SizeofNlAttr, from, func(part []byte) {
			const typeMask = 0x3fff // without NLA_F_NESTED and NLA_F_NET_BYTEORDER
			inner, ok := l.attributes[from.Uint16(part[2:])&typeMask]
			data := convertFields(part, "hh", false, from, to)
			if ok {
				inner.convert(data, from, to)
			}
		})
	}
}

// eachPart calls fn for each part of b, which begins with its length in two bytes and
// is aligned to four. A last one that does not fit is converted as far as its header.
func eachPart(b []byte, header int, order binary.ByteOrder, fn func(part []byte)) {
	for len(b) >= header {
		size := int(order.Uint16(b))
		if size < header || size > len(b) {
			fn(b[:header])
			return
		}
		fn(b[:size])
		b = b[min((size+3)&^3, len(b)):]
	}
}

// convertFields converts the fields at the start of b, the last one again and again
// if repeat is true, and returns the rest.
func convertFields(b []byte, fields string, repeat bool, from, to binary.ByteOrder) []byte {
	for i := 0; i < len(fields); {
		size := map[byte]int{'b': 1, 'h': 2, 'i': 4, 'q': 8}[fields[i]]
		if len(b) < size || len(b) == 0 {
			return nil
		}
		switch size {
		case 2:
			to.PutUint16(b, from.Uint16(b))
		case 4:
			to.PutUint32(b, from.Uint32(b))
		case 8:
			to.PutUint64(b, from.Uint64(b))
		}
		b = b[size:]
		if i < len(fields)-1 || !repeat {
			i++
		}
	}
	return b
}
