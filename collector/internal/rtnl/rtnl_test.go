package rtnl

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/hostexporter/host_exporter/collector/internal/host"
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

func FuzzParse(f *testing.F) {
	f.Add(linkMessage(1, "lo", attr(unix.IFLA_MTU, u32(1)), attr(unix.IFLA_STATS64, stats(24, 8))))
	f.Add(linkMessage(1, "a", attr(unix.IFLA_LINKINFO, attr(unix.IFLA_INFO_KIND, []byte("bond")))))
	f.Add(slices.Concat([]byte{unix.AF_INET, 8, 0, 0}, u32(1), attr(unix.IFA_LOCAL, []byte{127, 0, 0, 1})))
	f.Add(make([]byte, unix.SizeofNdMsg))
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
	if n != 2 || err == nil || DumpFailed(err) {
		t.Errorf("%d links, error %v, failed %v", n, err, DumpFailed(err))
	}
}

func TestLinksWithoutNetlink(t *testing.T) {
	if err := New(nil).Links(true, func(*Link) {}); !errors.Is(err, ErrUnavailable) || !DumpFailed(err) {
		t.Error(err)
	}
	r := New(answers([][][]byte{nil}, unix.EPERM))
	if err := r.Links(true, func(*Link) {}); !errors.Is(err, unix.EPERM) || !DumpFailed(err) {
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
