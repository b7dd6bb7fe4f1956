package storage

import (
	"context"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

var nfsd = collect.Spec{
	Name:  "nfsd",
	Help:  "Requests, caches and threads of the NFS server of the kernel.",
	Reads: []string{"/proc/net/rpc/nfsd"},
	Build: collect.Plain(newNfsd),
}

// nfsdCollector reads /proc/net/rpc/nfsd, which exists while the module of the
// server is loaded:
//
//	rc 0 6 18622
//	fh 0 0 0 0 0
//	io 157286400 0
//	th 8 0 0.000 ...
//	net 18628 0 18628 6
//	rpc 18628 0 0 0 0
//	proc4ops 76 0 0 0 1098 ...
//
// See nfsd_show in fs/nfsd/stats.c for the fields, and nfsstat(8), which prints
// the same numbers.
type nfsdCollector struct {
	proc  *host.Reader
	stats rpcStats
}

func newNfsd(env *collect.Env) *nfsdCollector {
	return &nfsdCollector{env.Host.Proc.Reader(), rpcStats{lines: append(nfsdLines(env.Metrics), nfsdRequests(env.Metrics)...)}}
}

// nfsdLines returns the lines without requests.
func nfsdLines(m *metric.Set) []rpcLine {
	packets := m.Counter("node_nfsd_packets_total", "Packets received by the NFS server, by transport.", "proto")
	errors := m.Counter("node_nfsd_rpc_errors_total", "RPC calls refused by the NFS server: bad format, authentication or client (cInt).", "error")
	return []rpcLine{
		{word: "rc", fields: []rpcField{
			{0, m.Counter("node_nfsd_reply_cache_hits_total", "Repeated requests answered from the reply cache of the NFS server."), nil},
			{1, m.Counter("node_nfsd_reply_cache_misses_total", "Requests added to the reply cache of the NFS server."), nil},
			{2, m.Counter("node_nfsd_reply_cache_nocache_total", "Repeatable requests not added to the reply cache of the NFS server."), nil},
		}},
		// The other fields are always 0.
		{word: "fh", fields: []rpcField{
			{0, m.Counter("node_nfsd_file_handles_stale_total", "Requests with a stale file handle."), nil},
		}},
		{word: "io", fields: []rpcField{
			{0, m.Counter("node_nfsd_disk_bytes_read_total", "Bytes read by NFS clients."), nil},
			{1, m.Counter("node_nfsd_disk_bytes_written_total", "Bytes written by NFS clients."), nil},
		}},
		// The other fields are a histogram of seconds that kernels no longer fill.
		{word: "th", fields: []rpcField{
			{0, m.Gauge("node_nfsd_server_threads", "Threads of the NFS server."), nil},
		}},
		// Since Linux 5.4 there is no such cache, and all fields are 0.
		{word: "ra", fields: []rpcField{
			{0, m.Gauge("node_nfsd_read_ahead_cache_size_blocks", "Size of the read-ahead cache of the NFS server in entries, 0 since Linux 5.4."), nil},
			{11, m.Counter("node_nfsd_read_ahead_cache_not_found_total", "Reads that missed the read-ahead cache of the NFS server, 0 since Linux 5.4."), nil},
		}},
		{word: "net", fields: []rpcField{
			{1, packets, []string{"udp"}},
			{2, packets, []string{"tcp"}},
			{3, m.Counter("node_nfsd_connections_total", "TCP connections accepted by the NFS server."), nil},
		}},
		// The second field is the sum of the errors.
		{word: "rpc", fields: []rpcField{
			{0, m.Counter("node_nfsd_server_rpcs_total", "RPC calls received by the NFS server."), nil},
			{2, errors, []string{"fmt"}},
			{3, errors, []string{"auth"}},
			{4, errors, []string{"cInt"}},
		}},
	}
}

// nfsdRequests returns the lines with requests. The server counts NFSv4 by
// operation, unlike the client, which counts compound requests.
func nfsdRequests(m *metric.Set) []rpcLine {
	requests := m.Counter("node_nfsd_requests_total", "Requests to the NFS server by protocol version and method; of NFSv4, operations.", "method", "proto")
	methods2, methods3 := nfsMethods2(), nfsMethods3()
	methods2[0], methods3[0] = "", "" // a ping is not a request
	return []rpcLine{
		rpcMethods(requests, "proc2", "2", methods2),
		rpcMethods(requests, "proc3", "3", methods3),
		rpcMethods(requests, "proc4ops", "4", nfsdOperations()),
		{word: "wdeleg_getattr", fields: []rpcField{{0, requests, []string{"WdelegGetattr", "4"}}}},
	}
}

func (c *nfsdCollector) Update(_ context.Context, out *metric.Sink) error {
	b, err := c.proc.Read("net/rpc/nfsd")
	if err != nil {
		return collect.OrNoData(err)
	}
	return c.stats.emit(c.proc, b, out)
}
