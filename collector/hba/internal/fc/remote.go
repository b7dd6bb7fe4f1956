package fc

import (
	"github.com/hostexporter/host_exporter/collector/hba/internal/attr"
	"github.com/hostexporter/host_exporter/collector/hba/internal/fc/fpin"
	"github.com/hostexporter/host_exporter/collector/hba/internal/firmware/fcstat"
	"github.com/hostexporter/host_exporter/collector/hba/internal/scsihost"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

// remoteFamilies are the families of remote ports. Each target, or port that was
// a target before it went away, has its own series; all others, such as other
// initiators and the directory server, are only counted.
type remoteFamilies struct {
	info            *metric.Family
	state           *metric.Family
	luns            *metric.Family
	devLoss         *metric.Family
	fastIOFail      *metric.Family
	fastIOFailAfter *metric.Family
	encrypted       *metric.Family
	notifications   *metric.Family
	events          *metric.Family
	count           *metric.Family
}

func newRemoteFamilies(m *metric.Set) remoteFamilies {
	gauge := func(name, help string) *metric.Family {
		return m.Gauge("node_hba_fc_remote_port_"+name, help, "fc_host", "port_name", "rport")
	}
	return remoteFamilies{
		info: m.Gauge("node_hba_fc_remote_port_info", "A target port that a Fibre Channel port sees or saw, as 1; a lost one loses its address.",
			"fc_host", "node_name", "port_id", "port_name", "roles", "rport", "scsi_target"),
		state: m.Gauge("node_hba_fc_remote_port_state", "Whether the target port is in this state: blocked is lost, not_present is lost for long.",
			"fc_host", "port_name", "rport", "state"),
		luns:            gauge("luns", "Storage devices on the target port; LUNs that only manage the array do not count."),
		devLoss:         gauge("dev_loss_timeout_seconds", "Time that the target port may be away before its devices are removed; +Inf for ever."),
		fastIOFail:      gauge("fast_io_fail_enabled", "Whether I/O to a lost target port fails before its devices are removed."),
		fastIOFailAfter: gauge("fast_io_fail_timeout_seconds", "Time that the target port may be away before its I/O fails."),
		encrypted:       gauge("encrypted", "Whether frames to and from the target port are encrypted."),
		notifications: m.Counter("node_hba_fc_remote_port_fpin_notifications_total", "FPIN notifications of the fabric about the target port: lost frames, bad link, congestion.",
			"fc_host", "port_name", "rport", "type"),
		events: m.Counter("node_hba_fc_remote_port_fpin_events_total", "FPIN notifications of the fabric about the target port, by event, of events that occurred.",
			"event", "fc_host", "port_name", "rport", "type"),
		count: m.Gauge("node_hba_fc_remote_ports", "Remote ports that a Fibre Channel port sees or saw, by role and state.",
			"fc_host", "role", "state"),
	}
}

// update emits the remote ports that a host sees.
func (f *remoteFamilies) update(a attr.Reader, finder *finder, h *scsihost.Host) {
	hasFPIN := fcstat.DriverOf(h.Driver, "").FPIN
	var counts [numRoles][numRemoteStates]int
	for _, p := range finder.of(h.Name) {
		if !finder.read(a, p, hasFPIN) {
			continue
		}
		if p.stateKnown {
			counts[p.role][p.state]++
		}
		if p.isTarget {
			f.emit(a.Out, p)
		}
	}
	for role := range numRoles {
		for state := range numRemoteStates {
			// The absence of targets is a fact, too.
			n := counts[role][state]
			if n > 0 || state == online && (role == fcpTarget || role == nvmeTarget) {
				a.Out.Emit(f.count, float64(n), h.Name, role.String(), state.String())
			}
		}
	}
}

func (f *remoteFamilies) emit(out *metric.Sink, p *remotePort) {
	out.Emit(f.info, 1, p.host, p.nodeName, p.id, p.portName, p.roles, p.name, p.target)
	if p.stateKnown {
		for state := range numRemoteStates {
			out.Bool(f.state, state == p.state, p.host, p.portName, p.name, state.String())
		}
	}
	if p.lunsCounted {
		out.Emit(f.luns, float64(p.luns), p.host, p.portName, p.name)
	}
	if p.devLoss.known && !p.devLoss.off {
		out.Emit(f.devLoss, p.devLoss.seconds, p.host, p.portName, p.name)
	}
	if p.fastIOFail.known {
		out.Bool(f.fastIOFail, !p.fastIOFail.off, p.host, p.portName, p.name)
		if !p.fastIOFail.off {
			out.Emit(f.fastIOFailAfter, p.fastIOFail.seconds, p.host, p.portName, p.name)
		}
	}
	if p.encryption != encryptionUnknown {
		out.Bool(f.encrypted, p.encryption == encrypted, p.host, p.portName, p.name)
	}
	for kind, n := range fpin.Notifications {
		if p.fpin.known[kind] {
			out.Emit(f.notifications, float64(p.fpin.totals[kind]), p.host, p.portName, p.name, n.Name)
		}
	}
	for event, e := range fpin.Events {
		if p.fpin.seen[event] {
			out.Emit(f.events, float64(p.fpin.events[event]), e.Name, p.host, p.portName, p.name, fpin.Notifications[e.Of].Name)
		}
	}
}
