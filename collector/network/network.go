// Package network has the collectors of network interfaces, neighbours,
// protocols, sockets, queues, connection tracking and load balancing.
package network

// netDir is the directory of network interfaces in sysfs.
const netDir = "class/net"
