package network

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/netlink"
	"github.com/hostexporter/host_exporter/collector/internal/test/golden"
)

// An ioctlFunc is an ethtool that a test answers.
type ioctlFunc func(device string, data []byte) error

func (f ioctlFunc) Ioctl(device string, data []byte) error { return f(device, data) }
func (f ioctlFunc) Close()                                 {}

// putStats answers with names or values of statistics, as far as there is room.
func putStats(data []byte, names []string) error {
	order := netlink.Native
	switch order.Uint32(data) {
	case unix.ETHTOOL_GSTRINGS:
		order.PutUint32(data[8:], uint32(len(names)))
		for i, name := range names {
			if at := 12 + 32*i; at+32 <= len(data) {
				clear(data[at : at+32])
				copy(data[at:at+32], name)
			}
		}
	case unix.ETHTOOL_GSTATS:
		order.PutUint32(data[4:], uint32(len(names)))
		for i := range names {
			if at := 8 + 8*i; at+8 <= len(data) {
				order.PutUint64(data[at:], uint64(i))
			}
		}
	default:
		return unix.EOPNOTSUPP
	}
	return nil
}

func statNames(n int) []string {
	var names []string
	for i := range n {
		names = append(names, fmt.Sprintf("rx_queue_%d_packets", i))
	}
	return names
}

// namedStats returns a host with one interface that has statistics, written
// NAME=VALUE.
func namedStats(t *testing.T, stats ...string) *host.Host {
	t.Helper()
	h := ethtoolHost(t, 1, 0)
	h.Ethtool = func() (host.Ethtool, error) {
		return ioctlFunc(func(_ string, data []byte) error {
			var names []string
			var values []uint64
			for _, stat := range stats {
				i := strings.LastIndexByte(stat, '=')
				v, err := strconv.ParseUint(stat[i+1:], 10, 64)
				if err != nil {
					t.Error(err)
				}
				names, values = append(names, stat[:i]), append(values, v)
			}
			err := putStats(data, names)
			if netlink.Native.Uint32(data) == unix.ETHTOOL_GSTATS && len(data) >= 8+8*len(values) {
				for i, v := range values {
					netlink.Native.PutUint64(data[8+8*i:], v)
				}
			}
			return err
		}), nil
	}
	return h
}

// TestEthtoolNames has a driver name its statistics in all ways. node_exporter
// 1.5 exports the same families and values, but for rx_bytes_total, because of
// which it fails.
func TestEthtoolNames(t *testing.T) {
	b := golden.NewWorkbenchOn(t, ethtool.Build, namedStats(t,
		"rx_packets=1", "tx_packets=2", "rx_bytes=3", "tx_bytes=4", "rx_errors=5", "tx_errors=6", "rx_dropped=7", "tx_dropped=8",
		"align_errors=9", "port.rx_dropped=10", "RX_Upper=11", "Tx Deferred OK=12", "rx_rx_twice=13", "rx_tx=14", "tx_rx_tx_rx=15",
		"rxrx=16", "_leading=17", "__rx_lead=18", "[0]: rx_ucast_packets=19", "trailing_=20", "a--b__c=21", "a_-_b=22", "rx-0.drops=23",
		"rx_bytes_total=24", "collide.a=25", "collide-a=26", "three.b=27", "three b=28", "three-b=29", "1st=30",
		"big=18446744073709551615", "RX_PACKETS=31", "exactly_thirty_two_characters_32=32", "ch0_rx=33", "p0_tx(bytes)=34", "tx=35", "rx=36",
		"info=37", "x_rx_=38", "=39", "--=40"), nil)
	have, errs := b.Update()
	if errs != nil {
		t.Error(errs)
	}
	want := map[string]float64{}
	for name, v := range map[string]float64{
		"transmitted_packets_total": 2, "received_bytes_total": 3, "transmitted_bytes_total": 4, "received_errors_total": 5,
		"transmitted_errors_total": 6, "received_dropped_total": 7, "transmitted_dropped": 8, "align_errors": 9,
		"port_received_dropped": 10, "received_upper": 11, "transmitted_deferred_ok": 12, "received_rx_twice": 13,
		"received_transmitted": 14, "transmitted_received_transmitted_received": 15, "rxrx": 16, "leading": 17, "received_lead": 18,
		"0_received_ucast_packets": 19, "trailing_": 20, "a_b__c": 21, "a_b": 22, "received_0_drops": 23, "1st": 30,
		"big": 1 << 64, "exactly_thirty_two_characters_32": 32, "ch0_received": 33, "p0_transmitted_bytes_": 34,
		"transmitted": 35, "received": 36, "x_received_": 38,
	} {
		want[fmt.Sprintf("node_ethtool_%s{device=\"eth0\"}", name)] = v
	}
	golden.SameSamples(t, have, want)
}

// TestEthtoolQueues has a driver give one name to the statistics of several
// queues, as vmxnet3 does.
func TestEthtoolQueues(t *testing.T) {
	b := golden.NewWorkbenchOn(t, ethtool.Build, namedStats(t,
		"  ucast pkts tx=100", "  ucast pkts tx=20", "  ucast pkts tx=3", "wraps=18446744073709551615", "wraps=6", "twice=0", "twice=0"), nil)
	for range 2 {
		have, errs := b.Update()
		if errs != nil {
			t.Error(errs)
		}
		golden.SameSamples(t, have, map[string]float64{
			`node_ethtool_ucast_pkts_transmitted{device="eth0"}`: 123,
			`node_ethtool_wraps{device="eth0"}`:                  5,
			`node_ethtool_twice{device="eth0"}`:                  0,
		})
	}
}

// TestEthtoolStatsChange has a device get and lose statistics between calls.
func TestEthtoolStatsChange(t *testing.T) {
	for _, c := range []struct {
		name  string
		sizes []int // of the statistics at each call
		want  int
		err   string
	}{
		{"stable", []int{3, 3, 3, 3}, 3, ""},
		{"grows before the values", []int{3, 3, 5, 5, 5, 5, 5, 5}, 5, ""},
		{"shrinks before the values", []int{5, 5, 3, 3, 3, 3}, 3, ""},
		{"grows when there is room at last", []int{3, 50, 50, 50, 50}, 50, ""},
		{"never rests", nil, 0, "want as many values as names"},
		{"none", []int{0}, 0, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			call := 0
			e := ioctlFunc(func(_ string, data []byte) error {
				n := call + 1
				if len(c.sizes) > 0 {
					n = c.sizes[min(call, len(c.sizes)-1)]
				}
				call++
				return putStats(data, statNames(n))
			})
			set := metric.NewSet()
			s, out := newEthtoolStats(set, collect.Pattern(".*")), metric.NewSink(set)
			err := s.update(e, "eth0", out)
			if (err != nil) != (c.err != "") || err != nil && !strings.Contains(err.Error(), c.err) || out.SampleCount() != c.want {
				t.Errorf("%d samples, want %d; error %v; %d calls", out.SampleCount(), c.want, err, call)
			}
		})
	}
}

// TestEthtoolLinkWords has kernels with other numbers of link modes.
func TestEthtoolLinkWords(t *testing.T) {
	kernel := func(words int) ioctlFunc {
		return func(_ string, data []byte) error {
			have := int(int8(data[15]))
			clear(data[4:])
			if have != words {
				data[15] = byte(-words)
				return nil
			}
			data[15], data[11] = byte(words), 1
			netlink.Native.PutUint32(data[48:], 1<<5)
			netlink.Native.PutUint32(data[48+4*words:], 1<<6)
			return nil
		}
	}
	l := newEthtoolLink(metric.NewSet())
	for _, words := range []int{2, 3, 127, 1} {
		negotiates, sets, err := l.read(kernel(words), "eth0")
		if err != nil || negotiates != 1 || len(sets) != 8*words || !hasMode(sets, 5) || !hasMode(sets[4*words:], 6) || hasMode(sets, 1000) {
			t.Errorf("%d words: %v, %d bytes, error %v", words, negotiates, len(sets), err)
		}
	}
	for name, e := range map[string]ioctlFunc{
		"no words":   func(_ string, data []byte) error { data[15] = 0; return nil },
		"-128 words": func(_ string, data []byte) error { data[15] = 0x80; return nil },
	} {
		if _, _, err := l.read(e, "eth0"); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestReportEthtool(t *testing.T) {
	for _, c := range []struct {
		err    error
		report bool
	}{
		{nil, false}, {unix.EOPNOTSUPP, false}, {syscall.Errno(524), false}, {unix.ENODEV, false}, {unix.EPERM, true}, {unix.EIO, true}, {unix.EFAULT, true},
	} {
		out := metric.NewSink(metric.NewSet())
		reportEthtool(c.err, "eth0", "statistics", out)
		if errs, _ := out.Errors(); (len(errs) > 0) != c.report {
			t.Errorf("%v: reported %v", c.err, errs)
		}
	}
}

func TestParseLinkMode(t *testing.T) {
	for name, want := range map[string]ethtoolMode{
		"1000baseT_Full":         {"1000baseT", "full", 125e6},
		"10baseT_Half":           {"10baseT", "half", 1.25e6},
		"10000baseR_FEC":         {"10000baseR_FEC", "full", 1.25e9},
		"10baseT1S_P2MP_Half":    {"10baseT1S_P2MP", "half", 1.25e6},
		"100000baseLR4_ER4_Full": {"100000baseLR4_ER4", "full", 12.5e9},
		"Autoneg":                {}, "TP": {}, "Asym_Pause": {}, "FEC_BASER": {}, "": {},
	} {
		if have := parseLinkMode(name); have != want {
			t.Errorf("%s: have %+v, want %+v", name, have, want)
		}
	}
	if n := len(linkModes); n != 121 || slices.Index(linkModes, "25000baseCR_Full") != 31 || slices.Index(linkModes, "100baseFX_Full") != unix.ETHTOOL_LINK_MODE_100baseFX_Full_BIT {
		t.Errorf("%d link modes", n)
	}
}

// FuzzEthtoolName has drivers give any name to a statistic.
func FuzzEthtoolName(f *testing.F) {
	for _, name := range []string{"rx_packets", "port.rx_dropped", "info", "", "--", "rx_rx", "\xff\x00", "é", "1", "received_packets_total"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		set := metric.NewSet()
		set.Gauge(ethtoolInfo, "Driver.", "bus_info", "device")
		s := newEthtoolStats(set, collect.Pattern(""))
		s.include = collect.Pattern(".*")
		stat := s.statOf([]byte(name))
		if stat != s.statOf([]byte(name)) {
			t.Error("looked up twice, it is another one")
		}
		if stat.family != nil && (!strings.HasPrefix(stat.family.Name(), ethtoolPrefix) || stat.family.Type() != "untyped") {
			t.Errorf("%s %s", stat.family.Name(), stat.family.Type())
		}
		if own := ethtoolName(name); strings.HasPrefix(own, "_") || own != strings.ToLower(own) {
			t.Errorf("%q", own)
		}
	})
}

// ethtoolHost returns a host with interfaces that have statistics, as adapters
// with many queues do.
func ethtoolHost(t testing.TB, devices, stats int) *host.Host {
	t.Helper()
	root := t.TempDir()
	for i := range devices {
		writeFile(t, "", root, netDir, fmt.Sprintf("eth%d", i), "uevent")
	}
	names := statNames(stats)
	kernel := ioctlFunc(func(_ string, data []byte) error {
		switch netlink.Native.Uint32(data) {
		case unix.ETHTOOL_GDRVINFO:
			copy(data[4:], "mlx5_core\x00")
			return nil
		case unix.ETHTOOL_GLINKSETTINGS:
			clear(data[4:])
			data[15] = 4
			netlink.Native.PutUint32(data[48:], 0x60ef)
			return nil
		}
		return putStats(data, names)
	})
	return &host.Host{
		Sys: host.NewTree(root).Attributes(), Now: time.Now,
		Ethtool: func() (host.Ethtool, error) { return kernel, nil },
	}
}

func TestEthtoolAllocations(t *testing.T) {
	for _, n := range []int{10, 200} {
		golden.NewWorkbenchOn(t, ethtool.Build, ethtoolHost(t, n, 100), nil).Allocs(10)
	}
}

func BenchmarkEthtool(b *testing.B) {
	b.Run("devices-1000-statistics-300", func(b *testing.B) {
		golden.NewWorkbenchOn(b, ethtool.Build, ethtoolHost(b, 1000, 300), nil).Steady()
	})
}
