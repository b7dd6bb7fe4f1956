package hba

import (
	"bytes"
	"errors"
	"syscall"

	"github.com/hostexporter/host_exporter/collector/hba/internal/attr"
	"github.com/hostexporter/host_exporter/collector/hba/internal/scsihost"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

// updatePort emits the port of an adapter that does iSCSI itself. The kernel's
// own iSCSI has none, and qla4xxx asks its firmware for it.
func (f *hbaISCSISessions) updatePort(a attr.Reader, h *scsihost.Host) {
	switch h.Driver {
	case "be2iscsi", "qedi", "bnx2i", "cxgb3i", "cxgb4i":
	default:
		return
	}
	b, err := a.Sys.Text(iscsiHosts, h.Name, "port_state")
	switch {
	case err == nil:
		word := bytes.TrimSuffix(b, []byte("!")) // Unknown!
		if !f.portState.Known(word) {
			a.Out.Error(a.Sys.At(host.Bad(1, "a state of a link", b)))
		}
		f.portState.Emit(a.Out, word, []string{h.Name, ""})
	case !host.Gone(err) && !errors.Is(err, syscall.EINVAL):
		a.Out.Error(err)
	}
	if v, ok := attr.Parsed(a, "a speed", bitrate, iscsiHosts, h.Name, "port_speed"); ok && v > 0 {
		a.Out.Emit(f.portSpeed, v, h.Name)
	}
}

// offOrSeconds reads a timeout: off, which is -1 here, or seconds.
func offOrSeconds(b []byte) (int64, bool) {
	if string(b) == "off" {
		return -1, true
	}
	return scan.Int(b)
}

// bitrate reads the speed of an Ethernet port, such as 10 Gbps. It is zero
// where there is a word instead.
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
