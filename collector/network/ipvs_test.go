package network

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/test/golden"
)

const ipvsTotals = "   Total Incoming Outgoing         Incoming         Outgoing\n" +
	"   Conns  Packets  Packets            Bytes            Bytes\n" +
	" 16AA370 E33656E5        A     51D8C8883AB3                B\n"

// ipvsFile returns a table of services with a number of backends each.
func ipvsFile(services, backends int) string {
	var b strings.Builder
	b.WriteString("IP Virtual Server version 1.2.1 (size=4096)\nProt LocalAddress:Port Scheduler Flags\n  -> RemoteAddress:Port Forward Weight ActiveConn InActConn\n")
	for s := range services {
		switch s % 4 {
		case 0:
			fmt.Fprintf(&b, "TCP  %08X:%04X wlc persistent 10800 FFFFFFFF\n", 0x0a600000+s, 80)
		case 1:
			fmt.Fprintf(&b, "UDP  %08X:%04X rr ops \n", 0x0a600000+s, 53)
		case 2:
			fmt.Fprintf(&b, "TCP  [FD00:0000:0000:0000:0000:0000:0000:%04X]:01BB rr \n", s)
		case 3:
			fmt.Fprintf(&b, "FWM  %08X sh \n", s)
		}
		for r := range backends {
			if s%4 == 2 {
				fmt.Fprintf(&b, "  -> [FD00:0001:0000:0000:0000:0000:%04X:%04X]:1F90", s, r)
			} else {
				fmt.Fprintf(&b, "  -> %08X:1F90", 0x0af40000+100*s+r)
			}
			fmt.Fprintf(&b, "      Masq    %-6d %-10d %-10d\n", rand.IntN(100), rand.IntN(1e6), rand.IntN(1e6))
		}
	}
	return b.String()
}

func TestIPVSMatchesProcfs(t *testing.T) {
	b := golden.NewWorkbench(t, ipvs.Build, nil)
	b.Proc("net/ip_vs_stats", ipvsTotals+"\n")
	b.Proc("net/ip_vs", ipvsFile(40, 7))
	have, errs := b.Update()
	if errs != nil {
		t.Fatal(errs)
	}
	stats, err := procfsOf(t, b).IPVSStats()
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]float64{
		"node_ipvs_connections_total":      float64(stats.Connections),
		"node_ipvs_incoming_packets_total": float64(stats.IncomingPackets),
		"node_ipvs_outgoing_packets_total": float64(stats.OutgoingPackets),
		"node_ipvs_incoming_bytes_total":   float64(stats.IncomingBytes),
		"node_ipvs_outgoing_bytes_total":   float64(stats.OutgoingBytes),
	}
	backends, err := procfsOf(t, b).IPVSBackendStatus()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range backends {
		local := ""
		if s.LocalAddress != nil {
			local = s.LocalAddress.String()
		}
		labels := fmt.Sprintf("{local_address=%q,local_port=\"%d\",remote_address=%q,remote_port=\"%d\",proto=%q,local_mark=%q}",
			local, s.LocalPort, s.RemoteAddress, s.RemotePort, s.Proto, s.LocalMark)
		want["node_ipvs_backend_weight"+labels] = float64(s.Weight)
		want["node_ipvs_backend_connections_active"+labels] = float64(s.ActiveConn)
		want["node_ipvs_backend_connections_inactive"+labels] = float64(s.InactConn)
	}
	if len(want) != 5+3*40*7 {
		t.Errorf("procfs has %d samples", len(want))
	}
	for series, v := range want {
		if got, ok := have[series]; !ok || got != v {
			t.Errorf("%s is %v, want %v", series, got, v)
		}
	}
	if len(have) != len(want) {
		t.Errorf("%d samples, want %d", len(have), len(want))
	}
}

// TestIPVSAddress includes an IPv4-mapped IPv6 address, which is exported as
// IPv4, as by procfs.
func TestIPVSAddress(t *testing.T) {
	for text, want := range map[string]string{
		"C0A80016:0CEA": "192.168.0.22:3306",
		"c0a80016:0cea": "192.168.0.22:3306",
		"[2620:0000:0000:0000:0000:0000:0000:0001]:0050": "[2620::1]:80",
		"[0000:0000:0000:0000:0000:FFFF:0A00:0001]:0050": "10.0.0.1:80",
		"[0000:0000:0000:0000:0000:0000:0000:0000]:FFFF": "[::]:65535",
		"": "", ":": "", "C0A80016": "", "C0A80016:0CEG": "", "C0A8001G:0CEA": "", "C0A80016 0CEA": "", "-0A80016:0CEA": "",
		"[2620:0000:0000:0000:0000:0000:0000-0001]:0050": "",
		"[2620:0000:0000:0000:0000:0000:0000:000G]:0050": "",
		"[2620:0000:0000:0000:0000:0000:0000:0001}:0050": "",
		"[2620:0000:0000:0000:0000:0000:0000:0001]00050": "",
	} {
		if a, ok := parseIPVSAddress([]byte(text)); ok != (want != "") || ok && a.String() != want {
			t.Errorf("%q is %v, %v, want %q", text, a, ok, want)
		}
	}
}

func TestIPVSLabels(t *testing.T) {
	for list, want := range map[string]string{
		"":                       "",
		",":                      "",
		"proto":                  "proto",
		"proto,local_address":    "local_address,proto",
		"proto,,proto":           "proto",
		"local_mark,remote_port": "remote_port,local_mark",
		"port":                   "!",
		"proto, local_port":      "!",
	} {
		_, err := ipvs.Build.New(&collect.Env{Host: &host.Host{}, Metrics: metric.NewSet()}, map[string][]string{"backend-labels": {list}})
		labels, _ := parseIPVSLabels(list)
		if (err != nil) != (want == "!") || err == nil && strings.Join(labels, ",") != want {
			t.Errorf("%q gives %v, %v, want %q", list, labels, err, want)
		}
	}
}

// TestIPVSDropsRemovedBackends replaces all backends again and again, and
// limits how many series are kept.
func TestIPVSDropsRemovedBackends(t *testing.T) {
	b := golden.NewWorkbench(t, ipvs.Build, nil)
	b.Proc("net/ip_vs_stats", ipvsTotals)
	c := b.Collector.(*ipvsCollector)
	for i := range 50 {
		b.Proc("net/ip_vs", fmt.Sprintf("TCP  C0A8%04X:0CEA wlc\n", i)+strings.SplitAfterN(ipvsFile(1, 100), "\n", 5)[4])
		if have, errs := b.Update(); len(have) != 5+3*100 || errs != nil {
			t.Fatalf("%d samples, %v", len(have), errs)
		}
		if len(c.sums.series) > 3*100+64 {
			t.Fatalf("%d series are kept for 100 backends", len(c.sums.series))
		}
	}
}

// FuzzIPVS checks that no lines cause a panic, a duplicate sample, or the loss
// of the sample of a well-formed service behind them.
func FuzzIPVS(f *testing.F) {
	f.Add("TCP  C0A80016:0CEA wlc\n  -> C0A85216:0CEA      Tunnel  100    248        2\n", "proto,local_port")
	f.Add("FWM  10 wlc\n  -> [2620:0000:0000:0000:0000:0000:0000:0002]:0050 x 1 1 1", "")
	f.Add("->\n-> ->\nFWM\nIP\n\x00 \x00\nSCTP [:]\n", "local_mark,remote_address,remote_port")
	f.Fuzz(func(t *testing.T, lines, labels string) {
		if _, err := parseIPVSLabels(labels); err != nil {
			t.Skip()
		}
		b := golden.NewWorkbench(t, ipvs.Build, map[string][]string{"backend-labels": {labels}})
		b.Proc("net/ip_vs_stats", ipvsTotals)
		b.Proc("net/ip_vs", lines+"\nTCP  C0A80016:0CEA wlc\n  -> C0A85216:0CEA      Tunnel  7    248        2\n")
		for range 2 {
			have, _ := b.Update()
			weights := 0.0
			for series, v := range have {
				if strings.HasPrefix(series, "node_ipvs_backend_weight") {
					weights += v
				}
			}
			if weights < 7 {
				t.Errorf("weights add up to %v: %v", weights, have)
			}
		}
	})
}

// BenchmarkIPVS reads the table of a cluster node with a thousand services.
func BenchmarkIPVS(b *testing.B) {
	n := golden.NewWorkbench(b, ipvs.Build, nil)
	n.Proc("net/ip_vs_stats", ipvsTotals)
	n.Proc("net/ip_vs", ipvsFile(1000, 5))
	n.Steady()
}

func TestIPVSAllocates(t *testing.T) {
	for _, labels := range []string{strings.Join(ipvsLabels(), ","), "proto", ""} {
		n := golden.NewWorkbench(t, ipvs.Build, map[string][]string{"backend-labels": {labels}})
		n.Proc("net/ip_vs_stats", ipvsTotals)
		n.Proc("net/ip_vs", ipvsFile(50, 5))
		n.Allocs(0)
	}
}
