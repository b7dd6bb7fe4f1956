package hba

import (
	"bytes"
	"context"
	"errors"

	"golang.org/x/sys/unix"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

var infiniband = collect.Spec{
	Name:  "infiniband",
	Help:  "InfiniBand, RoCE and iWARP ports: their state, traffic and errors.",
	Reads: infinibandReads(),
	Build: collect.With(infinibandOptions{}, newInfiniband),
}

type infinibandOptions struct{ Devices collect.Filter }

func (o *infinibandOptions) Fields() []collect.Field { return o.Devices.Fields("device") }

// infinibandCollector reads /sys/class/infiniband/*/ports/*: a word or two in
// a file (state: 4: ACTIVE, rate: 100 Gb/sec (4X EDR)), and folders of
// counters, a number a file. Which of them are there depends on the driver and
// on the kernel. See
// https://github.com/torvalds/linux/blob/master/Documentation/ABI/stable/sysfs-class-infiniband.
type infinibandCollector struct {
	sys       *host.Reader
	devices   collect.Filter
	info      *metric.Family
	state     *metric.Family
	physState *metric.Family
	rate      *metric.Family
	folders   []infinibandFolder
}

// An infinibandFolder is a folder with the counters that are read in it.
type infinibandFolder struct {
	name  string
	files []infinibandFile
}

// An infinibandFile pairs a counter with the family it fills.
type infinibandFile struct {
	name   string
	unit   float64 // of the counter, in units of the family
	family *metric.Family
}

const infinibandDir = "class/infiniband"

func infinibandFolders(m *metric.Set) []infinibandFolder {
	return []infinibandFolder{
		{"counters", infinibandCounters(m)},
		{"counters_ext", infinibandLegacyCounters(m)},
		{"hw_counters", infinibandHardwareCounters(m)},
	}
}

func infinibandReads() []string {
	var reads []string
	for _, file := range []string{"board_id", "fw_ver", "hca_type", "ports/*/state", "ports/*/phys_state", "ports/*/rate"} {
		reads = append(reads, "/sys/class/infiniband/*/"+file)
	}
	for _, folder := range infinibandFolders(metric.NewSet()) {
		for _, f := range folder.files {
			reads = append(reads, "/sys/class/infiniband/*/ports/*/"+folder.name+"/"+f.name)
		}
	}
	return reads
}

func newInfiniband(env *collect.Env, o infinibandOptions) (*infinibandCollector, error) {
	m := env.Metrics
	return &infinibandCollector{
		sys:       env.Host.Sys.Reader(),
		devices:   o.Devices,
		info:      m.Gauge("node_infiniband_info", "An InfiniBand device, as 1, with its model and firmware.", "board_id", "device", "firmware_version", "hca_type"),
		state:     m.Gauge("node_infiniband_state_id", "State of the port: 0 no change, 1 down, 2 initialized, 3 armed, 4 active, 5 active but waiting.", "device", "port"),
		physState: m.Gauge("node_infiniband_physical_state_id", "State of the port's link: 1 sleep, 2 polling, 3 disabled, 4 training, 5 up, 6 recovering, 7 test.", "device", "port"),
		rate:      m.Gauge("node_infiniband_rate_bytes_per_second", "Speed of the port's link.", "device", "port"),
		folders:   infinibandFolders(m),
	}, nil
}

func (c *infinibandCollector) Update(_ context.Context, out *metric.Sink) error {
	names, err := c.sys.Names(infinibandDir)
	if err != nil {
		return collect.OrNoData(err)
	}
	for _, name := range names {
		if !c.devices.Ignores(name) {
			c.updateDevice(name, out)
		}
	}
	return nil
}

func (c *infinibandCollector) updateDevice(name string, out *metric.Sink) {
	text := func(file string) string {
		b, err := c.sys.Text(infinibandDir, name, file)
		reportUnlessUnsupported(err, out)
		return string(b)
	}
	board, firmware, kind := text("board_id"), text("fw_ver"), text("hca_type")
	ports, err := c.sys.Names(infinibandDir, name, "ports")
	if !host.ReportUnlessGone(err, out.Error) {
		return // without ports, the device went away
	}
	out.Emit(c.info, 1, board, name, firmware, kind)
	for _, port := range ports {
		c.updatePort(name, port, out)
	}
}

func (c *infinibandCollector) updatePort(name, port string, out *metric.Sink) {
	c.emitText(c.state, parseInfinibandState, name, port, "state", out)
	c.emitText(c.physState, parseInfinibandState, name, port, "phys_state", out)
	c.emitText(c.rate, parseInfinibandRate, name, port, "rate", out)
	for i := range c.folders {
		folder := &c.folders[i]
		// One check of the folder saves thirty attempts to open its files.
		if !c.sys.Exists(infinibandDir, name, "ports", port, folder.name) {
			continue
		}
		for _, f := range folder.files {
			b, err := c.sys.Text(infinibandDir, name, "ports", port, folder.name, f.name)
			if err != nil {
				reportUnlessUnsupported(err, out)
				continue
			}
			if v, ok := scan.Uint(b); ok {
				out.Emit(f.family, float64(v)*f.unit, name, port)
			} else if !bytes.HasPrefix(b, []byte("N/A")) { // N/A (no PMA): the port does not count that
				out.Error(c.sys.At(host.Bad(1, "an unsigned number", b)))
			}
		}
	}
}

// emitText emits a file of a port as parse reads it.
func (c *infinibandCollector) emitText(f *metric.Family, parse func([]byte) (float64, error), name, port, file string, out *metric.Sink) {
	b, err := c.sys.Text(infinibandDir, name, "ports", port, file)
	if err == nil {
		var v float64
		if v, err = parse(b); err == nil {
			out.Emit(f, v, name, port)
			return
		}
		err = c.sys.At(err)
	}
	reportUnlessUnsupported(err, out)
}

// parseInfinibandState parses the number of "4: ACTIVE".
func parseInfinibandState(b []byte) (float64, error) {
	number, _, ok := scan.Cut(b, ':')
	v, isNumber := scan.Uint(number)
	if !ok || !isNumber {
		return 0, host.Bad(1, "the number and the name of a state", b)
	}
	return float64(v), nil
}

// parseInfinibandRate parses "2.5 Gb/sec (1X SDR)" into bytes per second.
func parseInfinibandRate(b []byte) (float64, error) {
	number, rest := scan.Field(b)
	unit, _ := scan.Field(rest)
	v, ok := scan.Float(number)
	if !ok || v < 0 || string(unit) != "Gb/sec" {
		return 0, host.Bad(1, "a speed in Gb/sec", b)
	}
	return v * (1e9 / 8), nil
}

// reportUnlessUnsupported reports an error, unless it says that the driver does
// not support an attribute, or not of this port, or that the port went away.
func reportUnlessUnsupported(err error, out *metric.Sink) {
	if !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.EOPNOTSUPP) {
		host.ReportUnlessGone(err, out.Error)
	}
}
