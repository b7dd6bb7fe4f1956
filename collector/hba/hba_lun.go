package hba

import (
	"bytes"
	"fmt"
	"time"

	"github.com/hostexporter/host_exporter/collector/hba/internal/attr"
	"github.com/hostexporter/host_exporter/collector/hba/internal/lun"
	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

type lunOptions struct {
	luns    collect.String
	maxLUNs collect.Int
	paths   collect.Bool
	source  collect.String
}

func defaultLUNs() lunOptions {
	return lunOptions{luns: "summary", maxLUNs: 5000, paths: true, source: "auto"}
}

func (o *lunOptions) Fields() []collect.Field {
	return []collect.Field{
		{Name: "luns", Value: &o.luns,
			Help: "What to tell of each SCSI device: none, summary (what it is, its state and errors) or all (requests and queue too)."},
		{Name: "max-luns", Value: &o.maxLUNs,
			Help: "Most SCSI devices to tell of, but for those in trouble, which always are; how many are left out is told."},
		{Name: "multipath-paths", Value: &o.paths,
			Help: "Whether to tell of each path of multipath maps, and not only how many there are."},
		{Name: "multipath-source", Value: &o.source,
			Help: "Who is to tell which paths multipath has given up: dm (the kernel), multipathd, sysfs (nobody), or auto for the first of these that can be asked."},
	}
}

// want returns how much of each device is to be read.
func (o *lunOptions) want() lun.Want {
	switch o.luns {
	case "none":
		return lun.Health
	case "summary":
		return lun.Errors
	}
	return lun.All
}

func (o *lunOptions) check() error {
	switch o.luns {
	case "none", "summary", "all":
	default:
		return fmt.Errorf("luns: want none, summary or all, have %q", string(o.luns))
	}
	if err := checkMultipathSource(string(o.source)); err != nil {
		return err
	}
	if o.maxLUNs < 0 {
		return fmt.Errorf("max-luns: want a number that is not negative, have %d", o.maxLUNs)
	}
	return nil
}

// trouble is how long a device is told of in spite of max-luns after its last
// trouble: long enough for an alert to see how it went on.
const trouble = 15 * time.Minute

// hbaLUNs are the families of SCSI devices.
type hbaLUNs struct {
	info     *metric.Family
	state    *metric.Family
	access   *metric.Family
	errors   *metric.Family
	timeouts *metric.Family

	requests  *metric.Family
	done      *metric.Family
	depth     *metric.Family
	inFlight  *metric.Family
	blocked   *metric.Family
	timeout   *metric.Family
	ehTimeout *metric.Family
	preferred *metric.Family
	bypass    *metric.Family

	devices *metric.Family
	omitted *metric.Family

	zfcp hbaZfcpLUNs
}

func newHBALUNs(m *metric.Set) hbaLUNs {
	return hbaLUNs{
		zfcp: newHBAZfcpLUNs(m),
		info: m.Gauge("node_hba_scsi_device_info", "A SCSI device, as 1: what it is, the way to it, and the multipath map that it is a path of.",
			"device", "fc_host", "hctl", "model", "multipath", "revision", "rport", "scsi_host", "sysfs_name", "target_port", "transport", "type", "vendor", "wwid"),
		state:    m.Gauge("node_hba_scsi_device_state", "The state that the kernel has a SCSI device in, as 1.", "device", "hctl", "state"),
		access:   m.Gauge("node_hba_scsi_device_access_state", "The asymmetric access state (ALUA) of a SCSI device, as 1, as its handler last saw it.", "device", "hctl", "state"),
		errors:   m.Counter("node_hba_scsi_device_io_errors_total", "Commands to a SCSI device that ended with an error.", "device", "hctl"),
		timeouts: m.Counter("node_hba_scsi_device_io_timeouts_total", "Commands to a SCSI device that timed out.", "device", "hctl"),

		requests:  m.Counter("node_hba_scsi_device_io_requests_total", "Commands that a SCSI device was given.", "device", "hctl"),
		done:      m.Counter("node_hba_scsi_device_io_completed_total", "Commands to a SCSI device that ended, one way or the other.", "device", "hctl"),
		depth:     m.Gauge("node_hba_scsi_device_queue_depth", "Most commands that a SCSI device is given at a time; it falls when the device says that its queue is full.", "device", "hctl"),
		inFlight:  m.Gauge("node_hba_scsi_device_commands_in_flight", "Commands that a SCSI device has been given and has not ended yet.", "device", "hctl"),
		blocked:   m.Gauge("node_hba_scsi_device_blocked", "Whether a SCSI device is left alone for a moment because it was busy.", "device", "hctl"),
		timeout:   m.Gauge("node_hba_scsi_device_timeout_seconds", "How long a command to a SCSI device may take.", "device", "hctl"),
		ehTimeout: m.Gauge("node_hba_scsi_device_eh_timeout_seconds", "How long a command of error recovery to a SCSI device may take.", "device", "hctl"),
		preferred: m.Gauge("node_hba_scsi_device_preferred_path", "Whether the array prefers this way to the device (ALUA).", "device", "hctl"),
		bypass:    m.Counter("node_hba_scsi_device_raid_bypass_ios_total", "Commands that went past the firmware of a RAID adapter straight to the disk.", "device", "hctl"),

		devices: m.Gauge("node_hba_scsi_devices", "SCSI devices of a host, by state.", "scsi_host", "state"),
		omitted: m.Gauge("node_hba_scsi_devices_omitted", "SCSI devices of a host that are not told of, because there are more than max-luns.", "scsi_host"),
	}
}

// emit emits what is known of a device.
func (f *hbaLUNs) emit(a attr.Reader, l *lun.LUN, h *sanHost, target string, want lun.Want) {
	out := a.Out
	multipath, sysfsName := "", ""
	if l.Map != nil {
		multipath, sysfsName = l.Map.Name, l.Map.SysfsName
	}
	out.Emit(f.info, 1, l.Device, h.fcName, l.HCTL, l.Model, multipath, l.Revision, l.Rport, l.Host, sysfsName,
		target, hbaTransports[h.transport], l.Type, l.Vendor, l.WWID)
	if l.State != lun.NoState {
		out.Emit(f.state, 1, l.Device, l.HCTL, l.State.String())
	}
	if l.Access != lun.NoAccess {
		out.Emit(f.access, 1, l.Device, l.HCTL, l.Access.String())
	}
	f.count(a, f.errors, l, l.Errors)
	f.count(a, f.timeouts, l, l.Timeouts)
	if h.Driver == "zfcp" {
		f.zfcp.update(a, l)
	}
	if want < lun.All {
		return
	}
	f.count(a, f.requests, l, l.Requests)
	f.count(a, f.done, l, l.Done)
	f.gauge(a, f.depth, l, "device/queue_depth")
	f.gauge(a, f.inFlight, l, "device/device_busy")
	if v, ok := a.Uint("class/scsi_device", l.HCTL, "device/device_blocked"); ok {
		out.Bool(f.blocked, v > 0, l.Device, l.HCTL)
	}
	f.gauge(a, f.timeout, l, "device/timeout")
	f.gauge(a, f.ehTimeout, l, "device/eh_timeout")
	f.gauge(a, f.preferred, l, "device/preferred_path")
	if h.Driver == "smartpqi" {
		if v, ok := attr.Parsed(a, "a number", cNumber, "class/scsi_device", l.HCTL, "device/raid_bypass_cnt"); ok {
			out.Emit(f.bypass, float64(v), l.Device, l.HCTL)
		}
	}
}

func (f *hbaLUNs) count(a attr.Reader, family *metric.Family, l *lun.LUN, c lun.Counter) {
	if c.Known {
		a.Out.Emit(family, float64(c.Value), l.Device, l.HCTL)
	}
}

// gauge emits a file that holds a number.
func (f *hbaLUNs) gauge(a attr.Reader, family *metric.Family, l *lun.LUN, file string) {
	if v, ok := a.Uint("class/scsi_device", l.HCTL, file); ok {
		a.Out.Emit(family, float64(v), l.Device, l.HCTL)
	}
}

// cNumber reads a number as C writes it: with 0x where it is hexadecimal.
func cNumber(b []byte) (uint64, bool) {
	if bytes.HasPrefix(b, []byte("0x")) {
		return scan.Hex(b)
	}
	return scan.Uint(b)
}

// emitCounts emits the devices of a host by state. Those states that say
// whether all is well are always there.
func (f *hbaLUNs) emitCounts(a attr.Reader, h *sanHost) {
	for s := lun.Running; s < lun.NumStates; s++ {
		if n := h.states[s]; n > 0 || s <= lun.Blocked {
			a.Out.Emit(f.devices, float64(n), h.Name, s.String())
		}
	}
	a.Out.Emit(f.omitted, float64(h.omitted), h.Name)
}
