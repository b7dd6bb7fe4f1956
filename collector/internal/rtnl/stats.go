package rtnl

import (
	"fmt"

	"github.com/hostexporter/host_exporter/collector/internal/netlink"
)

// The fields of struct rtnl_link_stats64, in their order. See
// https://docs.kernel.org/networking/statistics.html.
const (
	RxPackets = iota
	TxPackets
	RxBytes
	TxBytes
	RxErrors
	TxErrors
	RxDropped
	TxDropped
	Multicast
	Collisions
	RxLengthErrors
	RxOverErrors
	RxCRCErrors
	RxFrameErrors
	RxFIFOErrors
	RxMissedErrors
	TxAbortedErrors
	TxCarrierErrors
	TxFIFOErrors
	TxHeartbeatErrors
	TxWindowErrors
	RxCompressed
	TxCompressed
	RxNoHandler // since Linux 4.6
	numStats
)

// Stats are the counters of a link. Len is the number of counters in the
// message, without those after RxNoHandler.
type Stats struct {
	Value [numStats]uint64
	Len   int
}

func (s *Stats) parse(a netlink.Attribute, width int) error {
	if len(a.Data) < RxNoHandler*width || len(a.Data)%width != 0 {
		return fmt.Errorf("statistics: want at least %d numbers of %d bytes, have %d bytes", RxNoHandler, width, len(a.Data))
	}
	s.Len = min(len(a.Data)/width, numStats)
	for i := range s.Len {
		if width == 8 {
			s.Value[i] = native.Uint64(a.Data[8*i:])
		} else {
			s.Value[i] = uint64(native.Uint32(a.Data[4*i:]))
		}
	}
	return nil
}
