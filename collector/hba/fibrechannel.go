package hba

import (
	"context"

	"github.com/hostexporter/host_exporter/collector/hba/internal/attr"
	"github.com/hostexporter/host_exporter/collector/hba/internal/firmware"
	"github.com/hostexporter/host_exporter/collector/hba/internal/firmware/fcstat"
	"github.com/hostexporter/host_exporter/collector/hba/internal/scsihost"
	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

func fibrechannel(readers *firmware.Shared) collect.Spec {
	return collect.Spec{
		Name: "fibrechannel",
		Help: "Fibre Channel ports: their identity, and the counters of their firmware.",
		Reads: append(fcstat.Reads(),
			"/sys/class/fc_host/host*/dev_loss_tmo",
			"/sys/class/fc_host/host*/fabric_name",
			"/sys/class/fc_host/host*/port_id",
			"/sys/class/fc_host/host*/port_name",
			"/sys/class/fc_host/host*/port_type",
			"/sys/class/fc_host/host*/speed",
			"/sys/class/fc_host/host*/supported_classes",
			"/sys/class/fc_host/host*/supported_speeds",
			"/sys/class/fc_host/host*/symbolic_name",
		),
		Build: collect.With(fibrechannelOptions{statistics: firmware.DefaultStatistics()},
			func(env *collect.Env, o fibrechannelOptions) (*fibrechannelCollector, error) {
				return newFibrechannel(env, o, readers.Of(env.Host).Statistics)
			}),
	}
}

type fibrechannelOptions struct {
	statistics    firmware.StatisticsOptions
	vportCounters collect.Bool
}

func (o *fibrechannelOptions) Fields() []collect.Field {
	return append(o.statistics.Fields(), collect.Field{
		Name: "vport-counters", Value: &o.vportCounters,
		Help: "Export the counters of a physical port for each of its virtual (NPIV) ports, too.",
	})
}

// fibrechannelCollector reads /sys/class/fc_host, one attribute a file:
//
//	port_state: Online
//	statistics/tx_frames: 0xf4243
//
// The families are inherited. See the ABI document sysfs-class-fc_host and
// package fcstat for what it takes to read the statistics.
type fibrechannelCollector struct {
	finder     *scsihost.Finder
	attributes attr.Reader
	statistics *fcstat.Reader
	options    fibrechannelOptions

	info     *metric.Family
	labels   []fibrechannelLabel
	counters []fibrechannelCounter

	values  []string // of one info
	ports   []fcstat.Port
	names   []string // of the hosts that show the counters of ports, in the same order
	answers []fcstat.Answer
}

// A fibrechannelLabel is a label of the info with the file of its name. The one
// without a file is the name of the host.
type fibrechannelLabel struct {
	file string
	hex  bool // without its 0x
}

// A fibrechannelCounter pairs a counter with the family that shows it.
type fibrechannelCounter struct {
	counter fcstat.Counter
	family  *metric.Family
}

// Indexes of fibrechannelCollector.labels.
const (
	fibrechannelHost      = 2
	fibrechannelPortState = 5
	fibrechannelPortType  = 6
)

func newFibrechannel(env *collect.Env, o fibrechannelOptions, statistics *fcstat.Reader) (*fibrechannelCollector, error) {
	if err := o.statistics.Check(); err != nil {
		return nil, err
	}
	counter := func(c fcstat.Counter, name, help string) fibrechannelCounter {
		return fibrechannelCounter{c, env.Metrics.Counter("node_fibrechannel_"+name, help, "fc_host")}
	}
	c := &fibrechannelCollector{
		finder:     scsihost.NewFinder(env.Host.Sys, scsihost.FC),
		attributes: attr.Reader{Sys: env.Host.Sys.Reader().Share(scsihost.FC + "/*/*")},
		statistics: statistics,
		options:    o,
		labels: []fibrechannelLabel{
			{file: "dev_loss_tmo"},
			{file: "fabric_name", hex: true},
			{}, // fc_host
			{file: "port_id", hex: true},
			{file: "port_name", hex: true},
			{file: "port_state"},
			{file: "port_type"},
			{file: "speed"},
			{file: "supported_classes"},
			{file: "supported_speeds"},
			{file: "symbolic_name"},
		},
		counters: []fibrechannelCounter{
			counter(fcstat.DumpedFrames, "dumped_frames_total", "Frames thrown away because the port had no buffer for them."),
			counter(fcstat.ErrorFrames, "error_frames_total", "Frames with errors."),
			counter(fcstat.InvalidCRC, "invalid_crc_total", "Frames received whose checksum was wrong."),
			counter(fcstat.RxFrames, "rx_frames_total", "Frames received."),
			counter(fcstat.RxWords, "rx_words_total", "Transmission words of 4 bytes received."),
			counter(fcstat.TxFrames, "tx_frames_total", "Frames sent."),
			counter(fcstat.TxWords, "tx_words_total", "Transmission words of 4 bytes sent."),
			counter(fcstat.Seconds, "seconds_since_last_reset_total", "Age of the port's counters: seconds since they were reset."),
			counter(fcstat.InvalidTxWords, "invalid_tx_words_total", "Transmission words received that could not be decoded."),
			counter(fcstat.LinkFailure, "link_failure_total", "Times that the link failed."),
			counter(fcstat.LossOfSync, "loss_of_sync_total", "Times that the port lost synchronization."),
			counter(fcstat.LossOfSignal, "loss_of_signal_total", "Times that the port lost the signal."),
			counter(fcstat.NOS, "nos_total", "Not-operational sequences seen: the link was taken down."),
			counter(fcstat.PacketAborts, "fcp_packet_aborts_total", "SCSI packets aborted, as software FCoE counts them."),
		},
	}
	var names []string
	for _, l := range c.labels {
		names = append(names, l.file)
	}
	names[fibrechannelHost] = "fc_host"
	c.info = env.Metrics.Gauge("node_fibrechannel_info", "A Fibre Channel port, as 1, with its names, state, type and speeds.", names...)
	c.values = make([]string, len(names))
	return c, nil
}

func (c *fibrechannelCollector) Update(ctx context.Context, out *metric.Sink) error {
	hosts, err := c.finder.Find(ctx)
	if err != nil {
		return collect.OrNoData(err)
	}
	c.attributes.Out = out
	c.attributes.Sys.BeginRun(ctx)
	c.ports, c.names, c.answers = c.ports[:0], c.names[:0], c.answers[:0]
	for _, h := range hosts {
		if h.Err != nil {
			out.Error(h.Err)
		}
		port, ok := c.updateInfo(h, out)
		if ok && !h.IsVirtual() {
			c.ports, c.names = append(c.ports, port), append(c.names, h.Name)
		}
	}
	if c.options.statistics.None() {
		return nil
	}
	c.answers = c.statistics.Read(ctx, c.options.statistics.Limits(), c.ports, c.answers)
	for i := range c.answers {
		c.answers[i].Report(out.Error)
		c.updateCounters(c.names[i], c.answers[i].Pass, out)
	}
	if c.options.vportCounters {
		c.updateVirtual(hosts, out)
	}
	return nil
}

// updateInfo emits the info of a host. It reports false for one that went
// away meanwhile.
func (c *fibrechannelCollector) updateInfo(h *scsihost.Host, out *metric.Sink) (port fcstat.Port, ok bool) {
	for i, l := range c.labels {
		if i == fibrechannelHost {
			c.values[i] = h.Name
			continue
		}
		value, _ := c.attributes.Text(scsihost.FC, h.Name, l.file)
		if l.hex {
			value = trimHex(value)
		}
		c.values[i] = string(value)
		ok = ok || len(value) > 0
	}
	if !ok {
		return port, false
	}
	out.Emit(c.info, 1, c.values...)
	return fcstat.Port{
		Host:  h,
		State: c.values[fibrechannelPortState],
		Type:  c.values[fibrechannelPortType],
	}, true
}

// trimHex cuts the 0x off a number.
func trimHex(b []byte) []byte {
	if len(b) >= 2 && b[0] == '0' && b[1] == 'x' {
		return b[2:]
	}
	return b
}

// updateCounters emits what there is of the counters of a port, which is
// nothing for a nil pass: a zero in their place would look like a reset.
func (c *fibrechannelCollector) updateCounters(name string, pass *fcstat.Pass, out *metric.Sink) {
	if pass == nil {
		return
	}
	for _, k := range c.counters {
		if v, ok := pass.Value(k.counter); ok {
			out.Emit(k.family, float64(v), name)
		}
	}
}

// updateVirtual repeats the counters of physical ports for the ports on top of
// them.
func (c *fibrechannelCollector) updateVirtual(hosts []*scsihost.Host, out *metric.Sink) {
	for _, h := range hosts {
		for i, name := range c.names {
			if h.IsVirtual() && name == h.Physical {
				c.updateCounters(h.Name, c.answers[i].Pass, out)
			}
		}
	}
}
