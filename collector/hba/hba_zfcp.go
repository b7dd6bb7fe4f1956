package hba

import (
	"time"

	"github.com/hostexporter/host_exporter/collector/hba/internal/attr"
	"github.com/hostexporter/host_exporter/collector/hba/internal/scsihost"
	"github.com/hostexporter/host_exporter/collector/hba/internal/slow"
)

// visitUtilization asks an adapter how busy it is. That is a matter of the
// moment: it is asked for as often as the firmware's counters are, and as it is
// not waited for, a scrape sees what the scrape before has started.
func (s *hbaSlow) visitUtilization(a attr.Reader, q *slowQueue, h *scsihost.Host, every time.Duration) {
	f := slow.File{Host: h, Want: "three percentages", Every: max(every, time.Second)}
	if v, ok := slowParsed(q, f, zfcpUtilization, scsihost.SCSI, h.Name, "utilization"); ok {
		for i, component := range [...]string{"channel_processor", "bus", "adapter"} {
			a.Out.Emit(s.utilization, float64(v[i])/100, component, h.Name)
		}
	}
}

// zfcpUtilization reads the percentages of channel processor, bus and adapter:
// 7 12 3.
func zfcpUtilization(b []byte) (v [3]uint64, ok bool) {
	ok = attr.Numbers(v[:], b)
	for _, percent := range v {
		ok = ok && percent <= 100
	}
	return v, ok
}
