package scsi

import (
	"github.com/hostexporter/host_exporter/collector/hba/internal/attr"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

// zfcpFamilies are the families that only the driver of IBM Z has, which keeps
// their values in memory. See drivers/s390/scsi/zfcp_sysfs.c in the kernel.
type zfcpFamilies struct {
	latency  *metric.Family
	requests *metric.Family
}

func newZfcpFamilies(m *metric.Set) zfcpFamilies {
	return zfcpFamilies{
		latency: m.Counter("node_hba_zfcp_lun_latency_seconds_total", "Time of requests to a SCSI device in the fabric, storage included, and in the adapter (channel).",
			"component", "device", "hctl", "operation"),
		requests: m.Counter("node_hba_zfcp_lun_latency_requests_total", "Requests to a SCSI device whose latency was measured.", "device", "hctl", "operation"),
	}
}

var zfcpFiles = [...]struct{ name, operation string }{
	{"device/read_latency", "read"}, {"device/write_latency", "write"}, {"device/cmd_latency", "command"},
}

// update emits the latency of a device.
func (f *zfcpFamilies) update(a attr.Reader, l *device) {
	for _, file := range zfcpFiles {
		v, ok := attr.Parsed(a, "seven numbers", parseLatency, class, l.hctl, file.name)
		if !ok {
			continue
		}
		a.Out.Emit(f.latency, v.fabric, "fabric", l.name, l.hctl, file.operation)
		a.Out.Emit(f.latency, v.channel, "channel", l.name, l.hctl, file.operation)
		a.Out.Emit(f.requests, float64(v.requests), l.name, l.hctl, file.operation)
	}
}

// A latency is the time that requests took, in seconds.
type latency struct {
	fabric, channel float64
	requests        uint64
}

// parseLatency parses the minimum, maximum and sum of microseconds in the
// fabric, the same for the channel, and the number of requests.
func parseLatency(b []byte) (latency, bool) {
	var v [7]uint64
	ok := attr.Numbers(v[:], b)
	return latency{float64(v[2]) / 1e6, float64(v[5]) / 1e6, v[6]}, ok
}
