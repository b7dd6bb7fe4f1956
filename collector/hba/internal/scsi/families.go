package scsi

import (
	"bytes"

	"github.com/hostexporter/host_exporter/collector/hba/internal/attr"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
	"github.com/hostexporter/host_exporter/collector/internal/scsicount"
)

// families are the families of SCSI devices.
type families struct {
	zfcp zfcpFamilies

	info     *metric.Family
	sasPort  *metric.Family
	state    *metric.Family
	access   *metric.Family
	errors   *metric.Family
	timeouts *metric.Family

	requests   *metric.Family
	done       *metric.Family
	attributes []attribute
	bypass     *metric.Family

	settings settingsFamily

	devices *metric.Family
	omitted *metric.Family
}

// An attribute is a file of a device that is a number.
type attribute struct {
	attr.File
	isFlag bool // only whether it is zero matters
}

func newFamilies(m *metric.Set) families {
	return families{
		zfcp: newZfcpFamilies(m),
		info: m.Gauge("node_hba_scsi_device_info", "A SCSI device, as 1, with the way to it and the multipath map that it is a path of.",
			"device", "fc_host", "hctl", "model", "multipath", "revision", "rport", "scsi_host", "sysfs_name", "target_port", "transport", "type", "vendor", "wwid"),
		sasPort:  m.Gauge("node_hba_scsi_device_sas_port_info", "Port of a SAS adapter that leads to a SCSI device, as 1; one port may have several lanes.", "device", "hctl", "sas_port", "scsi_host"),
		state:    m.Gauge("node_hba_scsi_device_state", "State of a SCSI device in the kernel, as 1.", "device", "hctl", "state"),
		access:   m.Gauge("node_hba_scsi_device_access_state", "Asymmetric access state (ALUA) of a SCSI device, as 1, as its handler last saw it.", "device", "hctl", "state"),
		errors:   m.Counter("node_hba_scsi_device_io_errors_total", "Commands to a SCSI device that ended with an error.", "device", "hctl"),
		timeouts: m.Counter("node_hba_scsi_device_io_timeouts_total", "Commands to a SCSI device that timed out.", "device", "hctl"),

		requests:   m.Counter("node_hba_scsi_device_io_requests_total", "Commands that were sent to a SCSI device.", "device", "hctl"),
		done:       m.Counter("node_hba_scsi_device_io_completed_total", "Commands to a SCSI device that completed, with or without an error.", "device", "hctl"),
		attributes: newAttributes(m),
		bypass:     m.Counter("node_hba_scsi_device_raid_bypass_ios_total", "Commands that bypassed the firmware of a RAID adapter, straight to the disk.", "device", "hctl"),

		settings: newSettingsFamily(m),

		devices: m.Gauge("node_hba_scsi_devices", "SCSI devices of a host, by state.", "scsi_host", "state"),
		omitted: m.Gauge("node_hba_scsi_devices_omitted", "SCSI devices of a host that are left out because there are more than max-luns.", "scsi_host"),
	}
}

func newAttributes(m *metric.Set) []attribute {
	gauge := func(file, name, help string) attribute {
		return attribute{attr.File{Name: "device/" + file, Family: m.Gauge("node_hba_scsi_device_"+name, help, "device", "hctl")}, false}
	}
	flag := func(file, name, help string) attribute {
		s := gauge(file, name, help)
		s.isFlag = true
		return s
	}
	return []attribute{
		gauge("queue_depth", "queue_depth", "Maximum number of commands in flight to a SCSI device; it falls when its queue is full."),
		gauge("device_busy", "commands_in_flight", "Commands in flight to a SCSI device."),
		flag("device_blocked", "blocked", "Whether commands to a SCSI device are held back for a moment because it was busy."),
		gauge("timeout", "timeout_seconds", "Timeout of a command to a SCSI device."),
		gauge("eh_timeout", "eh_timeout_seconds", "Timeout of an error recovery command to a SCSI device."),
		gauge("preferred_path", "preferred_path", "Whether the array prefers this way to the device (ALUA)."),
	}
}

// Reads returns the files that Find and Update read.
func Reads() []string {
	const dir = "/sys/class/scsi_device/*:*/"
	reads := []string{
		"/sys/class/scsi_device/*:*",
		"/sys/block/sd*",
		"/sys/block/sd*/device/state",
		"/sys/block/sd*/queue/scheduler",
		"/sys/block/sr*",
		"/sys/class/scsi_tape/st[0-9]*",
		"/sys/class/scsi_changer/sch[0-9]*",
		dir + "device/access_state",
		dir + "device/generic",
		dir + "device/iocounterbits",
		dir + "device/iodone_cnt",
		dir + "device/ioerr_cnt",
		dir + "device/iorequest_cnt",
		dir + "device/iotmo_cnt",
		dir + "device/model",
		dir + "device/raid_bypass_cnt",
		dir + "device/rev",
		dir + "device/state",
		dir + "device/type",
		dir + "device/vendor",
		dir + "device/wwid",
	}
	for _, s := range newAttributes(metric.NewSet()) {
		reads = append(reads, dir+s.Name)
	}
	for _, f := range zfcpFiles {
		reads = append(reads, dir+f.name)
	}
	return reads
}

// emit emits a device.
func (f *families) emit(a attr.Reader, l *device, h *scsiHost, target string, detail detail) {
	out := a.Out
	multipath, sysfsName := "", ""
	if l.multipath != nil {
		multipath, sysfsName = l.multipath.Name, l.multipath.SysfsName
	}
	out.Emit(f.info, 1, l.name, h.fcHost, l.hctl, l.model, multipath, l.revision, l.rport, l.host, sysfsName,
		target, h.Transport.String(), l.kind, l.vendor, l.wwid)
	if l.sasPort != "" {
		out.Emit(f.sasPort, 1, l.name, l.hctl, l.sasPort, l.host)
	}
	if l.state != noState {
		out.Emit(f.state, 1, l.name, l.hctl, l.state.String())
	}
	if l.access != noAccess {
		out.Emit(f.access, 1, l.name, l.hctl, l.access.String())
	}
	f.count(a, f.errors, l, l.errors)
	f.count(a, f.timeouts, l, l.timeouts)
	if h.Driver == "zfcp" {
		f.zfcp.update(a, l)
	}
	if detail < withRequests {
		return
	}
	f.count(a, f.requests, l, l.requests)
	f.count(a, f.done, l, l.done)
	for i := range f.attributes {
		s := &f.attributes[i]
		if v, ok := a.Uint(class, l.hctl, s.Name); ok {
			if s.isFlag {
				v = min(v, 1)
			}
			out.Emit(s.Family, float64(v), l.name, l.hctl)
		}
	}
	if h.Driver == "smartpqi" {
		if v, ok := attr.Parsed(a, "a number", cNumber, class, l.hctl, "device/raid_bypass_cnt"); ok {
			out.Emit(f.bypass, float64(v), l.name, l.hctl)
		}
	}
}

func (f *families) count(a attr.Reader, family *metric.Family, l *device, c scsicount.Counter) {
	if c.Known {
		a.Out.Emit(family, float64(c.Value), l.name, l.hctl)
	}
}

// cNumber parses a number in the syntax of C: with 0x where it is hexadecimal.
func cNumber(b []byte) (uint64, bool) {
	if bytes.HasPrefix(b, []byte("0x")) {
		return scan.Hex(b)
	}
	return scan.Uint(b)
}

// emitCounts emits the devices of a host by state. The states that are common
// are always there, so that alerts see zeros.
func (f *families) emitCounts(a attr.Reader, h *scsiHost) {
	for s := running; s < numStates; s++ {
		if n := h.states[s]; n > 0 || s <= blocked {
			a.Out.Emit(f.devices, float64(n), h.Name, s.String())
		}
	}
	a.Out.Emit(f.omitted, float64(h.omitted), h.Name)
}
