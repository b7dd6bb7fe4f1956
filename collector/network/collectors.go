// Package network has the collectors of the network: interfaces, neighbours,
// protocols, sockets, queues, connection tracking, load balancing.
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
		netclass,
		netdev,
		netstat,
		networkRoute,
		qdisc,
		sockstat,
		softnet,
		tcpstat,
		udpQueues,
		wifi,
	}
}
