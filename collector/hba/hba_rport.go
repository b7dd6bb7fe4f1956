package hba

import (
	"github.com/hostexporter/host_exporter/collector/hba/internal/attr"
	"github.com/hostexporter/host_exporter/collector/hba/internal/firmware/fcstat"
	"github.com/hostexporter/host_exporter/collector/hba/internal/fpin"
	"github.com/hostexporter/host_exporter/collector/hba/internal/rport"
	"github.com/hostexporter/host_exporter/collector/hba/internal/scsihost"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

// hbaRports are the families of the remote ports that Fibre Channel ports see.
// Each that is a target, or was one before it went away, has its own; all others,
// such as other initiators and the directory server, are only counted.
type hbaRports struct {
	finder *rport.Finder
	seers  []*scsihost.Host // the ports that see them

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

func newHBARports(m *metric.Set, sys *host.Reader) hbaRports {
	gauge := func(name, help string) *metric.Family {
		return m.Gauge("node_hba_fc_remote_port_"+name, help, "fc_host", "port_name", "rport")
	}
	return hbaRports{
		finder: rport.NewFinder(sys),
		info: m.Gauge("node_hba_fc_remote_port_info", "A target port that a Fibre Channel port sees or saw, as 1. One that has been away for long has no address any more.",
			"fc_host", "node_name", "port_id", "port_name", "roles", "rport", "scsi_target"),
		state: m.Gauge("node_hba_fc_remote_port_state", "Whether the target port is in this state: blocked is lost, not_present is lost for so long that its devices were removed, marginal is set aside.",
			"fc_host", "port_name", "rport", "state"),
		luns:            gauge("luns", "SCSI devices on the target port."),
		devLoss:         gauge("dev_loss_timeout_seconds", "How long the target port may be away before its devices are removed; +Inf for ever."),
		fastIOFail:      gauge("fast_io_fail_enabled", "Whether I/O to a target port that is away fails before its devices are removed, so that other paths can be taken."),
		fastIOFailAfter: gauge("fast_io_fail_timeout_seconds", "How long the target port may be away before I/O to it fails."),
		encrypted:       gauge("encrypted", "Whether frames to and from the target port are encrypted."),
		notifications: m.Counter("node_hba_fc_remote_port_fpin_notifications_total", "Notifications of the fabric about trouble at the target port: frames not delivered, a bad link, congestion.",
			"fc_host", "port_name", "rport", "type"),
		events: m.Counter("node_hba_fc_remote_port_fpin_events_total", "Notifications of the fabric about trouble at the target port, by what happened; only of what did happen.",
			"event", "fc_host", "port_name", "rport", "type"),
		count: m.Gauge("node_hba_fc_remote_ports", "Remote ports that a Fibre Channel port sees or saw, by what they are and how they are.",
			"fc_host", "role", "state"),
	}
}

// add has the remote ports that a host sees looked after in the next update.
func (f *hbaRports) add(h *scsihost.Host) { f.seers = append(f.seers, h) }

// update emits the remote ports of the hosts that were added.
func (f *hbaRports) update(a attr.Reader) {
	seers := f.seers
	f.seers = f.seers[:0]
	if len(seers) == 0 {
		return
	}
	tell := a.Out.Error
	if err := f.finder.Find(tell); err != nil {
		if !host.Gone(err) {
			tell(err)
		}
		return
	}
	for _, h := range seers {
		f.updateHost(a.Out, h, tell)
	}
}

func (f *hbaRports) updateHost(out *metric.Sink, h *scsihost.Host, tell func(error)) {
	notified := fcstat.DriverOf(h.Driver, "").FPIN
	var counts [rport.NumRoles][rport.NumStates]int
	for _, p := range f.finder.Of(h.Name) {
		if !f.finder.Read(p, notified, tell) {
			continue
		}
		if p.StateKnown {
			counts[p.Role][p.State]++
		}
		if p.IsTarget {
			f.emit(out, p)
		}
	}
	for role := range rport.NumRoles {
		for state := range rport.NumStates {
			// That there are no targets is worth saying.
			n := counts[role][state]
			if n > 0 || state == rport.Online && (role == rport.FCPTarget || role == rport.NVMeTarget) {
				out.Emit(f.count, float64(n), h.Name, role.String(), state.String())
			}
		}
	}
}

func (f *hbaRports) emit(out *metric.Sink, p *rport.Port) {
	out.Emit(f.info, 1, p.Host, p.NodeName, p.ID, p.PortName, p.Roles, p.Name, p.Target)
	if p.StateKnown {
		for state := range rport.NumStates {
			out.Bool(f.state, state == p.State, p.Host, p.PortName, p.Name, state.String())
		}
	}
	if p.LUNsCounted {
		out.Emit(f.luns, float64(p.LUNs), p.Host, p.PortName, p.Name)
	}
	if p.DevLoss.Known && !p.DevLoss.Off {
		out.Emit(f.devLoss, p.DevLoss.Seconds, p.Host, p.PortName, p.Name)
	}
	if p.FastIOFail.Known {
		out.Bool(f.fastIOFail, !p.FastIOFail.Off, p.Host, p.PortName, p.Name)
		if !p.FastIOFail.Off {
			out.Emit(f.fastIOFailAfter, p.FastIOFail.Seconds, p.Host, p.PortName, p.Name)
		}
	}
	if p.Encryption != rport.NoAnswer {
		out.Bool(f.encrypted, p.Encryption == rport.Encrypted, p.Host, p.PortName, p.Name)
	}
	for kind, n := range fpin.Notifications {
		if v, ok := p.FPIN.Total(kind); ok {
			out.Emit(f.notifications, float64(v), p.Host, p.PortName, p.Name, n.Name)
		}
	}
	for event, e := range fpin.Events {
		if v, ok := p.FPIN.Event(event); ok {
			out.Emit(f.events, float64(v), e.Name, p.Host, p.PortName, p.Name, fpin.Notifications[e.Of].Name)
		}
	}
}
