package network

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/netlink"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

var tcpstat = collect.Spec{
	Name:              "tcpstat",
	Help:              "TCP sockets by state, and bytes in their queues.",
	DisabledByDefault: true,
	Build:             collect.Plain(newTcpstat),
}

// tcpStates are the states of TCP sockets in the order of the kernel, from 1 on
// (include/net/tcp_states.h).
var tcpStates = [...]string{
	1: "established", "syn_sent", "syn_recv", "fin_wait1", "fin_wait2", "time_wait",
	"close", "close_wait", "last_ack", "listen", "closing",
}

const tcpListen = 10

// tcpstatCollector asks sock_diag for the TCP sockets of each address family,
// and takes three fields of each struct inet_diag_msg: the state and the lengths
// of the queues. The request names no extension, so that the kernel need not
// fill in a struct tcp_info for each socket.
//
// The queues of a listening socket hold connections, not bytes: they do not
// count. See sock_diag(7).
type tcpstatCollector struct {
	sockets *netlink.Client
	family  *metric.Family
	sums    tcpSums
}

// tcpSums are the sums of the sockets of one address family, or of all.
type tcpSums struct {
	byState [len(tcpStates)]uint64
	rx, tx  uint64 // bytes
}

func newTcpstat(env *collect.Env) *tcpstatCollector {
	return &tcpstatCollector{
		sockets: netlink.New(env.Host.Netlink, unix.NETLINK_SOCK_DIAG, "sock_diag"),
		family:  env.Metrics.Gauge("node_tcp_connection_states", "TCP sockets in a state, and the sums of bytes in their queues, from sock_diag.", "state"),
	}
}

func (c *tcpstatCollector) Update(_ context.Context, out *metric.Sink) error {
	c.sums = tcpSums{}
	for _, family := range []uint8{unix.AF_INET, unix.AF_INET6} {
		sums, err := c.read(family)
		if errors.Is(err, unix.ENOENT) && family == unix.AF_INET6 {
			break // a kernel without IPv6; usual ones have no sockets of it
		}
		if err != nil {
			return collect.OrNoData(err) // a sum without some sockets is wrong
		}
		c.sums.add(&sums)
	}
	for state, n := range c.sums.byState {
		if n > 0 {
			out.Emit(c.family, float64(n), tcpStates[state])
		}
	}
	out.Emit(c.family, float64(c.sums.rx), "rx_queued_bytes")
	out.Emit(c.family, float64(c.sums.tx), "tx_queued_bytes")
	return nil
}

func (c *tcpstatCollector) read(family uint8) (sums tcpSums, err error) {
	err = c.sockets.Dump(unix.SOCK_DIAG_BY_FAMILY, tcpRequest(family), func() { sums = tcpSums{} }, sums.take)
	return sums, err
}

// tcpRequest returns a struct inet_diag_req_v2 for sockets in all states that
// are counted.
func tcpRequest(family uint8) []byte {
	const sizeofRequest = 56 // family, protocol, extensions, padding, states, struct inet_diag_sockid
	b := make([]byte, sizeofRequest)
	b[0], b[1] = family, unix.IPPROTO_TCP
	netlink.Native.PutUint32(b[4:], 1<<len(tcpStates)-2)
	return b
}

// take adds a struct inet_diag_msg.
func (s *tcpSums) take(b []byte) error {
	const sizeofMessage = 72
	if len(b) < sizeofMessage {
		return fmt.Errorf("socket message: want %d bytes, have %d", sizeofMessage, len(b))
	}
	state := int(b[1])
	if state == 0 || state >= len(tcpStates) {
		return fmt.Errorf("socket message: want a state from 1 to %d, have %d", len(tcpStates)-1, state)
	}
	s.byState[state]++
	if state != tcpListen {
		// The kernel reads the ends of a queue one after the other.
		s.rx += scan.ClampAmount32(uint64(netlink.Native.Uint32(b[56:])))
		s.tx += scan.ClampAmount32(uint64(netlink.Native.Uint32(b[60:])))
	}
	return nil
}

func (s *tcpSums) add(other *tcpSums) {
	for state, n := range other.byState {
		s.byState[state] += n
	}
	s.rx += other.rx
	s.tx += other.tx
}
