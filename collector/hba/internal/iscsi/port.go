package iscsi

import (
	"bytes"
	"errors"
	"maps"
	"slices"
	"syscall"

	"github.com/hostexporter/host_exporter/collector/hba/internal/attr"
	"github.com/hostexporter/host_exporter/collector/hba/internal/san"
	"github.com/hostexporter/host_exporter/collector/hba/internal/scsihost"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

// A port is where the sessions of a host leave from. What is not known is empty:
// without a binding to an interface, the kernel knows only the address.
type port struct{ netdev, address, hardware string }

// Near returns the near end of the ways from a host: its network interface, or the
// one below that if it is virtual, or else its address. Each session of the kernel's own iSCSI is a host, and those
// that leave from one interface share it.
func (f *Sessions) Near(a attr.Reader, h *san.Host) (near san.Near) {
	p := f.port(a, h)
	switch {
	case p.netdev != "":
		near.Port = f.netdevs.Below(a, p.netdev)
	case p.address != "":
		near.Port = p.address
	case p.hardware != "":
		near.Port = p.hardware
	}
	return near
}

// port returns the port of a host, with the last known values in place of those
// that cannot be read now: without a connection there is no address. It reads
// only those of drivers that have them in memory. Those of adapters with firmware
// cost commands, and each of their hosts is a port.
func (f *Sessions) port(a attr.Reader, h *san.Host) port {
	switch h.Driver {
	case "iscsi_tcp", "iscsi_iser", "iser", "bnx2i", "cxgb3i", "cxgb4i", "qedi":
	default:
		return port{}
	}
	p := f.ports[h.Name]
	if p == nil {
		p = &port{}
		f.ports[h.Name] = p
	}
	for _, v := range [...]struct {
		known *string
		file  string
	}{{&p.netdev, "netdev"}, {&p.address, "ipaddress"}, {&p.hardware, "hwaddress"}} {
		if now := address(connected(a, hostClass, h.Name, v.file)); now != "" && now != *v.known {
			*v.known = now
		}
	}
	return *p
}

// forget forgets the ports of hosts that are gone: each login makes a new one.
func (f *Sessions) forget(hosts *san.Hosts) {
	if len(f.ports) <= len(hosts.All) {
		return
	}
	maps.DeleteFunc(f.ports, func(name string, _ *port) bool {
		return !slices.ContainsFunc(hosts.All, func(h *scsihost.Host) bool { return h.Name == name })
	})
}

// address returns an address or a name of a port; empty for the words that stand
// for none.
func address(s string) string {
	switch s {
	case "default", "0.0.0.0", "::", "00:00:00:00:00:00":
		return ""
	}
	return s
}

// updatePort emits the port of an adapter that does iSCSI itself. The iSCSI of the
// kernel has none, and with qla4xxx it costs a command to the firmware.
func (f *Sessions) updatePort(a attr.Reader, h *san.Host) {
	if p := f.port(a, h); p != (port{}) {
		a.Out.Emit(f.portInfo, 1, p.address, p.hardware, p.netdev, h.Name)
	}
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
