package network

import (
	"context"
	"slices"

	"github.com/hostexporter/host_exporter/collector/internal/capability"
	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

var bonding = collect.Spec{
	Name: "bonding",
	Help: "Interfaces of each bond, and how many of them have a link.",
	Reads: []string{
		"/sys/class/net/bonding_masters",
		"/sys/class/net/*/bonding/slaves",
		"/sys/class/net/*/lower_*/bonding_slave/mii_status",
		"/sys/class/net/*/slave_*/bonding_slave/mii_status",
	},
	OptionalReads: []string{
		"/proc/net/bonding/*",
		"/sys/class/net/*/bonding/ad_aggregator",
		"/sys/class/net/*/bonding/ad_num_ports",
		"/sys/class/net/*/bonding_slave/ad_actor_oper_port_state",
		"/sys/class/net/*/bonding_slave/ad_partner_oper_port_state",
	},
	Needs: "CAP_NET_ADMIN for the partners and keys of --collector.bonding.lacp, which are left out otherwise",
	Caps:  []capability.Capability{capability.NetAdmin},
	Build: collect.With(bondingOptions{}, newBonding),
}

type bondingOptions struct{ LACP collect.Bool }

func (o *bondingOptions) Fields() []collect.Field {
	return []collect.Field{
		{Name: "lacp", Help: "Export the LACP state of bonds in mode 802.3ad and of their interfaces.", Value: &o.LACP},
	}
}

// bondingCollector reads the names of the bonds from
// /sys/class/net/bonding_masters, one line, the interfaces of each bond from
// its bonding/slaves, also one line, and the link state that the bond sees on
// each of them, up or down.
//
// See https://docs.kernel.org/networking/bonding.html.
type bondingCollector struct {
	sys *host.Reader

	slaves *metric.Family
	active *metric.Family

	lacp *bondingLACP // nil unless enabled
}

func newBonding(env *collect.Env, o bondingOptions) (*bondingCollector, error) {
	m := env.Metrics
	c := &bondingCollector{
		sys:    env.Host.Sys.Reader(),
		slaves: m.Gauge("node_bonding_slaves", "Interfaces of the bond, from bonding/slaves.", "master"),
		active: m.Gauge("node_bonding_active", "Interfaces of the bond whose mii_status is up.", "master"),
	}
	if o.LACP {
		c.lacp = newBondingLACP(env)
	}
	return c, nil
}

func (c *bondingCollector) Update(_ context.Context, out *metric.Sink) error {
	bonds, err := c.bonds(out)
	if err != nil {
		return collect.OrNoData(err)
	}
	for _, bond := range bonds {
		host.ReportUnlessGone(c.updateBond(bond, out), out.Error)
		if c.lacp != nil {
			host.ReportUnlessGone(c.lacp.update(bond, out), out.Error)
		}
	}
	return nil
}

// bonds returns the names of the bonds. If the list of them cannot be read, they
// are found by their directories.
func (c *bondingCollector) bonds(out *metric.Sink) ([]string, error) {
	b, err := c.sys.Read(netDir, "bonding_masters")
	switch {
	case host.Gone(err):
		return nil, err
	case err != nil:
		out.Error(err)
		names, err := c.sys.Names(netDir)
		return slices.DeleteFunc(names, func(name string) bool { return !c.sys.Exists(netDir, name, "bonding/slaves") }), err
	}
	bonds := parseInterfaces(b)
	for _, err := range bonds.errs {
		out.Error(c.sys.At(err))
	}
	return bonds.names, nil
}

// updateBond reads one bond. A host.Gone error means that the bond is gone.
func (c *bondingCollector) updateBond(bond string, out *metric.Sink) error {
	b, err := c.sys.Read(netDir, bond, "bonding/slaves")
	if err != nil {
		return err
	}
	slaves := parseInterfaces(b)
	for _, err := range slaves.errs {
		out.Error(c.sys.At(err))
	}
	if slaves.isCut {
		return nil
	}
	// A slave without a valid name is a slave all the same.
	total, active, activeKnown := len(slaves.errs), 0, len(slaves.errs) == 0
	for _, slave := range slaves.names {
		up, err := c.linkUp(bond, slave)
		switch {
		case err == nil:
			total++
			if up {
				active++
			}
		case host.Gone(err) && !c.sys.Exists(netDir, slave):
			// The interface was removed after the list was read.
		default:
			total++
			activeKnown = false
			out.Error(err)
		}
	}
	out.Emit(c.slaves, float64(total), bond)
	if activeKnown {
		out.Emit(c.active, float64(active), bond)
	}
	return nil
}

// linkUp reports whether the bond sees the link of a slave as up. The attribute
// is in the lower_ directory of the slave, or on older kernels in a slave_
// directory that bonding makes.
func (c *bondingCollector) linkUp(bond, slave string) (bool, error) {
	const file = "bonding_slave/mii_status"
	status, err := c.sys.Text(netDir, bond, "lower_"+slave, file)
	if host.Gone(err) {
		if old, oldErr := c.sys.Text(netDir, bond, "slave_"+slave, file); !host.Gone(oldErr) {
			status, err = old, oldErr
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

// An interfaceList is a list of interface names.
type interfaceList struct {
	names []string
	errs  []error // an error for each word that is no name, and one if the list is cut
	isCut bool
}

// parseInterfaces parses a list of interface names. The kernel ends a list that
// does not fit a page with ++more++.
func parseInterfaces(b []byte) (l interfaceList) {
	for field, rest := scan.Field(b); len(field) > 0; field, rest = scan.Field(rest) {
		switch {
		case string(field) == "++more++":
			l.isCut = true
			l.errs = append(l.errs, host.Bad(1, "a complete list of interfaces", b[max(0, len(b)-40):]))
		case !isInterfaceName(field):
			l.errs = append(l.errs, host.Bad(1, "an interface name", field))
		default:
			l.names = append(l.names, string(field))
		}
	}
	return l
}

// isInterfaceName reports whether an interface can have that name, by the rules
// of the kernel, and without control characters. Kernels before 2.6.38 allow a
// colon, which alias interfaces have.
func isInterfaceName(b []byte) bool {
	for _, c := range b {
		if c <= ' ' || c == '/' || c == 0x7f {
			return false
		}
	}
	return len(b) < 16 && string(b) != "." && string(b) != ".."
}
