package network

import (
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/rtnl"
)

// A linkCounter is a family that sums up some of the counters of a link.
type linkCounter struct {
	family *metric.Family
	of     []int // indices in rtnl.Stats
}

// value returns the sum, and whether the kernel has all of its parts.
func (c *linkCounter) value(s *rtnl.Stats) (uint64, bool) {
	var sum uint64
	for _, i := range c.of {
		if i >= s.Len {
			return 0, false
		}
		sum += s.Value[i]
	}
	return sum, true
}

// linkCounters declares the families that are filled from rtnetlink. The usual
// ones are those of /proc/net/dev, summed up as the kernel does for that file
// (dev_seq_printf_stats in net/core/net-procfs.c).
//
// Names that are taken are left out; taken may be nil.
func linkCounters(m *metric.Set, detailed bool, labels []string, taken func(name string) bool) (rows []linkCounter) {
	row := func(name, help string, of ...int) {
		name = "node_network_" + name + "_total"
		if taken == nil || !taken(name) {
			rows = append(rows, linkCounter{m.Counter(name, help, labels...), of})
		}
	}
	row("receive_bytes", "Bytes received.", rtnl.RxBytes)
	row("receive_packets", "Packets received.", rtnl.RxPackets)
	row("receive_compressed", "Compressed packets received (CSLIP, PPP).", rtnl.RxCompressed)
	row("receive_nohandler", "Packets received and dropped because nothing was there to take them.", rtnl.RxNoHandler)
	row("transmit_bytes", "Bytes sent.", rtnl.TxBytes)
	row("transmit_packets", "Packets sent.", rtnl.TxPackets)
	row("transmit_compressed", "Compressed packets sent (CSLIP, PPP).", rtnl.TxCompressed)
	if !detailed {
		row("receive_errs", "Packets that were bad when they were received.", rtnl.RxErrors)
		row("receive_drop", "Packets received and dropped, for want of room in the host or in the device.", rtnl.RxDropped, rtnl.RxMissedErrors)
		row("receive_fifo", "Receive errors of the device's FIFO.", rtnl.RxFIFOErrors)
		row("receive_frame", "Receive errors of framing, length, checksum and ring overflow.", rtnl.RxFrameErrors, rtnl.RxLengthErrors, rtnl.RxOverErrors, rtnl.RxCRCErrors)
		row("receive_multicast", "Multicast packets received.", rtnl.Multicast)
		row("transmit_errs", "Packets that could not be sent because of errors.", rtnl.TxErrors)
		row("transmit_drop", "Packets dropped instead of sent.", rtnl.TxDropped)
		row("transmit_fifo", "Transmit errors of the device's FIFO.", rtnl.TxFIFOErrors)
		row("transmit_colls", "Collisions while sending.", rtnl.Collisions)
		row("transmit_carrier", "Transmit errors of carrier, heartbeat and late collisions, and aborted transmissions.", rtnl.TxCarrierErrors, rtnl.TxAbortedErrors, rtnl.TxHeartbeatErrors, rtnl.TxWindowErrors)
		return rows
	}
	row("receive_errors", "Packets that were bad when they were received.", rtnl.RxErrors)
	row("receive_dropped", "Packets received and dropped, for want of room in the host.", rtnl.RxDropped)
	row("receive_length_errors", "Packets received with a length that cannot be.", rtnl.RxLengthErrors)
	row("receive_over_errors", "Packets lost because the receive ring overflowed.", rtnl.RxOverErrors)
	row("receive_crc_errors", "Packets received with a wrong checksum.", rtnl.RxCRCErrors)
	row("receive_frame_errors", "Packets received with broken framing.", rtnl.RxFrameErrors)
	row("receive_fifo_errors", "Receive errors of the device's FIFO.", rtnl.RxFIFOErrors)
	row("receive_missed_errors", "Packets lost because the device had no room.", rtnl.RxMissedErrors)
	row("multicast", "Multicast packets received.", rtnl.Multicast)
	row("transmit_errors", "Packets that could not be sent because of errors.", rtnl.TxErrors)
	row("transmit_dropped", "Packets dropped instead of sent.", rtnl.TxDropped)
	row("transmit_aborted_errors", "Transmissions that were aborted, such as after too many collisions.", rtnl.TxAbortedErrors)
	row("transmit_carrier_errors", "Packets not sent because the carrier was lost.", rtnl.TxCarrierErrors)
	row("transmit_fifo_errors", "Transmit errors of the device's FIFO.", rtnl.TxFIFOErrors)
	row("transmit_heartbeat_errors", "Heartbeat errors of old Ethernet transceivers.", rtnl.TxHeartbeatErrors)
	row("transmit_window_errors", "Packets not sent because of late collisions.", rtnl.TxWindowErrors)
	row("collisions", "Collisions while sending.", rtnl.Collisions)
	return rows
}

// fileColumns declares a family for each column of /proc/net/dev. The file
// has one kind of drops and errors only, under names that depend on the
// option all the same: so it always was.
func fileColumns(m *metric.Set, detailed bool, labels []string) []*metric.Family {
	errs, drop := "errs", "drop"
	received := "Packets received and dropped, for want of room in the host or in the device."
	if detailed {
		errs, drop = "errors", "dropped"
		received = "Packets received and dropped, for want of room in the host."
	}
	row := func(name, help string) *metric.Family {
		return m.Counter("node_network_"+name+"_total", help, labels...)
	}
	return []*metric.Family{
		row("receive_bytes", "Bytes received."),
		row("receive_packets", "Packets received."),
		row("receive_"+errs, "Packets that were bad when they were received."),
		row("receive_"+drop, received),
		row("receive_fifo", "Receive errors of the device's FIFO."),
		row("receive_frame", "Receive errors of framing, length, checksum and ring overflow."),
		row("receive_compressed", "Compressed packets received (CSLIP, PPP)."),
		row("receive_multicast", "Multicast packets received."),
		row("transmit_bytes", "Bytes sent."),
		row("transmit_packets", "Packets sent."),
		row("transmit_"+errs, "Packets that could not be sent because of errors."),
		row("transmit_"+drop, "Packets dropped instead of sent."),
		row("transmit_fifo", "Transmit errors of the device's FIFO."),
		row("transmit_colls", "Collisions while sending."),
		row("transmit_carrier", "Transmit errors of carrier, heartbeat and late collisions, and aborted transmissions."),
		row("transmit_compressed", "Compressed packets sent (CSLIP, PPP)."),
	}
}
