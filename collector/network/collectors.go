package network

import "github.com/hostexporter/host_exporter/collector/internal/collect"

// Collectors returns the data sheets of the domain.
func Collectors() []collect.Spec {
	return []collect.Spec{
		arp,
		bonding,
		conntrack,
		ethtool,
		ipvs,
		ktls,
		lnstat,
		netclass,
		netdev,
		netstat,
		networkRoute,
		protocols,
		qdisc,
		sockstat,
		softnet,
		tcpstat,
		udpQueues,
		wifi,
		xfrm,
	}
}
