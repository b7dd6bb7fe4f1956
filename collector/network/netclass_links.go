package network

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/rtnl"
)

// factsAge is how long facts of a device are believed that rtnetlink cannot
// tell, when nothing else about the device changes.
const factsAge = 5 * time.Minute

// netclassFacts is what is kept of a device from scrape to scrape: what only
// sysfs has, and the texts of what rtnetlink has in bytes.
type netclassFacts struct {
	round uint64
	state linkState
	due   time.Time // when to read sysfs again

	hardware           []byte // address and broadcast, as they came
	address, broadcast string
	alias              string

	fresh     bool // whether what follows was read
	assign    [3]int64
	hasAssign [3]bool
	noSpeed   bool
	hasSpeed  bool
	speed     int64
	duplex    string
}

// linkState is what a change of which makes facts doubtful.
type linkState struct {
	index, link    int
	flags          uint32
	operState      uint8
	carrierChanges uint32
}

// factFiles are the numbers that only sysfs has.
var factFiles = [3]int{addressAssignType, deviceID, nameAssignType}

// factsOf returns what is known of a link, and forgets what may no longer
// hold.
func (c *netclassCollector) factsOf(l *rtnl.Link, now time.Time) *netclassFacts {
	f := c.facts[l.Name]
	if f == nil {
		f = &netclassFacts{}
		c.facts[l.Name] = f
	}
	f.round = c.round
	state := linkState{l.Index, l.Link, l.Flags, l.OperState, l.CarrierChanges}
	if state != f.state || now.After(f.due) {
		f.state, f.fresh = state, false
		// Devices take turns, lest all are read again by the same scrape.
		f.due = now.Add(factsAge/2 + factsAge/32*time.Duration(uint(l.Index)%16))
	}
	n := len(l.Address)
	if len(f.hardware) != n+len(l.Broadcast) || !bytes.Equal(f.hardware[:n], l.Address) || !bytes.Equal(f.hardware[n:], l.Broadcast) {
		f.hardware = append(append(f.hardware[:0], l.Address...), l.Broadcast...)
		f.address, f.broadcast = hardwareAddress(l.Address), hardwareAddress(l.Broadcast)
		f.fresh = false
	}
	if alias := trimAlias(l.Alias); f.alias != string(alias) {
		f.alias = string(alias)
	}
	return f
}

// forget drops the facts of devices that are gone.
func (c *netclassCollector) forget(links int) {
	if len(c.facts) <= links {
		return
	}
	for name, f := range c.facts {
		if f.round != c.round {
			delete(c.facts, name)
		}
	}
}

// complete adds to a device what only sysfs has.
func (c *netclassCollector) complete(l *rtnl.Link, f *netclassFacts, d *netclassDevice, out *metric.Sink) {
	if !f.fresh {
		c.readFacts(l.Name, f, out)
	}
	for i, number := range factFiles {
		if f.hasAssign[i] {
			d.set(number, f.assign[i])
		}
	}
	if !d.has[deviceFlags] {
		c.number(d, deviceFlags, out)
	}
	if l.Flags&unix.IFF_UP == 0 || l.Flags&unix.IFF_LOOPBACK != 0 || f.noSpeed {
		return
	}
	if !f.hasSpeed || !steadySpeed(l.Kind) {
		f.noSpeed = !d.readSpeed(c, out)
		f.speed, f.hasSpeed, f.duplex = d.speed, d.hasSpeed, d.duplex
	}
	d.speed, d.hasSpeed, d.duplex = f.speed, f.hasSpeed, f.duplex
	if c.options.Netlink {
		d.duplex = capitalised(d.duplex)
	}
}

func (c *netclassCollector) readFacts(device string, f *netclassFacts, out *metric.Sink) {
	f.fresh, f.noSpeed, f.hasSpeed = true, false, false
	for i, number := range factFiles {
		v, err := c.readNumber(device, c.numbers[number].file)
		f.assign[i], f.hasAssign[i] = v, err == nil
		if err != nil && !unavailable(err) {
			out.Error(err)
			f.fresh = false // so that it is told until it is well
		}
	}
}

// steadySpeed reports whether a device of a kind keeps its speed as long as
// its link stays as it is. What is made of other devices, such as a bond, may
// change speed with them. The kind of hardware is empty.
func steadySpeed(kind []byte) bool {
	switch string(kind) {
	case "", "veth", "tun":
		return true
	}
	return false
}

// fromLink fills a device from an rtnetlink message. In its own terms it tells
// flags and carrier as the message has them; otherwise as sysfs has them.
func (d *netclassDevice) fromLink(l *rtnl.Link, f *netclassFacts, ownTerms bool) {
	d.address, d.broadcast, d.alias = f.address, f.broadcast, f.alias
	if l.Has(unix.IFLA_OPERSTATE) && int(l.OperState) < len(operStates) {
		d.operstate, d.known = operStates[l.OperState], true
	}
	d.set(ifaceID, int64(l.Index))
	d.set(ifaceLink, int64(l.Link))
	d.set(protocolType, int64(l.Type))
	d.setIf(l.Has(unix.IFLA_CARRIER_CHANGES), carrierChanges, int64(l.CarrierChanges))
	d.setIf(l.Has(unix.IFLA_CARRIER_UP_COUNT), carrierUpChanges, int64(l.CarrierUp))
	d.setIf(l.Has(unix.IFLA_CARRIER_DOWN_COUNT), carrierDownChanges, int64(l.CarrierDown))
	d.setIf(l.Has(unix.IFLA_LINKMODE), ifaceLinkMode, int64(l.LinkMode))
	d.setIf(l.Has(unix.IFLA_MTU), mtu, int64(l.MTU))
	d.setIf(l.Has(unix.IFLA_GROUP), netDevGroup, int64(int32(l.Group)))
	d.setIf(l.Has(unix.IFLA_TXQLEN), transmitQueueLength, int64(l.TxQueueLen))
	if running := l.Flags&unix.IFF_UP != 0; running || ownTerms {
		d.setIf(l.Has(unix.IFLA_CARRIER), carrier, int64(l.Carrier))
		d.set(dormant, int64(l.Flags&unix.IFF_DORMANT)/unix.IFF_DORMANT)
	}
	if ownTerms {
		d.set(deviceFlags, int64(l.Flags))
	} else if l.Has(unix.IFLA_PROMISCUITY) && l.Has(unix.IFLA_ALLMULTI) {
		d.set(deviceFlags, int64(innerFlags(l)))
	}
}

func (d *netclassDevice) setIf(yes bool, i int, v int64) {
	if yes {
		d.set(i, v)
	}
}

// innerFlags returns the flags as sysfs has them. The kernel shows programs
// three that it works out from the state of the link, and shows two only when
// a user set them and not when, say, a bridge did. See netif_get_flags in
// net/core/dev.c. IFLA_ALLMULTI is there since Linux 6.0.
func innerFlags(l *rtnl.Link) uint32 {
	flags := l.Flags &^ (unix.IFF_RUNNING | unix.IFF_LOWER_UP | unix.IFF_DORMANT | unix.IFF_PROMISC | unix.IFF_ALLMULTI)
	if l.Promiscuity > 0 {
		flags |= unix.IFF_PROMISC
	}
	if l.AllMulti > 0 {
		flags |= unix.IFF_ALLMULTI
	}
	return flags
}

// operStates are the names of IF_OPER_*, RFC 2863.
var operStates = [...]string{"unknown", "notpresent", "down", "lowerlayerdown", "testing", "dormant", "up"}

// hardwareAddress writes an address as sysfs does.
func hardwareAddress(b []byte) string {
	text := make([]byte, 0, 3*len(b))
	for i, c := range b {
		if i > 0 {
			text = append(text, ':')
		}
		text = hex.AppendEncode(text, []byte{c})
	}
	return string(text)
}

// capitalised writes a duplex mode in the terms of the netlink option.
func capitalised(duplex string) string {
	switch duplex {
	case "full":
		return "Full"
	case "half":
		return "Half"
	case "unknown":
		return "Unknown"
	}
	return duplex
}

// disagree returns why rtnetlink is not believed to tell of the devices that
// are in the sysfs tree. Neither changes its network namespace while the
// process lives, so that once is enough to know that they agree.
func (c *netclassCollector) disagree() error {
	if c.differ == nil || c.host.Netlink == nil {
		return c.differ
	}
	if now := c.host.Now(); now.After(c.retry) {
		c.retry = now.Add(factsAge)
		// More than once, for devices come and go between the two listings.
		for i := 0; i < 3 && c.differ != nil; i++ {
			c.differ = c.compare()
		}
	}
	return c.differ
}

// compare returns nil if the tree is a sysfs, not a copy of one, and has the
// same devices as rtnetlink, with the same indices and hardware addresses.
// Indices alone do not say so: those of two namespaces may be the same.
func (c *netclassCollector) compare() error {
	st, err := c.host.Statfs(c.host.Sys.Path())
	if err != nil {
		return fmt.Errorf("%s: %w", c.host.Sys.Path(), err)
	}
	if st.Type != unix.SYSFS_MAGIC {
		return fmt.Errorf("%s: not a sysfs", c.host.Sys.Path())
	}
	names, err := c.sys.Names(netDir)
	if err != nil {
		return err
	}
	left := map[string]bool{}
	for _, name := range names {
		if c.sys.Exists(netDir, name, "ifindex") { // or else it is no device
			left[name] = true
		}
	}
	var differ error
	err = c.links.Links(false, func(l *rtnl.Link) {
		delete(left, l.Name)
		if differ == nil {
			differ = c.compareDevice(l)
		}
	})
	switch {
	case err != nil:
		return err
	case differ == nil && len(left) > 0:
		return fmt.Errorf("%s: %d devices that rtnetlink does not show", c.host.Sys.Path(netDir), len(left))
	}
	return differ
}

func (c *netclassCollector) compareDevice(l *rtnl.Link) error {
	index, err := c.sys.Text(netDir, l.Name, "ifindex")
	if err != nil {
		return err
	}
	if want := strconv.Itoa(l.Index); string(index) != want {
		return c.sys.At(host.Bad(1, want+", as in rtnetlink", index))
	}
	address, err := c.sys.Text(netDir, l.Name, "address")
	if err != nil {
		return err
	}
	if want := hardwareAddress(l.Address); string(address) != want {
		return c.sys.At(host.Bad(1, want+", as in rtnetlink", address))
	}
	return nil
}
