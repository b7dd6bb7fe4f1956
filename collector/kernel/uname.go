package kernel

import (
	"context"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

var uname = collect.Spec{
	Name:  "uname",
	Help:  "Names and versions of the kernel and the host, from uname(2).",
	Build: collect.Plain(newUname),
}

// unameCollector reads the names of the kernel and the host by uname(2). It
// exports a domain name that is not set as the kernel's "(none)".
type unameCollector struct {
	uname func() (host.Uname, error)
	info  *metric.Family
}

func newUname(env *collect.Env) *unameCollector {
	return &unameCollector{
		uname: env.Host.Uname,
		info: env.Metrics.Gauge("node_uname_info", "Names and versions of the kernel and the host, from uname(2); always 1.",
			"domainname", "machine", "nodename", "release", "sysname", "version"),
	}
}

func (c *unameCollector) Update(_ context.Context, out *metric.Sink) error {
	u, err := c.uname()
	if err != nil {
		return err
	}
	out.Emit(c.info, 1, u.Domainname, u.Machine, u.Nodename, u.Release, u.Sysname, u.Version)
	return nil
}
