package fcstat

import "math/bits"

// A Counter is one of the files of fc_host/*/statistics that the adapter's
// firmware answers. What the kernel counts itself (fpin_*) is not among them.
type Counter uint8

// The counters, in the order in which a pass reads them.
const (
	Seconds Counter = iota // since the last reset
	TxFrames
	RxFrames
	TxWords // transmission words of 4 bytes
	RxWords
	ErrorFrames
	DumpedFrames
	InvalidCRC
	InvalidTxWords // words received that could not be decoded
	LinkFailure
	LossOfSync
	LossOfSignal
	PrimSeqErrors
	NOS
	LIP
	InputRequests
	OutputRequests
	ControlRequests
	InputMegabytes
	OutputMegabytes
	PacketAllocFailures
	PacketAborts
	FrameAllocFailures
	NoFreeExchange
	NoFreeExchangeID
	ExchangeIDNotFound
	ExchangeIDBusy
	SequenceNotFound
	NonBLSResponse
	CongestionWarnings
	CongestionAlarms

	counters
)

// File returns the name of the counter's file.
func (c Counter) File() string { return files[c] }

var files = [counters]string{
	Seconds:             "seconds_since_last_reset",
	TxFrames:            "tx_frames",
	RxFrames:            "rx_frames",
	TxWords:             "tx_words",
	RxWords:             "rx_words",
	ErrorFrames:         "error_frames",
	DumpedFrames:        "dumped_frames",
	InvalidCRC:          "invalid_crc_count",
	InvalidTxWords:      "invalid_tx_word_count",
	LinkFailure:         "link_failure_count",
	LossOfSync:          "loss_of_sync_count",
	LossOfSignal:        "loss_of_signal_count",
	PrimSeqErrors:       "prim_seq_protocol_err_count",
	NOS:                 "nos_count",
	LIP:                 "lip_count",
	InputRequests:       "fcp_input_requests",
	OutputRequests:      "fcp_output_requests",
	ControlRequests:     "fcp_control_requests",
	InputMegabytes:      "fcp_input_megabytes",
	OutputMegabytes:     "fcp_output_megabytes",
	PacketAllocFailures: "fcp_packet_alloc_failures",
	PacketAborts:        "fcp_packet_aborts",
	FrameAllocFailures:  "fcp_frame_alloc_failures",
	NoFreeExchange:      "fc_no_free_exch",
	NoFreeExchangeID:    "fc_no_free_exch_xid",
	ExchangeIDNotFound:  "fc_xid_not_found",
	ExchangeIDBusy:      "fc_xid_busy",
	SequenceNotFound:    "fc_seq_not_found",
	NonBLSResponse:      "fc_non_bls_resp",
	CongestionWarnings:  "cn_sig_warn",
	CongestionAlarms:    "cn_sig_alarm",
}

// A Set is a set of counters.
type Set uint32

// Of returns the set of some counters.
func Of(all ...Counter) Set {
	var s Set
	for _, c := range all {
		s |= 1 << c
	}
	return s
}

// Has reports whether a counter is in the set.
func (s Set) Has(c Counter) bool { return s&(1<<c) != 0 }

// first returns the first counter of the set, and the set without it.
func (s Set) first() (Counter, Set) {
	return Counter(bits.TrailingZeros32(uint32(s))), s & (s - 1)
}

// Reads returns the paths of the files that a pass may read.
func Reads() []string {
	reads := []string{
		"/sys/class/fc_host/host*/port_state",
		"/sys/class/scsi_host/host*/board_mode",
		"/sys/class/scsi_host/host*/proc_name",
		"/sys/class/scsi_host/host*/state",
	}
	for _, f := range files {
		reads = append(reads, "/sys/class/fc_host/host*/statistics/"+f)
	}
	return reads
}
