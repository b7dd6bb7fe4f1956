package network

import (
	"context"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

var protocols = collect.Spec{
	Name:              "protocols",
	Help:              "Sockets, memory and memory pressure of each network protocol, from /proc/net/protocols.",
	Reads:             []string{"/proc/net/protocols"},
	DisabledByDefault: true,
	Native:            true,
	Build:             collect.Plain(newProtocols),
}

// protocolsCollector reads /proc/net/protocols, a header and a line for each
// protocol:
//
//	protocol  size sockets  memory press maxhdr  slab module     cl co di ac ...
//	TCP       2368     12     256   no     320   yes  kernel      y  y  y  y ...
//
// Sockets are those of the network namespace, memory is that of the whole
// kernel, and protocols can share it: TCP, TCPv6 and MPTCP have the same memory.
// It is in pages (in units of 4 KiB whatever the size of a page from Linux 4.11
// to 5.19, which matters on arm64 and ppc64le), and -1 for a protocol that does
// not account for it, whose pressure is NI (not implemented). See
// proto_seq_printf in
// https://github.com/torvalds/linux/blob/master/net/core/sock.c.
type protocolsCollector struct {
	proc     *host.Reader
	pageSize float64

	sockets  *metric.Family
	memory   *metric.Family
	pressure *metric.Family

	known map[string]*protocolName
	run   int
}

// A protocolName is the label of a protocol.
type protocolName struct {
	label string
	run   int // the last run that emitted it
}

func newProtocols(env *collect.Env) *protocolsCollector {
	m := env.Metrics
	return &protocolsCollector{
		proc:     env.Host.Proc.Reader(),
		pageSize: float64(env.Host.PageSize),
		sockets:  m.Gauge("node_network_protocol_sockets", "Sockets of the protocol.", "protocol"),
		memory:   m.Gauge("node_network_protocol_memory_bytes", "Memory of the protocol's sockets, which protocols can share, as TCP and TCPv6 do.", "protocol"),
		pressure: m.Gauge("node_network_protocol_memory_pressure", "Whether the protocol is under memory pressure.", "protocol"),
		known:    map[string]*protocolName{},
	}
}

func (c *protocolsCollector) Update(_ context.Context, out *metric.Sink) error {
	b, err := c.proc.Read("net/protocols")
	if err != nil {
		return collect.OrNoData(err)
	}
	line, b := scan.Line(b)
	if !isProtocolHeader(line) {
		return c.proc.At(host.Bad(1, "protocol, size, sockets, memory and press", line))
	}
	c.run++
	for n := 2; len(b) > 0; n++ {
		line, b = scan.Line(b)
		var p protocolLine
		if err := p.parse(n, line); err != nil {
			out.Error(c.proc.At(err))
			continue
		}
		name := c.name(p.name)
		if name.run == c.run {
			out.Error(c.proc.At(host.Bad(n, "one line for each protocol", line)))
			continue
		}
		name.run = c.run
		c.emit(&p, name.label, out)
	}
	return nil
}

func (c *protocolsCollector) emit(p *protocolLine, label string, out *metric.Sink) {
	if p.sockets != -1 {
		out.Emit(c.sockets, float64(max(p.sockets, 0)), label)
	}
	if p.pages != -1 || p.hasPressure {
		out.Emit(c.memory, float64(max(p.pages, 0))*c.pageSize, label)
	}
	if p.hasPressure {
		out.Bool(c.pressure, p.pressure, label)
	}
}

func (c *protocolsCollector) name(name []byte) *protocolName {
	p := c.known[string(name)]
	if p == nil {
		p = &protocolName{label: string(name)}
		c.known[p.label] = p
	}
	return p
}

// isProtocolHeader reports whether the columns that are read are where they are
// expected.
func isProtocolHeader(line []byte) bool {
	for _, want := range [...]string{"protocol", "size", "sockets", "memory", "press"} {
		var word []byte
		if word, line = scan.Field(line); string(word) != want {
			return false
		}
	}
	return true
}

// A protocolLine is the content of a line. Sockets and pages are -1 if the kernel
// does not have them. They are counted on each CPU, so that a sum may be below zero
// for a moment.
type protocolLine struct {
	name                  []byte
	sockets, pages        int64
	pressure, hasPressure bool
}

// parse parses line n.
func (p *protocolLine) parse(n int, line []byte) error {
	var fields [5][]byte
	count := scan.Fields(fields[:], line)
	var isSockets, isPages bool
	p.sockets, isSockets = scan.Int(fields[2])
	p.pages, isPages = scan.Int(fields[3])
	if count < len(fields) || !isSockets || !isPages {
		return host.Bad(n, "a protocol with numbers of sockets and pages", line)
	}
	p.name = fields[0]
	switch string(fields[4]) {
	case "NI":
	case "yes", "no":
		p.hasPressure, p.pressure = true, string(fields[4]) == "yes"
	default:
		return host.Bad(n, "memory pressure yes, no or NI", line)
	}
	return nil
}
