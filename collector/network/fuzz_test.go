package network

import (
	"errors"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/netlink"
)

// FuzzLinkSpeed checks that a speed is one that an interface can have.
func FuzzLinkSpeed(f *testing.F) {
	for _, text := range []string{"10000", "-1", "65535", "4294967295", "-2147483648", "99999999999999999999", "+9999999999"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if v, ok := parseLinkSpeed([]byte(text)); ok && (v < -1 || v >= 1<<31) {
			t.Errorf("%q: have %d", text, v)
		}
	})
}

// FuzzEthtoolAnswers has a driver answer anything to all requests.
func FuzzEthtoolAnswers(f *testing.F) {
	f.Add([]byte("\x1d\x00\x00\x00\x02\x00\x00\x00"), uint32(2))
	f.Add([]byte{}, uint32(0))
	f.Add([]byte("rx_packets"), uint32(1<<32-1))
	f.Fuzz(func(t *testing.T, answer []byte, count uint32) {
		calls := 0
		kernel := ioctlFunc(func(_ string, data []byte) error {
			if calls++; calls > 100 {
				t.Fatal("it asks for ever")
			}
			command := data[0]
			copy(data[4:], answer)
			switch command {
			case unix.ETHTOOL_GSTRINGS:
				netlink.Native.PutUint32(data[8:], count)
			case unix.ETHTOOL_GSTATS:
				netlink.Native.PutUint32(data[4:], count)
			}
			return nil
		})
		set := metric.NewSet()
		set.Gauge(ethtoolInfo, "Driver.", "bus_info", "device")
		s := newEthtoolStats(set, collect.Pattern(""))
		names, values, err := s.read(kernel, "eth0")
		if err == nil && len(names)/sizeofStatName != len(values)/sizeofStat {
			t.Errorf("%d bytes of names, %d of values", len(names), len(values))
		}
		calls = 0
		out := metric.NewSink(set)
		out.Reset(metric.Text)
		l := newEthtoolLink(set)
		if _, _, err := l.read(kernel, "eth0"); errors.Is(err, unix.EIO) {
			t.Error(err)
		}
	})
}
