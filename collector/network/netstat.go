package network

import (
	"bytes"
	"context"
	"strings"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

var netstat = collect.Spec{
	Name:  "netstat",
	Help:  "Counters of the network protocols: IP, ICMP, TCP, UDP.",
	Reads: []string{"/proc/net/netstat", "/proc/net/snmp", "/proc/net/snmp6"},
	Build: collect.With(netstatOptions{
		Keep: collect.Pattern(`^(.*_(InErrors|InErrs)|Ip_Forwarding|Ip(6|Ext)_(InOctets|OutOctets)|Icmp6?_(InMsgs|OutMsgs)|TcpExt_(Listen.*|Syncookies.*|TCPSynRetrans|TCPTimeouts|TCPOFOQueue|TCPRcvQDrop)|Tcp_(ActiveOpens|InSegs|OutSegs|OutRsts|PassiveOpens|RetransSegs|CurrEstab)|Udp6?_(InDatagrams|OutDatagrams|NoPorts|RcvbufErrors|SndbufErrors))$`),
	}, newNetstat),
}

type netstatOptions struct{ Keep collect.Regexp }

func (o *netstatOptions) Fields() []collect.Field {
	return []collect.Field{
		{Name: "fields", Help: "Regular expression of the counters to export, each called PROTOCOL_NAME, such as Tcp_InSegs.", Value: &o.Keep},
	}
}

// netstatCollector reads /proc/net/netstat and /proc/net/snmp, in which each
// protocol has a line of names and a line of values,
//
//	Udp: InDatagrams NoPorts InErrors OutDatagrams
//	Udp: 2931 17 0 2944
//
// and /proc/net/snmp6, which has a counter a line and is not there where IPv6
// is off:
//
//	Udp6InDatagrams                 	58
//
// See https://docs.kernel.org/networking/snmp_counter.html.
type netstatCollector struct {
	proc     *host.Reader
	keep     collect.Regexp
	pairs    [2]netstatFile
	counters *metric.Keyed // by key, such as Tcp_InSegs
	lines6   *metric.Keyed // by the first field of a line of snmp6
}

// A netstatFile is a file of paired lines, with the tables that its lines of
// names made.
type netstatFile struct {
	path   string
	tables []netstatTable
}

func newNetstat(env *collect.Env, o netstatOptions) (*netstatCollector, error) {
	c := &netstatCollector{
		proc:  env.Host.Proc.Reader(),
		keep:  o.Keep,
		pairs: [2]netstatFile{{path: "net/netstat"}, {path: "net/snmp"}},
	}
	declare := func(key string) *metric.Family {
		if !c.keep.Match(key) {
			return nil
		}
		protocol, name, _ := strings.Cut(key, "_")
		return env.Metrics.Untyped("node_netstat_"+key, "Kernel counter "+name+" of protocol "+protocol+".")
	}
	c.counters = env.Metrics.Keyed(declare)
	c.lines6 = env.Metrics.Keyed(func(name string) *metric.Family {
		key, ok := netstatKey6(name)
		if !ok {
			return nil
		}
		return declare(key)
	})
	return c, nil
}

func (c *netstatCollector) Update(_ context.Context, out *metric.Sink) error {
	var missing []error
	for i := range c.pairs {
		b, err := c.proc.Read(c.pairs[i].path)
		switch {
		case err == nil:
			c.emitPairs(&c.pairs[i], b, out)
		case host.Gone(err):
			missing = append(missing, err)
		default:
			out.Error(err)
		}
	}
	b, err := c.proc.Read("net/snmp6")
	switch {
	case err == nil:
		c.emitLines6(b, out)
	case !host.Gone(err): // gone: IPv6 is off
		out.Error(err)
	case len(missing) == len(c.pairs):
		return collect.OrNoData(missing[0])
	}
	for _, err := range missing {
		out.Error(err)
	}
	return nil
}

// emitPairs emits the counters of paired lines. A pair that is not in order
// costs only itself.
func (c *netstatCollector) emitPairs(f *netstatFile, b []byte, out *metric.Sink) {
	row := 0
	for line := 1; len(b) > 0; line++ {
		var names []byte
		names, b = scan.Line(b)
		if len(scan.Trim(names)) == 0 {
			continue
		}
		values, rest := scan.Line(b)
		protocol, ok := netstatProtocol(names)
		if !ok {
			out.Error(c.proc.At(host.Bad(line, "a protocol and names", names)))
			continue
		}
		if p, ok := netstatProtocol(values); !ok || !bytes.Equal(p, protocol) {
			// What stands there may be the names of the next protocol.
			out.Error(c.proc.At(host.Bad(line+1, "values of "+string(protocol), values)))
			continue
		}
		b = rest
		line++
		if row == len(f.tables) {
			f.tables = append(f.tables, netstatTable{})
		}
		t := &f.tables[row]
		row++
		if !bytes.Equal(names, t.names) {
			t.make(names, protocol, c.counters)
		}
		if err := t.emit(line, values, out); err != nil {
			out.Error(c.proc.At(err))
		}
	}
}

// emitLines6 emits the counters of snmp6.
func (c *netstatCollector) emitLines6(b []byte, out *metric.Sink) {
	for n := 1; len(b) > 0; n++ {
		var line []byte
		line, b = scan.Line(b)
		name, rest := scan.Field(line)
		if len(name) == 0 {
			continue
		}
		value, _ := scan.Field(rest)
		v, ok := netstatValue(value)
		if !ok {
			out.Error(c.proc.At(host.Bad(n, "a name and a number", line)))
			continue
		}
		if f := c.lines6.Family(name); f != nil {
			out.Emit(f, v)
		}
	}
}
