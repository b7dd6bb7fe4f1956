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

// factsAge is the maximum age of attributes from sysfs while the link of the
// device does not change.
const factsAge = 5 * time.Minute

// netclassFacts caches attributes of a device between scrapes: those that only
// sysfs has, and the text of addresses and alias.
type netclassFacts struct {
	round     uint64 // the last dump that listed the device
	linkState linkState
	nextRead  time.Time // when to read sysfs again

	hardware           []byte // address and broadcast of the last message
	address, broadcast string // the same as text
	alias              string

	hasSysfsValues bool // whether the following fields are current
	numbers        [3]int64
	hasNumber      [3]bool
	noSpeed        bool
	hasSpeed       bool
	speed          int64
	duplex         string
}

// linkState has the attributes whose change makes the cached facts invalid.
type linkState struct {
	index, link    int
	flags          uint32
	operState      uint8
	carrierChanges uint32
}

// sysfsOnlyNumbers are the numbers that rtnetlink does not have.
var sysfsOnlyNumbers = [3]int{addressAssignType, deviceID, nameAssignType}

// factsOf returns the cached facts of a link, and marks those to read again
// that are invalid or too old.
func (c *netclassCollector) factsOf(l *rtnl.Link, now time.Time) *netclassFacts {
	f := c.facts[l.Name]
	if f == nil {
		f = &netclassFacts{}
		c.facts[l.Name] = f
	}
	f.round = c.round
	state := linkState{l.Index, l.Link, l.Flags, l.OperState, l.CarrierChanges}
	if state != f.linkState || now.After(f.nextRead) {
		f.linkState, f.hasSysfsValues = state, false
		// Devices have different ages, or one scrape would read all of them again.
		f.nextRead = now.Add(factsAge/2 + factsAge/32*time.Duration(uint(l.Index)%16))
	}
	n := len(l.Address)
	if len(f.hardware) != n+len(l.Broadcast) || !bytes.Equal(f.hardware[:n], l.Address) || !bytes.Equal(f.hardware[n:], l.Broadcast) {
		f.hardware = append(append(f.hardware[:0], l.Address...), l.Broadcast...)
		f.address, f.broadcast = hardwareAddress(l.Address), hardwareAddress(l.Broadcast)
		f.hasSysfsValues = false
	}
	if alias := trimAlias(l.Alias); f.alias != string(alias) {
		f.alias = string(alias)
	}
	return f
}

// dropRemoved drops the facts of devices that the dump did not list.
func (c *netclassCollector) dropRemoved(links int) {
	if len(c.facts) <= links {
		return
	}
	for name, f := range c.facts {
		if f.round != c.round {
			delete(c.facts, name)
		}
	}
}

// addFacts adds to a device the attributes that only sysfs has.
func (c *netclassCollector) addFacts(l *rtnl.Link, f *netclassFacts, d *netclassDevice, out *metric.Sink) {
	if !f.hasSysfsValues {
		c.readFacts(l.Name, f, out)
	}
	for i, number := range sysfsOnlyNumbers {
		if f.hasNumber[i] {
			d.set(number, f.numbers[i])
		}
	}
	if !d.has[deviceFlags] {
		c.number(d, deviceFlags, out)
	}
	if l.Flags&unix.IFF_UP == 0 || l.Flags&unix.IFF_LOOPBACK != 0 || f.noSpeed {
		return
	}
	if !f.hasSpeed || !keepsSpeed(l.Kind) {
		f.noSpeed = !d.readSpeed(c, out)
		f.speed, f.hasSpeed, f.duplex = d.speed, d.hasSpeed, d.duplex
	}
	d.speed, d.hasSpeed, d.duplex = f.speed, f.hasSpeed, f.duplex
	if c.options.Netlink {
		d.duplex = netlinkDuplex(d.duplex)
	}
}

func (c *netclassCollector) readFacts(device string, f *netclassFacts, out *metric.Sink) {
	f.hasSysfsValues, f.noSpeed, f.hasSpeed = true, false, false
	for i, number := range sysfsOnlyNumbers {
		v, err := c.readNumber(device, number)
		f.numbers[i], f.hasNumber[i] = v, err == nil
		if err != nil && !isUnavailable(err) {
			out.Error(err)
			f.hasSysfsValues = false // so that every scrape reports the error
		}
	}
}

// keepsSpeed reports whether a device of a kind keeps its speed as long as its
// link state does not change. A device that is made of others, such as a bond,
// changes speed with them. The kind of hardware is empty.
func keepsSpeed(kind []byte) bool {
	switch string(kind) {
	case "", "veth", "tun":
		return true
	}
	return false
}

// fromLink fills a device from an rtnetlink message. It takes flags and carrier
// as the message has them if raw is set, and else as sysfs prints them.
func (d *netclassDevice) fromLink(l *rtnl.Link, f *netclassFacts, raw bool) {
	d.address, d.broadcast, d.alias = f.address, f.broadcast, f.alias
	if l.Has(unix.IFLA_OPERSTATE) && int(l.OperState) < len(operStates) {
		d.operState, d.operStateKnown = operStates[l.OperState], true
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
	if l.Flags&unix.IFF_UP != 0 || raw {
		d.setIf(l.Has(unix.IFLA_CARRIER), carrier, int64(l.Carrier))
		d.set(dormant, int64(l.Flags&unix.IFF_DORMANT)/unix.IFF_DORMANT)
	}
	if raw {
		d.set(deviceFlags, int64(l.Flags))
	} else if l.Has(unix.IFLA_PROMISCUITY) && l.Has(unix.IFLA_ALLMULTI) {
		d.set(deviceFlags, int64(sysfsFlags(l)))
	}
}

func (d *netclassDevice) setIf(ok bool, i int, v int64) {
	if ok {
		d.set(i, v)
	}
}

// sysfsFlags returns the flags as sysfs prints them. In a message the kernel
// adds three flags for the state of the link, and shows two others only if a
// user set them, not if for example a bridge did. See netif_get_flags in
// net/core/dev.c. Linux has IFLA_ALLMULTI since 6.0.
func sysfsFlags(l *rtnl.Link) uint32 {
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

// hardwareAddress formats an address as sysfs does.
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

// netlinkDuplex returns a duplex mode of sysfs in the words of the netlink
// option.
func netlinkDuplex(duplex string) string {
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

// checkMismatch returns why rtnetlink may show other devices than sysfs, or nil
// if it shows the same. Neither changes its network namespace while the process
// runs, so that one successful comparison is enough.
func (c *netclassCollector) checkMismatch() error {
	if c.mismatch == nil || c.host.Netlink == nil {
		return c.mismatch
	}
	if now := c.host.Now(); now.After(c.nextComparison) {
		c.nextComparison = now.Add(factsAge)
		// Devices may come and go between the two listings, so that one failure
		// means nothing.
		for i := 0; i < 3 && c.mismatch != nil; i++ {
			c.mismatch = c.findMismatch()
		}
	}
	return c.mismatch
}

// findMismatch returns nil if the tree is a sysfs, not a copy of one, and has
// the same devices as rtnetlink, with the same indices and hardware addresses.
// Indices are not enough: two namespaces may use the same.
func (c *netclassCollector) findMismatch() error {
	st, err := c.host.Statfs(c.host.Sys.Path())
	if err != nil {
		return fmt.Errorf("%s: %w", c.host.Sys.Path(), err)
	}
	if st.Type != unix.SYSFS_MAGIC {
		return fmt.Errorf("%s: want a sysfs, have a file system of type 0x%x", c.host.Sys.Path(), st.Type)
	}
	names, err := c.sys.Names(netDir)
	if err != nil {
		return err
	}
	unmatchedDevices := map[string]bool{} // devices of sysfs
	for _, name := range names {
		if c.sys.Exists(netDir, name, "ifindex") { // other entries are no devices
			unmatchedDevices[name] = true
		}
	}
	var mismatch error
	err = c.links.Links(false, func(l *rtnl.Link) {
		delete(unmatchedDevices, l.Name)
		if mismatch == nil {
			mismatch = c.findDeviceMismatch(l)
		}
	})
	switch {
	case err != nil:
		return err
	case mismatch == nil && len(unmatchedDevices) > 0:
		return fmt.Errorf("%s: %d devices are missing in rtnetlink", c.host.Sys.Path(netDir), len(unmatchedDevices))
	}
	return mismatch
}

func (c *netclassCollector) findDeviceMismatch(l *rtnl.Link) error {
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
