package hba

import (
	"bytes"
	"errors"
	"path"
	"syscall"

	"github.com/hostexporter/host_exporter/collector/hba/internal/attr"
	"github.com/hostexporter/host_exporter/collector/hba/internal/scsihost"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

// hbaAdapters are the families about the health of an adapter. Each driver has
// its own files for it, if any; all that are read here come from memory.
type hbaAdapters struct {
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

// Adapter states, as label values.
const (
	adapterOperational   = "operational"
	adapterInReset       = "in_reset"
	adapterFault         = "fault"
	adapterUnrecoverable = "unrecoverable"
	adapterOffline       = "offline"
	adapterUnknown       = "unknown"
)

var adapterStates = [...]string{adapterOperational, adapterInReset, adapterFault, adapterUnrecoverable, adapterOffline, adapterUnknown}

func newHBAAdapters(m *metric.Set) hbaAdapters {
	return hbaAdapters{
		state:      m.Gauge("node_hba_adapter_state", "Whether the adapter is in this state, as its driver sees it.", "scsi_host", "state"),
		resets:     m.Counter("node_hba_adapter_resets_total", "Times that the driver has reset the adapter.", "scsi_host"),
		dump:       m.Gauge("node_hba_firmware_dump_available", "Whether the driver holds a dump of the firmware: it crashed, and somebody should fetch it.", "scsi_host"),
		beacon:     m.Gauge("node_hba_beacon_enabled", "Whether the adapter blinks, to be found.", "scsi_host"),
		queueFull:  m.Counter("node_hba_reply_queue_full_total", "Times that a reply queue of the adapter was full.", "scsi_host"),
		inFlight:   m.Gauge("node_hba_firmware_commands_in_flight", "Commands that the driver has given to the firmware and not got back yet.", "scsi_host"),
		resources:  m.Gauge("node_hba_resources_used", "Resources of the firmware in use: exchanges (xri), remote ports (rpi), virtual ports (vpi).", "resource", "scsi_host"),
		protection: m.Counter("node_hba_protection_errors_total", "Blocks whose protection information (T10-PI) was wrong, by the part of it.", "scsi_host", "type"),
		zfcpFull:   m.Counter("node_hba_zfcp_queue_full_total", "Times that the queue to the adapter was full.", "scsi_host"),
	}
}

func (f *hbaAdapters) update(a attr.Reader, h *scsihost.Host) {
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
			state := adapterOperational
			if locked != 0 {
				state = adapterFault
			}
			f.emitState(a, h, state)
		}
		f.count(a, f.inFlight, h, "commands_outstanding")
	case "smartpqi":
		// All attributes of a controller that is offline say "no such device".
		switch _, err := a.Sys.Text(scsihost.SCSI, h.Name, "firmware_version"); {
		case err == nil:
			f.emitState(a, h, adapterOperational)
		case errors.Is(err, syscall.ENODEV):
			f.emitState(a, h, adapterOffline)
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

// count emits a file that holds nothing but a number.
func (f *hbaAdapters) count(a attr.Reader, family *metric.Family, h *scsihost.Host, file string) {
	if v, ok := a.Uint(scsihost.SCSI, h.Name, file); ok {
		a.Out.Emit(family, float64(v), h.Name)
	}
}

func (f *hbaAdapters) emitState(a attr.Reader, h *scsihost.Host, state string) {
	for _, s := range adapterStates {
		a.Out.Bool(f.state, s == state, h.Name, s)
	}
}

func (f *hbaAdapters) updateLpfc(a attr.Reader, h *scsihost.Host) {
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
	// Adapters before SLI-4 ask their firmware for the following.
	if revision, _ := a.Text(scsihost.SCSI, h.Name, "fwrev"); !bytes.Contains(revision, []byte("sli-4")) {
		return
	}
	for _, r := range [...]struct{ file, kind string }{{"used_xri", "xri"}, {"used_rpi", "rpi"}, {"used_vpi", "vpi"}} {
		if v, ok := attr.Parsed(a, "a number or Unknown", numberOrUnknown, scsihost.SCSI, h.Name, r.file); ok && v >= 0 {
			a.Out.Emit(f.resources, float64(v), r.kind, h.Name)
		}
	}
}

// updateZfcp reads the adapter's own folder, which is that above the host's.
func (f *hbaAdapters) updateZfcp(a attr.Reader, h *scsihost.Host) {
	if h.Dir == "" {
		return
	}
	adapter := path.Dir(h.Dir)
	failed, ok := a.Uint(adapter, "failed")
	recovering, ok2 := a.Uint(adapter, "in_recovery")
	switch {
	case !ok && !ok2:
	case failed == 1:
		f.emitState(a, h, adapterFault)
	case recovering == 1:
		f.emitState(a, h, adapterInReset)
	default:
		f.emitState(a, h, adapterOperational)
	}
}
