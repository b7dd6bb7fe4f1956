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
	Help:  "Bytes in the queues of all UDP sockets.",
	Reads: []string{"/proc/net/udp", "/proc/net/udp6"},
	Build: collect.Plain(newUDPQueues),
}

// udpQueuesCollector reads /proc/net/udp and /proc/net/udp6, a header and a
// line for each socket. The fifth field is tx_queue:rx_queue in bytes,
// hexadecimal:
//
//	889: 00000000:C908 00000000:0000 07 00000000:00000A00 00:00000000 00000000     0        0 1900 2 00000000c1965245 0
//
// The kernel reads the parts of a queue one after the other, so that it may be below
// zero for a moment: FFFFFFFF. A file does not exist without its IP version. See
// proc_pid_net(5).
type udpQueuesCollector struct {
	proc   *host.Reader
	queues *metric.Family
}

// udpLine is more than the longest line of the files has, in bytes. To find that
// there is no other one, the kernel walks through its hash table once more.
const udpLine = 256

func newUDPQueues(env *collect.Env) *udpQueuesCollector {
	return &udpQueuesCollector{
		proc:   env.Host.Proc.Reader().KeepOpen().Records(udpLine),
		queues: env.Metrics.Gauge("node_udp_queues", "Bytes in the transmit (tx) or receive (rx) queues of all UDP sockets of the IP version.", "ip", "queue"),
	}
}

func (c *udpQueuesCollector) Update(_ context.Context, out *metric.Sink) error {
	var goneErrs []error
	for _, f := range [2]struct{ file, ip string }{{"net/udp", "v4"}, {"net/udp6", "v6"}} {
		var sum udpQueueSum
		err := c.proc.Lines(sum.add, f.file)
		if err == nil {
			err = sum.end()
		}
		if host.Gone(err) {
			goneErrs = append(goneErrs, err)
			continue
		}
		if err != nil {
			// Without some of the sockets the sum would be wrong.
			out.Error(c.proc.At(err))
			continue
		}
		out.Emit(c.queues, float64(sum.tx), f.ip, "tx")
		out.Emit(c.queues, float64(sum.rx), f.ip, "rx")
	}
	if len(goneErrs) == 2 {
		return collect.OrNoData(goneErrs[0])
	}
	return nil
}

// A udpQueueSum is the sum of the queues in a file. A busy resolver has a
// hundred thousand lines, so that a line costs no allocation, and only its
// first five fields are parsed.
type udpQueueSum struct {
	lines  int
	tx, rx uint64
}

// add adds the next line of the file; the first one is the header.
func (s *udpQueueSum) add(line []byte) error {
	s.lines++
	if s.lines == 1 {
		if !bytes.Contains(line, []byte("tx_queue")) {
			return host.Bad(1, "column names with tx_queue", line)
		}
		return nil
	}
	var field []byte
	rest := line
	for range 5 {
		field, rest = scan.Field(rest)
	}
	colon := bytes.IndexByte(field, ':')
	if colon < 0 || len(rest) == 0 {
		return host.Bad(s.lines, "a socket with tx_queue:rx_queue", line)
	}
	tx, ok1 := scan.Hex(field[:colon])
	rx, ok2 := scan.Hex(field[colon+1:])
	if !ok1 || !ok2 {
		return host.Bad(s.lines, "tx_queue:rx_queue in hexadecimal", field)
	}
	s.tx += scan.ClampAmount32(tx)
	s.rx += scan.ClampAmount32(rx)
	return nil
}

// end returns an error if the file had no lines.
func (s *udpQueueSum) end() error {
	if s.lines == 0 {
		return host.Bad(1, "column names with tx_queue", nil)
	}
	return nil
}
