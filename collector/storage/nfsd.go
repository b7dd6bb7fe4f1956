package storage

import (
	"context"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

var nfsd = collect.Spec{
	Name:  "nfsd",
	Help:  "Requests that the NFS server of the kernel gets, and its caches and threads.",
	Reads: []string{"/proc/net/rpc/nfsd"},
	Build: collect.Plain(newNfsd),
}

// nfsdCollector reads /proc/net/rpc/nfsd, which is there once the server's
// module is loaded:
//
//	rc 0 6 18622
//	fh 0 0 0 0 0
//	io 157286400 0
//	th 8 0 0.000 ...
//	net 18628 0 18628 6
//	rpc 18628 0 0 0 0
//	proc4ops 76 0 0 0 1098 ...
//
// The fields are those of nfsd_show in fs/nfsd/stats.c; the kernel has no
// document for them, but nfsstat(8) shows the same.
type nfsdCollector struct {
	proc  *host.Reader
	stats rpcStats
}

func newNfsd(env *collect.Env) *nfsdCollector {
	return &nfsdCollector{env.Host.Proc.Reader(), rpcStats{lines: append(nfsdLines(env.Metrics), nfsdRequests(env.Metrics)...)}}
}

// nfsdLines are the lines about the server itself.
func nfsdLines(m *metric.Set) []rpcLine {
	packets := m.Counter("node_nfsd_packets_total", "Packets that the NFS server received, by transport.", "proto")
	errors := m.Counter("node_nfsd_rpc_errors_total", "RPC calls that the NFS server refused, by what was wrong: the format, the authentication, or the caller (cInt).", "error")
	return []rpcLine{
		{word: "rc", fields: []rpcField{
			{0, m.Counter("node_nfsd_reply_cache_hits_total", "Requests that were answered from the NFS server's reply cache, because they came again."), nil},
			{1, m.Counter("node_nfsd_reply_cache_misses_total", "Requests that went into the NFS server's reply cache."), nil},
			{2, m.Counter("node_nfsd_reply_cache_nocache_total", "Requests that may be carried out twice and need not go into the NFS server's reply cache."), nil},
		}},
		// The kernel counts nothing in the other fields.
		{word: "fh", fields: []rpcField{
			{0, m.Counter("node_nfsd_file_handles_stale_total", "Requests for file handles that the NFS server no longer knows."), nil},
		}},
		{word: "io", fields: []rpcField{
			{0, m.Counter("node_nfsd_disk_bytes_read_total", "Bytes that NFS clients read."), nil},
			{1, m.Counter("node_nfsd_disk_bytes_written_total", "Bytes that NFS clients wrote."), nil},
		}},
		// What follows is a histogram of seconds, which is no longer filled.
		{word: "th", fields: []rpcField{
			{0, m.Gauge("node_nfsd_server_threads", "Threads of the NFS server."), nil},
		}},
		// Since Linux 5.4 there is no such cache, and all is zero.
		{word: "ra", fields: []rpcField{
			{0, m.Gauge("node_nfsd_read_ahead_cache_size_blocks", "Entries that the NFS server's read-ahead cache has room for, zero since Linux 5.4."), nil},
			{11, m.Counter("node_nfsd_read_ahead_cache_not_found_total", "Reads for which the NFS server's read-ahead cache had nothing, zero since Linux 5.4."), nil},
		}},
		{word: "net", fields: []rpcField{
			{1, packets, []string{"udp"}},
			{2, packets, []string{"tcp"}},
			{3, m.Counter("node_nfsd_connections_total", "TCP connections that the NFS server accepted."), nil},
		}},
		// The second field is the sum of the errors.
		{word: "rpc", fields: []rpcField{
			{0, m.Counter("node_nfsd_server_rpcs_total", "RPC calls that the NFS server got."), nil},
			{2, errors, []string{"fmt"}},
			{3, errors, []string{"auth"}},
			{4, errors, []string{"cInt"}},
		}},
	}
}

// nfsdRequests are the lines about what is asked of the server. It does not
// count NFSv4 by compound request, as the client does, but by operation.
func nfsdRequests(m *metric.Set) []rpcLine {
	requests := m.Counter("node_nfsd_requests_total", "Requests that the NFS server got, by protocol version and method; of NFSv4, operations.", "method", "proto")
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
