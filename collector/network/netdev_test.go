package network

import (
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/prometheus/procfs"

	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/test/golden"
)

const netdevHeader = "Inter-|   Receive                                                |  Transmit\n" +
	" face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed\n"

func TestParseNetdevMatchesProcfs(t *testing.T) {
	for _, lines := range []string{
		"",
		"    lo: 18029      51    0    0    0     0          0         0    18029      51    0    0    0     0       0          0\n",
		"  eth0: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n",
		"eth0.100:18446744073709551615 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17\n",
		"a:b: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\nveth1:1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16",
	} {
		want := map[string]string{}
		devices, err := procfsWithFile(t, "net/dev", netdevHeader+lines).NetDev()
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range devices {
			want[d.Name] = fmt.Sprint(netdevColumnsOf(d))
		}
		have := map[string]string{}
		parseNetdev([]byte(netdevHeader+lines), func(device []byte, values *[netdevColumns]uint64) {
			have[string(device)] = fmt.Sprint(*values)
		}, func(err error) { t.Error(err) })
		if fmt.Sprint(have) != fmt.Sprint(want) {
			t.Errorf("%q: have %v, procfs has %v", lines, have, want)
		}
	}
}

// netdevColumnsOf returns the columns of a line of procfs in the order of the file.
func netdevColumnsOf(d procfs.NetDevLine) [netdevColumns]uint64 {
	return [netdevColumns]uint64{
		d.RxBytes, d.RxPackets, d.RxErrors, d.RxDropped, d.RxFIFO, d.RxFrame, d.RxCompressed, d.RxMulticast,
		d.TxBytes, d.TxPackets, d.TxErrors, d.TxDropped, d.TxFIFO, d.TxCollisions, d.TxCarrier, d.TxCompressed,
	}
}

// FuzzParseNetdev counts the devices, and compares with procfs on texts that both
// accept.
func FuzzParseNetdev(f *testing.F) {
	f.Add(netdevHeader + "lo: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n")
	f.Add(netdevHeader + ":\n\n: 1\n")
	oracle := golden.NewOracle(f, "net/dev")
	f.Fuzz(func(t *testing.T, text string) {
		devices, errs := 0, 0
		have := map[string][netdevColumns]uint64{}
		parseNetdev([]byte(text), func(device []byte, values *[netdevColumns]uint64) {
			devices++
			have[string(device)] = *values
			if len(device) == 0 {
				t.Error("a device without a name")
			}
		}, func(error) { errs++ })
		lines := strings.Count(text, "\n")
		if text != "" && !strings.HasSuffix(text, "\n") {
			lines++
		}
		if errs == 0 && devices != max(lines-2, 0) {
			t.Errorf("%d devices in %d lines, and no error", devices, lines)
		}
		if errs > 0 || !golden.IsPlain(text) {
			return
		}
		all, err := oracle.Set(t, text).NetDev()
		if err != nil {
			return
		}
		want := map[string][netdevColumns]uint64{}
		for _, d := range all {
			want[d.Name] = netdevColumnsOf(d)
		}
		if !maps.Equal(have, want) {
			t.Errorf("%q: have %v, procfs has %v", text, have, want)
		}
	})
}

func BenchmarkNetdev(b *testing.B) {
	for _, bench := range []struct {
		name    string
		devices int
		netlink bool
	}{{"links-4", 4, true}, {"links-1000", 1000, true}, {"file-4", 4, false}, {"file-1000", 1000, false}} {
		b.Run(bench.name, func(b *testing.B) {
			h := vethHost(b, bench.devices)
			if !bench.netlink {
				h.Netlink = nil
			}
			benchmarkUnit(b, netdev, h, nil)
		})
	}
}

func TestLinkCountersSkipDeclaredFamilies(t *testing.T) {
	all := linkCounters(metric.NewSet(), true, []string{"device"}, nil)
	rest := linkCounters(metric.NewSet(), true, []string{"device"}, func(name string) bool { return name == "node_network_receive_bytes_total" })
	if len(all) != 24 || len(rest) != 23 {
		t.Errorf("have %d and %d families, want 24 and 23", len(all), len(rest))
	}
}
