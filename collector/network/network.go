// Package network has the collectors of the network: interfaces, neighbours,
// protocols, sockets, queues, connection tracking, load balancing.
package network

// netDir is the directory of network interfaces in sysfs.
const netDir = "class/net"
