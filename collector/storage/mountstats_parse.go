package storage

import (
	"bytes"

	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

// An nfsDevice is the first line of a mount.
type nfsDevice struct {
	export, point, fsType []byte
	version               []byte // of the statistics; nil for a file system that has none
}

// parseNFSDevice parses the first line of a mount of any file system. It reports
// whether the line is one. Blanks in names are escaped.
func parseNFSDevice(line []byte) (d nfsDevice, ok bool) {
	export, rest, ok := bytes.Cut(line, []byte(" mounted on "))
	if !ok {
		return d, false
	}
	if d.point, rest, ok = bytes.Cut(rest, []byte(" with fstype ")); !ok {
		return d, false
	}
	if string(export) == "no device" {
		return d, true
	}
	if d.export, ok = bytes.CutPrefix(export, []byte("device ")); !ok {
		return d, false
	}
	d.fsType, rest = scan.Field(rest)
	if version, _ := scan.Field(rest); len(version) > 0 && (string(d.fsType) == "nfs" || string(d.fsType) == "nfs4") {
		d.version, ok = bytes.CutPrefix(version, []byte("statvers="))
		return d, ok
	}
	return d, len(d.fsType) > 0
}

const (
	nfsBytes            = 8
	nfsEvents           = 27
	minNFSEvents        = 25 // before parallel NFS
	nfsOperationNumbers = 8
)

// nfsStats are the lines of a mount before its transports.
type nfsStats struct {
	device nfsDevice

	age    uint64 // seconds
	bytes  [nfsBytes]uint64
	events [nfsEvents]uint64

	hasAge, hasBytes bool
	eventCount       int
}

func (s *nfsStats) setAge(rest []byte) bool {
	field, _ := scan.Field(rest)
	s.age, s.hasAge = scan.Uint(field)
	return s.hasAge
}

func (s *nfsStats) setBytes(rest []byte) bool {
	s.hasBytes = setNumbers(s.bytes[:], rest)
	return s.hasBytes
}

func (s *nfsStats) setEvents(rest []byte) bool {
	s.eventCount = 0
	var ok bool
	n := 0
	for ; n < nfsEvents; n++ {
		var field []byte
		if field, rest = scan.Field(rest); len(field) == 0 {
			break
		}
		if s.events[n], ok = scan.Uint(field); !ok {
			return false
		}
	}
	if n < minNFSEvents {
		return false
	}
	s.eventCount = n
	return true
}

// setNumbers parses numbers, of which there may be more.
func setNumbers(dst []uint64, rest []byte) bool {
	for i := range dst {
		var field []byte
		var ok bool
		field, rest = scan.Field(rest)
		if dst[i], ok = scan.Uint(field); !ok {
			return false
		}
	}
	return true
}

// An nfsTransportValue is a value of a transport.
type nfsTransportValue int

const (
	nfsBind nfsTransportValue = iota
	nfsConnect
	nfsIdle
	nfsSends
	nfsReceives
	nfsBadTransactions
	nfsBacklog
	nfsSlots
	nfsSending
	nfsPending
	nfsTransportValues
	nfsUnused
)

// An nfsTransport has the values of a line xprt.
type nfsTransport struct {
	values [nfsTransportValues]float64
	has    [nfsTransportValues]bool
}

// parseNFSTransport parses the numbers of a line xprt, and reports whether they
// are complete. A line may have more than are known.
func parseNFSTransport(protocol, numbers []byte, isOld bool) (t nfsTransport, ok bool) {
	columns := nfsColumns(string(protocol))
	if isOld && len(columns) > 3 && columns[len(columns)-1] == nfsPending {
		columns = columns[:len(columns)-3]
	}
	for _, value := range columns {
		var field []byte
		field, numbers = scan.Field(numbers)
		v, ok := scan.Uint(field)
		if value == nfsIdle { // the last request may be later than the clock that it is compared with
			v, ok = scan.Amount64(field)
		}
		if !ok {
			return t, false
		}
		if value != nfsUnused {
			t.values[value], t.has[value] = float64(v), true
		}
	}
	return t, len(columns) > 0
}

// nfsColumns returns the columns that a transport has behind its protocol. The
// last three are not in version 1.0 of the statistics.
func nfsColumns(protocol string) []nfsTransportValue {
	switch protocol {
	case "tcp": // port, ..., time to connect, ..., sum of requests, ...
		return []nfsTransportValue{
			nfsUnused, nfsBind, nfsConnect, nfsUnused, nfsIdle, nfsSends, nfsReceives, nfsBadTransactions,
			nfsUnused, nfsBacklog, nfsSlots, nfsSending, nfsPending,
		}
	case "udp": // the same without connections
		return []nfsTransportValue{
			nfsUnused, nfsBind, nfsSends, nfsReceives, nfsBadTransactions,
			nfsUnused, nfsBacklog, nfsSlots, nfsSending, nfsPending,
		}
	case "local": // the same as tcp without a port
		return []nfsTransportValue{
			nfsBind, nfsConnect, nfsUnused, nfsIdle, nfsSends, nfsReceives, nfsBadTransactions,
			nfsUnused, nfsBacklog, nfsSlots, nfsSending, nfsPending,
		}
	case "rdma": // the same as tcp without slots and queues, which numbers of its own follow
		return []nfsTransportValue{
			nfsUnused, nfsBind, nfsConnect, nfsUnused, nfsIdle, nfsSends, nfsReceives, nfsBadTransactions,
			nfsUnused, nfsBacklog,
		}
	}
	return nil
}
