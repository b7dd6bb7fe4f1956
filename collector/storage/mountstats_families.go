package storage

import (
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

// nfsFamilies are the families of NFS mounts, in the order of the values that
// they have.
type nfsFamilies struct {
	mountPoint *metric.Family
	age        *metric.Family
	bytes      [nfsBytes]*metric.Family
	events     [nfsEvents]*metric.Family
	transport  [nfsTransportValues]*metric.Family
	operation  [nfsOperationNumbers]*metric.Family
}

// nfsCongestionWaits is the index of an event that the kernel does not count.
const nfsCongestionWaits = 18

// nfsTimes is the index of the first of three times, in milliseconds.
const nfsTimes = 5

func newNFSFamilies(m *metric.Set) (f nfsFamilies) {
	const prefix = "node_mountstats_nfs_"
	counter := func(name, help string, labels ...string) *metric.Family {
		return m.Counter(prefix+name, help, append([]string{"export", "mountaddr", "protocol"}, labels...)...)
	}
	gauge := func(name, help string) *metric.Family {
		return m.Gauge(prefix+name, help, "export", "mountaddr", "protocol", "transport")
	}
	f.mountPoint = m.Gauge(prefix+"mountpoint_info", "Mount point of an NFS export; always 1.", "export", "mountaddr", "mountpoint", "protocol")
	f.age = counter("age_seconds_total", "Age of the NFS mount in seconds.")
	f.bytes = [nfsBytes]*metric.Family{
		counter("read_bytes_total", "Bytes read by programs with read()."),
		counter("write_bytes_total", "Bytes written by programs with write()."),
		counter("direct_read_bytes_total", "Bytes read by programs with O_DIRECT."),
		counter("direct_write_bytes_total", "Bytes written by programs with O_DIRECT."),
		counter("total_read_bytes_total", "Bytes read from the NFS server."),
		counter("total_write_bytes_total", "Bytes written to the NFS server."),
		counter("read_pages_total", "Pages read from the NFS server."),
		counter("write_pages_total", "Pages written to the NFS server."),
	}
	event := func(name, help string) *metric.Family { return counter("event_"+name+"_total", help) }
	f.events = [nfsEvents]*metric.Family{
		event("inode_revalidate", "Cached attributes of inodes checked with the NFS server."),
		event("dnode_revalidate", "Cached directory entries checked with the NFS server."),
		event("data_invalidate", "Inodes whose cached data was dropped."),
		event("attribute_invalidate", "Inodes whose cached attributes were dropped."),
		event("vfs_open", "Files and directories opened."),
		event("vfs_lookup", "Names looked up in directories."),
		event("vfs_access", "Permissions checked."),
		event("vfs_update_page", "Pages written to, in whole or in part."),
		event("vfs_read_page", "Pages read one by one."),
		event("vfs_read_pages", "Groups of pages read."),
		event("vfs_write_page", "Pages written one by one."),
		event("vfs_write_pages", "Groups of pages written."),
		event("vfs_getdents", "Directories read with getdents()."),
		event("vfs_setattr", "Changes of inode attributes."),
		event("vfs_flush", "Flushes of files, such as by close()."),
		event("vfs_fsync", "Calls of fsync()."),
		event("vfs_lock", "Locks of files tried."),
		event("vfs_file_release", "Files closed and released."),
		nfsCongestionWaits: nil,
		19:                 event("truncation", "Files truncated."),
		20:                 event("write_extension", "Files that writes made longer."),
		21:                 event("silly_rename", "Files removed while open, and so renamed until they are closed."),
		22:                 event("short_read", "Reads that brought less data than the server has."),
		23:                 event("short_write", "Writes of which the server took only a part."),
		24:                 event("jukebox_delay", "Answers of the server to try later, with NFS3ERR_JUKEBOX or NFS4ERR_DELAY."),
		25:                 event("pnfs_read", "Reads by parallel NFS (pNFS)."),
		26:                 event("pnfs_write", "Writes by parallel NFS (pNFS)."),
	}
	transport := func(name, help string) *metric.Family { return counter("transport_"+name+"_total", help, "transport") }
	f.transport = [nfsTransportValues]*metric.Family{
		nfsBind:            transport("bind", "Times that the port of the NFS server was looked up."),
		nfsConnect:         transport("connect", "Connections made to the NFS server."),
		nfsIdle:            gauge("transport_idle_time_seconds", "Time since the last RPC request in seconds."),
		nfsSends:           transport("sends", "RPC requests sent to the NFS server."),
		nfsReceives:        transport("receives", "RPC answers received from the NFS server."),
		nfsBadTransactions: transport("bad_transaction_ids", "RPC answers received to no known request."),
		nfsBacklog:         transport("backlog_queue", "Sum over all requests of the length of the backlog queue."),
		nfsSlots:           gauge("transport_maximum_rpc_slots", "Largest number of RPC requests at a time so far."),
		nfsSending:         transport("sending_queue", "Sum over all requests of the length of the sending queue."),
		nfsPending:         transport("pending_queue", "Sum over all requests of the length of the pending queue."),
	}
	operation := func(name, help string) *metric.Family {
		return counter("operations_"+name+"_total", help, "operation")
	}
	f.operation = [nfsOperationNumbers]*metric.Family{
		operation("requests", "RPC requests of the operation."),
		operation("transmissions", "Transmissions of RPC requests of the operation, those sent again included."),
		operation("major_timeouts", "RPC requests of the operation that had a major timeout."),
		operation("sent_bytes", "Bytes sent in RPC requests of the operation."),
		operation("received_bytes", "Bytes received in RPC answers of the operation."),
		nfsTimes: operation("queue_time_seconds", "Time that requests of the operation waited to be sent, in seconds."),
		6:        operation("response_time_seconds", "Time from sending requests of the operation to their answers, in seconds."),
		7:        operation("request_time_seconds", "Time from making requests of the operation to their end, in seconds."),
	}
	return f
}

// emitStats emits what stands before the transports of a mount.
func (f *nfsFamilies) emitStats(s *nfsStats, m *nfsMount, out *metric.Sink) {
	if s.hasAge {
		out.Emit(f.age, float64(s.age), m.export, m.address, m.protocol)
	}
	if s.hasBytes {
		for i, family := range f.bytes {
			out.Emit(family, float64(s.bytes[i]), m.export, m.address, m.protocol)
		}
	}
	for i, v := range s.events[:s.eventCount] {
		if i != nfsCongestionWaits {
			out.Emit(f.events[i], float64(v), m.export, m.address, m.protocol)
		}
	}
}

// emitTransport emits a transport, whose protocol may differ from that of the
// mount.
func (f *nfsFamilies) emitTransport(t nfsTransport, protocol, number string, m *nfsMount, out *metric.Sink) {
	for i, family := range f.transport {
		if t.has[i] {
			out.Emit(family, t.values[i], m.export, m.address, protocol, number)
		}
	}
}

func (f *nfsFamilies) emitOperation(numbers *[nfsOperationNumbers]uint64, operation string, m *nfsMount, out *metric.Sink) {
	for i, family := range f.operation {
		v := float64(numbers[i])
		if i >= nfsTimes {
			v = float64(scan.ClampAmount64(numbers[i])) / 1000 // the kernel adds up differences of its clock
		}
		out.Emit(family, v, m.export, m.address, m.protocol, operation)
	}
}
