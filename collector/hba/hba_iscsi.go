package hba

import (
	"errors"
	"strings"
	"syscall"

	"github.com/hostexporter/host_exporter/collector/hba/internal/attr"
	"github.com/hostexporter/host_exporter/collector/hba/internal/scsihost"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

const (
	iscsiHosts       = "class/iscsi_host"
	iscsiSessions    = "class/iscsi_session"
	iscsiConnections = "class/iscsi_connection"
)

// hbaISCSISessions are the families about sessions with iSCSI targets and their
// connections. In the folder of a session lie the passwords of CHAP: nothing is
// read there that is not named here.
type hbaISCSISessions struct {
	info            *metric.Family
	state           *attr.States
	targetState     *attr.States
	recovery        *metric.Family
	connectionState *attr.States
	count           *metric.Family
	portState       *attr.States
	portSpeed       *metric.Family

	sessions, connections host.Listing
	known                 map[string]*iscsiSession // by name
	round                 uint64
	counts                []iscsiCount
}

// An iscsiSession is what does not change while a session is logged in, and
// what it is known by while it is not.
type iscsiSession struct {
	inode uint64
	round uint64
	link  string
	fixed bool // read while logged in: before, iscsid may still be filling it in

	target, portal, iface, initiator, tpgt string
}

// An iscsiCount is how many sessions with a target there are in each state.
type iscsiCount struct {
	target string
	states []float64
}

func newHBAISCSISessions(m *metric.Set) hbaISCSISessions {
	return hbaISCSISessions{
		known: map[string]*iscsiSession{},
		info: m.Gauge("node_hba_iscsi_session_info", "A session with an iSCSI target, as 1. The portal is the configured one; the session has another number after each login.",
			"initiator", "interface", "portal", "scsi_host", "session", "target", "tpgt"),
		state: attr.NewStates(m.Gauge("node_hba_iscsi_session_state", "Whether the session with the target is in this state; one that is free has given up on its I/O.",
			"session", "state", "target"), "LOGGED_IN", "FAILED", "FREE"),
		targetState: attr.NewStates(m.Gauge("node_hba_iscsi_session_target_state", "Whether the SCSI target of the session is in this state; only a scanned one has disks.",
			"session", "state", "target"), "UNBOUND", "ALLOCATED", "SCANNED", "UNBINDING"),
		recovery: m.Gauge("node_hba_iscsi_session_recovery_timeout_seconds", "How long I/O waits for a session that failed to come back.", "session"),
		connectionState: attr.NewStates(m.Gauge("node_hba_iscsi_connection_state", "Whether the connection of the session is in this state.",
			"connection", "session", "state"), "up", "down", "failed", "bound"),
		count: m.Gauge("node_hba_iscsi_sessions", "Sessions with the target in this state.", "state", "target"),
		portState: attr.RenamedStates(m.Gauge("node_hba_iscsi_port_state", "Whether the port of an iSCSI adapter is in this state.", "scsi_host", "state"),
			map[string]string{"LINK UP": "up", "LINK DOWN": "down"}, "LINK UP", "LINK DOWN"),
		portSpeed: m.Gauge("node_hba_iscsi_port_speed_bits_per_second", "Speed of the port of an iSCSI adapter.", "scsi_host"),
	}
}

// iscsiReads returns the files that are read of iSCSI.
func iscsiReads() []string {
	return []string{
		"/sys/class/iscsi_host/host*/port_speed", "/sys/class/iscsi_host/host*/port_state",
		"/sys/class/iscsi_session/session*/ifacename", "/sys/class/iscsi_session/session*/initiatorname",
		"/sys/class/iscsi_session/session*/recovery_tmo", "/sys/class/iscsi_session/session*/state",
		"/sys/class/iscsi_session/session*/target_state", "/sys/class/iscsi_session/session*/targetname",
		"/sys/class/iscsi_session/session*/tpgt",
		"/sys/class/iscsi_connection/connection*/address", "/sys/class/iscsi_connection/connection*/persistent_address",
		"/sys/class/iscsi_connection/connection*/persistent_port", "/sys/class/iscsi_connection/connection*/port",
		"/sys/class/iscsi_connection/connection*/state",
	}
}

func (f *hbaISCSISessions) update(a attr.Reader, chosen *hbaChosen, hosts []*scsihost.Host) {
	for _, h := range hosts {
		f.updatePort(a, h)
	}
	a.List(&f.sessions, iscsiSessions)
	if len(f.sessions.Entries) == 0 {
		clear(f.known)
		return
	}
	a.List(&f.connections, iscsiConnections)
	f.round++
	for i := range f.counts {
		clear(f.counts[i].states)
	}
	for _, e := range f.sessions.Entries {
		if s := f.session(a, e); s != nil && (s.link == "" || chosen.above(s.link) != nil) {
			f.updateSession(a, e.Name, s, chosen.above(s.link))
		}
	}
	for name, s := range f.known {
		if s.round != f.round {
			delete(f.known, name)
		}
	}
	f.emitCounts(a.Out)
}

// session returns what is remembered of a session; nil when it went away.
func (f *hbaISCSISessions) session(a attr.Reader, e host.DirEntry) *iscsiSession {
	s := f.known[e.Name]
	if s == nil || s.inode != e.Inode {
		link, err := a.Sys.Link(iscsiSessions, e.Name)
		if host.Gone(err) {
			return nil
		}
		s = &iscsiSession{inode: e.Inode, link: link}
		f.known[e.Name] = s
	}
	s.round = f.round
	return s
}

func (f *hbaISCSISessions) updateSession(a attr.Reader, name string, s *iscsiSession, h *scsihost.Host) {
	if !s.fixed {
		state, err := a.Sys.Text(iscsiSessions, name, "state")
		loggedIn := string(state) == "LOGGED_IN"
		if host.Gone(err) && !a.Sys.Exists(iscsiSessions, name) {
			return
		}
		f.identify(a, name, s)
		s.fixed = loggedIn
	}
	labels := [...]string{name, "", s.target}
	state := a.State(f.state, labels[:], iscsiSessions, name, "state")
	if state == nil && !a.Sys.Exists(iscsiSessions, name) {
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
	a.State(f.targetState, labels[:], iscsiSessions, name, "target_state")
	if v, ok := attr.Parsed(a, "off or seconds", offOrSeconds, iscsiSessions, name, "recovery_tmo"); ok && v >= 0 {
		a.Out.Emit(f.recovery, float64(v), name)
	}
	for _, c := range f.connections.Entries {
		if isConnection(c.Name, name) {
			labels := [...]string{c.Name, name, ""}
			a.State(f.connectionState, labels[:], iscsiConnections, c.Name, "state")
		}
	}
}

// identify reads what a session is known by. What cannot be read now, such as
// the portal of one that has lost its connection, stays what it was.
func (f *hbaISCSISessions) identify(a attr.Reader, name string, s *iscsiSession) {
	s.target = a.Label(iscsiSessions, name, "targetname")
	s.initiator = a.Label(iscsiSessions, name, "initiatorname")
	s.iface = a.Label(iscsiSessions, name, "ifacename")
	s.tpgt = a.Label(iscsiSessions, name, "tpgt")
	for _, c := range f.connections.Entries {
		if isConnection(c.Name, name) { // the lead connection has the lowest number
			s.portal = portalOf(a, c.Name)
			return
		}
	}
}

// portalOf returns the portal of a connection: the configured one, and where
// there is none that which it is connected to.
func portalOf(a attr.Reader, connection string) string {
	address := a.Label(iscsiConnections, connection, "persistent_address")
	port := a.Label(iscsiConnections, connection, "persistent_port")
	if address == "" {
		address, port = peer(a, connection, "address"), peer(a, connection, "port")
	}
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

// peer reads an attribute of the other end of a connection, which only a
// connection that is up has.
func peer(a attr.Reader, connection, file string) string {
	b, err := a.Sys.Text(iscsiConnections, connection, file)
	if !errors.Is(err, syscall.ENOTCONN) && !errors.Is(err, syscall.EINVAL) {
		host.ReportUnlessGone(err, a.Out.Error)
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
func (f *hbaISCSISessions) add(target string, state []byte) {
	var c *iscsiCount
	for i := range f.counts {
		if f.counts[i].target == target {
			c = &f.counts[i]
		}
	}
	if c == nil {
		f.counts = append(f.counts, iscsiCount{target, make([]float64, len(f.state.States))})
		c = &f.counts[len(f.counts)-1]
	}
	c.states[f.state.Index(state)]++
}

// emitCounts emits how many sessions there are, and forgets targets that have
// none any more.
func (f *hbaISCSISessions) emitCounts(out *metric.Sink) {
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
