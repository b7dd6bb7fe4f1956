package hba

import (
	"context"
	"strings"
	"time"

	"github.com/hostexporter/host_exporter/collector/hba/internal/attr"
	"github.com/hostexporter/host_exporter/collector/hba/internal/lun"
	"github.com/hostexporter/host_exporter/collector/hba/internal/rport"
	"github.com/hostexporter/host_exporter/collector/hba/internal/scsihost"
	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/dm"
	"github.com/hostexporter/host_exporter/collector/internal/host"
)

// hbaSAN are the SCSI devices behind the hosts, the ways to them, and the
// multipath maps that these ways make up.
type hbaSAN struct {
	options   lunOptions
	finder    *lun.Finder
	topology  *dm.Topology
	luns      hbaLUNs
	multipath hbaMultipath
	now       func() time.Time

	hosts   map[string]*sanHost
	order   []*sanHost
	outside map[string]*sanHost // hosts that are not looked after, and have paths of maps
	all     []*scsihost.Host
	rports  *rport.Finder      // as the remote ports were read this time
	ways    map[string]*sanWay // by what leads there: remote port, session, end device
	noWay   sanWay             // of devices without any of these
	fabrics map[string]string  // last known, by the WWN of the port
	round   uint64
}

// A sanHost is a host as devices see it.
type sanHost struct {
	*scsihost.Host
	transport hbaTransport
	fcName    string // for a label: empty unless it is Fibre Channel
	portName  string // of the physical port: what tells it from other initiator ports
	fabric    string // that it is in, or was last
	adapter   string // address on PCI, without the function
	states    [lun.NumStates]int
	omitted   int
}

// A sanWay is the far end of a way to devices, as it was last read.
type sanWay struct {
	name  string // of the target port
	state wayState
	round uint64
}

// A wayState is what the transport says of a way.
type wayState int

const (
	wayOpen wayState = iota // or nothing is known
	wayMarginal
	wayBlocked
)

func newHBASAN(env *collect.Env, o lunOptions) hbaSAN {
	return hbaSAN{
		options:   o,
		finder:    lun.NewFinder(env.Host.Sys),
		topology:  dm.NewTopology(env.Host.Sys),
		luns:      newHBALUNs(env.Metrics),
		multipath: newHBAMultipath(env, o),
		now:       env.Host.Now,
		hosts:     map[string]*sanHost{},
		outside:   map[string]*sanHost{},
		ways:      map[string]*sanWay{},
		fabrics:   map[string]string{},
	}
}

// begin forgets the hosts of the last reading, and takes those of this one,
// whether they are looked after or not.
func (s *hbaSAN) begin(all []*scsihost.Host, rports *rport.Finder) {
	s.all, s.rports = all, rports
	clear(s.hosts)
	clear(s.outside)
	s.order = s.order[:0]
	s.round++
}

// add takes a host into account.
func (s *hbaSAN) add(a attr.Reader, h *scsihost.Host, transport hbaTransport) {
	// The port has told already what is wrong with its names.
	sh := s.host(h, transport, func(host, file string) string { return quietWWN(a.Sys, scsihost.FC, host, file) })
	s.hosts[h.Name] = sh
	s.order = append(s.order, sh)
}

// host returns a host as devices see it; wwn reads a name of a Fibre Channel
// port.
func (s *hbaSAN) host(h *scsihost.Host, transport hbaTransport, wwn func(host, file string) string) *sanHost {
	sh := &sanHost{Host: h, transport: transport, portName: h.Physical}
	if transport == hbaFC || transport == hbaFCoE {
		sh.fcName = h.Name
		// Virtual ports share the fate of the physical port that they are on.
		if name := wwn(h.Physical, "port_name"); name != "" {
			sh.portName = name
		}
		key := wwn(h.Name, "port_name")
		if fabric := wwn(h.Name, "fabric_name"); fabric != "" {
			s.fabrics[key] = fabric
		}
		sh.fabric = s.fabrics[key]
	}
	if i := strings.LastIndexByte(h.PCI, '.'); i >= 0 {
		sh.adapter = h.PCI[:i]
	}
	return sh
}

// update reads the devices of the hosts that were added, and emits all there
// is to say of them.
func (s *hbaSAN) update(ctx context.Context, a attr.Reader) {
	luns, err := s.finder.Find(a.Out.Error)
	if err != nil && !host.Gone(err) {
		a.Out.Error(err)
	}
	maps := s.topology.Maps(s.finder.Block(), a.Out.Error)
	s.join(luns, maps)
	s.updateLUNs(a, luns)
	if err == nil {
		for _, h := range s.order {
			s.luns.emitCounts(a, h)
		}
	}
	s.multipath.sources.ask(ctx, a, maps)
	s.multipath.update(a, s, maps)
	for name, w := range s.ways {
		if w.round != s.round {
			delete(s.ways, name)
		}
	}
}

// join tells devices which map they are a path of.
func (s *hbaSAN) join(luns []*lun.LUN, maps []*dm.Multipath) {
	for _, l := range luns {
		l.Map = nil
	}
	for _, m := range maps {
		for _, p := range m.Paths {
			if l := s.finder.Device(p.Name); l != nil {
				l.Map = m
			}
		}
	}
}

func (s *hbaSAN) updateLUNs(a attr.Reader, luns []*lun.LUN) {
	now := s.now()
	want, told := s.options.want(), 0
	for _, l := range luns {
		h := s.hosts[l.Host]
		if h == nil {
			l.State, l.Access = lun.NoState, lun.NoAccess
			continue
		}
		s.finder.Describe(l, a.Out.Error)
		if !s.finder.Refresh(l, want, a.Out.Error) {
			l.State, l.Access = lun.NoState, lun.NoAccess
			continue
		}
		if l.State != lun.NoState {
			h.states[l.State]++
		}
		if want == lun.Health {
			continue
		}
		if l.Moved || l.State != lun.Running {
			l.Troubled = now
		}
		if told >= int(s.options.maxLUNs) && (l.Troubled.IsZero() || now.Sub(l.Troubled) > trouble) {
			h.omitted++
			continue
		}
		told++
		s.luns.emit(a, l, h, s.way(a, l).name, want)
	}
}

// way returns the far end of the way to a device. It is read once for all
// devices behind it.
func (s *hbaSAN) way(a attr.Reader, l *lun.LUN) *sanWay {
	key := l.Rport
	switch {
	case key != "":
	case l.Session != "":
		key = l.Session
	case l.EndDevice != "":
		key = l.EndDevice
	default:
		return &s.noWay
	}
	w := s.ways[key]
	if w == nil {
		w = &sanWay{}
		s.ways[key] = w
	}
	if w.round == s.round {
		return w
	}
	w.round = s.round
	switch key {
	case l.Rport:
		if s.seenWay(w, key) {
			break
		}
		w.name = a.WWN("class/fc_remote_ports", key, "port_name")
		w.state, _ = attr.Parsed(a, "a state of a remote port", rportWay, "class/fc_remote_ports", key, "port_state")
	case l.Session:
		w.name, _ = attr.Parsed(a, "the name of a target", targetName, "class/iscsi_session", key, "targetname")
		w.state, _ = attr.Parsed(a, "a state of a session", sessionWay, "class/iscsi_session", key, "state")
	case l.EndDevice:
		w.name = a.WWN("class/sas_device", key, "sas_address")
	}
	return w
}

// targetName reads the name of an iSCSI target, such as iqn.2003-01.org.example:a.
func targetName(b []byte) (string, bool) {
	for _, c := range b {
		if c <= ' ' || c == 0x7f {
			return "", false
		}
	}
	return scsihost.Label(b), true
}

func rportWay(b []byte) (wayState, bool) {
	switch string(b) {
	case "Online":
		return wayOpen, true
	case "Marginal":
		return wayMarginal, true
	}
	for _, word := range [...]string{
		"Unknown", "Not Present", "Offline", "Blocked", "Bypassed", "Diagnostics", "Linkdown", "Error", "Loopback", "Deleted",
	} {
		if string(b) == word {
			return wayBlocked, true
		}
	}
	return wayOpen, false
}

func sessionWay(b []byte) (wayState, bool) {
	switch string(b) {
	case "LOGGED_IN":
		return wayOpen, true
	case "FAILED", "FREE":
		return wayBlocked, true
	}
	return wayOpen, false
}

// quietWWN returns a world wide name of a port, which has told already what is
// wrong with it.
func quietWWN(sys *host.Reader, elem ...string) string {
	b, err := sys.Text(elem...)
	if err != nil {
		return ""
	}
	name, _ := scsihost.WWN(b)
	return name
}
