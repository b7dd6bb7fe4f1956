package network

import "github.com/hostexporter/host_exporter/collector/internal/collect"

// Collectors returns the data sheets of the domain.
func Collectors() []collect.Spec {
	return []collect.Spec{
		arp,
		bonding,
		conntrack,
		ipvs,
		ktls,
		lnstat,
		netclass,
		netdev,
		netstat,
		protocols,
		sockstat,
		softnet,
		udpQueues,
		xfrm,
	}
}
