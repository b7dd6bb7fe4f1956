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
	Help:  "Counters of the network protocols IP, ICMP, TCP and UDP.",
	Reads: []string{"/proc/net/netstat", "/proc/net/snmp", "/proc/net/snmp6"},
	Build: collect.With(netstatOptions{
		Keep: collect.Pattern(`^(.*_(InErrors|InErrs)|Ip_Forwarding|Ip(6|Ext)_(InOctets|OutOctets)|Icmp6?_(InMsgs|OutMsgs)|TcpExt_(Listen.*|Syncookies.*|TCPSynRetrans|TCPTimeouts|TCPOFOQueue|TCPRcvQDrop)|Tcp_(ActiveOpens|InSegs|OutSegs|OutRsts|PassiveOpens|RetransSegs|CurrEstab)|Udp6?_(InDatagrams|OutDatagrams|NoPorts|RcvbufErrors|SndbufErrors))$`),
	}, newNetstat),
}

type netstatOptions struct{ Keep collect.Regexp }

func (o *netstatOptions) Fields() []collect.Field {
	return []collect.Field{
		{Name: "fields", Help: "Regular expression of counters to export, in the form PROTOCOL_NAME, such as Tcp_InSegs.", Value: &o.Keep},
	}
}

// netstatCollector reads /proc/net/netstat and /proc/net/snmp, where each
// protocol has a line of names and a line of values,
//
//	Udp: InDatagrams NoPorts InErrors OutDatagrams
//	Udp: 2931 17 0 2944
//
// on gVisor only the line of names, and /proc/net/snmp6, which has one counter per line and does not exist
// without IPv6:
//
//	Udp6InDatagrams                 	58
//
// See https://docs.kernel.org/networking/snmp_counter.html.
type netstatCollector struct {
	proc      *host.Reader // of snmp6
	keep      collect.Regexp
	files     [2]netstatFile
	families  *metric.Keyed // by key, such as Tcp_InSegs
	families6 *metric.Keyed // by name in snmp6, such as Udp6InDatagrams
}

// A netstatFile is a file of paired lines, with a table for each pair.
type netstatFile struct {
	file   *host.SharedFile
	tables []netstatTable
}

func newNetstat(env *collect.Env, o netstatOptions) (*netstatCollector, error) {
	c := &netstatCollector{
		proc:  env.Host.Proc.Reader().KeepOpen().WholeReads(),
		keep:  o.Keep,
		files: [2]netstatFile{{file: env.Host.Proc.Shared("net/netstat")}, {file: env.Host.Proc.Shared("net/snmp")}},
	}
	declare := func(key string) *metric.Family {
		if !c.keep.Match(key) {
			return nil
		}
		protocol, name, _ := strings.Cut(key, "_")
		return env.Metrics.Untyped("node_netstat_"+key, "Kernel counter "+name+" of protocol "+protocol+".")
	}
	c.families = env.Metrics.Keyed(declare)
	c.families6 = env.Metrics.Keyed(func(name string) *metric.Family {
		key, ok := splitKey6(name)
		if !ok {
			return nil
		}
		return declare(key)
	})
	return c, nil
}

func (c *netstatCollector) Update(ctx context.Context, out *metric.Sink) error {
	var goneErrs []error
	for i := range c.files {
		f := &c.files[i]
		err := f.file.Read(ctx, func(b []byte) error {
			c.emitPairs(f, b, out)
			return nil
		})
		switch {
		case err == nil:
		case host.Gone(err):
			goneErrs = append(goneErrs, err)
		default:
			out.Error(err)
		}
	}
	b, err := c.proc.Read("net/snmp6")
	switch {
	case err == nil:
		c.emitLines6(b, out)
	case !host.Gone(err): // without IPv6 the file is absent
		out.Error(err)
	case len(goneErrs) == len(c.files):
		return collect.OrNoData(goneErrs[0])
	}
	for _, err := range goneErrs {
		out.Error(err)
	}
	return nil
}

// emitPairs emits the counters of paired lines. It reports a malformed pair and
// goes on with the next one.
func (c *netstatCollector) emitPairs(f *netstatFile, b []byte, out *metric.Sink) {
	if hasNamesOnly(b) {
		return
	}
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
			out.Error(f.file.At(host.Bad(line, "a protocol and names", names)))
			continue
		}
		if p, ok := netstatProtocol(values); !ok || !bytes.Equal(p, protocol) {
			// The line may have the names of the next protocol.
			out.Error(f.file.At(host.Bad(line+1, "values of "+string(protocol), values)))
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
			t.rebuild(names, protocol, c.families)
		}
		if err := t.emit(line, values, out); err != nil {
			out.Error(f.file.At(err))
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
		if f := c.families6.Family(name); f != nil {
			out.Emit(f, v)
		}
	}
}
