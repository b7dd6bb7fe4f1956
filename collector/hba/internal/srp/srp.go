// Package srp reads the remote ports of SRP (SCSI RDMA Protocol): targets on
// InfiniBand, and the virtual I/O servers of PowerVM. All that it reads comes from
// memory of the kernel. See drivers/scsi/scsi_transport_srp.c in the kernel.
package srp

import (
	"math"
	"strings"

	"github.com/hostexporter/host_exporter/collector/hba/internal/attr"
	"github.com/hostexporter/host_exporter/collector/hba/internal/san"
	"github.com/hostexporter/host_exporter/collector/hba/internal/scsihost"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

// class lists the remote ports by the host that they belong to: port-5:1 of host5.
const class = "class/srp_remote_ports"

// driver is the driver of SRP over InfiniBand.
const driver = "ib_srp"

// Ports are the families of remote ports.
type Ports struct {
	info             *metric.Family
	state            *attr.States
	devLoss          *metric.Family
	fastIOFail       *metric.Family
	fastIOFailAfter  *metric.Family
	reconnectDelay   *metric.Family
	failedReconnects *metric.Family

	listing host.Listing
}

// New declares the families.
func New(m *metric.Set) *Ports {
	gauge := func(name, help string) *metric.Family {
		return m.Gauge("node_hba_srp_remote_port_"+name, help, "port_id", "rport", "scsi_host")
	}
	return &Ports{
		info: m.Gauge("node_hba_srp_remote_port_info", "A remote port of SRP, as 1, with the InfiniBand port that it is reached from, and its address.",
			"destination_gid", "infiniband_device", "infiniband_port", "port_id", "roles", "rport", "scsi_host"),
		state: attr.RenamedStates(m.Gauge("node_hba_srp_remote_port_state", "Whether the remote port of SRP is in this state: blocked waits, fail_fast fails its I/O.",
			"port_id", "rport", "scsi_host", "state"),
			map[string]string{"fail-fast": "fail_fast"}, "running", "blocked", "fail-fast", "lost"),
		devLoss:          gauge("dev_loss_timeout_seconds", "Time that the remote port of SRP may be away before its devices are removed; +Inf for ever."),
		fastIOFail:       gauge("fast_io_fail_enabled", "Whether I/O to a lost remote port of SRP fails before its devices are removed."),
		fastIOFailAfter:  gauge("fast_io_fail_timeout_seconds", "Time that the remote port of SRP may be away before its I/O fails."),
		reconnectDelay:   gauge("reconnect_delay_seconds", "Time between attempts to reconnect to a lost remote port of SRP."),
		failedReconnects: gauge("failed_reconnects", "Attempts to reconnect to the remote port of SRP that failed since it was last connected."),
	}
}

// Reads returns the files that Update, Near and Far read.
func Reads() []string {
	var reads []string
	for _, file := range []string{"dev_loss_tmo", "failed_reconnects", "fast_io_fail_tmo", "port_id", "reconnect_delay", "roles", "state"} {
		reads = append(reads, "/sys/"+class+"/port-*/"+file)
	}
	for _, file := range []string{"dgid", "local_ib_device", "local_ib_port"} {
		reads = append(reads, "/sys/class/scsi_host/host*/"+file)
	}
	return reads
}

// Find lists the remote ports.
func (p *Ports) Find(a attr.Reader) { a.List(&p.listing, class) }

// Update emits the remote ports of the included hosts that Find found.
func (p *Ports) Update(a attr.Reader, hosts *san.Hosts) {
	for _, e := range p.listing.Entries {
		if h := hosts.Of(e.Name); h != nil && strings.HasPrefix(e.Name, "port-") {
			p.update(a, h, e.Name)
		}
	}
}

func (p *Ports) update(a attr.Reader, h *san.Host, name string) {
	id, roles := a.Label(class, name, "port_id"), a.Label(class, name, "roles")
	if id == "" && !a.Sys.Exists(class, name) {
		return
	}
	device, port, gid := "", "", ""
	if h.Driver == driver {
		own := func(file string) string { return a.Label(scsihost.SCSI, h.Name, file) }
		device, port, gid = own("local_ib_device"), own("local_ib_port"), own("dgid")
	}
	a.Out.Emit(p.info, 1, gid, device, port, id, strings.ReplaceAll(strings.ToLower(roles), " ", "_"), name, h.Name)
	a.State(p.state, []string{id, name, h.Name, ""}, class, name, "state")
	// Where the timeout is off, the devices stay.
	if v, ok := seconds(a, name, "dev_loss_tmo"); ok {
		if v < 0 {
			v = math.Inf(1)
		}
		a.Out.Emit(p.devLoss, v, id, name, h.Name)
	}
	if v, ok := seconds(a, name, "fast_io_fail_tmo"); ok {
		a.Out.Bool(p.fastIOFail, v >= 0, id, name, h.Name)
		if v >= 0 {
			a.Out.Emit(p.fastIOFailAfter, v, id, name, h.Name)
		}
	}
	if v, ok := seconds(a, name, "reconnect_delay"); ok && v >= 0 {
		a.Out.Emit(p.reconnectDelay, v, id, name, h.Name)
	}
	if v, ok := a.Uint(class, name, "failed_reconnects"); ok {
		a.Out.Emit(p.failedReconnects, float64(v), id, name, h.Name)
	}
}

// seconds reads a time, which is -1 for off.
func seconds(a attr.Reader, name, file string) (float64, bool) {
	v, ok := attr.Parsed(a, "off or seconds", attr.UintOrOff, class, name, file)
	return float64(v), ok
}

// Near returns the near end of the ways from a host: the port of the InfiniBand
// adapter, which has a host for each target that it is connected to.
func (p *Ports) Near(a attr.Reader, h *san.Host) (near san.Near) {
	if h.Driver != driver {
		return near
	}
	device, port := a.Label(scsihost.SCSI, h.Name, "local_ib_device"), a.Label(scsihost.SCSI, h.Name, "local_ib_port")
	if device != "" && port != "" {
		near.Port = device + "/" + port
	}
	return near
}

// Far returns the far end of the ways from a host, all of which lead to its
// remote port: the target, and the port of the network that it is reached at.
func (p *Ports) Far(a attr.Reader, h *san.Host) (w san.Way) {
	if h.Transport != san.SRP {
		return w
	}
	for _, e := range p.listing.Entries {
		number, _, ok := strings.Cut(strings.TrimPrefix(e.Name, "port-"), ":")
		if !ok || number != strings.TrimPrefix(h.Name, "host") {
			continue
		}
		w.TargetPort = a.Label(class, e.Name, "port_id")
		w.State, _ = attr.Parsed(a, "a state of a remote port", parseWay, class, e.Name, "state")
	}
	if h.Driver == driver {
		w.Portal = a.Label(scsihost.SCSI, h.Name, "dgid")
	}
	return w
}

// parseWay parses the state of a remote port.
func parseWay(b []byte) (san.WayState, bool) {
	switch string(scan.Trim(b)) {
	case "running":
		return san.Open, true
	case "blocked", "fail-fast", "lost":
		return san.Blocked, true
	}
	return san.Open, false
}
