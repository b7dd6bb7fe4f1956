package network

import (
	"fmt"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/netlink"
	"github.com/hostexporter/host_exporter/collector/internal/test/golden"
)

func genlMessage(command uint8, attributes ...[]byte) []byte {
	return append([]byte{command, 1, 0, 0}, slices.Concat(attributes...)...)
}

// stationHost returns a host with four access points of n stations each.
func stationHost(n int) *host.Host {
	u32 := func(v uint32) []byte { return netlink.Native.AppendUint32(nil, v) }
	u64 := func(v uint64) []byte { return netlink.Native.AppendUint64(nil, v) }
	const family = 28
	answers := map[uint8][][]byte{}
	for i := range uint32(4) {
		answers[unix.NL80211_CMD_GET_INTERFACE] = append(answers[unix.NL80211_CMD_GET_INTERFACE], genlMessage(unix.NL80211_CMD_NEW_INTERFACE,
			netlinkAttribute(unix.NL80211_ATTR_IFINDEX, u32(i)), netlinkAttribute(unix.NL80211_ATTR_IFNAME, fmt.Appendf(nil, "wlan%d\x00", i)), netlinkAttribute(unix.NL80211_ATTR_WIPHY_FREQ, u32(5180))))
	}
	for i := range n {
		answers[unix.NL80211_CMD_GET_STATION] = append(answers[unix.NL80211_CMD_GET_STATION], genlMessage(unix.NL80211_CMD_NEW_STATION,
			netlinkAttribute(unix.NL80211_ATTR_MAC, []byte{2, 0, 0, 0, byte(i >> 8), byte(i)}),
			netlinkAttribute(unix.NL80211_ATTR_STA_INFO, slices.Concat(
				netlinkAttribute(unix.NL80211_STA_INFO_CONNECTED_TIME, u32(1)), netlinkAttribute(unix.NL80211_STA_INFO_SIGNAL, []byte{200}),
				netlinkAttribute(unix.NL80211_STA_INFO_RX_BYTES64, u64(1)), netlinkAttribute(unix.NL80211_STA_INFO_TX_BYTES64, u64(2)),
				netlinkAttribute(unix.NL80211_STA_INFO_TX_BITRATE, netlinkAttribute(unix.NL80211_RATE_INFO_BITRATE32, u32(60)))))))
	}
	return &host.Host{Netlink: func(req host.NetlinkRequest, each func([]byte) error) error {
		if req.Type == unix.GENL_ID_CTRL {
			return each(genlMessage(1, netlinkAttribute(unix.CTRL_ATTR_FAMILY_NAME, []byte("nl80211\x00")), netlinkAttribute(unix.CTRL_ATTR_FAMILY_ID, netlink.Native.AppendUint16(nil, family))))
		}
		for _, m := range answers[req.Body[0]] {
			if err := each(m); err != nil {
				return err
			}
		}
		return nil
	}}
}

func TestWifiAllocations(t *testing.T) {
	for _, n := range []int{10, 500} {
		golden.NewWorkbenchOn(t, wifi.Build, stationHost(n), nil).Allocs(150)
	}
}

// TestWifiAddressesAreForgotten has more stations pass than are kept.
func TestWifiAddressesAreForgotten(t *testing.T) {
	b := golden.NewWorkbenchOn(t, wifi.Build, stationHost(2*maxWifiAddresses), nil)
	if samples, errs := b.Update(); errs != nil || len(samples) != 4+4*5*2*maxWifiAddresses {
		t.Errorf("%d samples, errors %v", len(samples), errs)
	}
	if n := len(b.Collector.(*wifiCollector).addresses); n > maxWifiAddresses+1 {
		t.Errorf("%d addresses are kept", n)
	}
}

func FuzzNL80211(f *testing.F) {
	f.Add(genlMessage(1, netlinkAttribute(unix.NL80211_ATTR_IFNAME, []byte("wlan0\x00")), netlinkAttribute(unix.NL80211_ATTR_STA_INFO, netlinkAttribute(unix.NL80211_STA_INFO_SIGNAL, []byte{1}))))
	f.Add(genlMessage(1, netlinkAttribute(unix.NL80211_ATTR_BSS, slices.Concat(netlinkAttribute(unix.NL80211_BSS_STATUS, []byte{1, 0, 0, 0}), netlinkAttribute(unix.NL80211_BSS_INFORMATION_ELEMENTS, []byte{0, 2, 'a', 'b'})))))
	f.Add([]byte{1})
	f.Fuzz(func(t *testing.T, b []byte) {
		first := true
		n := newNL80211(func(req host.NetlinkRequest, each func([]byte) error) error {
			if req.Type == unix.GENL_ID_CTRL && first {
				first = false
				return each(genlMessage(1, netlinkAttribute(unix.CTRL_ATTR_FAMILY_NAME, []byte("nl80211\x00")), netlinkAttribute(unix.CTRL_ATTR_FAMILY_ID, []byte{28, 28})))
			}
			return each(slices.Clone(b))
		})
		list, _ := n.interfaces(nil)
		for _, dev := range list {
			if dev.name == "" {
				t.Error("an interface without a name")
			}
		}
		dev := &wifiInterface{}
		_, _, _ = n.network(dev)
		_ = n.stations(dev, func(s *wifiStation) {
			if len(s.address) == 0 {
				t.Error("a station without an address")
			}
		})
		_ = ssidOf(b)
	})
}

func BenchmarkWifi(b *testing.B) {
	b.Run("stations-2000", func(b *testing.B) {
		golden.NewWorkbenchOn(b, wifi.Build, stationHost(500), nil).Steady()
	})
}
