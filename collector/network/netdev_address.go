package network

import (
	"context"
	"net/netip"
	"strconv"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/netlink"
	"github.com/hostexporter/host_exporter/collector/internal/rtnl"
)

// addressInfo emits the IP addresses of all interfaces, including those that
// the options exclude.
type addressInfo struct {
	links            *rtnl.Reader
	family           *metric.Family
	deviceByIndex    map[int]string
	emittedAddresses map[deviceAddress]bool
}

type deviceAddress struct {
	index int
	ip    netip.Addr
	bits  int
}

func newAddressInfo(env *collect.Env) *addressInfo {
	return &addressInfo{
		links:            rtnl.New(env.Host.Netlink),
		family:           env.Metrics.Gauge("node_network_address_info", "IP addresses of the network interface with the lengths of their netmasks in bits; always 1.", "address", "device", "netmask", "scope"),
		deviceByIndex:    map[int]string{},
		emittedAddresses: map[deviceAddress]bool{},
	}
}

func (a *addressInfo) update(ctx context.Context, filter *interfaceFilter, out *metric.Sink) {
	clear(a.deviceByIndex)
	clear(a.emittedAddresses)
	if err := a.links.SharedLinks(ctx, func(l *rtnl.Link) { a.deviceByIndex[l.Index] = l.Name }); err != nil {
		out.Error(err)
		if netlink.DumpFailed(err) {
			return
		}
	}
	err := a.links.Addresses(func(addr *rtnl.Address) {
		key := deviceAddress{addr.Index, addr.IP, addr.Prefix}
		device := a.deviceByIndex[addr.Index]
		if device == "" || a.emittedAddresses[key] || filter.excludes(device) {
			return // the interface is gone or new, or has the address for several peers
		}
		a.emittedAddresses[key] = true
		out.Emit(a.family, 1, addr.IP.String(), device, strconv.Itoa(addr.Prefix), addressScope(addr.IP))
	})
	if err != nil {
		out.Error(err)
	}
}

// addressScope returns the scope of an address, or "" if it has none, such as
// the broadcast address. It goes by the address alone, not by the configured
// scope.
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
