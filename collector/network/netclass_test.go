package network

import (
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/netlink"
)

func netlinkAttribute(typ uint16, data []byte) []byte {
	return netlink.AppendAttribute(nil, typ, data)
}

// linkMessage builds an RTM_NEWLINK message of an interface that is up.
func linkMessage(index int, name, kind string, carrierChanges uint32) []byte {
	u32 := func(v uint32) []byte { return binary.NativeEndian.AppendUint32(nil, v) }
	var stats []byte
	for i := range 25 {
		stats = binary.NativeEndian.AppendUint64(stats, uint64(i*1000003*index))
	}
	return slices.Concat([]byte{0, 0, 1, 0}, u32(uint32(index)), u32(unix.IFF_UP|unix.IFF_RUNNING|unix.IFF_LOWER_UP), u32(0),
		netlinkAttribute(unix.IFLA_IFNAME, []byte(name+"\x00")),
		netlinkAttribute(unix.IFLA_ADDRESS, []byte{2, 0, 0, 0, byte(index >> 8), byte(index)}),
		netlinkAttribute(unix.IFLA_BROADCAST, []byte{255, 255, 255, 255, 255, 255}),
		netlinkAttribute(unix.IFLA_MTU, u32(1500)), netlinkAttribute(unix.IFLA_TXQLEN, u32(1000)), netlinkAttribute(unix.IFLA_GROUP, u32(0)),
		netlinkAttribute(unix.IFLA_OPERSTATE, []byte{6}), netlinkAttribute(unix.IFLA_LINKMODE, []byte{0}), netlinkAttribute(unix.IFLA_CARRIER, []byte{1}),
		netlinkAttribute(unix.IFLA_CARRIER_CHANGES, u32(carrierChanges)), netlinkAttribute(unix.IFLA_CARRIER_UP_COUNT, u32(1)), netlinkAttribute(unix.IFLA_CARRIER_DOWN_COUNT, u32(1)),
		netlinkAttribute(unix.IFLA_PROMISCUITY, u32(0)), netlinkAttribute(unix.IFLA_ALLMULTI, u32(0)),
		netlinkAttribute(unix.IFLA_LINKINFO, netlinkAttribute(unix.IFLA_INFO_KIND, []byte(kind))),
		netlinkAttribute(unix.IFLA_STATS64, stats))
}

// newLinkHost returns a host with a sysfs at root and links from messages.
func newLinkHost(t testing.TB, messages *[][]byte) (h *host.Host, root string) {
	t.Helper()
	root = t.TempDir()
	return &host.Host{
		Proc:   host.NewTree(root),
		Sys:    host.NewTree(root).Attributes(),
		Now:    func() time.Time { return time.Unix(1e9, 0) },
		Statfs: func(string) (unix.Statfs_t, error) { return unix.Statfs_t{Type: unix.SYSFS_MAGIC}, nil },
		Netlink: func(req host.NetlinkRequest, each func([]byte) error) error {
			if req.Type != unix.RTM_GETLINK {
				return nil
			}
			for _, m := range *messages {
				if err := each(m); err != nil {
					return err
				}
			}
			return nil
		},
	}, root
}

func writeDevice(t testing.TB, root string, index int, name string) {
	t.Helper()
	for file, content := range map[string]string{
		"ifindex": fmt.Sprint(index), "address": fmt.Sprintf("02:00:00:00:%02x:%02x", index>>8, index&255),
		"addr_assign_type": "0", "name_assign_type": "1", "dev_id": "0x0", "speed": "1000", "duplex": "full",
		"broadcast": "ff:ff:ff:ff:ff:ff", "carrier": "1", "carrier_changes": "2", "carrier_up_count": "1", "carrier_down_count": "1",
		"dormant": "0", "flags": "0x1003", "ifalias": "", "iflink": fmt.Sprint(index), "link_mode": "0", "mtu": "1500",
		"netdev_group": "0", "operstate": "up", "tx_queue_len": "1000", "type": "1",
	} {
		writeFile(t, content+"\n", root, "class/net", name, file)
	}
}

// vethHost returns a host with n interfaces in sysfs, /proc/net/dev and
// rtnetlink.
func vethHost(t testing.TB, n int) *host.Host {
	t.Helper()
	messages := new([][]byte)
	h, root := newLinkHost(t, messages)
	file := strings.Builder{}
	file.WriteString(netdevHeader)
	for i := 1; i <= n; i++ {
		name := fmt.Sprintf("veth%d", i)
		*messages = append(*messages, linkMessage(i, name, "veth", 2))
		writeDevice(t, root, i, name)
		fmt.Fprintf(&file, "%s: %d 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n", name, i*1000003)
	}
	writeFile(t, file.String(), root, "net/dev")
	return h
}

func TestNetclassCachesFacts(t *testing.T) {
	messages := [][]byte{linkMessage(1, "eth0", "", 2), linkMessage(2, "bond0", "bond", 2)}
	h, root := newLinkHost(t, &messages)
	now := time.Unix(1e9, 0)
	h.Now = func() time.Time { return now }
	writeDevice(t, root, 1, "eth0")
	writeDevice(t, root, 2, "bond0")
	u := newUnit(t, netclass, h, nil, reservesNothing)
	check := func(when string, eth0, bond0, origin int) {
		t.Helper()
		text := readUnit(t, u)
		for _, want := range []string{
			fmt.Sprintf("node_network_speed_bytes{device=\"eth0\"} %d000000\n", eth0),
			fmt.Sprintf("node_network_speed_bytes{device=\"bond0\"} %d000000\n", bond0),
			fmt.Sprintf("node_network_name_assign_type{device=\"eth0\"} %d\n", origin),
		} {
			if !strings.Contains(text, want) {
				t.Errorf("%s: no %s in:\n%s", when, want, text)
			}
		}
	}
	check("in the first scrape", 125, 125, 1)

	// The speed of hardware changes only with its link state; the speed of a bond
	// depends on other devices.
	writeFile(t, "8000\n", root, "class/net/eth0/speed")
	writeFile(t, "4\n", root, "class/net/eth0/name_assign_type")
	writeFile(t, "2000\n", root, "class/net/bond0/speed")
	check("without a change", 125, 250, 1)
	messages[0] = linkMessage(1, "eth0", "", 4)
	check("after a carrier change", 1000, 250, 4)

	writeFile(t, "80000\n", root, "class/net/eth0/speed")
	check("before the maximum age", 1000, 250, 4)
	now = now.Add(factsAge + time.Second)
	check("after the maximum age", 10000, 250, 4)
}

func TestNetclassDeviceWithoutSpeed(t *testing.T) {
	messages := [][]byte{linkMessage(1, "eth0", "", 2)}
	h, root := newLinkHost(t, &messages)
	writeDevice(t, root, 1, "eth0")
	if err := os.Remove(filepath.Join(root, "class/net/eth0/speed")); err != nil {
		t.Fatal(err)
	}
	u := newUnit(t, netclass, h, nil, reservesNothing)
	if text := readUnit(t, u); strings.Contains(text, "speed") {
		t.Errorf("the device has no speed:\n%s", text)
	}
	writeFile(t, "1000\n", root, "class/net/eth0/speed")
	if text := readUnit(t, u); strings.Contains(text, "speed") {
		t.Errorf("the speed was read again without a change:\n%s", text)
	}
	messages[0] = linkMessage(1, "eth0", "", 3)
	if text := readUnit(t, u); !strings.Contains(text, `node_network_speed_bytes{device="eth0"} 125000000`) {
		t.Errorf("the speed was not read again after a change:\n%s", text)
	}
}

func TestNetclassDropsRemovedDevices(t *testing.T) {
	messages := [][]byte{linkMessage(1, "eth0", "", 2)}
	h, root := newLinkHost(t, &messages)
	writeDevice(t, root, 1, "eth0")
	c, err := newNetclass(&collect.Env{Host: h, Metrics: metric.NewSet(), Declared: reservesNothing}, netclassOptions{Ignored: collect.Pattern("^$")})
	if err != nil {
		t.Fatal(err)
	}
	out := metric.NewSink(metric.NewSet())
	for i := range 100 {
		if i > 0 {
			messages = append(messages[:1], linkMessage(1+i, fmt.Sprintf("veth%d", i), "veth", 0))
		}
		out.Reset(metric.Metrics)
		if err := c.Update(context.Background(), out); err != nil {
			t.Fatal(err)
		}
	}
	if len(c.facts) != 2 {
		t.Errorf("the facts of %d devices are kept, want 2", len(c.facts))
	}
}

func TestNetclassWithStats(t *testing.T) {
	messages := [][]byte{linkMessage(1, "eth0", "", 2)}
	h, root := newLinkHost(t, &messages)
	writeDevice(t, root, 1, "eth0")
	options := map[string][]string{"netlink": {"true"}, "with-stats": {"true"}}
	text := readUnit(t, newUnit(t, netclass, h, options, reservesNothing))
	for _, want := range []string{
		`node_network_receive_packets_total{device="eth0"} 0`,
		`node_network_transmit_packets_total{device="eth0"} 1000003`,
		`node_network_collisions_total{device="eth0"} 9000027`,
		`node_network_receive_nohandler_total{device="eth0"} 23000069`,
		"# TYPE node_network_receive_errors_total counter",
	} {
		if !strings.Contains(text, want+"\n") {
			t.Errorf("no %s in:\n%s", want, text)
		}
	}
	// Families of the netdev collector are left to it.
	other := newUnit(t, netdev, h, nil, reservesNothing)
	text = readUnit(t, newUnit(t, netclass, h, options, other.Set().Has))
	if strings.Contains(text, "node_network_receive_packets_total") || !strings.Contains(text, "node_network_collisions_total") {
		t.Errorf("with netdev:\n%s", text)
	}
	// The option has no effect without netlink.
	if text := readUnit(t, newUnit(t, netclass, h, map[string][]string{"with-stats": {"true"}}, reservesNothing)); strings.Contains(text, "collisions") {
		t.Error("there are counters without netlink")
	}
}

func TestHardwareAddress(t *testing.T) {
	for want, b := range map[string][]byte{"": nil, "00:00:00:00": make([]byte, 4), "02:0a:ff:00:10:01": {2, 10, 255, 0, 16, 1}} {
		if have := hardwareAddress(b); have != want {
			t.Errorf("%x: have %q, want %q", b, have, want)
		}
	}
}

func BenchmarkNetclass(b *testing.B) {
	for _, n := range []int{4, 1000} {
		b.Run(fmt.Sprintf("links-%d", n), func(b *testing.B) { benchmarkUnit(b, netclass, vethHost(b, n), nil) })
		b.Run(fmt.Sprintf("files-%d", n), func(b *testing.B) {
			h := vethHost(b, n)
			h.Netlink = nil
			benchmarkUnit(b, netclass, h, nil)
		})
	}
}
