// Package iscsi reads the sessions with iSCSI targets, their connections, and the
// ports of adapters that do iSCSI themselves. All that it reads comes from
// memory of the kernel. In the folder of a session lie the passwords of CHAP: it
// reads nothing there but the files that it names.
package iscsi

import (
	"bytes"
	"errors"
	"strings"
	"syscall"

	"github.com/hostexporter/host_exporter/collector/hba/internal/attr"
	"github.com/hostexporter/host_exporter/collector/hba/internal/netdev"
	"github.com/hostexporter/host_exporter/collector/hba/internal/san"
	"github.com/hostexporter/host_exporter/collector/hba/internal/scsihost"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

const (
	hostClass       = "class/iscsi_host"
	sessionClass    = "class/iscsi_session"
	connectionClass = "class/iscsi_connection"
)

// Sessions are the families of sessions with iSCSI targets.
type Sessions struct {
	info            *metric.Family
	state           *attr.States
	targetState     *attr.States
	recovery        *metric.Family
	connectionState *attr.States
	count           *metric.Family
	portInfo        *metric.Family
	portState       *attr.States
	portSpeed       *metric.Family

	sessions, connections host.Listing
	known                 map[string]*session // by name
	round                 uint64
	counts                []sessionCount
	ports                 map[string]*port // last known, by host
	netdevs               netdev.Finder
}

// A session is what does not change while the session is logged in, and is its
// last known value while it is not.
type session struct {
	inode uint64
	round uint64
	link  string
	fixed bool // read while logged in: before, iscsid may still be filling it in

	target, portal, iface, initiator, tpgt string
}

// A sessionCount is how many sessions with a target there are in each state.
type sessionCount struct {
	target string
	states []float64
}

// New declares the families.
func New(m *metric.Set) *Sessions {
	return &Sessions{
		known: map[string]*session{},
		ports: map[string]*port{},
		info: m.Gauge("node_hba_iscsi_session_info", "A session with an iSCSI target, as 1, with the configured portal; each login has a new number.",
			"initiator", "interface", "portal", "scsi_host", "session", "target", "tpgt"),
		state: attr.NewStates(m.Gauge("node_hba_iscsi_session_state", "Whether the session with the target is in this state; a free one fails its I/O.",
			"session", "state", "target"), "LOGGED_IN", "FAILED", "FREE"),
		targetState: attr.NewStates(m.Gauge("node_hba_iscsi_session_target_state", "Whether the SCSI target of the session is in this state; only a scanned one has disks.",
			"session", "state", "target"), "UNBOUND", "ALLOCATED", "SCANNED", "UNBINDING"),
		recovery: m.Gauge("node_hba_iscsi_session_recovery_timeout_seconds", "Time that I/O waits for a failed session to recover; +Inf for ever.", "session"),
		connectionState: attr.NewStates(m.Gauge("node_hba_iscsi_connection_state", "Whether the connection of the session is in this state.",
			"connection", "session", "state"), "up", "down", "failed", "bound"),
		count: m.Gauge("node_hba_iscsi_sessions", "Sessions with the target, by state.", "state", "target"),
		portInfo: m.Gauge("node_hba_iscsi_port_info", "The network interface and address that the iSCSI sessions of a host leave from, as 1.",
			"address", "hardware_address", "interface", "scsi_host"),
		portState: attr.RenamedStates(m.Gauge("node_hba_iscsi_port_state", "Whether the port of an iSCSI adapter is in this state.", "scsi_host", "state"),
			map[string]string{"LINK UP": "up", "LINK DOWN": "down"}, "LINK UP", "LINK DOWN"),
		portSpeed: m.Gauge("node_hba_iscsi_port_speed_bits_per_second", "Speed of the port of an iSCSI adapter.", "scsi_host"),
	}
}

// Reads returns the files that Update, Way and Near read.
func Reads() []string {
	return append(netdev.Reads(),
		"/sys/class/iscsi_host/host*/hwaddress", "/sys/class/iscsi_host/host*/ipaddress", "/sys/class/iscsi_host/host*/netdev",
		"/sys/class/iscsi_host/host*/port_speed", "/sys/class/iscsi_host/host*/port_state",
		"/sys/class/iscsi_session/session*/ifacename", "/sys/class/iscsi_session/session*/initiatorname",
		"/sys/class/iscsi_session/session*/recovery_tmo", "/sys/class/iscsi_session/session*/state",
		"/sys/class/iscsi_session/session*/target_state", "/sys/class/iscsi_session/session*/targetname",
		"/sys/class/iscsi_session/session*/tpgt",
		"/sys/class/iscsi_connection/connection*/address", "/sys/class/iscsi_connection/connection*/persistent_address",
		"/sys/class/iscsi_connection/connection*/persistent_port", "/sys/class/iscsi_connection/connection*/port",
		"/sys/class/iscsi_connection/connection*/state",
	)
}

// Update emits the ports and the sessions of the included hosts, and sessions
// that are on no host.
func (f *Sessions) Update(a attr.Reader, hosts *san.Hosts) {
	f.netdevs.Begin()
	f.forget(hosts)
	for i := range hosts.Included {
		f.updatePort(a, &hosts.Included[i])
	}
	a.List(&f.sessions, sessionClass)
	if len(f.sessions.Entries) == 0 {
		clear(f.known)
		return
	}
	a.List(&f.connections, connectionClass)
	f.round++
	for i := range f.counts {
		clear(f.counts[i].states)
	}
	for _, e := range f.sessions.Entries {
		if s := f.session(a, e); s != nil && (s.link == "" || hosts.Above(s.link) != nil) {
			f.updateSession(a, e.Name, s, hosts.Above(s.link))
		}
	}
	for name, s := range f.known {
		if s.round != f.round {
			delete(f.known, name)
		}
	}
	f.emitCounts(a.Out)
}

// session returns what is known of a session; nil when it went away.
func (f *Sessions) session(a attr.Reader, e host.DirEntry) *session {
	s := f.known[e.Name]
	if s == nil || s.inode != e.Inode {
		link, err := a.Sys.Link(sessionClass, e.Name)
		if host.Gone(err) {
			return nil
		}
		s = &session{inode: e.Inode, link: link}
		f.known[e.Name] = s
	}
	s.round = f.round
	return s
}

func (f *Sessions) updateSession(a attr.Reader, name string, s *session, h *san.Host) {
	if !s.fixed {
		state, err := a.Sys.Text(sessionClass, name, "state")
		loggedIn := string(state) == "LOGGED_IN"
		if host.Gone(err) && !a.Sys.Exists(sessionClass, name) {
			return
		}
		f.identify(a, name, s)
		s.fixed = loggedIn
	}
	labels := [...]string{name, "", s.target}
	state := a.State(f.state, labels[:], sessionClass, name, "state")
	if state == nil && !a.Sys.Exists(sessionClass, name) {
		return
	}
	if state != nil {
		f.add(s.target, state)
	}
	scsiHost := ""
	if h != nil {
		scsiHost = h.Name
	}
	a.Out.Emit(f.info, 1, s.initiator, s.iface, s.portal, scsiHost, name, s.target, s.tpgt)
	a.State(f.targetState, labels[:], sessionClass, name, "target_state")
	if v, ok := attr.Parsed(a, "off or seconds", attr.SecondsOrOff, sessionClass, name, "recovery_tmo"); ok {
		a.Out.Emit(f.recovery, v, name)
	}
	for _, c := range f.connections.Entries {
		if isConnection(c.Name, name) {
			labels := [...]string{c.Name, name, ""}
			a.State(f.connectionState, labels[:], connectionClass, c.Name, "state")
		}
	}
}

// identify reads the names of a session.
func (f *Sessions) identify(a attr.Reader, name string, s *session) {
	s.target = a.Label(sessionClass, name, "targetname")
	s.initiator = a.Label(sessionClass, name, "initiatorname")
	s.iface = a.Label(sessionClass, name, "ifacename")
	s.tpgt = a.Label(sessionClass, name, "tpgt")
	for _, c := range f.connections.Entries {
		if isConnection(c.Name, name) { // the lead connection has the lowest number
			s.portal = portalOf(a, c.Name)
			return
		}
	}
}

// portalOf returns the portal of a connection: the configured one, or else the
// one that it is connected to.
func portalOf(a attr.Reader, connection string) string {
	address := a.Label(connectionClass, connection, "persistent_address")
	port := a.Label(connectionClass, connection, "persistent_port")
	if address == "" {
		address, port = peer(a, connection, "address"), peer(a, connection, "port")
	}
	return portal(address, port)
}

// portal joins an address and a port.
func portal(address, port string) string {
	if address == "" {
		return ""
	}
	if strings.IndexByte(address, ':') >= 0 {
		address = "[" + address + "]"
	}
	if port == "" {
		return address
	}
	return address + ":" + port
}

// peer reads an attribute of the other end of a connection.
func peer(a attr.Reader, connection, file string) string {
	return connected(a, connectionClass, connection, file)
}

// connected reads an attribute that only a connection that is up has.
func connected(a attr.Reader, class, name, file string) string {
	b, err := a.Sys.Text(class, name, file)
	if !errors.Is(err, syscall.ENOTCONN) && !errors.Is(err, syscall.EINVAL) {
		host.ReportUnlessGone(err, a.Out.Error)
	}
	if bytes.IndexByte(b, ' ') >= 0 { // which separates components of a path
		a.Out.Error(a.Sys.At(host.Bad(1, "an address, a name or a port", b)))
		return ""
	}
	return scsihost.Label(b)
}

// isConnection reports whether a connection, connection12:0, is one of a
// session, session12.
func isConnection(connection, session string) bool {
	id, ok := strings.CutPrefix(connection, "connection")
	number, _, ok2 := strings.Cut(id, ":")
	own, ok3 := strings.CutPrefix(session, "session")
	return ok && ok2 && ok3 && number == own
}

// add counts a session.
func (f *Sessions) add(target string, state []byte) {
	var c *sessionCount
	for i := range f.counts {
		if f.counts[i].target == target {
			c = &f.counts[i]
		}
	}
	if c == nil {
		f.counts = append(f.counts, sessionCount{target, make([]float64, len(f.state.States))})
		c = &f.counts[len(f.counts)-1]
	}
	c.states[f.state.Index(state)]++
}

// emitCounts emits how many sessions there are, and forgets targets that have
// none left.
func (f *Sessions) emitCounts(out *metric.Sink) {
	kept := f.counts[:0]
	for _, c := range f.counts {
		total := 0.0
		for _, n := range c.states {
			total += n
		}
		if total == 0 {
			continue
		}
		for i, n := range c.states {
			out.Emit(f.count, n, f.state.States[i], c.target)
		}
		kept = append(kept, c)
	}
	clear(f.counts[len(kept):])
	f.counts = kept
}

// Way returns the far end of the way over a session: the target, and the portal
// that the session is connected to. The configured one may be that of a group,
// which redirected the session to another.
func Way(a attr.Reader, name string) (w san.Way) {
	w.TargetPort, _ = attr.Parsed(a, "the name of a target", parseTarget, sessionClass, name, "targetname")
	w.State, _ = attr.Parsed(a, "a state of a session", parseWay, sessionClass, name, "state")
	if connection, ok := leadConnection(name); ok {
		if w.Portal = portal(peer(a, connection, "address"), peer(a, connection, "port")); w.Portal == "" {
			w.Portal = portalOf(a, connection)
		}
	}
	return w
}

// leadConnection returns the first connection of a session, which all of the
// kernel's initiators have only one of: connection12:0 of session12.
func leadConnection(session string) (string, bool) {
	number, ok := strings.CutPrefix(session, "session")
	return "connection" + number + ":0", ok
}

// parseTarget parses the name of a target, such as iqn.2003-01.org.example:a.
func parseTarget(b []byte) (string, bool) {
	for _, c := range b {
		if c <= ' ' || c == 0x7f {
			return "", false
		}
	}
	return scsihost.Label(b), true
}

// parseWay parses the state of a session.
func parseWay(b []byte) (san.WayState, bool) {
	switch string(b) {
	case "LOGGED_IN":
		return san.Open, true
	case "FAILED", "FREE":
		return san.Blocked, true
	}
	return san.Open, false
}
