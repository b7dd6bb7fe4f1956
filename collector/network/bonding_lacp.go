package network

import (
	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

// bondingLACP reads /proc/net/bonding/BOND, which has a part about the bond and
// one about each of its interfaces. In mode 802.3ad they include
//
//	Active Aggregator Info:
//		Aggregator ID: 1
//		Number of ports: 2
//
//	Slave Interface: eno1
//	Aggregator ID: 1
//	Actor Churn State: none
//	Actor Churned Count: 0
//	details partner lacp pdu:
//	    system mac address: 00:1c:73:aa:bb:01
//	    oper key: 32773
//	    port state: 61
//
// Without CAP_NET_ADMIN the kernel leaves out the active aggregator and the
// details. The active aggregator and the states of ports are in sysfs too, which
// everybody may read. See bond_info_show_slave in
// https://github.com/torvalds/linux/blob/master/drivers/net/bonding/bond_procfs.c.
type bondingLACP struct {
	proc, sys *host.Reader
	bond      lacpBond

	activeID    *metric.Family
	activePorts *metric.Family
	activeKey   *metric.Family
	activeInfo  *metric.Family

	aggregator *metric.Family
	churnState *metric.Family
	churns     *metric.Family
	portKey    *metric.Family
	portState  *metric.Family
	partner    *metric.Family
}

func newBondingLACP(env *collect.Env) *bondingLACP {
	m := env.Metrics
	const master, slave, role = "master", "slave", "role"
	return &bondingLACP{
		proc:        env.Host.Proc.Reader(),
		sys:         env.Host.Sys.Reader(),
		activeID:    m.Gauge("node_bonding_lacp_active_aggregator_id", "Number of the bond's active aggregator, absent if there is none.", master),
		activePorts: m.Gauge("node_bonding_lacp_active_aggregator_ports", "Interfaces in the bond's active aggregator, 0 if there is none.", master),
		activeKey:   m.Gauge("node_bonding_lacp_active_aggregator_key", "Key of the bond's active aggregator, of the bond (actor) or the switch (partner).", master, role),
		activeInfo:  m.Gauge("node_bonding_lacp_active_aggregator_info", "System address of the switch of the bond's active aggregator; always 1.", master, "partner_mac"),
		aggregator:  m.Gauge("node_bonding_lacp_aggregator_id", "Number of the aggregator that the interface is in.", master, slave),
		churnState:  m.Gauge("node_bonding_lacp_churn_state", "Whether the churn machine of the bond (actor) or the switch (partner) is in the state.", master, slave, role, "state"),
		churns:      m.Counter("node_bonding_lacp_churns_total", "Times that the bond (actor) or the switch (partner) did not get in sync on the interface.", master, slave, role),
		portKey:     m.Gauge("node_bonding_lacp_port_key", "Operational key of the port, of the bond (actor) or the switch (partner).", master, slave, role),
		portState:   m.Gauge("node_bonding_lacp_port_state", "Whether the flag is set in the LACP state of the port, of the bond (actor) or the switch (partner).", master, slave, role, "flag"),
		partner:     m.Gauge("node_bonding_lacp_partner_info", "System address of the interface's switch, zeros if it sends no LACP; always 1.", master, slave, "partner_mac"),
	}
}

// The two ends of a link are an actor and a partner, in this order.
const (
	actor, partner = 0, 1
	lacpEnds       = 2
)

func lacpRole(end int) string {
	if end == actor {
		return "actor"
	}
	return "partner"
}

// update reads one bond. A host.Gone error means that the bond is gone.
func (c *bondingLACP) update(bond string, out *metric.Sink) error {
	b, err := c.proc.Read("net/bonding", bond)
	if err != nil {
		return err
	}
	isLACP, err := c.bond.parse(b, func(err error) { out.Error(c.proc.At(err)) })
	if err != nil || !isLACP {
		return c.proc.At(err)
	}
	c.emitActive(bond, out)
	for i := range c.bond.slaves {
		c.emitSlave(bond, &c.bond.slaves[i], out)
	}
	return nil
}

func (c *bondingLACP) emitActive(bond string, out *metric.Sink) {
	a := &c.bond.active
	if !a.shown {
		c.readActive(bond, out)
	}
	a.id.emit(out, c.activeID, bond)
	a.ports.emit(out, c.activePorts, bond)
	for end := range lacpEnds {
		a.keys[end].emit(out, c.activeKey, bond, lacpRole(end))
	}
	if len(a.partner) > 0 {
		out.Emit(c.activeInfo, 1, bond, string(a.partner))
	}
}

// readActive reads the active aggregator from sysfs, whose number is 0 if there
// is none.
func (c *bondingLACP) readActive(bond string, out *metric.Sink) {
	a := &c.bond.active
	if id := c.readNumber(out, bond, "bonding/ad_aggregator"); id.value > 0 {
		a.id = id
	}
	a.ports = c.readNumber(out, bond, "bonding/ad_num_ports")
}

// readNumber reads an attribute of an interface that may be absent.
func (c *bondingLACP) readNumber(out *metric.Sink, device, file string) lacpNumber {
	v, err := c.sys.Uint(netDir, device, file)
	return lacpNumber{v, host.ReportUnlessGone(err, out.Error)}
}

func (c *bondingLACP) emitSlave(bond string, s *lacpSlave, out *metric.Sink) {
	name := string(s.name)
	s.aggregator.emit(out, c.aggregator, bond, name)
	if !s.aggregator.known {
		return // the port is not attached to an aggregator
	}
	for end := range lacpEnds {
		p, role := &s.ends[end], lacpRole(end)
		if len(p.churn) > 0 {
			for _, state := range lacpChurnStates {
				out.Bool(c.churnState, string(p.churn) == state, bond, name, role, state)
			}
		}
		p.churns.emit(out, c.churns, bond, name, role)
		p.key.emit(out, c.portKey, bond, name, role)
		state := p.state
		if !s.hasDetails {
			state = c.readNumber(out, name, "bonding_slave/ad_"+role+"_oper_port_state")
		}
		if state.known {
			for bit, flag := range lacpFlags {
				out.Bool(c.portState, state.value&(1<<bit) != 0, bond, name, role, flag)
			}
		}
	}
	if len(s.partner) > 0 {
		out.Emit(c.partner, 1, bond, name, string(s.partner))
	}
}

// lacpChurnStates are the words of bond_3ad_churn_desc.
var lacpChurnStates = [...]string{"churned", "monitoring", "none"}

// lacpFlags are the bits of a port's state, the lowest first, by the names of
// IEEE 802.1AX.
var lacpFlags = [8]string{"activity", "timeout", "aggregation", "synchronization", "collecting", "distributing", "defaulted", "expired"}

// A lacpNumber is a number that may be absent.
type lacpNumber struct {
	value uint64
	known bool
}

func (n lacpNumber) emit(out *metric.Sink, f *metric.Family, labels ...string) {
	if n.known {
		out.Emit(f, float64(n.value), labels...)
	}
}

// lacpBond is what /proc/net/bonding/BOND has about LACP.
type lacpBond struct {
	active lacpActive
	slaves []lacpSlave
}

// lacpActive is the active aggregator of a bond.
type lacpActive struct {
	shown     bool // whether the file says which it is, or that there is none
	id, ports lacpNumber
	keys      [lacpEnds]lacpNumber
	partner   []byte
}

// A lacpSlave is an interface of a bond.
type lacpSlave struct {
	name       []byte
	aggregator lacpNumber
	hasDetails bool
	ends       [lacpEnds]lacpEnd
	partner    []byte
}

// A lacpEnd is one end of the link of an interface.
type lacpEnd struct {
	churn              []byte
	churns, key, state lacpNumber
}

// The parts of the file that have keys of their own.
const (
	lacpInBond = iota
	lacpInActive
	lacpInSlave
	lacpInActor
	lacpInPartner
)

// parse parses a file. It reports whether the bond is in mode 802.3ad, and
// passes each malformed line to report. What the bond has refers to b.
func (l *lacpBond) parse(b []byte, report func(error)) (isLACP bool, err error) {
	*l = lacpBond{slaves: l.slaves[:0]}
	hasMode := false
	part := lacpInBond
	for n, rest := 1, b; len(rest) > 0; n++ {
		var line []byte
		line, rest = scan.Line(rest)
		key, value, isPair := scan.Cut(line, ':')
		switch {
		case !isPair:
			if isNoAggregator(key) {
				l.active = lacpActive{shown: true, ports: lacpNumber{known: true}}
			}
			continue
		case string(key) == "Bonding Mode":
			if hasMode, isLACP = true, isLACPMode(value); !isLACP {
				return false, nil
			}
			continue
		case string(key) == "Active Aggregator Info":
			part, l.active.shown = lacpInActive, true
			continue
		case string(key) == "Slave Interface":
			if len(value) == 0 || !isInterfaceName(value) || l.hasSlave(value) {
				part = lacpInBond // the lines that follow belong to no interface
				report(host.Bad(n, "the name of another interface", line))
				continue
			}
			part = lacpInSlave
			l.slaves = append(l.slaves, lacpSlave{name: value})
			continue
		case part == lacpInBond:
			continue
		case part == lacpInActive:
			err = l.active.set(n, key, value)
		default:
			s := &l.slaves[len(l.slaves)-1]
			switch string(key) {
			case "details actor lacp pdu":
				part, s.hasDetails = lacpInActor, true
			case "details partner lacp pdu":
				part = lacpInPartner
			default:
				err = s.set(n, part, key, value)
			}
		}
		if err != nil {
			report(err)
			err = nil
		}
	}
	if !hasMode {
		return false, host.Bad(1, "a bonding mode", b)
	}
	return isLACP, nil
}

func (l *lacpBond) hasSlave(name []byte) bool {
	for i := range l.slaves {
		if string(l.slaves[i].name) == string(name) {
			return true
		}
	}
	return false
}

// isLACPMode reports whether a bonding mode is IEEE 802.3ad Dynamic link
// aggregation.
func isLACPMode(mode []byte) bool {
	_, rest := scan.Field(mode)
	number, _ := scan.Field(rest)
	return string(number) == "802.3ad"
}

// isNoAggregator reports whether a line is
//
//	bond bond1 has no active aggregator
func isNoAggregator(line []byte) bool {
	var words [6][]byte
	return scan.Fields(words[:], line) == len(words) && string(words[3]) == "no" && string(words[5]) == "aggregator"
}

// set sets the value of a key of line n.
func (a *lacpActive) set(n int, key, value []byte) error {
	switch string(key) {
	case "Aggregator ID":
		return a.id.set(n, value)
	case "Number of ports":
		return a.ports.set(n, value)
	case "Actor Key":
		return a.keys[actor].set(n, value)
	case "Partner Key":
		return a.keys[partner].set(n, value)
	case "Partner Mac Address":
		return setMAC(&a.partner, n, value)
	}
	return nil
}

// set sets the value of a key of line n.
func (s *lacpSlave) set(n, part int, key, value []byte) error {
	switch part {
	case lacpInActor:
		return s.ends[actor].set(n, "port key", key, value)
	case lacpInPartner:
		if string(key) == "system mac address" {
			return setMAC(&s.partner, n, value)
		}
		return s.ends[partner].set(n, "oper key", key, value)
	}
	switch string(key) {
	case "Aggregator ID":
		if string(value) == "N/A" {
			return nil
		}
		return s.aggregator.set(n, value)
	case "Actor Churn State":
		return s.ends[actor].setChurn(n, value)
	case "Partner Churn State":
		return s.ends[partner].setChurn(n, value)
	case "Actor Churned Count":
		return s.ends[actor].churns.setCount(n, value)
	case "Partner Churned Count":
		return s.ends[partner].churns.setCount(n, value)
	}
	return nil
}

// set sets the value of a key of the details.
func (e *lacpEnd) set(n int, portKey string, key, value []byte) error {
	switch string(key) {
	case portKey:
		return e.key.set(n, value)
	case "port state":
		return e.state.set(n, value)
	}
	return nil
}

func (e *lacpEnd) setChurn(n int, value []byte) error {
	if string(value) == "unknown" {
		return nil
	}
	for _, state := range lacpChurnStates {
		if string(value) == state {
			e.churn = value
			return nil
		}
	}
	return host.Bad(n, "churned, monitoring or none", value)
}

func (v *lacpNumber) set(n int, value []byte) error {
	number, ok := scan.Uint(value)
	if !ok {
		return host.Bad(n, "a number", value)
	}
	*v = lacpNumber{number, true}
	return nil
}

// setCount sets a count, which is unsigned, and printed as signed.
func (v *lacpNumber) setCount(n int, value []byte) error {
	count, ok := scan.Counter(value)
	if !ok {
		return host.Bad(n, "a number", value)
	}
	*v = lacpNumber{count, true}
	return nil
}

func setMAC(mac *[]byte, n int, value []byte) error {
	if len(value) != len("00:00:00:00:00:00") {
		return host.Bad(n, "a hardware address", value)
	}
	*mac = value
	return nil
}
