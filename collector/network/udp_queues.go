package network

import (
	"bytes"
	"context"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

var udpQueues = collect.Spec{
	Name:  "udp_queues",
	Help:  "Bytes that wait in the queues of all UDP sockets.",
	Reads: []string{"/proc/net/udp", "/proc/net/udp6"},
	Build: collect.Plain(newUDPQueues),
}

// udpQueuesCollector reads /proc/net/udp and /proc/net/udp6, a line for each
// socket behind a line of names; the fifth field is tx_queue:rx_queue in
// hexadecimal bytes:
//
//	889: 00000000:C908 00000000:0000 07 00000000:00000A00 00:00000000 00000000     0        0 1900 2 00000000c1965245 0
//
// Either file is missing where its IP version is off. See proc_pid_net(5).
type udpQueuesCollector struct {
	proc   *host.Reader
	queues *metric.Family
}

func newUDPQueues(env *collect.Env) *udpQueuesCollector {
	return &udpQueuesCollector{
		proc:   env.Host.Proc.Reader(),
		queues: env.Metrics.Gauge("node_udp_queues", "Bytes in the transmit (tx) and receive (rx) queues of all UDP sockets, by IP version.", "ip", "queue"),
	}
}

func (c *udpQueuesCollector) Update(_ context.Context, out *metric.Sink) error {
	var missing []error
	for _, f := range [2]struct{ file, ip string }{{"net/udp", "v4"}, {"net/udp6", "v6"}} {
		b, err := c.proc.Read(f.file)
		if host.Gone(err) {
			missing = append(missing, err)
			continue
		}
		var tx, rx uint64
		if err == nil {
			tx, rx, err = parseUDPQueues(b)
		}
		if err != nil {
			// A sum without some of the sockets would be a wrong one.
			out.Skip(c.proc.At(err))
			continue
		}
		out.Emit(c.queues, float64(tx), f.ip, "tx")
		out.Emit(c.queues, float64(rx), f.ip, "rx")
	}
	if len(missing) == 2 {
		return collect.OrNoData(missing[0])
	}
	return nil
}

// parseUDPQueues sums up the queues of a file. A busy resolver has a hundred
// thousand lines: nothing is allocated, and nothing behind the fifth field is
// looked at.
func parseUDPQueues(b []byte) (tx, rx uint64, err error) {
	names, b := scan.Line(b)
	if !bytes.Contains(names, []byte("tx_queue")) {
		return 0, 0, host.Bad(1, "names of columns with tx_queue", names)
	}
	for n := 2; len(b) > 0; n++ {
		var line, field []byte
		line, b = scan.Line(b)
		rest := line
		for range 5 {
			field, rest = scan.Field(rest)
		}
		colon := bytes.IndexByte(field, ':')
		if colon < 0 || len(rest) == 0 {
			return 0, 0, host.Bad(n, "a socket with tx_queue:rx_queue", line)
		}
		t, ok1 := scan.Hex(field[:colon])
		r, ok2 := scan.Hex(field[colon+1:])
		if !ok1 || !ok2 {
			return 0, 0, host.Bad(n, "tx_queue:rx_queue in hexadecimal", field)
		}
		tx += t
		rx += r
	}
	return tx, rx, nil
}
