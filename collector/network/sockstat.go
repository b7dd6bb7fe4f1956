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

var sockstat = collect.Spec{
	Name:            "sockstat",
	Help:            "Sockets in use and their memory, by protocol.",
	Reads:           []string{"/proc/net/sockstat", "/proc/net/sockstat6"},
	NoDataIsSuccess: true,
	Build:           collect.Plain(newSockstat),
}

// sockstatCollector reads /proc/net/sockstat and /proc/net/sockstat6, which
// have a line of keys and numbers for each protocol:
//
//	TCP: inuse 27 orphan 0 tw 11 alloc 30 mem 5
//
// mem is in pages, memory in bytes. The kernel adds up or subtracts counts of
// several CPUs, so that each number may fall below zero for a moment, and prints
// that as a signed or an unsigned number. A file does not exist without its IP
// version. See proc_pid_net(5).
type sockstatCollector struct {
	proc     *host.Reader
	pageSize float64
	families *metric.Keyed // by protocol and key, such as TCP_inuse
	key      []byte        // of the current value
}

// bytesSuffix is the suffix of the family that has mem in bytes.
const bytesSuffix = "_bytes"

func newSockstat(env *collect.Env) *sockstatCollector {
	return &sockstatCollector{
		proc:     env.Host.Proc.Reader().KeepOpen().WholeReads(),
		pageSize: float64(env.Host.PageSize),
		families: env.Metrics.Keyed(func(key string) *metric.Family {
			return env.Metrics.Gauge("node_sockstat_"+key, sockstatHelp(key))
		}),
	}
}

func sockstatHelp(key string) string {
	protocol, name, _ := strings.Cut(key, "_")
	switch name {
	case "used":
		return "Sockets of all protocols in use."
	case "mem":
		return "Memory of " + protocol + " sockets in pages."
	case "mem" + bytesSuffix:
		return "Memory of " + protocol + " sockets in bytes."
	case "memory":
		return "Memory of " + protocol + " queues in bytes."
	}
	return "Number of " + protocol + " sockets that the kernel counts as " + name + "."
}

func (c *sockstatCollector) Update(_ context.Context, out *metric.Sink) error {
	var goneErrs []error
	for _, file := range []string{"net/sockstat", "net/sockstat6"} {
		b, err := c.proc.Read(file)
		switch {
		case err == nil:
			c.emit(b, file == "net/sockstat6", out)
		case host.Gone(err):
			goneErrs = append(goneErrs, err)
		default:
			out.Error(err)
		}
	}
	if len(goneErrs) == 2 {
		return collect.OrNoData(goneErrs[0])
	}
	return nil
}

// emit emits the lines of a file. It reports a malformed line and goes on with
// the next one.
func (c *sockstatCollector) emit(b []byte, v6 bool, out *metric.Sink) {
	for n := 1; len(b) > 0; n++ {
		var line []byte
		line, b = scan.Line(b)
		first, rest := scan.Field(line)
		if len(first) == 0 {
			continue
		}
		protocol, ok := bytes.CutSuffix(first, []byte(":"))
		if !ok || !c.emitLine(protocol, rest, v6, out) {
			out.Error(c.proc.At(host.Bad(n, "a protocol with keys and numbers", line)))
		}
	}
}

func (c *sockstatCollector) emitLine(protocol, pairs []byte, v6 bool, out *metric.Sink) bool {
	key, rest := scan.Field(pairs)
	if len(key) == 0 {
		return false
	}
	if v6 && string(protocol) == "sockets" {
		return true // the IPv4 file has the same line
	}
	allOK := true
	for ; len(key) > 0; key, rest = scan.Field(rest) {
		var field []byte
		field, rest = scan.Field(rest)
		parse := scan.Amount32
		if bytes.HasPrefix(key, []byte("mem")) {
			parse = scan.Amount64 // a long in the kernel, where the others are an int
		}
		v, ok := parse(field)
		if !ok {
			allOK = false
			continue
		}
		c.key = append(append(append(c.key[:0], protocol...), '_'), key...)
		out.Emit(c.families.Family(c.key), float64(v))
		if string(key) == "mem" {
			c.key = append(c.key, bytesSuffix...)
			out.Emit(c.families.Family(c.key), float64(v)*c.pageSize)
		}
	}
	return allOK
}
