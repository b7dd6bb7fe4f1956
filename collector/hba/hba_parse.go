package hba

import (
	"bytes"

	"github.com/hostexporter/host_exporter/collector/hba/internal/attr"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

// The parsers of attributes that are more than a number or a word.

// ehDeadline reads off, as -1, or seconds.
func ehDeadline(b []byte) (int64, bool) { return attr.UintOr(b, "off") }

// numberOrUnknown reads Unknown, as -1, or a number.
func numberOrUnknown(b []byte) (int64, bool) { return attr.UintOr(b, "Unknown") }

// enabled reads the two words of qla2xxx for yes and no.
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
		return adapterOperational, true
	case "warm start":
		return adapterInReset, true
	case "error":
		return adapterFault, true
	case "offline":
		return adapterOffline, true
	}
	return "", false
}

// mpi3mrState returns the state of an adapter for mpi3mr's adp_state.
func mpi3mrState(n uint64) string {
	switch n {
	case 1:
		return adapterOperational
	case 2:
		return adapterFault
	case 3:
		return adapterInReset
	case 4:
		return adapterUnrecoverable
	}
	return adapterUnknown
}

// lpfcInFlight reads the last number of the last line of lpfc's scsi_stat:
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

// transfers reads the speed of a PCI Express link, such as 8.0 GT/s PCIe, in
// transfers a second. It is zero for Unknown.
func transfers(b []byte) (float64, bool) {
	if bytes.HasPrefix(b, []byte("Unknown")) {
		return 0, true
	}
	number, _, ok := bytes.Cut(b, []byte(" GT/s"))
	if !ok {
		return 0, false
	}
	v, ok := scan.Float(number)
	return v * 1e9, ok && v >= 0
}

// aerTotal reads the count on the line of an AER file that starts with
// TOTAL_ERR_. It counts messages, and need not be the sum of the lines above.
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
