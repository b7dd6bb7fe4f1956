package storage

import (
	"bytes"
	"context"
	"strconv"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

var drbd = collect.Spec{
	Name:              "drbd",
	Help:              "State and traffic of the devices of DRBD 8, from /proc/drbd.",
	Reads:             []string{"/proc/drbd"},
	DisabledByDefault: true,
	Build:             collect.Plain(newDrbd),
}

// drbdCollector reads /proc/drbd, which has the version and then lines for each
// device:
//
//	version: 8.4.11 (api:1/proto:86-101)
//	srcversion: 60F610B702CC05315B04B50
//	 0: cs:Connected ro:Primary/Secondary ds:UpToDate/UpToDate C r-----
//	    ns:1048576 nr:0 dw:1048576 dr:2097153 al:12 bm:0 lo:0 pe:0 ua:0 ap:0 ep:1 wo:f oos:0
//
// Roles and disk states are those of the local and the remote node. Volumes are
// in KiB; the kernel counts them in 32 bits of sectors, so that they start again
// at 2 TiB. Requests are counted up and down without a lock, and may be below zero
// for a moment. The file exists while the module is loaded; that of DRBD 9 has no
// devices. See https://linbit.com/drbd-user-guide/users-guide-drbd-8-4/
// (/proc/drbd) and drbd_seq_show in drivers/block/drbd/drbd_proc.c of the
// kernel.
type drbdCollector struct {
	proc *host.Reader

	connected *metric.Family
	states    [2]drbdState
	numbers   []drbdNumber
	labels    map[uint64]string // of devices, by minor number
	device    drbdDevice
}

// A drbdState has the state of the local and that of the remote node, such as
// ro:Primary/Secondary.
type drbdState struct {
	key, good string
	oldKey    string         // of DRBD before 8.3
	family    *metric.Family // whether the state is the good one
}

// A drbdNumber is a number of a device with its family.
type drbdNumber struct {
	key    string
	unit   float64
	family *metric.Family
	parse  func([]byte) (uint64, bool)
}

// A drbdDevice is the device whose lines are read.
type drbdDevice struct {
	label string
	minor uint64
	known bool   // whether the lines belong to a device
	read  uint32 // bits of the keys that were there
}

// drbdUnit is the unit of volumes in bytes.
const drbdUnit = 1024

func newDrbd(env *collect.Env) *drbdCollector {
	m := env.Metrics
	return &drbdCollector{
		proc:      env.Host.Proc.Reader(),
		labels:    map[uint64]string{},
		connected: m.Gauge("node_drbd_connected", "Whether the connection is in state Connected, which it is not during a resync.", "device"),
		states: [2]drbdState{
			{"ro", "Primary", "st", m.Gauge("node_drbd_node_role_is_primary", "Whether the node has the role Primary.", "device", "node")},
			{"ds", "UpToDate", "ds", m.Gauge("node_drbd_disk_state_is_up_to_date", "Whether the disk of the node is UpToDate.", "device", "node")},
		},
		numbers: []drbdNumber{
			{"ns", drbdUnit, m.Counter("node_drbd_network_sent_bytes_total", "Bytes sent to the peer.", "device"), scan.Counter},
			{"nr", drbdUnit, m.Counter("node_drbd_network_received_bytes_total", "Bytes received from the peer.", "device"), scan.Counter},
			{"dw", drbdUnit, m.Counter("node_drbd_disk_written_bytes_total", "Bytes written to the local disk.", "device"), scan.Counter},
			{"dr", drbdUnit, m.Counter("node_drbd_disk_read_bytes_total", "Bytes read from the local disk.", "device"), scan.Counter},
			{"al", 1, m.Counter("node_drbd_activitylog_writes_total", "Updates of the activity log in the metadata.", "device"), scan.Counter},
			{"bm", 1, m.Counter("node_drbd_bitmap_writes_total", "Updates of the bitmap in the metadata.", "device"), scan.Counter},
			{"lo", 1, m.Gauge("node_drbd_local_pending", "Requests that the local disk has not completed.", "device"), scan.Amount32},
			{"pe", 1, m.Gauge("node_drbd_remote_pending", "Requests sent to the peer that it has not answered.", "device"), scan.Amount32},
			{"ua", 1, m.Gauge("node_drbd_remote_unacknowledged", "Requests received from the peer that are not answered yet.", "device"), scan.Amount32},
			{"ap", 1, m.Gauge("node_drbd_application_pending", "Requests of programs that DRBD has not completed.", "device"), scan.Amount32},
			{"ep", 1, m.Gauge("node_drbd_epochs", "Epochs: sets of writes between two write barriers.", "device"), scan.Amount32},
			{"oos", drbdUnit, m.Gauge("node_drbd_out_of_sync_bytes", "Bytes that differ, as far as is known, from those of the peer.", "device"), scan.Amount64},
		},
	}
}

func (c *drbdCollector) Update(_ context.Context, out *metric.Sink) error {
	b, err := c.proc.Read("drbd")
	if err != nil {
		return collect.OrNoData(err)
	}
	line, b := scan.Line(b)
	if word, _ := scan.Field(line); string(word) != "version:" {
		return c.proc.At(host.Bad(1, "the version of DRBD", line))
	}
	c.device = drbdDevice{}
	for n := 2; len(b) > 0; n++ {
		line, b = scan.Line(b)
		first, rest := scan.Field(line)
		minor, ok := drbdMinor(first)
		if !ok {
			if c.device.known {
				c.emitKeys(n, line, out)
			}
			continue
		}
		if c.device.label != "" && minor <= c.device.minor {
			c.device.known = false
			out.Error(c.proc.At(host.Bad(n, "a device with a higher number than the one before", line)))
			continue
		}
		c.device = drbdDevice{label: c.label(minor), minor: minor, known: true}
		c.emitKeys(n, rest, out)
	}
	return nil
}

// label returns the name of a device.
func (c *drbdCollector) label(minor uint64) string {
	label, ok := c.labels[minor]
	if !ok {
		label = "drbd" + strconv.FormatUint(minor, 10)
		c.labels[minor] = label
	}
	return label
}

// drbdMinor parses the minor number that starts the lines of a device, such as
// 0: in front of cs:Connected.
func drbdMinor(word []byte) (minor uint64, ok bool) {
	number, ok := bytes.CutSuffix(word, []byte(":"))
	if !ok {
		return 0, false
	}
	return scan.Uint(number)
}

// emitKeys emits the values of the keys in line n, each once for a device.
func (c *drbdCollector) emitKeys(n int, line []byte, out *metric.Sink) {
	for field, rest := scan.Field(line); len(field) > 0; field, rest = scan.Field(rest) {
		key, value, ok := scan.Cut(field, ':')
		if !ok {
			continue
		}
		if err := c.emitKey(n, key, value, out); err != nil {
			out.Error(c.proc.At(err))
		}
	}
}

func (c *drbdCollector) emitKey(n int, key, value []byte, out *metric.Sink) error {
	d := &c.device
	if string(key) == "cs" && d.first(0) {
		if len(value) == 0 {
			return host.Bad(n, "cs with a connection state", value)
		}
		out.Bool(c.connected, string(value) == "Connected", d.label)
		return nil
	}
	for i, s := range c.states {
		if (string(key) == s.key || string(key) == s.oldKey) && d.first(1+i) {
			local, remote, ok := scan.Cut(value, '/')
			if !ok {
				return host.Bad(n, s.key+" of the local and the remote node", value)
			}
			out.Bool(s.family, string(local) == s.good, d.label, "local")
			out.Bool(s.family, string(remote) == s.good, d.label, "remote")
			return nil
		}
	}
	for i, f := range c.numbers {
		if string(key) == f.key && d.first(1+len(c.states)+i) {
			v, ok := f.parse(value)
			if !ok {
				return host.Bad(n, f.key+" with a number", value)
			}
			out.Emit(f.family, float64(v)*f.unit, d.label)
			return nil
		}
	}
	return nil
}

// first reports whether a key of the device was not there before.
func (d *drbdDevice) first(key int) bool {
	bit := uint32(1) << key
	isFirst := d.read&bit == 0
	d.read |= bit
	return isFirst
}
