package hba

import (
	"time"

	"github.com/hostexporter/host_exporter/collector/hba/internal/attr"
	"github.com/hostexporter/host_exporter/collector/hba/internal/firmware/slowfile"
	"github.com/hostexporter/host_exporter/collector/hba/internal/lun"
	"github.com/hostexporter/host_exporter/collector/hba/internal/scsihost"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

// hbaZfcpLUNs are the families of SCSI devices that only the driver of IBM Z
// has, which keeps them in memory. See drivers/s390/scsi/zfcp_sysfs.c in the
// kernel.
type hbaZfcpLUNs struct {
	latency  *metric.Family
	requests *metric.Family
}

func newHBAZfcpLUNs(m *metric.Set) hbaZfcpLUNs {
	return hbaZfcpLUNs{
		latency: m.Counter("node_hba_zfcp_lun_latency_seconds_total", "Time that requests to a SCSI device spent in the fabric, which includes the storage, and in the channel, which is the adapter.",
			"component", "device", "hctl", "operation"),
		requests: m.Counter("node_hba_zfcp_lun_latency_requests_total", "Requests to a SCSI device whose time was taken.", "device", "hctl", "operation"),
	}
}

// zfcpReads returns the files that are read of zfcp alone.
func zfcpReads() []string {
	return []string{
		"/sys/class/scsi_device/*:*/device/cmd_latency",
		"/sys/class/scsi_device/*:*/device/read_latency",
		"/sys/class/scsi_device/*:*/device/write_latency",
		"/sys/class/scsi_host/host*/queue_full",
	}
}

// update emits the latency of a device.
func (f *hbaZfcpLUNs) update(a attr.Reader, l *lun.LUN) {
	for _, o := range [...]struct{ file, operation string }{
		{"device/read_latency", "read"}, {"device/write_latency", "write"}, {"device/cmd_latency", "command"},
	} {
		v, ok := attr.Parsed(a, "seven numbers", zfcpLatency, scsiDevices, l.HCTL, o.file)
		if !ok {
			continue
		}
		a.Out.Emit(f.latency, v.fabric, "fabric", l.Device, l.HCTL, o.operation)
		a.Out.Emit(f.latency, v.channel, "channel", l.Device, l.HCTL, o.operation)
		a.Out.Emit(f.requests, float64(v.requests), l.Device, l.HCTL, o.operation)
	}
}

// visitUtilization asks an adapter how busy it is. That is a matter of the
// moment: it is asked for as often as the firmware's counters are, and as it is
// not waited for, a scrape sees what the scrape before has started.
func (s *hbaSlow) visitUtilization(a attr.Reader, q *slowQueue, h *scsihost.Host, every time.Duration) {
	f := slowfile.File{Host: h, Want: "three percentages", Every: max(every, time.Second)}
	if v, ok := slowParsed(q, f, zfcpUtilization, scsihost.SCSI, h.Name, "utilization"); ok {
		for i, component := range [...]string{"channel_processor", "bus", "adapter"} {
			a.Out.Emit(s.utilization, float64(v[i])/100, component, h.Name)
		}
	}
}

// numbers reads all numbers of a line into dst, and reports whether there are
// neither more nor fewer.
func numbers(dst []uint64, b []byte) bool {
	for i := range dst {
		var field []byte
		field, b = scan.Field(b)
		var ok bool
		if dst[i], ok = scan.Uint(field); !ok {
			return false
		}
	}
	return len(scan.Trim(b)) == 0
}

// zfcpQueueFull reads how often the queue was full, and an integral of how full
// it was, which is of no use here: 12 3456.
func zfcpQueueFull(b []byte) (uint64, bool) {
	var v [2]uint64
	ok := numbers(v[:], b)
	return v[0], ok
}

// zfcpUtilization reads the percentages of channel processor, bus and adapter:
// 7 12 3.
func zfcpUtilization(b []byte) (v [3]uint64, ok bool) {
	ok = numbers(v[:], b)
	for _, percent := range v {
		ok = ok && percent <= 100
	}
	return v, ok
}

// A latency is the time that requests took, in seconds.
type latency struct {
	fabric, channel float64
	requests        uint64
}

// zfcpLatency reads the least, the most and the sum of microseconds in the
// fabric, the same for the channel, and the number of requests.
func zfcpLatency(b []byte) (latency, bool) {
	var v [7]uint64
	ok := numbers(v[:], b)
	return latency{float64(v[2]) / 1e6, float64(v[5]) / 1e6, v[6]}, ok
}
