package hba

import (
	"github.com/hostexporter/host_exporter/collector/hba/internal/attr"
	"github.com/hostexporter/host_exporter/collector/hba/internal/lun"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
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

// zfcpQueueFull reads how often the queue was full, and an integral of how full
// it was, which is of no use here: 12 3456.
func zfcpQueueFull(b []byte) (uint64, bool) {
	var v [2]uint64
	ok := attr.Numbers(v[:], b)
	return v[0], ok
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
	ok := attr.Numbers(v[:], b)
	return latency{float64(v[2]) / 1e6, float64(v[5]) / 1e6, v[6]}, ok
}
