package network

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

var ipvs = collect.Spec{
	Name:  "ipvs",
	Help:  "Traffic and backends of IP Virtual Server (IPVS), the load balancer of the kernel.",
	Reads: []string{"/proc/net/ip_vs", "/proc/net/ip_vs_stats"},
	Build: collect.With(ipvsOptions{Labels: collect.String(strings.Join(ipvsLabels(), ","))}, newIPVS),
}

type ipvsOptions struct{ Labels collect.String }

func (o *ipvsOptions) Fields() []collect.Field {
	return []collect.Field{
		{Name: "backend-labels", Help: "Comma-separated labels of backends; backends that differ only in other labels are added up.", Value: &o.Labels},
	}
}

// ipvsCollector reads /proc/net/ip_vs_stats, whose third line has the totals
// as hexadecimal numbers, and /proc/net/ip_vs, which has a line for each
// service, followed by a line for each of its backends:
//
//	TCP  C0A80016:0CEA wlc
//	  -> C0A85216:0CEA      Tunnel  100    248        2
//
// Neither file exists while the module is not loaded. See
// https://docs.kernel.org/networking/ipvs-sysctl.html.
type ipvsCollector struct {
	proc   *host.Reader
	labels []string
	totals [5]*metric.Family // in the order of the columns
	values [3]*metric.Family // in the order of ipvsSeries.values
	sums   ipvsSums
}

// ipvsLabels returns the labels that a backend can have.
func ipvsLabels() []string {
	return []string{"local_address", "local_port", "remote_address", "remote_port", "proto", "local_mark"}
}

func newIPVS(env *collect.Env, o ipvsOptions) (*ipvsCollector, error) {
	labels, err := parseIPVSLabels(string(o.Labels))
	if err != nil {
		return nil, err
	}
	m := env.Metrics
	return &ipvsCollector{
		proc:   env.Host.Proc.Reader(),
		labels: labels,
		totals: [5]*metric.Family{
			m.Counter("node_ipvs_connections_total", "Connections balanced by IPVS."),
			m.Counter("node_ipvs_incoming_packets_total", "Packets forwarded by IPVS to backends."),
			m.Counter("node_ipvs_outgoing_packets_total", "Packets forwarded by IPVS from backends."),
			m.Counter("node_ipvs_incoming_bytes_total", "Bytes forwarded by IPVS to backends."),
			m.Counter("node_ipvs_outgoing_bytes_total", "Bytes forwarded by IPVS from backends."),
		},
		values: [3]*metric.Family{
			m.Gauge("node_ipvs_backend_weight", "Weight of the IPVS backend.", labels...),
			m.Gauge("node_ipvs_backend_connections_active", "Established connections to the IPVS backend.", labels...),
			m.Gauge("node_ipvs_backend_connections_inactive", "Connections to the IPVS backend that are not established.", labels...),
		},
		sums: ipvsSums{labels: labels, strings: map[string]string{}, series: map[ipvsBackend]*ipvsSeries{}},
	}, nil
}

// parseIPVSLabels returns the labels in a comma-separated list, each once and
// in the order of ipvsLabels.
func parseIPVSLabels(list string) ([]string, error) {
	named := strings.Split(list, ",")
	for _, name := range named {
		if name != "" && !slices.Contains(ipvsLabels(), name) {
			return nil, fmt.Errorf("want labels of IPVS backends (%s), have %q", strings.Join(ipvsLabels(), ","), name)
		}
	}
	return slices.DeleteFunc(ipvsLabels(), func(label string) bool { return !slices.Contains(named, label) }), nil
}

func (c *ipvsCollector) Update(_ context.Context, out *metric.Sink) error {
	b, err := c.proc.Read("net/ip_vs_stats")
	switch {
	case host.Gone(err):
		return collect.OrNoData(err)
	case err != nil:
		out.Error(err)
	default:
		c.emitTotals(b, out)
	}
	if b, err = c.proc.Read("net/ip_vs"); err != nil {
		return err
	}
	c.sums.begin()
	for n, rest := 1, b; len(rest) > 0; n++ {
		var line []byte
		line, rest = scan.Line(rest)
		if err := c.sums.add(n, line); err != nil {
			out.Error(c.proc.At(err))
		}
	}
	for _, s := range c.sums.end() {
		for i, f := range c.values {
			out.Emit(f, s.values[i], s.labels...)
		}
	}
	return nil
}

func (c *ipvsCollector) emitTotals(b []byte, out *metric.Sink) {
	totals, err := parseIPVSStats(b)
	if err != nil {
		out.Error(c.proc.At(err))
		return
	}
	for i, f := range c.totals {
		out.Emit(f, float64(totals[i]))
	}
}

// parseIPVSStats parses the five totals, which are below a header of two lines.
func parseIPVSStats(b []byte) (totals [5]uint64, err error) {
	_, rest := scan.Line(b)
	_, rest = scan.Line(rest)
	line, _ := scan.Line(rest)
	rest = line
	for i := range totals {
		var field []byte
		var ok bool
		field, rest = scan.Field(rest)
		if totals[i], ok = scan.Hex(field); !ok {
			return totals, host.Bad(3, "five hexadecimal numbers", line)
		}
	}
	return totals, nil
}
