package adapter

import (
	"bytes"
	"errors"
	"path"
	"syscall"

	"github.com/hostexporter/host_exporter/collector/hba/internal/attr"
	"github.com/hostexporter/host_exporter/collector/hba/internal/san"
	"github.com/hostexporter/host_exporter/collector/hba/internal/scsihost"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

// healthFamilies are the families about the health of an adapter. Each driver
// has its own files for it, if any; all that are read here come from memory.
type healthFamilies struct {
	state      *metric.Family
	resets     *metric.Family
	dump       *metric.Family
	beacon     *metric.Family
	queueFull  *metric.Family
	inFlight   *metric.Family
	resources  *metric.Family
	protection *metric.Family
	zfcpFull   *metric.Family
}

// The states of adapters, as label values.
const (
	operational   = "operational"
	inReset       = "in_reset"
	fault         = "fault"
	unrecoverable = "unrecoverable"
	offline       = "offline"
	unknown       = "unknown"
)

var states = [...]string{operational, inReset, fault, unrecoverable, offline, unknown}

func newHealthFamilies(m *metric.Set) healthFamilies {
	return healthFamilies{
		state:      m.Gauge("node_hba_adapter_state", "Whether the adapter is in this state, according to its driver.", "scsi_host", "state"),
		resets:     m.Counter("node_hba_adapter_resets_total", "Times that the driver reset the adapter.", "scsi_host"),
		dump:       m.Gauge("node_hba_firmware_dump_available", "Whether the driver holds a firmware dump to collect, which a crash left.", "scsi_host"),
		beacon:     m.Gauge("node_hba_beacon_enabled", "Whether the locator LED of the adapter blinks.", "scsi_host"),
		queueFull:  m.Counter("node_hba_reply_queue_full_total", "Times that a reply queue of the adapter was full.", "scsi_host"),
		inFlight:   m.Gauge("node_hba_firmware_commands_in_flight", "Commands that the driver gave to the firmware and that have not completed.", "scsi_host"),
		resources:  m.Gauge("node_hba_resources_used", "Resources of the firmware in use: exchanges (xri), remote ports (rpi), virtual ports (vpi).", "resource", "scsi_host"),
		protection: m.Counter("node_hba_protection_errors_total", "Blocks with wrong protection information (T10-PI), by the part that is wrong.", "scsi_host", "type"),
		zfcpFull:   m.Counter("node_hba_zfcp_queue_full_total", "Times that the queue to the adapter was full.", "scsi_host"),
	}
}

func (f *healthFamilies) update(a attr.Reader, h *san.Host) {
	switch h.Driver {
	case "lpfc":
		f.updateLpfc(a, h)
	case "qla2xxx":
		f.count(a, f.resets, h, "total_isp_aborts")
		if size, ok := a.Int(scsihost.SCSI, h.Name, "fw_dump_size"); ok {
			a.Out.Bool(f.dump, size > 0, h.Name)
		}
		if on, ok := attr.Parsed(a, "Enabled or Disabled", enabled, scsihost.SCSI, h.Name, "beacon"); ok {
			a.Out.Bool(f.beacon, on, h.Name)
		}
	case "mpt3sas", "mpt2sas":
		f.count(a, f.resets, h, "ioc_reset_count")
	case "mpi3mr":
		if state, ok := a.Uint(scsihost.SCSI, h.Name, "adp_state"); ok {
			f.emitState(a, h, mpi3mrState(state))
		}
		f.count(a, f.queueFull, h, "reply_qfull_count")
	case "megaraid_sas":
		if state, ok := a.Uint(scsihost.SCSI, h.Name, "fw_crash_state"); ok {
			a.Out.Bool(f.dump, state >= 1 && state <= 3, h.Name) // available, being copied, copied
		}
		f.count(a, f.inFlight, h, "fw_cmds_outstanding")
	case "hpsa":
		if locked, ok := a.Uint(scsihost.SCSI, h.Name, "lockup_detected"); ok {
			state := operational
			if locked != 0 {
				state = fault
			}
			f.emitState(a, h, state)
		}
		f.count(a, f.inFlight, h, "commands_outstanding")
	case "smartpqi":
		// All attributes of a controller that is offline fail with ENODEV.
		switch _, err := a.Sys.Text(scsihost.SCSI, h.Name, "firmware_version"); {
		case err == nil:
			f.emitState(a, h, operational)
		case errors.Is(err, syscall.ENODEV):
			f.emitState(a, h, offline)
		}
	case "arcmsr":
		f.count(a, f.resets, h, "host_driver_reset")
		f.count(a, f.inFlight, h, "host_driver_posted_cmd")
	case "zfcp":
		f.updateZfcp(a, h)
		if v, ok := attr.Parsed(a, "two numbers", zfcpQueueFull, scsihost.SCSI, h.Name, "queue_full"); ok {
			a.Out.Emit(f.zfcpFull, float64(v), h.Name)
		}
	}
}

// count emits a file that is a number.
func (f *healthFamilies) count(a attr.Reader, family *metric.Family, h *san.Host, file string) {
	if v, ok := a.Uint(scsihost.SCSI, h.Name, file); ok {
		a.Out.Emit(family, float64(v), h.Name)
	}
}

func (f *healthFamilies) emitState(a attr.Reader, h *san.Host, state string) {
	for _, s := range states {
		a.Out.Bool(f.state, s == state, h.Name, s)
	}
}

func (f *healthFamilies) updateLpfc(a attr.Reader, h *san.Host) {
	if state, ok := attr.Parsed(a, "a mode of the board", lpfcState, scsihost.SCSI, h.Name, "board_mode"); ok {
		f.emitState(a, h, state)
	}
	for _, e := range [...]struct{ file, kind string }{
		{"bg_guard_err", "guard"}, {"bg_apptag_err", "app_tag"}, {"bg_reftag_err", "ref_tag"},
	} {
		if v, ok := a.Uint(scsihost.SCSI, h.Name, e.file); ok {
			a.Out.Emit(f.protection, float64(v), h.Name, e.kind)
		}
	}
	if v, ok := attr.Parsed(a, "Total FCP ... OutIO", lpfcInFlight, scsihost.SCSI, h.Name, "scsi_stat"); ok {
		a.Out.Emit(f.inFlight, float64(v), h.Name)
	}
	// Before SLI-4, reading these costs a command to the firmware.
	if revision, _ := a.Text(scsihost.SCSI, h.Name, "fwrev"); !bytes.Contains(revision, []byte("sli-4")) {
		return
	}
	for _, r := range [...]struct{ file, kind string }{{"used_xri", "xri"}, {"used_rpi", "rpi"}, {"used_vpi", "vpi"}} {
		if v, ok := attr.Parsed(a, "a number or Unknown", attr.UintOrUnknown, scsihost.SCSI, h.Name, r.file); ok && v >= 0 {
			a.Out.Emit(f.resources, float64(v), r.kind, h.Name)
		}
	}
}

// updateZfcp reads the folder of the adapter, which is the parent of the host's.
func (f *healthFamilies) updateZfcp(a attr.Reader, h *san.Host) {
	if h.Dir == "" {
		return
	}
	adapter := path.Dir(h.Dir)
	failed, ok := a.Uint(adapter, "failed")
	recovering, ok2 := a.Uint(adapter, "in_recovery")
	switch {
	case !ok && !ok2:
	case failed == 1:
		f.emitState(a, h, fault)
	case recovering == 1:
		f.emitState(a, h, inReset)
	default:
		f.emitState(a, h, operational)
	}
}
