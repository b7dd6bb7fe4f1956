package iscsi

import (
	"bytes"
	"errors"
	"syscall"

	"github.com/hostexporter/host_exporter/collector/hba/internal/attr"
	"github.com/hostexporter/host_exporter/collector/hba/internal/san"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

// updatePort emits the port of an adapter that does iSCSI itself. The iSCSI of the
// kernel has none, and with qla4xxx it costs a command to the firmware.
func (f *Sessions) updatePort(a attr.Reader, h *san.Host) {
	switch h.Driver {
	case "be2iscsi", "qedi", "bnx2i", "cxgb3i", "cxgb4i":
	default:
		return
	}
	b, err := a.Sys.Text(hostClass, h.Name, "port_state")
	switch {
	case err == nil:
		word := bytes.TrimSuffix(b, []byte("!")) // Unknown!
		if !f.portState.Known(word) {
			a.Out.Error(a.Sys.At(host.Bad(1, "a state of a link", b)))
		}
		f.portState.Emit(a.Out, word, []string{h.Name, ""})
	case !errors.Is(err, syscall.EINVAL): // the driver does not know it
		host.ReportUnlessGone(err, a.Out.Error)
	}
	if v, ok := attr.Parsed(a, "a speed", bitrate, hostClass, h.Name, "port_speed"); ok && v > 0 {
		a.Out.Emit(f.portSpeed, v, h.Name)
	}
}

// bitrate parses the speed of an Ethernet port, such as 10 Gbps, into bits per
// second. It is zero where it is not known.
func bitrate(b []byte) (float64, bool) {
	switch string(b) {
	case "Unknown", "Unknown!":
		return 0, true
	}
	number, unit := scan.Field(b)
	v, ok := scan.Uint(number)
	switch string(scan.Trim(unit)) {
	case "Mbps":
		return float64(v) * 1e6, ok
	case "Gbps":
		return float64(v) * 1e9, ok
	}
	return 0, false
}
