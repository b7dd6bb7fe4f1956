package network

import (
	"fmt"
	"strings"
	"testing"

	"github.com/hostexporter/host_exporter/collector/internal/scan"
	"github.com/hostexporter/host_exporter/collector/internal/test/golden"
)

const udpHeader = "   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n"

// udpFile returns a file with a number of sockets.
func udpFile(sockets int) string {
	var b strings.Builder
	b.WriteString(udpHeader)
	for i := range sockets {
		fmt.Fprintf(&b, "%5d: 0100007F:%04X 00000000:0000 07 %08X:%08X 00:00000000 00000000   104        0 %d 2 00000000c0d2eda0 %d\n",
			i, i&0xffff, i, 3*i, 10000+i, i%7)
	}
	return b.String()
}

func TestUDPQueuesMatchesProcfs(t *testing.T) {
	for name, files := range map[string][2]string{
		"recorded":   {golden.Content(t, testdata+"/udp_queues.recorded.host", "proc/net/udp"), golden.Content(t, testdata+"/udp_queues.recorded.host", "proc/net/udp6")},
		"generated":  {udpFile(1000), udpFile(1)},
		"no sockets": {udpHeader, udpHeader},
	} {
		t.Run(name, func(t *testing.T) {
			b := golden.NewWorkbench(t, udpQueues.Build, nil)
			b.Proc("net/udp", files[0])
			b.Proc("net/udp6", files[1])
			have, errs := b.Update()
			if errs != nil {
				t.Fatal(errs)
			}
			fs := procfsOf(t, b)
			v4, err4 := fs.NetUDPSummary()
			v6, err6 := fs.NetUDP6Summary()
			if err4 != nil || err6 != nil {
				t.Fatal(err4, err6)
			}
			for series, want := range map[string]uint64{
				`node_udp_queues{ip="v4",queue="tx"}`: v4.TxQueueLength,
				`node_udp_queues{ip="v4",queue="rx"}`: v4.RxQueueLength,
				`node_udp_queues{ip="v6",queue="tx"}`: v6.TxQueueLength,
				`node_udp_queues{ip="v6",queue="rx"}`: v6.RxQueueLength,
			} {
				if have[series] != float64(want) {
					t.Errorf("%s is %v, want %v", series, have[series], want)
				}
			}
		})
	}
}

func sumUDPQueues(text string) (tx, rx uint64, err error) {
	var s udpQueueSum
	for line := range strings.Lines(text) {
		if err := s.add([]byte(strings.TrimSuffix(line, "\n"))); err != nil {
			return 0, 0, err
		}
	}
	return s.tx, s.rx, s.end()
}

func TestUDPQueueSum(t *testing.T) {
	const socket = "  1: 0:0 0:0 07 00000001:00000002 00:0 0 0 0 1 2 0 0\n"
	for _, c := range []struct {
		name, text string
		tx, rx     uint64
		err        string
	}{
		{"two sockets", udpHeader + socket + socket, 2, 4, ""},
		{"a number of 64 bits", udpHeader + "1: 0:0 0:0 07 7FFFFFFFFFFFFFFF:00000000 0\n", 1<<63 - 1, 0, ""},
		{"numbers below zero", udpHeader + socket + "1: 0:0 0:0 07 FFFFFFFFFFFFFFFF:FFFFFF00 0\n", 1, 2, ""},
		{"an empty file", "", 0, 0, "1: want column names with tx_queue"},
		{"other names", "sl local_address\n" + socket, 0, 0, "1: want column names with tx_queue"},
		{"an empty line", udpHeader + "\n" + socket, 0, 0, "2: want a socket"},
		{"no colon", udpHeader + socket + "1: 0:0 0:0 07 0000000100000002 00:0\n", 0, 0, "3: want a socket"},
		{"a truncated line", udpHeader + "1: 0:0 0:0 07 00000001:00000002", 0, 0, "2: want a socket"},
		{"no number", udpHeader + "1: 0:0 0:0 07 0000000g:00000002 00:0\n", 0, 0, "2: want tx_queue:rx_queue in hexadecimal"},
		{"half a number", udpHeader + "1: 0:0 0:0 07 00000001: 00:0\n", 0, 0, "2: want tx_queue:rx_queue in hexadecimal"},
	} {
		tx, rx, err := sumUDPQueues(c.text)
		switch {
		case c.err == "" && (err != nil || tx != c.tx || rx != c.rx):
			t.Errorf("%s: %d, %d, %v, want %d, %d", c.name, tx, rx, err, c.tx, c.rx)
		case c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)):
			t.Errorf("%s: error %v, want %q", c.name, err, c.err)
		}
	}
}

// FuzzUDPQueues compares with procfs on lines that procfs accepts.
func FuzzUDPQueues(f *testing.F) {
	f.Add("  1: 0100007F:0035 00000000:0000 07 00000010:00034200 00:00000000 00000000   101        0 1921 2 00000000c1965fff 12")
	f.Add("  1: 0100007F:0035 00000000:0000 07 00000010")
	f.Add(":::::")
	f.Add("1: 0100007F:5 00000000:0 7 0:f0034200 0 0 1 0 1921 2 00000000c1965fff 1")
	f.Fuzz(func(t *testing.T, line string) {
		if strings.ContainsAny(line, "\n\r") || strings.ContainsFunc(line, func(r rune) bool { return r > 0x7e }) {
			t.Skip("not one ASCII line")
		}
		tx, rx, err := sumUDPQueues(udpHeader + line + "\n")
		if len(strings.Fields(line)) < 13 {
			return // procfs panics without the column of drops
		}
		b := golden.NewWorkbench(t, udpQueues.Build, nil)
		b.Proc("net/udp", udpHeader+line+"\n")
		want, wantErr := procfsOf(t, b).NetUDPSummary()
		if wantErr != nil {
			return // procfs parses more columns
		}
		if err != nil || tx != scan.ClampAmount32(want.TxQueueLength) || rx != scan.ClampAmount32(want.RxQueueLength) {
			t.Errorf("%d, %d, %v, want %+v", tx, rx, err, want)
		}
	})
}

func BenchmarkUDPQueues(b *testing.B) {
	for _, sockets := range []int{20, 100_000} {
		b.Run(fmt.Sprint(sockets), func(b *testing.B) {
			n := golden.NewWorkbench(b, udpQueues.Build, nil)
			n.Proc("net/udp", udpFile(sockets))
			n.Proc("net/udp6", udpFile(10))
			n.Steady()
		})
	}
}

func TestUDPQueuesAllocates(t *testing.T) {
	n := golden.NewWorkbench(t, udpQueues.Build, nil)
	n.Proc("net/udp", udpFile(10_000))
	n.Proc("net/udp6", udpFile(10))
	n.Allocs(0)
}
