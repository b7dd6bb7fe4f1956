package network

import (
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/rtnl"
)

// A linkCounter is a family whose value is the sum of some counters of a link.
type linkCounter struct {
	family  *metric.Family
	indices []int // in rtnl.Stats
}

// value returns the sum, and whether the kernel has all of its counters.
func (c *linkCounter) value(s *rtnl.Stats) (uint64, bool) {
	var sum uint64
	for _, i := range c.indices {
		if i >= s.Len {
			return 0, false
		}
		sum += s.Value[i]
	}
	return sum, true
}

// linkHelp returns the help texts of the families of counters, by the part of
// the name between node_network_ and _total.
func linkHelp() map[string]string {
	return map[string]string{
		"receive_bytes":             "Bytes received by the interface.",
		"receive_packets":           "Packets received by the interface.",
		"receive_compressed":        "Compressed packets received (CSLIP, PPP).",
		"receive_nohandler":         "Packets received and dropped because no protocol took them.",
		"receive_errs":              "Packets received with errors.",
		"receive_errors":            "Packets received with errors.",
		"receive_drop":              "Packets received and dropped for lack of space in the host or the device.",
		"receive_dropped":           "Packets received and dropped for lack of space in the host.",
		"receive_fifo":              "Receive errors of the device FIFO.",
		"receive_fifo_errors":       "Receive errors of the device FIFO.",
		"receive_frame":             "Receive errors of framing, length, checksum and ring overflow.",
		"receive_length_errors":     "Packets received with an invalid length.",
		"receive_over_errors":       "Packets lost because the receive ring overflowed.",
		"receive_crc_errors":        "Packets received with a wrong checksum.",
		"receive_frame_errors":      "Packets received with framing errors.",
		"receive_missed_errors":     "Packets lost for lack of space in the device.",
		"receive_multicast":         "Multicast packets received.",
		"multicast":                 "Multicast packets received.",
		"transmit_bytes":            "Bytes sent by the interface.",
		"transmit_packets":          "Packets sent by the interface.",
		"transmit_compressed":       "Compressed packets sent (CSLIP, PPP).",
		"transmit_errs":             "Packets not sent because of errors.",
		"transmit_errors":           "Packets not sent because of errors.",
		"transmit_drop":             "Packets dropped instead of sent.",
		"transmit_dropped":          "Packets dropped instead of sent.",
		"transmit_fifo":             "Transmit errors of the device FIFO.",
		"transmit_fifo_errors":      "Transmit errors of the device FIFO.",
		"transmit_colls":            "Collisions while sending.",
		"collisions":                "Collisions while sending.",
		"transmit_carrier":          "Transmit errors of carrier, heartbeat and late collisions, and aborted transmissions.",
		"transmit_aborted_errors":   "Transmissions aborted, for example after too many collisions.",
		"transmit_carrier_errors":   "Packets not sent because the carrier was lost.",
		"transmit_heartbeat_errors": "Heartbeat errors of old Ethernet transceivers.",
		"transmit_window_errors":    "Packets not sent because of late collisions.",
	}
}

// linkCounters declares the families with counters from rtnetlink: the detailed
// ones, or those of /proc/net/dev, which sum up as the kernel does for that
// file (dev_seq_printf_stats in net/core/net-procfs.c).
//
// It leaves out families that are declared. The function declared may be nil.
func linkCounters(m *metric.Set, detailed bool, labels []string, declared func(name string) bool) (rows []linkCounter) {
	help := linkHelp()
	row := func(key string, indices ...int) {
		name := "node_network_" + key + "_total"
		if declared == nil || !declared(name) {
			rows = append(rows, linkCounter{m.Counter(name, help[key], labels...), indices})
		}
	}
	row("receive_bytes", rtnl.RxBytes)
	row("receive_packets", rtnl.RxPackets)
	row("receive_compressed", rtnl.RxCompressed)
	row("receive_nohandler", rtnl.RxNoHandler)
	row("transmit_bytes", rtnl.TxBytes)
	row("transmit_packets", rtnl.TxPackets)
	row("transmit_compressed", rtnl.TxCompressed)
	if !detailed {
		row("receive_errs", rtnl.RxErrors)
		row("receive_drop", rtnl.RxDropped, rtnl.RxMissedErrors)
		row("receive_fifo", rtnl.RxFIFOErrors)
		row("receive_frame", rtnl.RxFrameErrors, rtnl.RxLengthErrors, rtnl.RxOverErrors, rtnl.RxCRCErrors)
		row("receive_multicast", rtnl.Multicast)
		row("transmit_errs", rtnl.TxErrors)
		row("transmit_drop", rtnl.TxDropped)
		row("transmit_fifo", rtnl.TxFIFOErrors)
		row("transmit_colls", rtnl.Collisions)
		row("transmit_carrier", rtnl.TxCarrierErrors, rtnl.TxAbortedErrors, rtnl.TxHeartbeatErrors, rtnl.TxWindowErrors)
		return rows
	}
	row("receive_errors", rtnl.RxErrors)
	row("receive_dropped", rtnl.RxDropped)
	row("receive_length_errors", rtnl.RxLengthErrors)
	row("receive_over_errors", rtnl.RxOverErrors)
	row("receive_crc_errors", rtnl.RxCRCErrors)
	row("receive_frame_errors", rtnl.RxFrameErrors)
	row("receive_fifo_errors", rtnl.RxFIFOErrors)
	row("receive_missed_errors", rtnl.RxMissedErrors)
	row("multicast", rtnl.Multicast)
	row("transmit_errors", rtnl.TxErrors)
	row("transmit_dropped", rtnl.TxDropped)
	row("transmit_aborted_errors", rtnl.TxAbortedErrors)
	row("transmit_carrier_errors", rtnl.TxCarrierErrors)
	row("transmit_fifo_errors", rtnl.TxFIFOErrors)
	row("transmit_heartbeat_errors", rtnl.TxHeartbeatErrors)
	row("transmit_window_errors", rtnl.TxWindowErrors)
	row("collisions", rtnl.Collisions)
	return rows
}

// fileColumns declares a family for each column of /proc/net/dev. The file has
// only one column of drops and one of errors in each direction, but their names
// depend on the option, as they always have.
func fileColumns(m *metric.Set, detailed bool, labels []string) (families []*metric.Family) {
	errs, drop := "errs", "drop"
	if detailed {
		errs, drop = "errors", "dropped"
	}
	help := linkHelp()
	for _, key := range []string{
		"receive_bytes", "receive_packets", "receive_" + errs, "receive_" + drop,
		"receive_fifo", "receive_frame", "receive_compressed", "receive_multicast",
		"transmit_bytes", "transmit_packets", "transmit_" + errs, "transmit_" + drop,
		"transmit_fifo", "transmit_colls", "transmit_carrier", "transmit_compressed",
	} {
		families = append(families, m.Counter("node_network_"+key+"_total", help[key], labels...))
	}
	return families
}
