package network

import (
	"context"
	"encoding/json"
	"path"
	"slices"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/netlink"
	"github.com/hostexporter/host_exporter/collector/internal/rtnl"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

var qdisc = collect.Spec{
	Name:              "qdisc",
	Help:              "Traffic, drops and queues of the root queueing disciplines of network interfaces.",
	DisabledByDefault: true,
	Build:             collect.With(qdiscOptions{}, newQdisc),
}

type qdiscOptions struct {
	Devices    collect.Filter
	Fixtures   collect.String
	Interfaces interfaceOptions
}

func (o *qdiscOptions) Fields() []collect.Field {
	devices := o.Devices.Fields("device")
	devices[0].Aliases = []string{"collector.qdisk.device-include"}
	devices[1].Aliases = []string{"collector.qdisk.device-exclude"}
	return slices.Concat(devices, []collect.Field{
		{Name: "fixtures", Help: "Directory with a file results.json to read in place of rtnetlink, for tests.", Value: &o.Fixtures, IsPath: true},
	}, o.Interfaces.Fields())
}

// qdiscCollector asks rtnetlink for the queueing disciplines and takes the root
// of each interface, which all packets pass that it sends. See tc(8).
type qdiscCollector struct {
	files   *host.Reader
	links   *rtnl.Reader
	options qdiscOptions
	filter  *interfaceFilter

	bytes, packets, drops, requeues, overlimits *metric.Family
	length, backlog                             *metric.Family

	devices map[int]string // by index
	done    rtnl.Names     // devices that are emitted
	kinds   rtnl.Names
}

func newQdisc(env *collect.Env, o qdiscOptions) (*qdiscCollector, error) {
	m := env.Metrics
	counter := func(name, help string) *metric.Family { return m.Counter(name, help, "device", "kind") }
	gauge := func(name, help string) *metric.Family { return m.Gauge(name, help, "device", "kind") }
	return &qdiscCollector{
		files:      env.Host.Files.Reader(),
		links:      rtnl.New(env.Host.Netlink),
		options:    o,
		filter:     newInterfaceFilter(env.Host, o.Interfaces),
		bytes:      counter("node_qdisc_bytes_total", "Bytes sent through the queueing discipline."),
		packets:    counter("node_qdisc_packets_total", "Packets sent through the queueing discipline."),
		drops:      counter("node_qdisc_drops_total", "Packets that the queueing discipline dropped."),
		requeues:   counter("node_qdisc_requeues_total", "Packets put back into the queue because the device could not take them."),
		overlimits: counter("node_qdisc_overlimits_total", "Packets that the queueing discipline delayed or dropped because of its limits."),
		length:     gauge("node_qdisc_current_queue_length", "Packets in the queue."),
		backlog:    gauge("node_qdisc_backlog", "Bytes in the queue."),
		devices:    map[int]string{},
	}, nil
}

func (c *qdiscCollector) Update(ctx context.Context, out *metric.Sink) error {
	c.done.Begin()
	c.kinds.Begin()
	c.filter.refresh(ctx, out)
	if c.options.Fixtures != "" {
		return c.updateFixtures(out)
	}
	clear(c.devices)
	err := c.links.SharedLinks(ctx, func(l *rtnl.Link) { c.devices[l.Index] = l.Name })
	if netlink.DumpFailed(err) {
		return err
	}
	if err != nil {
		out.Error(err)
	}
	err = c.links.Qdiscs(func(q *rtnl.Qdisc) {
		if device := c.devices[q.Index]; device != "" && q.IsRoot() { // no device: it came or went meanwhile
			c.emit(device, q, out)
		}
	})
	if netlink.DumpFailed(err) {
		return err
	}
	if err != nil {
		out.Error(err)
	}
	return nil
}

func (c *qdiscCollector) emit(device string, q *rtnl.Qdisc, out *metric.Sink) {
	if c.options.Devices.Ignores(device) || c.filter.excludes(device) {
		return
	}
	if _, first := c.done.Take([]byte(device)); !first {
		return
	}
	kind, _ := c.kinds.Take(q.Kind)
	if q.HasTraffic {
		out.Emit(c.bytes, float64(q.Bytes), device, kind)
		out.Emit(c.packets, float64(q.Packets), device, kind)
	}
	if q.HasQueue {
		out.Emit(c.drops, float64(q.Drops), device, kind)
		out.Emit(c.overlimits, float64(q.Overlimits), device, kind)
		// Classes below may be counted out twice.
		out.Emit(c.length, float64(scan.ClampAmount32(uint64(q.QueueLength))), device, kind)
		out.Emit(c.backlog, float64(scan.ClampAmount32(uint64(q.Backlog))), device, kind)
	}
	if q.HasRequeues {
		out.Emit(c.requeues, float64(q.Requeues), device, kind)
	}
}

// updateFixtures reads qdiscs from a file in the format of the fixtures of
// node_exporter. A number that is not in the file is 0.
func (c *qdiscCollector) updateFixtures(out *metric.Sink) error {
	file := path.Join(string(c.options.Fixtures), "results.json")
	var qdiscs []struct {
		IfaceName, Kind                            string
		Parent                                     uint32
		Bytes, Packets                             uint64
		Drops, Requeues, Overlimits, Qlen, Backlog uint32
	}
	if err := readJSON(c.files, &qdiscs, file); err != nil {
		return err
	}
	for _, q := range qdiscs {
		made := rtnl.Qdisc{
			Kind: []byte(q.Kind), Bytes: q.Bytes, Packets: q.Packets,
			QueueLength: q.Qlen, Backlog: q.Backlog, Drops: q.Drops, Requeues: q.Requeues, Overlimits: q.Overlimits,
			HasTraffic: true, HasQueue: true, HasRequeues: true,
		}
		if q.Parent == 0 {
			c.emit(q.IfaceName, &made, out)
		}
	}
	return nil
}

// readJSON reads a file of fixtures.
func readJSON(r *host.Reader, v any, elem ...string) error {
	b, err := r.Read(elem...)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(b, v); err != nil {
		return r.At(host.Bad(1, "JSON: "+err.Error(), b))
	}
	return nil
}
