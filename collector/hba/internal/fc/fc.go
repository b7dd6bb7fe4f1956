// Package fc reads Fibre Channel ports: those of the host, physical and virtual,
// and the remote ports that they see. All that it reads comes from memory of the
// kernel. It knows nothing of the statistics of the firmware.
package fc

import (
	"github.com/hostexporter/host_exporter/collector/hba/internal/attr"
	"github.com/hostexporter/host_exporter/collector/hba/internal/san"
	"github.com/hostexporter/host_exporter/collector/hba/internal/scsihost"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

// Ports are the families of Fibre Channel ports.
type Ports struct {
	local   localFamilies
	virtual virtualFamilies
	remote  remoteFamilies
	finder  finder

	ports     []Port
	names     map[string]names  // by host, of this scrape
	permanent map[string]string // permanent names of ports, by host, of this scrape
	fabrics   map[string]string // last known, by the world wide name of the port
}

// LUNs returns the number of LUNs by SCSI target, such as 3:0:1, on a host; nil
// when they cannot be counted.
type LUNs func(a attr.Reader, host string) map[string]int

// A Port is a Fibre Channel port of the host.
type Port struct {
	*scsihost.Host
	State, Type string // in the words of the kernel
	names
}

// names are the world wide names of a port, and of the fabric that it is logged
// in to. Either may be empty.
type names struct{ port, fabric string }

// New declares the families.
func New(m *metric.Set) *Ports {
	return &Ports{
		local:     newLocalFamilies(m),
		virtual:   newVirtualFamilies(m),
		remote:    newRemoteFamilies(m),
		names:     map[string]names{},
		permanent: map[string]string{},
		fabrics:   map[string]string{},
	}
}

// Reads returns the files that Update reads.
func Reads() []string {
	var reads []string
	add := func(dir string, files ...string) {
		for _, f := range files {
			reads = append(reads, dir+f)
		}
	}
	add("/sys/class/fc_host/host*/",
		"dev_loss_tmo", "fabric_name", "max_npiv_vports", "maxframe_size", "node_name", "npiv_vports_inuse",
		"permanent_port_name", "port_id", "port_name", "port_state", "port_type", "speed", "statistics/fpin_*", "supported_speeds")
	add("/sys/class/fc_vports/vport-*/", "port_name", "vport_state")
	add("/sys/class/fc_remote_ports/rport-*/",
		"dev_loss_tmo", "encryption/encryption_status", "fast_io_fail_tmo", "node_name", "port_id", "port_name",
		"port_state", "roles", "scsi_target_id", "statistics/fpin_*")
	return reads
}

// Update emits the ports of the included hosts, their virtual ports and the
// remote ports that they see, with the number of LUNs that luns returns for a
// host and the address of each of its SCSI targets. It returns the ports, which
// are valid until the next call.
func (p *Ports) Update(a attr.Reader, hosts *san.Hosts, luns LUNs) []Port {
	p.ports = p.ports[:0]
	clear(p.names)
	clear(p.permanent)
	for i := range hosts.Included {
		if h := &hosts.Included[i]; h.Transport.IsFC() {
			port := p.local.update(a, h.Host)
			p.names[h.Name] = port.names
			p.ports = append(p.ports, port)
		}
	}
	if len(p.ports) == 0 {
		return nil
	}
	p.virtual.update(a, hosts)
	if p.finder.find(a) {
		for i := range p.ports {
			p.finder.luns = nil
			if len(p.finder.of(p.ports[i].Name)) > 0 {
				p.finder.luns = luns(a, p.ports[i].Name)
			}
			p.remote.update(a, &p.finder, p.ports[i].Host)
		}
	}
	return p.ports
}

// Names returns the world wide names of the physical port that a host is on, and
// of the fabric that the host is logged in to, or was when it last was. It reads
// those of a host that Update does not include.
func (p *Ports) Names(a attr.Reader, h *scsihost.Host) (port, fabric string) {
	own := p.namesOf(a, h.Name)
	if own.fabric != "" {
		p.fabrics[own.port] = own.fabric
	}
	// On IBM Z, the firmware makes virtual ports: several hosts, perhaps of several
	// systems, share the port whose name this is.
	port, ok := p.permanent[h.Physical]
	if !ok {
		port = a.WWN(scsihost.FC, h.Physical, "permanent_port_name")
		p.permanent[h.Physical] = port
	}
	if port == "" {
		port = p.namesOf(a, h.Physical).port
	}
	return port, p.fabrics[own.port]
}

func (p *Ports) namesOf(a attr.Reader, host string) names {
	n, ok := p.names[host]
	if !ok {
		n = names{a.WWN(scsihost.FC, host, "port_name"), a.WWN(scsihost.FC, host, "fabric_name")}
		p.names[host] = n
	}
	return n
}

// Way returns the far end of the way over a remote port. It reads those that
// Update does not include.
func (p *Ports) Way(a attr.Reader, rport string) (w san.Way) {
	if r := p.finder.fresh(rport); r != nil && r.portName != "" {
		w.TargetPort = r.portName
		if r.stateKnown {
			w.State = r.state.way()
		}
		return w
	}
	w.TargetPort = a.WWN(class, rport, "port_name")
	state, _ := attr.Parsed(a, "a state of a remote port", parseState, class, rport, "port_state")
	w.State = state.way()
	return w
}

// Route returns the host and the fabric of a port by its world wide name, and the
// remote port of another name that it sees, as Update found them. What it does
// not find is empty.
func (p *Ports) Route(a attr.Reader, initiator, target string) (fcHost, fabric, rport string) {
	for _, port := range p.ports {
		if port.port == "" || port.port != initiator {
			continue
		}
		fcHost, fabric, rport = port.Name, port.fabric, ""
		for _, remote := range p.finder.of(port.Name) {
			if remote.nameOf(a) == target && target != "" {
				rport = remote.name
			}
		}
	}
	return fcHost, fabric, rport
}
