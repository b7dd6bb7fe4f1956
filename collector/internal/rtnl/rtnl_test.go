package rtnl

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/netlink"
)

// attr builds a struct nlattr with its padding.
func attr(typ uint16, data []byte) []byte {
	b := binary.NativeEndian.AppendUint16(nil, uint16(unix.SizeofNlAttr+len(data)))
	b = append(binary.NativeEndian.AppendUint16(b, typ), data...)
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	return b
}

func u32(v uint32) []byte { return binary.NativeEndian.AppendUint32(nil, v) }

func header(index int, flags uint32) []byte {
	b := []byte{0, 0, 1, 0}
	return slices.Concat(b, u32(uint32(index)), u32(flags), u32(0))
}

func linkMessage(index int, name string, attrs ...[]byte) []byte {
	return slices.Concat(header(index, unix.IFF_UP), attr(unix.IFLA_IFNAME, []byte(name+"\x00")), slices.Concat(attrs...))
}

func stats(n, width int) []byte {
	var b []byte
	for i := range n {
		if width == 8 {
			b = binary.NativeEndian.AppendUint64(b, uint64(i+1)<<40)
		} else {
			b = binary.NativeEndian.AppendUint32(b, uint32(i+1))
		}
	}
	return b
}

func TestParseLink(t *testing.T) {
	b := linkMessage(7, "eth0.5",
		attr(unix.IFLA_MTU, u32(1400)),
		attr(unix.IFLA_LINK, u32(2)),
		attr(unix.IFLA_OPERSTATE, []byte{6}),
		attr(unix.IFLA_ADDRESS, []byte{2, 0, 0, 0, 0, 1}),
		attr(unix.IFLA_LINKINFO|unix.NLA_F_NESTED, slices.Concat(attr(unix.IFLA_INFO_KIND, []byte("vlan\x00")), attr(2, []byte("x")))),
		attr(unix.IFLA_IFALIAS, []byte("a b\x00")),
		attr(unix.IFLA_STATS64, stats(25, 8)),
		attr(unix.IFLA_STATS, stats(24, 4)),
		attr(999, []byte("unknown")),
	)
	var l Link
	if err := ParseLink(b, &l); err != nil {
		t.Fatal(err)
	}
	have := fmt.Sprintf("%d %s %s %q mtu %d below %d state %d %x", l.Index, l.RawName, l.Kind, l.Alias, l.MTU, l.Link, l.OperState, l.Address)
	if want := `7 eth0.5 vlan "a b" mtu 1400 below 2 state 6 020000000001`; have != want {
		t.Errorf("have %s, want %s", have, want)
	}
	if l.Stats.Len != 24 || l.Stats.Value[RxPackets] != 1<<40 || l.Stats.Value[RxNoHandler] != 24<<40 {
		t.Errorf("statistics: %+v", l.Stats)
	}
	if !l.Has(unix.IFLA_MTU) || l.Has(unix.IFLA_GROUP) {
		t.Errorf("attributes: %x", l.attributes)
	}
	if err := ParseLink(linkMessage(3, "lo"), &l); err != nil || l.Link != 3 || l.MTU != 0 || l.Stats.Len != 0 || l.Has(unix.IFLA_MTU) {
		t.Errorf("fields of the previous message remain: %+v, %v", l, err)
	}
}

func TestParseLinkErrors(t *testing.T) {
	for _, c := range []struct {
		name string
		b    []byte
	}{
		{"an empty message", nil},
		{"half a header", header(1, 0)[:8]},
		{"no name", header(1, 0)},
		{"an empty name", linkMessage(1, "")},
		{"an attribute that is too short to be one", append(linkMessage(1, "lo"), 3, 0, 1, 0)},
		{"an attribute that is longer than the message", append(linkMessage(1, "lo"), 9, 0, 4, 0, 1, 2, 3, 4)},
		{"bytes left over", append(linkMessage(1, "lo"), 0, 0)},
		{"a number of two bytes", linkMessage(1, "lo", attr(unix.IFLA_MTU, []byte{1, 2}))},
		{"a number of eight bytes", linkMessage(1, "lo", attr(unix.IFLA_TXQLEN, make([]byte, 8)))},
		{"a state of four bytes", linkMessage(1, "lo", attr(unix.IFLA_OPERSTATE, u32(6)))},
		{"too few statistics", linkMessage(1, "lo", attr(unix.IFLA_STATS64, stats(22, 8)))},
		{"statistics of half a number", linkMessage(1, "lo", attr(unix.IFLA_STATS, append(stats(23, 4), 1, 2)))},
		{"a nested attribute that is longer than its parent", linkMessage(1, "lo", attr(unix.IFLA_LINKINFO, []byte{200, 0, 1, 0}))},
	} {
		var l Link
		if err := ParseLink(c.b, &l); err == nil {
			t.Errorf("%s: no error, %+v", c.name, l)
		}
	}
}

func TestParseAddress(t *testing.T) {
	v4, peer := []byte{192, 0, 2, 1}, []byte{192, 0, 2, 2}
	head := func(family, bits byte) []byte { return append([]byte{family, bits, 0, 0}, u32(3)...) }
	for _, c := range []struct {
		name string
		b    []byte
		want string // empty for an error
	}{
		{"IPv4", append(head(unix.AF_INET, 24), attr(unix.IFA_ADDRESS, v4)...), "192.0.2.1"},
		{"own end first", slices.Concat(head(unix.AF_INET, 24), attr(unix.IFA_LOCAL, v4), attr(unix.IFA_ADDRESS, peer)), "192.0.2.1"},
		{"own end last", slices.Concat(head(unix.AF_INET, 24), attr(unix.IFA_ADDRESS, peer), attr(unix.IFA_LOCAL, v4)), "192.0.2.1"},
		{"IPv6", append(head(unix.AF_INET6, 128), attr(unix.IFA_ADDRESS, netip.MustParseAddr("fe80::1").AsSlice())...), "fe80::1"},
		{"another family", append(head(unix.AF_PHONET, 0), attr(unix.IFA_LOCAL, []byte{1})...), "invalid IP"},
		{"none", head(unix.AF_INET, 24), ""},
		{"a prefix longer than the address", append(head(unix.AF_INET, 33), attr(unix.IFA_ADDRESS, v4)...), ""},
		{"an address of the other family", append(head(unix.AF_INET6, 24), attr(unix.IFA_ADDRESS, v4)...), ""},
		{"an address that is cut off", append(head(unix.AF_INET, 24), attr(unix.IFA_ADDRESS, v4)[:6]...), ""},
		{"half a header", head(unix.AF_INET, 24)[:5], ""},
	} {
		var a Address
		err := ParseAddress(c.b, &a)
		if (err == nil) != (c.want != "") || err == nil && a.IP.String() != c.want {
			t.Errorf("%s: have %v, error %v", c.name, a.IP, err)
		}
	}
}

// routeHeader builds a struct rtmsg of a unicast route.
func routeHeader(family, bits byte) []byte {
	return slices.Concat([]byte{family, bits, 0, 0, unix.RT_TABLE_MAIN, unix.RTPROT_BGP, 0, unix.RTN_UNICAST}, u32(unix.RTM_F_CLONED))
}

// nextHop builds a struct rtnexthop.
func nextHop(index int, hops byte, attrs ...[]byte) []byte {
	rest := slices.Concat(attrs...)
	b := native.AppendUint16(nil, uint16(unix.SizeofRtNexthop+len(rest)))
	return slices.Concat(b, []byte{0, hops}, u32(uint32(index)), rest)
}

// text returns a route in one line.
func text(r *Route) string {
	s := fmt.Sprintf("%v/%d from %v priority %d proto %d type %d flags %x", r.Destination, r.DestinationBits, r.PreferredSource, r.Priority, r.Protocol, r.Type, r.Flags)
	if !r.IsMultipath() {
		return s + fmt.Sprintf(" via %v dev %d weight %d", r.Hop.Gateway, r.Hop.Index, r.Hop.Weight)
	}
	_ = r.EachHop(func(h *Hop) { s += fmt.Sprintf(" hop %v dev %d weight %d", h.Gateway, h.Index, h.Weight) })
	return s
}

func TestParseRoute(t *testing.T) {
	v4, gateway := []byte{192, 0, 2, 0}, []byte{192, 0, 2, 1}
	v6 := netip.MustParseAddr("2001:db8::").AsSlice()
	via := slices.Concat(native.AppendUint16(nil, unix.AF_INET6), v6)
	for _, c := range []struct {
		name string
		b    []byte
		want string // empty for an error
	}{
		{"IPv4", slices.Concat(routeHeader(unix.AF_INET, 24), attr(unix.RTA_DST, v4), attr(unix.RTA_GATEWAY, gateway), attr(unix.RTA_OIF, u32(3)), attr(unix.RTA_PREFSRC, gateway), attr(unix.RTA_PRIORITY, u32(7)), attr(unix.RTA_TABLE, u32(254))),
			"192.0.2.0/24 from 192.0.2.1 priority 7 proto 186 type 1 flags 200 via 192.0.2.1 dev 3 weight 1"},
		{"the default route of IPv6", slices.Concat(routeHeader(unix.AF_INET6, 0), attr(unix.RTA_OIF, u32(3))),
			"invalid IP/0 from invalid IP priority 0 proto 186 type 1 flags 200 via invalid IP dev 3 weight 1"},
		{"an IPv6 gateway", slices.Concat(routeHeader(unix.AF_INET, 32), attr(unix.RTA_DST, v4), attr(unix.RTA_VIA, via)),
			"192.0.2.0/32 from invalid IP priority 0 proto 186 type 1 flags 200 via 2001:db8:: dev 0 weight 1"},
		{"several hops", slices.Concat(routeHeader(unix.AF_INET6, 32), attr(unix.RTA_DST, v6), attr(unix.RTA_MULTIPATH, slices.Concat(nextHop(1, 0, attr(unix.RTA_GATEWAY, v6)), nextHop(2, 255)))),
			"2001:db8::/32 from invalid IP priority 0 proto 186 type 1 flags 200 hop 2001:db8:: dev 1 weight 1 hop invalid IP dev 2 weight 256"},
		{"another family", append(routeHeader(unix.AF_MPLS, 20), 1, 2, 3), "invalid IP/20 from invalid IP priority 0 proto 186 type 1 flags 200 via invalid IP dev 0 weight 0"},
		{"half a header", routeHeader(unix.AF_INET, 24)[:11], ""},
		{"no destination", routeHeader(unix.AF_INET, 24), ""},
		{"a prefix longer than the address", append(routeHeader(unix.AF_INET, 33), attr(unix.RTA_DST, v4)...), ""},
		{"an address of another family", append(routeHeader(unix.AF_INET, 24), attr(unix.RTA_DST, v6)...), ""},
		{"a gateway that is cut off", append(routeHeader(unix.AF_INET, 0), attr(unix.RTA_GATEWAY, v4[:3])...), ""},
		{"a via without a family", append(routeHeader(unix.AF_INET, 0), attr(unix.RTA_VIA, []byte{2})...), ""},
		{"a via of the wrong family", append(routeHeader(unix.AF_INET, 0), attr(unix.RTA_VIA, append(native.AppendUint16(nil, unix.AF_INET), v6...))...), ""},
		{"a hop that is cut off", append(routeHeader(unix.AF_INET, 0), attr(unix.RTA_MULTIPATH, nextHop(1, 0)[:7])...), ""},
		{"a hop that is longer than its attribute", append(routeHeader(unix.AF_INET, 0), attr(unix.RTA_MULTIPATH, append([]byte{9, 0}, nextHop(1, 0)[2:]...))...), ""},
		{"a hop that is shorter than its header", append(routeHeader(unix.AF_INET, 0), attr(unix.RTA_MULTIPATH, append([]byte{7, 0}, nextHop(1, 0)[2:]...))...), ""},
		{"a hop with a bad gateway", append(routeHeader(unix.AF_INET, 0), attr(unix.RTA_MULTIPATH, nextHop(1, 0, attr(unix.RTA_GATEWAY, v6)))...), ""},
		{"a priority of one byte", append(routeHeader(unix.AF_INET, 0), attr(unix.RTA_PRIORITY, []byte{1})...), ""},
	} {
		var r Route
		err := ParseRoute(c.b, &r)
		if (err == nil) != (c.want != "") || err == nil && text(&r) != c.want {
			t.Errorf("%s: have %s, error %v", c.name, text(&r), err)
		}
	}
}

func TestRoutesOfAnotherFamily(t *testing.T) {
	v4 := append(routeHeader(unix.AF_INET, 0), attr(unix.RTA_OIF, u32(1))...)
	v6 := append(routeHeader(unix.AF_INET6, 0), attr(unix.RTA_OIF, u32(2))...)
	r := New(answers([][][]byte{{v4, v6}}, nil))
	var have []int
	if err := r.Routes(unix.AF_INET6, func(r *Route) { have = append(have, r.Hop.Index) }); err != nil || !slices.Equal(have, []int{2}) {
		t.Errorf("have %v, error %v", have, err)
	}
}

func TestParseQdisc(t *testing.T) {
	head := slices.Concat([]byte{0, 0, 0, 0}, u32(5), u32(0x10000), u32(rootParent), u32(2))
	var numbers []byte
	for i := range uint32(5) {
		numbers = native.AppendUint32(numbers, i+1)
	}
	basic := attr(statsBasic, slices.Concat(native.AppendUint64(nil, 1<<40), u32(9), u32(0)))
	old := slices.Concat(native.AppendUint64(nil, 6), numbers, u32(7), u32(8))
	for _, c := range []struct {
		name  string
		attrs [][]byte
		want  string // empty for an error
	}{
		{"all", [][]byte{attr(unix.TCA_KIND, []byte("fq\x00")), attr(unix.TCA_STATS2, slices.Concat(basic, attr(statsQueue, numbers))), attr(unix.TCA_STATS, old)},
			"{5 4294967295 fq 1099511627776 9 1 2 3 4 5 true true true}"},
		{"more packets than 32 bits", [][]byte{attr(unix.TCA_STATS2, slices.Concat(basic, attr(statsPackets64, native.AppendUint64(nil, 1<<33))))},
			"{5 4294967295  1099511627776 8589934592 0 0 0 0 0 true false false}"},
		{"old statistics", [][]byte{attr(unix.TCA_STATS, old)}, "{5 4294967295  6 1 7 8 2 0 3 true true false}"},
		{"none", nil, "{5 4294967295  0 0 0 0 0 0 0 false false false}"},
		{"bytes without packets", [][]byte{attr(unix.TCA_STATS2, attr(statsBasic, make([]byte, 8)))}, ""},
		{"a queue that is cut off", [][]byte{attr(unix.TCA_STATS2, attr(statsQueue, numbers[:16]))}, ""},
		{"packets of 32 bits", [][]byte{attr(unix.TCA_STATS2, attr(statsPackets64, u32(1)))}, ""},
		{"old statistics that are cut off", [][]byte{attr(unix.TCA_STATS, old[:32])}, ""},
		{"an attribute that is cut off", [][]byte{{9, 0, 1, 0}}, ""},
	} {
		var q Qdisc
		err := ParseQdisc(append(slices.Clip(head), slices.Concat(c.attrs...)...), &q)
		have := fmt.Sprint(struct {
			index, parent  any
			kind           string
			bytes, packets uint64
			queue          [5]uint32
			has            [3]bool
		}{q.Index, q.Parent, string(q.Kind), q.Bytes, q.Packets, [5]uint32{q.QueueLength, q.Backlog, q.Drops, q.Requeues, q.Overlimits}, [3]bool{q.HasTraffic, q.HasQueue, q.HasRequeues}})
		have = strings.NewReplacer("[", "", "]", "").Replace(have)
		if (err == nil) != (c.want != "") || err == nil && have != c.want {
			t.Errorf("%s: have %s, error %v", c.name, have, err)
		}
	}
	var q Qdisc
	if err := ParseQdisc(head[:19], &q); err == nil {
		t.Error("no error for half a header")
	}
	for parent, root := range map[uint32]bool{0: true, rootParent: true, 0xfffffff1: false, 0x10001: false} {
		if q.Parent = parent; q.IsRoot() != root {
			t.Errorf("parent %x is the root: %v", parent, !root)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(linkMessage(1, "lo", attr(unix.IFLA_MTU, u32(1)), attr(unix.IFLA_STATS64, stats(24, 8))))
	f.Add(linkMessage(1, "a", attr(unix.IFLA_LINKINFO, attr(unix.IFLA_INFO_KIND, []byte("bond")))))
	f.Add(slices.Concat([]byte{unix.AF_INET, 8, 0, 0}, u32(1), attr(unix.IFA_LOCAL, []byte{127, 0, 0, 1})))
	f.Add(make([]byte, unix.SizeofNdMsg))
	f.Add(slices.Concat(routeHeader(unix.AF_INET, 0), attr(unix.RTA_MULTIPATH, nextHop(1, 2, attr(unix.RTA_GATEWAY, make([]byte, 4))))))
	f.Add(slices.Concat(make([]byte, sizeofTcMsg), attr(unix.TCA_STATS2, attr(statsQueue, make([]byte, sizeofQueue)))))
	f.Fuzz(func(t *testing.T, b []byte) {
		before := bytes.Clone(b)
		var l Link
		if err := ParseLink(b, &l); err == nil && (len(l.RawName) == 0 || l.Stats.Len > numStats) {
			t.Errorf("parsed as a link: %+v", l)
		}
		var a Address
		if err := ParseAddress(b, &a); err == nil && a.IP.IsValid() && a.Prefix > a.IP.BitLen() {
			t.Errorf("parsed as an address: %+v", a)
		}
		var n Neighbour
		_ = ParseNeighbour(b, &n)
		var r Route
		if err := ParseRoute(b, &r); err == nil {
			if err := r.EachHop(func(*Hop) {}); err != nil {
				t.Errorf("hops of a route that was parsed: %v", err)
			}
			if r.Destination.IsValid() && r.DestinationBits > r.Destination.BitLen() {
				t.Errorf("parsed as a route: %+v", r)
			}
		}
		var q Qdisc
		_ = ParseQdisc(b, &q)
		if !bytes.Equal(b, before) {
			t.Error("the message was changed")
		}
	})
}

// answers returns a netlink function whose n-th call passes the n-th list of
// messages and returns the n-th error.
func answers(lists [][][]byte, errs ...error) func(host.NetlinkRequest, func([]byte) error) error {
	call := 0
	return func(_ host.NetlinkRequest, each func([]byte) error) error {
		i := call
		call++
		for _, m := range lists[i] {
			if err := each(m); err != nil {
				return err
			}
		}
		return errs[i]
	}
}

func TestLinksOfInterruptedDump(t *testing.T) {
	a, b, c := linkMessage(1, "a"), linkMessage(2, "b"), linkMessage(3, "c")
	r := New(answers([][][]byte{{a, b, b}, {a, c}}, host.ErrDumpInterrupted, nil))
	var have []string
	if err := r.Links(true, func(l *Link) { have = append(have, l.Name) }); err != nil {
		t.Fatal(err)
	}
	if want := []string{"a", "b", "c"}; !slices.Equal(have, want) {
		t.Errorf("have %v, want %v", have, want)
	}
}

func TestLinksAcceptInterruptedLastAttempt(t *testing.T) {
	a := [][]byte{linkMessage(1, "a")}
	r := New(answers([][][]byte{a, a, a}, host.ErrDumpInterrupted, host.ErrDumpInterrupted, host.ErrDumpInterrupted))
	n := 0
	if err := r.Links(true, func(*Link) { n++ }); err != nil || n != 1 {
		t.Errorf("%d links, error %v", n, err)
	}
}

func TestLinksWithMalformedMessage(t *testing.T) {
	r := New(answers([][][]byte{{linkMessage(1, "a"), {1, 2, 3}, linkMessage(2, "b")}}, nil))
	n := 0
	err := r.Links(true, func(*Link) { n++ })
	if n != 2 || err == nil || netlink.DumpFailed(err) {
		t.Errorf("%d links, error %v, failed %v", n, err, netlink.DumpFailed(err))
	}
}

func TestLinksWithoutNetlink(t *testing.T) {
	if err := New(nil).Links(true, func(*Link) {}); !errors.Is(err, netlink.ErrUnavailable) || !netlink.DumpFailed(err) {
		t.Error(err)
	}
	r := New(answers([][][]byte{nil}, unix.EPERM))
	if err := r.Links(true, func(*Link) {}); !errors.Is(err, unix.EPERM) || !netlink.DumpFailed(err) {
		t.Error(err)
	}
}

func TestNames(t *testing.T) {
	var n Names
	n.Begin()
	for _, c := range []struct {
		name  string
		first bool
	}{{"eth0", true}, {"eth1", true}, {"eth0", false}, {"a\xff", true}, {"a\xfe", false}, {"a\ufffd", false}, {"b\x01", true}, {"b", true}} {
		if name, first := n.Take([]byte(c.name)); name != c.name || first != c.first {
			t.Errorf("%q: have %q, %v", c.name, name, first)
		}
	}
	n.Begin()
	if _, first := n.Take([]byte("b")); !first {
		t.Error("a name is not first in a new round")
	}
	for round := range 1000 {
		n.Begin()
		n.Take(fmt.Appendf(nil, "veth%d", round))
	}
	if len(n.entries) > 200 {
		t.Errorf("%d names of removed devices are kept", len(n.entries))
	}
}

func BenchmarkLinks1000(b *testing.B) {
	var list [][]byte
	for i := range 1000 {
		list = append(list, linkMessage(i, fmt.Sprintf("veth%d", i),
			attr(unix.IFLA_MTU, u32(1500)), attr(unix.IFLA_ADDRESS, make([]byte, 6)), attr(unix.IFLA_OPERSTATE, []byte{6}),
			attr(unix.IFLA_STATS64, stats(25, 8)), attr(unix.IFLA_AF_SPEC, make([]byte, 400))))
	}
	r := New(func(_ host.NetlinkRequest, each func([]byte) error) error {
		for _, m := range list {
			if err := each(m); err != nil {
				return err
			}
		}
		return nil
	})
	b.ReportAllocs()
	for b.Loop() {
		if err := r.Links(true, func(*Link) {}); err != nil {
			b.Fatal(err)
		}
	}
}
