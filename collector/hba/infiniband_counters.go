package hba

import "github.com/hostexporter/host_exporter/collector/internal/metric"

// dataUnit is the unit of the counters of data in bytes: words of 32 bits,
// whatever the width of the link.
const dataUnit = 4

const secondsPerMilli = 0.001

// infinibandCounter declares a family of a port.
func infinibandCounter(m *metric.Set, name, help string) *metric.Family {
	return m.Counter("node_infiniband_"+name, help, "device", "port")
}

// infinibandCounters are the counters of the InfiniBand specification, in the
// folder counters.
func infinibandCounters(m *metric.Set) []infinibandFile {
	counter := func(name, help string) *metric.Family { return infinibandCounter(m, name, help) }
	return []infinibandFile{
		{"excessive_buffer_overrun_errors", 1, counter("excessive_buffer_overrun_errors_total", "Times that the buffers of the port overran in too many flow control periods in a row.")},
		{"link_downed", 1, counter("link_downed_total", "Times that the link failed to recover from errors and went down.")},
		{"link_error_recovery", 1, counter("link_error_recovery_total", "Times that the link recovered from errors.")},
		{"local_link_integrity_errors", 1, counter("local_link_integrity_errors_total", "Times that the errors of the link exceeded the limit of the port.")},
		{"multicast_rcv_packets", 1, counter("multicast_packets_received_total", "Multicast packets that the port received, broken ones included.")},
		{"multicast_xmit_packets", 1, counter("multicast_packets_transmitted_total", "Multicast packets that the port sent, broken ones included.")},
		{"port_rcv_constraint_errors", 1, counter("port_constraint_errors_received_total", "Packets that the switch port dropped on arrival because of their key or format.")},
		{"port_rcv_data", dataUnit, counter("port_data_received_bytes_total", "Bytes that the port received.")},
		{"port_rcv_discards", 1, counter("port_discards_received_total", "Packets that were dropped on arrival because the port is down or congested.")},
		{"port_rcv_errors", 1, counter("port_errors_received_total", "Packets that arrived with an error.")},
		{"port_rcv_packets", 1, counter("port_packets_received_total", "Packets that the port received, broken ones included.")},
		{"port_rcv_remote_physical_errors", 1, counter("port_receive_remote_physical_errors_total", "Packets that another port on the way marked as bad.")},
		{"port_rcv_switch_relay_errors", 1, counter("port_receive_switch_relay_errors_total", "Packets that the switch could not forward.")},
		{"port_xmit_constraint_errors", 1, counter("port_constraint_errors_transmitted_total", "Packets that the switch port did not send because of their key or format.")},
		{"port_xmit_data", dataUnit, counter("port_data_transmitted_bytes_total", "Bytes that the port sent.")},
		{"port_xmit_discards", 1, counter("port_discards_transmitted_total", "Packets that were not sent because the port is down or congested.")},
		{"port_xmit_packets", 1, counter("port_packets_transmitted_total", "Packets that the port sent, broken ones included.")},
		{"port_xmit_wait", 1, counter("port_transmit_wait_total", "Ticks in which the port had data to send but could not send it.")},
		{"symbol_error", 1, counter("symbol_error_total", "Small errors on the wire, on any lane.")},
		{"unicast_rcv_packets", 1, counter("unicast_packets_received_total", "Unicast packets that the port received, broken ones included.")},
		{"unicast_xmit_packets", 1, counter("unicast_packets_transmitted_total", "Unicast packets that the port sent, broken ones included.")},
		{"VL15_dropped", 1, counter("vl15_dropped_total", "Management packets that were dropped on arrival for lack of buffers.")},
	}
}

// infinibandLegacyCounters are the 64-bit counters that kernels before Linux
// 4.5 have in the folder counters_ext.
func infinibandLegacyCounters(m *metric.Set) []infinibandFile {
	counter := func(name, help string) *metric.Family { return infinibandCounter(m, "legacy_"+name, help) }
	return []infinibandFile{
		{"port_multicast_rcv_packets", 1, counter("multicast_packets_received_total", "Multicast packets that the port received, as kernels before Linux 4.5 count them.")},
		{"port_multicast_xmit_packets", 1, counter("multicast_packets_transmitted_total", "Multicast packets that the port sent, as kernels before Linux 4.5 count them.")},
		{"port_rcv_data_64", dataUnit, counter("data_received_bytes_total", "Bytes that the port received, as kernels before Linux 4.5 count them.")},
		{"port_rcv_packets_64", 1, counter("packets_received_total", "Packets that the port received, as kernels before Linux 4.5 count them.")},
		{"port_unicast_rcv_packets", 1, counter("unicast_packets_received_total", "Unicast packets that the port received, as kernels before Linux 4.5 count them.")},
		{"port_unicast_xmit_packets", 1, counter("unicast_packets_transmitted_total", "Unicast packets that the port sent, as kernels before Linux 4.5 count them.")},
		{"port_xmit_data_64", dataUnit, counter("data_transmitted_bytes_total", "Bytes that the port sent, as kernels before Linux 4.5 count them.")},
		{"port_xmit_packets_64", 1, counter("packets_transmitted_total", "Packets that the port sent, as kernels before Linux 4.5 count them.")},
	}
}

// infinibandHardwareCounters are the counters of RDMA and RoCE that drivers
// have beyond the specification, in the folder hw_counters. The names are those
// of mlx5; other drivers have some of them.
func infinibandHardwareCounters(m *metric.Set) []infinibandFile {
	counter := func(name, help string) *metric.Family { return infinibandCounter(m, name, help) }
	return []infinibandFile{
		{"duplicate_request", 1, counter("duplicate_requests_packets_total", "Duplicate requests that arrived.")},
		{"implied_nak_seq_err", 1, counter("implied_nak_seq_errors_total", "Acknowledgements beyond the expected one, with an answer missing before them.")},
		{"lifespan", secondsPerMilli, m.Gauge("node_infiniband_lifespan_seconds", "Time between two readings of the counters by the driver, from hw_counters/lifespan.", "device", "port")},
		{"local_ack_timeout_err", 1, counter("local_ack_timeout_errors_total", "Times that no acknowledgement came in time.")},
		{"np_cnp_sent", 1, counter("np_cnp_packets_sent_total", "Congestion notifications that the port sent as a receiver of marked packets.")},
		{"np_ecn_marked_roce_packets", 1, counter("np_ecn_marked_roce_packets_received_total", "RoCE packets that arrived with a mark of congestion on the way.")},
		{"out_of_buffer", 1, counter("out_of_buffer_drops_total", "Packets that were dropped because the queue had no buffers posted.")},
		{"out_of_sequence", 1, counter("out_of_sequence_packets_received_total", "Packets that arrived out of order.")},
		{"packet_seq_err", 1, counter("packet_sequence_errors_total", "Negative acknowledgements received because a packet was missing in the sequence.")},
		{"req_cqe_error", 1, counter("req_cqes_errors_total", "Requests of this side that completed with an error.")},
		{"req_cqe_flush_error", 1, counter("req_cqes_flush_errors_total", "Requests of this side that were flushed with an error.")},
		{"req_remote_access_errors", 1, counter("req_remote_access_errors_total", "Requests of this side that the other rejected for lack of access to its memory.")},
		{"req_remote_invalid_request", 1, counter("req_remote_invalid_request_errors_total", "Requests of this side that the other rejected as invalid.")},
		{"resp_cqe_error", 1, counter("resp_cqes_errors_total", "Requests of the other side that completed with an error.")},
		{"resp_cqe_flush_error", 1, counter("resp_cqes_flush_errors_total", "Requests of the other side that were flushed with an error.")},
		{"resp_local_length_error", 1, counter("resp_local_length_errors_total", "Requests of the other side with a length that does not fit the memory here.")},
		{"resp_remote_access_errors", 1, counter("resp_remote_access_errors_total", "Requests of the other side that were rejected for lack of access to the memory here.")},
		{"rnr_nak_retry_err", 1, counter("rnr_nak_retry_packets_received_total", "Times that the other side was not ready until the retries were exhausted.")},
		{"roce_adp_retrans", 1, counter("roce_adp_retransmits_total", "Adaptive retransmissions of RoCE.")},
		{"roce_adp_retrans_to", 1, counter("roce_adp_retransmits_timeout_total", "Times that adaptive retransmissions of RoCE timed out.")},
		{"roce_slow_restart", 1, counter("roce_slow_restart_used_total", "Times that RoCE restarted slowly.")},
		{"roce_slow_restart_cnps", 1, counter("roce_slow_restart_cnps_total", "Congestion notifications that a slow restart of RoCE caused.")},
		{"roce_slow_restart_trans", 1, counter("roce_slow_restart_total", "Times that RoCE changed to a slow restart.")},
		{"rp_cnp_handled", 1, counter("rp_cnp_packets_handled_total", "Congestion notifications that slowed this sender down.")},
		{"rp_cnp_ignored", 1, counter("rp_cnp_ignored_packets_received_total", "Congestion notifications that this sender ignored.")},
		{"rx_atomic_requests", 1, counter("rx_atomic_requests_total", "Atomic operations that the other side requested.")},
		{"rx_dct_connect", 1, counter("rx_dct_connect_requests_total", "Connections of dynamic transport that the other side requested.")},
		{"rx_icrc_encapsulated", 1, counter("rx_icrc_encapsulated_errors_total", "RoCE packets that arrived with a wrong checksum.")},
		{"rx_read_requests", 1, counter("rx_read_requests_total", "RDMA reads that the other side requested.")},
		{"rx_write_requests", 1, counter("rx_write_requests_total", "RDMA writes that the other side requested.")},
	}
}
