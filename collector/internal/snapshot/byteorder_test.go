package snapshot

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// TestConvert has the same messages in both byte orders, worked out by hand from the
// structs of the kernel.
func TestConvert(t *testing.T) {
	for name, c := range map[string]struct {
		protocol    int
		typ         uint16
		little, big string
	}{
		// An interface: struct ifinfomsg, IFLA_IFNAME lo with padding, IFLA_MTU 65536, IFLA_OPERSTATE 0.
		"link": {unix.NETLINK_ROUTE, unix.RTM_GETLINK,
			"0000 0403 01000000 49000100 00000000  0700 0300 6c6f00 00  0800 0400 00000100  0500 1000 00 000000",
			"0000 0304 00000001 00010049 00000000  0007 0003 6c6f00 00  0008 0004 00010000  0005 0010 00 000000"},
		// IFLA_LINKINFO with the flag NLA_F_NESTED, in it IFLA_INFO_KIND.
		"kind": {unix.NETLINK_ROUTE, unix.RTM_GETLINK,
			"0000 0100 02000000 00000000 00000000  0c00 1280  0800 0100 76657468",
			"0000 0001 00000002 00000000 00000000  000c 8012  0008 0001 76657468"},
		// A multipath route with two hops, the second by RTA_VIA.
		"hops": {unix.NETLINK_ROUTE, unix.RTM_GETROUTE,
			"02 00 00 00 fe 03 00 01 00000000  2c00 0900  1000 00 00 02000000 0800 0500 c0000201  1800 00 04 03000000 0e00 1200 0a00 20010db8 00000000 0000",
			"02 00 00 00 fe 03 00 01 00000000  002c 0009  0010 00 00 00000002 0008 0005 c0000201  0018 00 04 00000003 000e 0012 000a 20010db8 00000000 0000"},
		// TCA_STATS2 with struct gnet_stats_basic: 258 bytes, 1 packet, padding.
		"qdisc": {unix.NETLINK_ROUTE, unix.RTM_GETQDISC,
			"00 00 0000 01000000 00000000 ffffffff 02000000  1800 0700  1400 0100 0201000000000000 01000000 00000000",
			"00 00 0000 00000001 00000000 ffffffff 00000002  0018 0007  0014 0001 0000000000000102 00000001 00000000"},
		// An attribute that is longer than the message.
		"truncated": {unix.NETLINK_ROUTE, unix.RTM_GETLINK,
			"0000 0100 02000000 00000000 00000000  0800 0400 0102",
			"0000 0001 00000002 00000000 00000000  0008 0004 0102"},
		// Family, state, timer, retransmissions; ports in network order, addresses, interface, cookie; expires, queues, user, inode.
		"socket": {unix.NETLINK_SOCK_DIAG, unix.SOCK_DIAG_BY_FAMILY,
			"02 01 00 00  0050 1f90  7f000001 00000000 00000000 00000000  7f000001 00000000 00000000 00000000  02000000 01000000 00000000  00000000 07000000 08000000 09000000 0a000000",
			"02 01 00 00  0050 1f90  7f000001 00000000 00000000 00000000  7f000001 00000000 00000000 00000000  00000002 00000001 00000000  00000000 00000007 00000008 00000009 0000000a"},
	} {
		little, big := decode(t, c.little), decode(t, c.big)
		have := bytes.Clone(little)
		answerLayout(c.protocol, c.typ).convert(have, binary.LittleEndian, binary.BigEndian)
		if !bytes.Equal(have, big) {
			t.Errorf("%s: have %x\nwant %x", name, have, big)
		}
		answerLayout(c.protocol, c.typ).convert(have, binary.BigEndian, binary.LittleEndian)
		if !bytes.Equal(have, little) {
			t.Errorf("%s, back: have %x\nwant %x", name, have, little)
		}
	}
}

func decode(t *testing.T, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(text, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestConvertRecorded converts each recorded message to the other byte order and back.
func TestConvertRecorded(t *testing.T) {
	messages := 0
	err := filepath.WalkDir("../../../testdata", func(path string, d fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".host" {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		a, err := Parse(text)
		if err != nil {
			return err
		}
		for _, e := range a.Entries {
			parts := strings.Split(e.Path, "/")
			if len(parts) < 4 || parts[0] != "syscall" || parts[1] != "netlink" {
				continue
			}
			protocol, _ := strconv.Atoi(parts[2])
			typ, _ := strconv.Atoi(parts[3])
			l := answerLayout(protocol, uint16(typ))
			for line := range strings.Lines(string(e.Data)) {
				want := decode(t, strings.TrimSpace(line))
				have := bytes.Clone(want)
				l.convert(have, binary.LittleEndian, binary.BigEndian)
				l.convert(have, binary.BigEndian, binary.LittleEndian)
				if !bytes.Equal(have, want) {
					t.Errorf("%s: %s: have %x\nwant %x", path, e.Path, have, want)
				}
				messages++
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if messages < 100 {
		t.Errorf("%d recorded messages", messages)
	}
}

// FuzzConvert checks that a message is itself after it was converted to the other byte
// order and back.
func FuzzConvert(f *testing.F) {
	f.Add([]byte("\x02\x00\x00\x00\xfe\x03\x00\x01\x00\x00\x00\x00\x2c\x00\x09\x00"), unix.NETLINK_ROUTE, uint16(unix.RTM_GETROUTE))
	f.Add([]byte("\x01\x01\x00\x00"), unix.NETLINK_GENERIC, uint16(28))
	f.Add(make([]byte, 72), unix.NETLINK_SOCK_DIAG, uint16(20))
	f.Fuzz(func(t *testing.T, b []byte, protocol int, typ uint16) {
		have := bytes.Clone(b)
		l := answerLayout(protocol, typ)
		l.convert(have, binary.LittleEndian, binary.BigEndian)
		l.convert(have, binary.BigEndian, binary.LittleEndian)
		if !bytes.Equal(have, b) {
			t.Errorf("have %x, want %x", have, b)
		}
	})
}
