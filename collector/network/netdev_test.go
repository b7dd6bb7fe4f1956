package network

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prometheus/procfs"

	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

const netdevHead = "Inter-|   Receive                                                |  Transmit\n" +
	" face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed\n"

// oracle returns procfs on a folder that has one file.
func oracle(t testing.TB, file, content string) procfs.FS {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, file)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	fs, err := procfs.NewFS(dir)
	if err != nil {
		t.Fatal(err)
	}
	return fs
}

func TestParseNetdevAgainstProcfs(t *testing.T) {
	for _, lines := range []string{
		"",
		"    lo: 18029      51    0    0    0     0          0         0    18029      51    0    0    0     0       0          0\n",
		"  eth0: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n",
		"eth0.100:18446744073709551615 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17\n",
		"a:b: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\nveth1:1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16",
	} {
		want := map[string]string{}
		devices, err := oracle(t, "net/dev", netdevHead+lines).NetDev()
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range devices {
			want[d.Name] = fmt.Sprint([netdevColumns]uint64{
				d.RxBytes, d.RxPackets, d.RxErrors, d.RxDropped, d.RxFIFO, d.RxFrame, d.RxCompressed, d.RxMulticast,
				d.TxBytes, d.TxPackets, d.TxErrors, d.TxDropped, d.TxFIFO, d.TxCollisions, d.TxCarrier, d.TxCompressed,
			})
		}
		have := map[string]string{}
		parseNetdev([]byte(netdevHead+lines), func(device []byte, values *[netdevColumns]uint64) {
			have[string(device)] = fmt.Sprint(*values)
		}, func(err error) { t.Error(err) })
		if fmt.Sprint(have) != fmt.Sprint(want) {
			t.Errorf("%q: have %v, procfs has %v", lines, have, want)
		}
	}
}

func FuzzParseNetdev(f *testing.F) {
	f.Add(netdevHead + "lo: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n")
	f.Add(netdevHead + ":\n\n: 1\n")
	f.Fuzz(func(t *testing.T, text string) {
		good, bad := 0, 0
		parseNetdev([]byte(text), func(device []byte, _ *[netdevColumns]uint64) {
			good++
			if len(device) == 0 {
				t.Error("a device without a name")
			}
		}, func(error) { bad++ })
		lines := strings.Count(text, "\n")
		if text != "" && !strings.HasSuffix(text, "\n") {
			lines++
		}
		if bad == 0 && good != max(lines-2, 0) {
			t.Errorf("%d devices in %d lines, and no error", good, lines)
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
			h := manyDevices(b, bench.devices)
			if !bench.netlink {
				h.Netlink = nil
			}
			benchmark(b, netdev, h, nil)
		})
	}
}

func TestLinkCountersLeaveOut(t *testing.T) {
	all := linkCounters(metric.NewSet(), true, []string{"device"}, nil)
	rest := linkCounters(metric.NewSet(), true, []string{"device"}, func(name string) bool { return name == "node_network_receive_bytes_total" })
	if len(all) != 24 || len(rest) != 23 {
		t.Errorf("have %d and %d families, want 24 and 23", len(all), len(rest))
	}
}
