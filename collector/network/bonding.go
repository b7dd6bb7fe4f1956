package network

import (
	"context"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

var bonding = collect.Spec{
	Name: "bonding",
	Help: "How many interfaces a bond has, and how many of them have a link.",
	Reads: []string{
		"/sys/class/net/bonding_masters",
		"/sys/class/net/*/bonding/slaves",
		"/sys/class/net/*/lower_*/bonding_slave/mii_status",
		"/sys/class/net/*/slave_*/bonding_slave/mii_status",
	},
	Build: collect.Plain(newBonding),
}

// bondingCollector reads /sys/class/net/bonding_masters, the names of the
// bonds in one line, bonding/slaves of each, which is such a line too, and
// what the bond thinks of the link of each slave, up or down.
//
// See https://docs.kernel.org/networking/bonding.html.
type bondingCollector struct {
	sys *host.Reader

	slaves *metric.Family
	active *metric.Family
}

func newBonding(env *collect.Env) *bondingCollector {
	m := env.Metrics
	return &bondingCollector{
		sys:    env.Host.Sys.Reader(),
		slaves: m.Gauge("node_bonding_slaves", "Interfaces that are part of the bond.", "master"),
		active: m.Gauge("node_bonding_active", "Interfaces of the bond whose link the bond takes to be up.", "master"),
	}
}

func (c *bondingCollector) Update(_ context.Context, out *metric.Sink) error {
	b, err := c.sys.Read(netDir, "bonding_masters")
	if err != nil {
		return collect.OrNoData(err)
	}
	bonds, err := parseInterfaces(b)
	if err != nil {
		out.Error(c.sys.At(err))
	}
	for _, bond := range bonds {
		if err := c.updateBond(bond, out); err != nil && !host.Gone(err) {
			out.Error(err)
		}
	}
	return nil
}

// updateBond reads one bond. An error that says that something is gone means
// that the bond is.
func (c *bondingCollector) updateBond(bond string, out *metric.Sink) error {
	b, err := c.sys.Read(netDir, bond, "bonding/slaves")
	if err != nil {
		return err
	}
	slaves, err := parseInterfaces(b)
	if err != nil {
		return c.sys.At(err)
	}
	total, active, known := 0, 0, true
	for _, slave := range slaves {
		up, err := c.up(bond, slave)
		switch {
		case err == nil:
			total++
			if up {
				active++
			}
		case host.Gone(err) && !c.sys.Exists(netDir, slave):
			// It left the bond and the host since the list was read.
		default:
			total++
			known = false
			out.Error(err)
		}
	}
	out.Emit(c.slaves, float64(total), bond)
	if known {
		out.Emit(c.active, float64(active), bond)
	}
	return nil
}

// up reports whether the bond takes the link of a slave to be up. The folder
// of the slave is the one that every lower device of another has, or on older
// kernels one that bonding makes itself.
func (c *bondingCollector) up(bond, slave string) (bool, error) {
	const file = "bonding_slave/mii_status"
	status, err := c.sys.Text(netDir, bond, "lower_"+slave, file)
	if host.Gone(err) {
		if older, olderErr := c.sys.Text(netDir, bond, "slave_"+slave, file); !host.Gone(olderErr) {
			status, err = older, olderErr
		}
	}
	if err != nil {
		return false, err
	}
	switch string(status) {
	case "up":
		return true, nil
	case "down", "going down", "going back", "unknown":
		return false, nil
	}
	return false, c.sys.At(host.Bad(1, "up or down", status))
}

// parseInterfaces reads names of interfaces. A list that does not fit a page
// ends with ++more++. With an error it returns the names before it.
func parseInterfaces(b []byte) (names []string, err error) {
	for field, rest := scan.Field(b); len(field) > 0; field, rest = scan.Field(rest) {
		if string(field) == "++more++" {
			return names, host.Bad(1, "a list that is not cut off", b[max(0, len(b)-40):])
		}
		if !interfaceName(field) {
			return names, host.Bad(1, "names of interfaces", b)
		}
		names = append(names, string(field))
	}
	return names, nil
}

// interfaceName reports whether an interface can have that name: as in the
// kernel, but for control characters.
func interfaceName(b []byte) bool {
	for _, c := range b {
		if c <= ' ' || c == '/' || c == ':' || c == 0x7f {
			return false
		}
	}
	return len(b) < 16 && string(b) != "." && string(b) != ".."
}
