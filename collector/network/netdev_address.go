package network

import (
	"net/netip"
	"strconv"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/netlink"
	"github.com/hostexporter/host_exporter/collector/internal/rtnl"
)

// addressInfo tells the addresses of the interfaces. Which interfaces are
// counted does not matter here: all of them are told.
type addressInfo struct {
	links  *rtnl.Reader
	family *metric.Family
	names  map[int]string
	seen   map[deviceAddress]bool
}

type deviceAddress struct {
	index int
	ip    netip.Addr
	bits  int
}

func newAddressInfo(env *collect.Env) *addressInfo {
	return &addressInfo{
		links:  rtnl.New(env.Host.Netlink),
		family: env.Metrics.Gauge("node_network_address_info", "An IP address of a network interface, with the length of its netmask in bits. The value is always 1.", "address", "device", "netmask", "scope"),
		names:  map[int]string{},
		seen:   map[deviceAddress]bool{},
	}
}

func (a *addressInfo) update(out *metric.Sink) {
	clear(a.names)
	clear(a.seen)
	if err := a.links.Links(false, func(l *rtnl.Link) { a.names[l.Index] = l.Name }); err != nil {
		out.Error(err)
		if netlink.DumpFailed(err) {
			return
		}
	}
	err := a.links.Addresses(func(addr *rtnl.Address) {
		key := deviceAddress{addr.Index, addr.IP, addr.Prefix}
		device := a.names[addr.Index]
		if device == "" || a.seen[key] {
			return // the interface came or went meanwhile, or has the address for several peers
		}
		a.seen[key] = true
		out.Emit(a.family, 1, addr.IP.String(), device, strconv.Itoa(addr.Prefix), addressScope(addr.IP))
	})
	if err != nil {
		out.Error(err)
	}
}

// addressScope returns how far an address reaches, by its form alone: the
// scope that it was configured with does not count. Addresses of no scope,
// such as the broadcast address, have an empty label.
func addressScope(ip netip.Addr) string {
	ip = ip.Unmap()
	switch {
	case ip.IsLoopback(), ip.IsLinkLocalUnicast(), ip.IsLinkLocalMulticast():
		return "link-local"
	case ip.IsInterfaceLocalMulticast():
		return "interface-local"
	case ip.IsGlobalUnicast():
		return "global"
	}
	return ""
}
