package fc

import (
	"fmt"
	"strconv"

	"github.com/hostexporter/host_exporter/collector/hba/internal/attr"
	"github.com/hostexporter/host_exporter/collector/hba/internal/fc/fpin"
	"github.com/hostexporter/host_exporter/collector/hba/internal/firmware/fcstat"
	"github.com/hostexporter/host_exporter/collector/hba/internal/scsihost"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

// localFamilies are the families of the ports of the host, physical and virtual.
type localFamilies struct {
	info      *metric.Family
	state     *attr.States
	login     *metric.Family
	speed     *metric.Family
	maxSpeed  *metric.Family
	bandwidth *metric.Family
	frameSize *metric.Family
	devLoss   *metric.Family
	vports    *metric.Family
	maxVports *metric.Family
	fpin      fpinFamilies
}

func newLocalFamilies(m *metric.Set) localFamilies {
	return localFamilies{
		info: m.Gauge("node_hba_fc_port_info", "A Fibre Channel port, as 1: its names, and the physical port of a virtual one (NPIV).",
			"fc_host", "node_name", "physical_port", "port_name", "vport"),
		state: attr.NewStates(m.Gauge("node_hba_fc_port_state", "Whether the port is in this state; bypassed is a link without a login to the fabric.",
			"fc_host", "port_name", "state"),
			"Not Present", "Online", "Offline", "Blocked", "Bypassed", "Diagnostics", "Linkdown", "Error", "Loopback", "Deleted", "Marginal"),
		login: m.Gauge("node_hba_fc_port_login_info", "The login of a port to the fabric, as 1: domain is the switch, area the port of it.",
			"area", "domain", "fabric_name", "fc_host", "port_id", "port_type"),
		speed:     m.Gauge("node_hba_fc_port_speed_bits_per_second", "Nominal speed of the link: 32e9 for 32 Gbit.", "fc_host"),
		maxSpeed:  m.Gauge("node_hba_fc_port_max_speed_bits_per_second", "Maximum nominal speed of the port.", "fc_host"),
		bandwidth: m.Gauge("node_hba_fc_port_bandwidth_bytes_per_second", "Bandwidth of the link in each direction at its speed.", "fc_host"),
		frameSize: m.Gauge("node_hba_fc_port_max_frame_size_bytes", "Maximum size of a frame that the port takes.", "fc_host"),
		devLoss:   m.Gauge("node_hba_fc_port_dev_loss_timeout_seconds", "Time that a new remote port may be away before its devices are removed.", "fc_host"),
		vports:    m.Gauge("node_hba_fc_port_npiv_vports", "Virtual ports (NPIV) on the port.", "fc_host"),
		maxVports: m.Gauge("node_hba_fc_port_npiv_vports_max", "Maximum number of virtual ports (NPIV) on the port.", "fc_host"),
		fpin:      newFPINFamilies(m),
	}
}

// update emits a port, and returns it.
func (f *localFamilies) update(a attr.Reader, h *scsihost.Host) Port {
	fc, name := scsihost.FC, h.Name
	port := Port{Host: h}
	port.port = a.WWN(fc, name, "port_name")
	a.Out.Emit(f.info, 1, name, a.WWN(fc, name, "node_name"), h.Physical, port.port, h.Vport)
	port.State = string(a.State(f.state, []string{name, port.port, ""}, fc, name, "port_state"))
	portType, _ := a.Text(fc, name, "port_type")
	port.Type = string(portType)
	port.fabric = f.updateLogin(a, h, port.Type)
	if v := a.Speed(fc, name, "speed"); v > 0 {
		a.Out.Emit(f.speed, v, name)
		a.Out.Emit(f.bandwidth, bandwidth(v), name)
	}
	if v, ok := attr.Parsed(a, "a list of speeds", attr.MaxSpeed, fc, name, "supported_speeds"); ok && v > 0 {
		a.Out.Emit(f.maxSpeed, v, name)
	}
	if v, ok := attr.Parsed(a, "a number of bytes", attr.Bytes, fc, name, "maxframe_size"); ok && v < 1<<32-1 {
		a.Out.Emit(f.frameSize, float64(v), name)
	}
	if v, ok := a.Uint(fc, name, "dev_loss_tmo"); ok {
		a.Out.Emit(f.devLoss, float64(v), name)
	}
	if v, ok := a.Uint(fc, name, "npiv_vports_inuse"); ok {
		a.Out.Emit(f.vports, float64(v), name)
	}
	if v, ok := a.Uint(fc, name, "max_npiv_vports"); ok {
		a.Out.Emit(f.maxVports, float64(v), name)
	}
	if fcstat.DriverOf(h.Driver, port.Type).FPIN {
		f.fpin.update(a, name)
	}
	return port
}

// updateLogin emits the login of a port, if it has one, and returns the name of
// the fabric. Without a login, the address or the name of the fabric is zeros or
// ones, depending on the driver.
func (f *localFamilies) updateLogin(a attr.Reader, h *scsihost.Host, portType string) (fabric string) {
	fabric = a.WWN(scsihost.FC, h.Name, "fabric_name")
	id, ok := a.Hex(scsihost.FC, h.Name, "port_id")
	if ok && fabric != "" && id > 0 && id < 0xffffff {
		a.Out.Emit(f.login, 1, strconv.FormatUint(id>>8&0xff, 10), strconv.FormatUint(id>>16, 10),
			fabric, h.Name, fmt.Sprintf("%06x", id), portType)
	}
	return fabric
}

// bandwidth returns the bandwidth of a link of a nominal speed, in bytes per
// second. The nominal speed of Fibre Channel is ten times that; that of Ethernet,
// which carries some of it, is in bits.
func bandwidth(speed float64) float64 {
	switch speed / 1e9 {
	case 10, 20, 25, 40, 50, 100:
		return speed / 8
	}
	return speed / 10
}

// fpinFamilies are the families of the fabric performance impact notifications
// that the switches sent about a port of the host.
type fpinFamilies struct{ notifications, events *metric.Family }

func newFPINFamilies(m *metric.Set) fpinFamilies {
	return fpinFamilies{
		notifications: m.Counter("node_hba_fc_fpin_notifications_total", "FPIN notifications of the fabric about this port: undelivered frames, bad link, congestion.", "fc_host", "type"),
		events:        m.Counter("node_hba_fc_fpin_events_total", "FPIN notifications of the fabric about this port, by event.", "event", "fc_host", "type"),
	}
}

func (f *fpinFamilies) update(a attr.Reader, name string) {
	for _, n := range fpin.Notifications {
		if v, ok := a.Hex(scsihost.FC, name, "statistics", n.File); ok && v < 1<<63 {
			a.Out.Emit(f.notifications, float64(v), name, n.Name)
		}
	}
	for _, e := range fpin.Events {
		if v, ok := a.Hex(scsihost.FC, name, "statistics", e.File); ok && v < 1<<63 {
			a.Out.Emit(f.events, float64(v), e.Name, name, fpin.Notifications[e.Of].Name)
		}
	}
}
