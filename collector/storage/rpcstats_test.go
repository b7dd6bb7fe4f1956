package storage

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	procfs "github.com/prometheus/procfs/nfs"

	"github.com/hostexporter/host_exporter/collector/internal/test/golden"
)

// mountstatsMethods are the names of NFSv4 requests in /proc/self/mountstats of
// Linux 6.12, which has them in the order of /proc/net/rpc/nfs.
const mountstatsMethods = `
NULL READ WRITE COMMIT OPEN OPEN_CONFIRM OPEN_NOATTR OPEN_DOWNGRADE CLOSE SETATTR FSINFO RENEW SETCLIENTID
SETCLIENTID_CONFIRM LOCK LOCKT LOCKU ACCESS GETATTR LOOKUP LOOKUP_ROOT REMOVE RENAME LINK SYMLINK CREATE
PATHCONF STATFS READLINK READDIR SERVER_CAPS DELEGRETURN GETACL SETACL FS_LOCATIONS RELEASE_LOCKOWNER SECINFO
FSID_PRESENT EXCHANGE_ID CREATE_SESSION DESTROY_SESSION SEQUENCE GET_LEASE_TIME RECLAIM_COMPLETE LAYOUTGET
GETDEVICEINFO LAYOUTCOMMIT LAYOUTRETURN SECINFO_NO_NAME TEST_STATEID FREE_STATEID GETDEVICELIST
BIND_CONN_TO_SESSION DESTROY_CLIENTID SEEK ALLOCATE DEALLOCATE LAYOUTSTATS CLONE COPY OFFLOAD_CANCEL LOOKUPP
LAYOUTERROR COPY_NOTIFY GETXATTR SETXATTR LISTXATTRS REMOVEXATTR READ_PLUS`

func TestNfsMethodsMatchMountstats(t *testing.T) {
	want := strings.Fields(mountstatsMethods)
	have := nfsMethods4()
	if len(have) != len(want) {
		t.Fatalf("%d methods, want %d", len(have), len(want))
	}
	for i := range want {
		if strings.ToUpper(have[i]) != strings.ReplaceAll(want[i], "_", "") {
			t.Errorf("method %d is %s, want %s", i, have[i], want[i])
		}
	}
}

// nfsdFile returns the statistics of a server, with distinct numbers.
func nfsdFile(operations int) string {
	next := rand.Uint64N(1 << 20)
	numbers := func(n int) string {
		var b strings.Builder
		for range n {
			next++
			fmt.Fprintf(&b, " %d", next)
		}
		return b.String() + "\n"
	}
	return "rc" + numbers(3) + "fh" + numbers(5) + "io" + numbers(2) + "th" + numbers(2) + "ra" + numbers(12) +
		"net" + numbers(4) + "rpc" + numbers(5) + "proc2 18" + numbers(18) + "proc3 22" + numbers(22) + "proc4 2" + numbers(2) +
		fmt.Sprint("proc4ops ", operations) + numbers(operations) + "wdeleg_getattr" + numbers(1)
}

// methodsOf returns the samples of a family with a method for each field of a
// struct of procfs.
func methodsOf(family, version string, stats any, except ...string) map[string]float64 {
	want := map[string]float64{}
	for f, v := range reflect.ValueOf(stats).Fields() {
		want[fmt.Sprintf("%s{method=%q,proto=%q}", family, f.Name, version)] = float64(v.Uint())
	}
	for _, method := range except {
		delete(want, fmt.Sprintf("%s{method=%q,proto=%q}", family, method, version))
	}
	return want
}

func TestNfsdMatchesProcfs(t *testing.T) {
	for range 20 {
		file := nfsdFile(40)
		b := golden.NewWorkbench(t, nfsd.Build, nil)
		b.Proc("net/rpc/nfsd", file)
		have, errs := b.Update()
		if errs != nil {
			t.Fatal(errs)
		}
		s, err := procfs.ParseServerRPCStats(strings.NewReader(file))
		if err != nil {
			t.Fatal(err)
		}
		want := map[string]float64{
			"node_nfsd_reply_cache_hits_total":                           float64(s.ReplyCache.Hits),
			"node_nfsd_reply_cache_misses_total":                         float64(s.ReplyCache.Misses),
			"node_nfsd_reply_cache_nocache_total":                        float64(s.ReplyCache.NoCache),
			"node_nfsd_file_handles_stale_total":                         float64(s.FileHandles.Stale),
			"node_nfsd_disk_bytes_read_total":                            float64(s.InputOutput.Read),
			"node_nfsd_disk_bytes_written_total":                         float64(s.InputOutput.Write),
			"node_nfsd_server_threads":                                   float64(s.Threads.Threads),
			"node_nfsd_read_ahead_cache_size_blocks":                     float64(s.ReadAheadCache.CacheSize),
			"node_nfsd_read_ahead_cache_not_found_total":                 float64(s.ReadAheadCache.NotFound),
			"node_nfsd_packets_total{proto=\"udp\"}":                     float64(s.Network.UDPCount),
			"node_nfsd_packets_total{proto=\"tcp\"}":                     float64(s.Network.TCPCount),
			"node_nfsd_connections_total":                                float64(s.Network.TCPConnect),
			"node_nfsd_server_rpcs_total":                                float64(s.ServerRPC.RPCCount),
			"node_nfsd_rpc_errors_total{error=\"fmt\"}":                  float64(s.ServerRPC.BadFmt),
			"node_nfsd_rpc_errors_total{error=\"auth\"}":                 float64(s.ServerRPC.BadAuth),
			"node_nfsd_rpc_errors_total{error=\"cInt\"}":                 float64(s.ServerRPC.BadcInt),
			`node_nfsd_requests_total{method="WdelegGetattr",proto="4"}`: float64(s.WdelegGetattr),
		}
		maps.Copy(want, methodsOf("node_nfsd_requests_total", "2", s.V2Stats, "Null"))
		maps.Copy(want, methodsOf("node_nfsd_requests_total", "3", s.V3Stats, "Null"))
		maps.Copy(want, methodsOf("node_nfsd_requests_total", "4", s.V4Ops, "Op0Unused", "Op1Unused", "Op2Future", "PutPubFH", "PutRootFH"))
		golden.SameSamples(t, have, want)
	}
}

func TestNfsMatchesProcfs(t *testing.T) {
	file := "net 1 2 3 4\nrpc 5 6 7\nproc2 18" + counting(8, 18) + "proc3 22" + counting(26, 22) + "proc4 59" + counting(48, 59)
	b := golden.NewWorkbench(t, nfs.Build, nil)
	b.Proc("net/rpc/nfs", file)
	have, errs := b.Update()
	if errs != nil {
		t.Fatal(errs)
	}
	s, err := procfs.ParseClientRPCStats(strings.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]float64{
		"node_nfs_packets_total{protocol=\"udp\"}":    float64(s.Network.UDPCount),
		"node_nfs_packets_total{protocol=\"tcp\"}":    float64(s.Network.TCPCount),
		"node_nfs_connections_total":                  float64(s.Network.TCPConnect),
		"node_nfs_rpcs_total":                         float64(s.ClientRPC.RPCCount),
		"node_nfs_rpc_retransmissions_total":          float64(s.ClientRPC.Retransmissions),
		"node_nfs_rpc_authentication_refreshes_total": float64(s.ClientRPC.AuthRefreshes),
	}
	// procfs has these two in the wrong order, as mountstats shows.
	v4 := &s.ClientV4Stats
	v4.LayoutGet, v4.GetDeviceInfo = v4.GetDeviceInfo, v4.LayoutGet
	maps.Copy(want, methodsOf("node_nfs_requests_total", "2", s.V2Stats))
	maps.Copy(want, methodsOf("node_nfs_requests_total", "3", s.V3Stats))
	maps.Copy(want, methodsOf("node_nfs_requests_total", "4", s.ClientV4Stats))
	golden.SameSamples(t, have, want)
}

func counting(from, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, " %d", from+i)
	}
	return b.String() + "\n"
}

// FuzzNfsd checks that no lines cause a panic, a duplicate sample, or the loss
// of the samples of a well-formed line between them.
func FuzzNfsd(f *testing.F) {
	f.Add("proc4ops 2 1 1\nth 8\n", "ra 1 2 3\n")
	f.Add("fh\n\nproc2 -1\nproc3 0\nproc3\n", "th 99999999999999999999")
	f.Add("rc 1 2 3\nrc 1 2 3\n", "\x00 1\nproc2 2 1 18446744073709551615")
	f.Fuzz(func(t *testing.T, before, after string) {
		if strings.Contains(before, "io") || strings.Contains(after, "io") {
			t.Skip("there may be a second line io")
		}
		b := golden.NewWorkbench(t, nfsd.Build, nil)
		b.Proc("net/rpc/nfsd", before+"\nio 4711 2\n"+after)
		have, _ := b.Update()
		if have["node_nfsd_disk_bytes_read_total"] != 4711 {
			t.Errorf("the sample of the well-formed line is missing: %v", have)
		}
	})
}

func BenchmarkNfsd(b *testing.B) {
	n := golden.NewWorkbench(b, nfsd.Build, nil)
	n.Proc("net/rpc/nfsd", nfsdFile(76))
	n.Steady()
}

func TestNfsdAllocates(t *testing.T) {
	n := golden.NewWorkbench(t, nfsd.Build, nil)
	n.Proc("net/rpc/nfsd", nfsdFile(76))
	n.Allocs(0)
}
