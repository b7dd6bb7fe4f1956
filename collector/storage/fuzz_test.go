package storage

import (
	"math"
	"strings"
	"testing"

	procfsnfs "github.com/prometheus/procfs/nfs"

	"github.com/hostexporter/host_exporter/collector/internal/test/golden"
)

// FuzzBcacheValue checks that a value is finite, and negative with a sign only.
func FuzzBcacheValue(f *testing.F) {
	for _, text := range []string{"0", "39.2M", "1.10k", "-1.5k/sec", "94%", "1.9Y", "k", ".5k", "1..2k"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		v, ok := parseBcacheValue([]byte(text))
		if ok && (math.IsNaN(v) || math.IsInf(v, 0) || math.Signbit(v) && !strings.HasPrefix(text, "-")) {
			t.Errorf("%q: have %v", text, v)
		}
	})
}

// FuzzNfs compares the lines of a client with procfs on files that both accept.
func FuzzNfs(f *testing.F) {
	f.Add("net 1 2 3 4\nrpc 5 6 7\nproc2 18" + counting(8, 18) + "proc3 22" + counting(26, 22) + "proc4 59" + counting(48, 59))
	f.Add("net 70 70 69 45\nrpc 1218785755 374636 1218815394\n")
	f.Add("rpc 18446744073709551615 0 0\nproc2 0\nproc3 -1")
	b := golden.NewWorkbench(f, nfs.Build, nil)
	f.Fuzz(func(t *testing.T, file string) {
		if strings.ContainsAny(file, "\r\v\f\u0085\u00a0") {
			return
		}
		b.T = t
		b.Proc("net/rpc/nfs", file)
		have, errs := b.Update()
		s, err := procfsnfs.ParseClientRPCStats(strings.NewReader(file))
		if err != nil || len(errs) > 0 || strings.Count(file, "net") > 1 || strings.Count(file, "rpc") > 1 {
			return
		}
		for series, want := range map[string]uint64{
			"node_nfs_packets_total{protocol=\"udp\"}":    s.Network.UDPCount,
			"node_nfs_packets_total{protocol=\"tcp\"}":    s.Network.TCPCount,
			"node_nfs_connections_total":                  s.Network.TCPConnect,
			"node_nfs_rpcs_total":                         s.ClientRPC.RPCCount,
			"node_nfs_rpc_retransmissions_total":          s.ClientRPC.Retransmissions,
			"node_nfs_rpc_authentication_refreshes_total": s.ClientRPC.AuthRefreshes,
		} {
			if v, ok := have[series]; ok && v != float64(want) {
				t.Errorf("%s: have %v, procfs has %d", series, v, want)
			}
		}
	})
}

// FuzzMountInfoProcfs compares with procfs on lines that both accept.
func FuzzMountInfoProcfs(f *testing.F) {
	for line := range strings.Lines(mountInfoSamples) {
		f.Add(strings.TrimSuffix(line, "\n"))
	}
	oracle := golden.NewOracle(f, "1/mountinfo")
	f.Fuzz(func(t *testing.T, line string) {
		l, err := parseMountInfo([]byte(line))
		// It splits at each blank, and counts fields from the front.
		if err != nil || strings.ContainsAny(line, "\n\r\t\v\f\u0085\u00a0") || strings.Contains(line, "  ") || len(line) > 1000 {
			return
		}
		all, err := oracle.Set(t, line+"\n").GetProcMounts(1)
		if err != nil || len(all) != 1 {
			return
		}
		m := all[0]
		if l.id != m.MountID || l.parent != m.ParentID || string(l.point) != m.MountPoint || string(l.fsType) != m.FSType || string(l.device) != m.Source {
			t.Errorf("%q: have %d %d %s %s %s, procfs has %+v", line, l.id, l.parent, l.point, l.fsType, l.device, *m)
		}
	})
}
