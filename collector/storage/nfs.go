package storage

import (
	"context"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

var nfs = collect.Spec{
	Name:  "nfs",
	Help:  "Requests of the NFS client.",
	Reads: []string{"/proc/net/rpc/nfs"},
	Build: collect.Plain(newNfs),
}

// nfsCollector reads /proc/net/rpc/nfs, which exists while the module of the
// client is loaded:
//
//	net 0 0 0 0
//	rpc 4329785 0 4338291
//	proc3 22 1 4084749 29200 ...
//	proc4 69 1 0 0 ...
//
// See rpc_proc_show in net/sunrpc/stats.c for the fields, and nfsstat(8), which
// prints the same numbers.
type nfsCollector struct {
	proc  *host.Reader
	stats rpcStats
}

func newNfs(env *collect.Env) *nfsCollector {
	m := env.Metrics
	packets := m.Counter("node_nfs_packets_total", "Packets of the NFS client by transport, not counted by current kernels.", "protocol")
	connections := m.Counter("node_nfs_connections_total", "TCP connections of the NFS client, not counted by current kernels.")
	calls := m.Counter("node_nfs_rpcs_total", "RPC calls made by the NFS client.")
	retransmissions := m.Counter("node_nfs_rpc_retransmissions_total", "RPC calls that the NFS client sent again for lack of an answer.")
	refreshes := m.Counter("node_nfs_rpc_authentication_refreshes_total", "Credential refreshes of the NFS client.")
	requests := m.Counter("node_nfs_requests_total", "Requests of the NFS client by protocol version and method.", "method", "proto")
	return &nfsCollector{
		proc: env.Host.Proc.Reader(),
		stats: rpcStats{lines: []rpcLine{
			{word: "net", fields: []rpcField{{1, packets, []string{"udp"}}, {2, packets, []string{"tcp"}}, {3, connections, nil}}},
			{word: "rpc", fields: []rpcField{{0, calls, nil}, {1, retransmissions, nil}, {2, refreshes, nil}}},
			rpcMethods(requests, "proc2", "2", nfsMethods2()),
			rpcMethods(requests, "proc3", "3", nfsMethods3()),
			rpcMethods(requests, "proc4", "4", nfsMethods4()),
		}},
	}
}

func (c *nfsCollector) Update(_ context.Context, out *metric.Sink) error {
	b, err := c.proc.Read("net/rpc/nfs")
	if err != nil {
		return collect.OrNoData(err)
	}
	return c.stats.emit(c.proc, b, out)
}
