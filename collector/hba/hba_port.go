package hba

import (
	"fmt"
	"strconv"

	"github.com/hostexporter/host_exporter/collector/hba/internal/attr"
	"github.com/hostexporter/host_exporter/collector/hba/internal/firmware/fcstat"
	"github.com/hostexporter/host_exporter/collector/hba/internal/fpin"
	"github.com/hostexporter/host_exporter/collector/hba/internal/scsihost"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

// hbaPorts are the families of Fibre Channel ports, physical and virtual, that
// the kernel answers from memory.
type hbaPorts struct {
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
	fpin      hbaFPIN
}

func newHBAPorts(m *metric.Set) hbaPorts {
	return hbaPorts{
		info: m.Gauge("node_hba_fc_port_info", "A Fibre Channel port, as 1: its names, and for a virtual port (NPIV) the physical port that it is on.",
			"fc_host", "node_name", "physical_port", "port_name", "vport"),
		state: attr.NewStates(m.Gauge("node_hba_fc_port_state", "Whether the port is in this state; bypassed means a link without a login to the fabric.",
			"fc_host", "port_name", "state"),
			"Not Present", "Online", "Offline", "Blocked", "Bypassed", "Diagnostics", "Linkdown", "Error", "Loopback", "Deleted", "Marginal"),
		login: m.Gauge("node_hba_fc_port_login_info", "The login of a port to the fabric, as 1: which switch (domain) and which port of it (area) it is on.",
			"area", "domain", "fabric_name", "fc_host", "port_id", "port_type"),
		speed:     m.Gauge("node_hba_fc_port_speed_bits_per_second", "Nominal speed of the link: 32e9 for what is called 32 Gbit.", "fc_host"),
		maxSpeed:  m.Gauge("node_hba_fc_port_max_speed_bits_per_second", "Highest nominal speed that the port can have.", "fc_host"),
		bandwidth: m.Gauge("node_hba_fc_port_bandwidth_bytes_per_second", "What the link can carry in each direction at its speed.", "fc_host"),
		frameSize: m.Gauge("node_hba_fc_port_max_frame_size_bytes", "Largest frame that the port takes.", "fc_host"),
		devLoss:   m.Gauge("node_hba_fc_port_dev_loss_timeout_seconds", "How long new remote ports may be away before their devices are removed.", "fc_host"),
		vports:    m.Gauge("node_hba_fc_port_npiv_vports", "Virtual ports (NPIV) on the port.", "fc_host"),
		maxVports: m.Gauge("node_hba_fc_port_npiv_vports_max", "Most virtual ports (NPIV) that the port can have.", "fc_host"),
		fpin:      newHBAFPIN(m),
	}
}

// update emits a port, and returns it with its state for those who want its
// statistics.
func (f *hbaPorts) update(a attr.Reader, h *scsihost.Host) fcstat.Port {
	fc, name := scsihost.FC, h.Name
	portName := a.WWN(fc, name, "port_name")
	a.Out.Emit(f.info, 1, name, a.WWN(fc, name, "node_name"), h.Physical, portName, h.Vport)
	port := fcstat.Port{Host: h}
	port.State = string(a.State(f.state, []string{name, portName, ""}, fc, name, "port_state"))
	portType, _ := a.Text(fc, name, "port_type")
	port.Type = string(portType)
	f.updateLogin(a, h, port.Type)
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

// updateLogin emits the login of a port, if it has one. A port that is logged
// in to nothing has an address or a fabric name of zeros or ones, depending on
// the driver.
func (f *hbaPorts) updateLogin(a attr.Reader, h *scsihost.Host, portType string) {
	fabric := a.WWN(scsihost.FC, h.Name, "fabric_name")
	id, ok := a.Hex(scsihost.FC, h.Name, "port_id")
	if !ok || fabric == "" || id == 0 || id >= 0xffffff {
		return
	}
	a.Out.Emit(f.login, 1, strconv.FormatUint(id>>8&0xff, 10), strconv.FormatUint(id>>16, 10),
		fabric, h.Name, fmt.Sprintf("%06x", id), portType)
}

// bandwidth returns what a link of a nominal speed can carry, in bytes a
// second. Fibre Channel is called after a tenth of a byte a bit; Ethernet, on
// which some of it runs, after the bits.
func bandwidth(speed float64) float64 {
	switch speed / 1e9 {
	case 10, 20, 25, 40, 50, 100:
		return speed / 8
	}
	return speed / 10
}

// hbaFPIN are the families of fabric performance impact notifications: what
// the switches say about this port.
type hbaFPIN struct{ notifications, events *metric.Family }

func newHBAFPIN(m *metric.Set) hbaFPIN {
	return hbaFPIN{
		notifications: m.Counter("node_hba_fc_fpin_notifications_total", "Notifications of the fabric about trouble at this port: frames not delivered, a bad link, congestion.", "fc_host", "type"),
		events:        m.Counter("node_hba_fc_fpin_events_total", "Notifications of the fabric about trouble at this port, by what happened.", "event", "fc_host", "type"),
	}
}

func (f *hbaFPIN) update(a attr.Reader, name string) {
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
