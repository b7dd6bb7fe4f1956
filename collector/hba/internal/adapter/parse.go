package adapter

import (
	"bytes"

	"github.com/hostexporter/host_exporter/collector/hba/internal/attr"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

// enabled parses the two words of qla2xxx for yes and no.
func enabled(b []byte) (yes, ok bool) {
	switch string(b) {
	case "Enabled":
		return true, true
	case "Disabled":
		return false, true
	}
	return false, false
}

// lpfcState returns the state of an adapter for lpfc's board_mode.
func lpfcState(b []byte) (string, bool) {
	switch string(b) {
	case "online":
		return operational, true
	case "warm start":
		return inReset, true
	case "error":
		return fault, true
	case "offline":
		return offline, true
	}
	return "", false
}

// mpi3mrState returns the state of an adapter for mpi3mr's adp_state.
func mpi3mrState(n uint64) string {
	switch n {
	case 1:
		return operational
	case 2:
		return fault
	case 3:
		return inReset
	case 4:
		return unrecoverable
	}
	return unknown
}

// lpfcInFlight parses the last number of the last line of lpfc's scsi_stat:
//
//	Total FCP Cmpl 00000000000f4240 Issue 00000000000f4248 OutIO 0000000000000008
func lpfcInFlight(b []byte) (uint64, bool) {
	b = scan.Trim(b)
	last := b[bytes.LastIndexByte(b, '\n')+1:]
	if !bytes.HasPrefix(last, []byte("Total FCP")) {
		return 0, false
	}
	_, number, ok := bytes.Cut(last, []byte(" OutIO "))
	if !ok {
		return 0, false
	}
	return scan.Hex(scan.Trim(number))
}

// aerTotal parses the line of an AER file that starts with TOTAL_ERR_. It counts
// messages, and need not be the sum of the lines above.
func aerTotal(b []byte) (uint64, bool) {
	for len(b) > 0 {
		var line []byte
		line, b = scan.Line(b)
		if bytes.HasPrefix(line, []byte("TOTAL_ERR_")) {
			_, number, _ := scan.Cut(line, ' ')
			return scan.Uint(number)
		}
	}
	return 0, false
}

// zfcpQueueFull parses how often the queue was full, and an integral of how full
// it was, which is not used: 12 3456.
func zfcpQueueFull(b []byte) (uint64, bool) {
	var v [2]uint64
	ok := attr.Numbers(v[:], b)
	return v[0], ok
}
