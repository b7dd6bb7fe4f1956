package hba

import (
	"slices"

	"github.com/hostexporter/host_exporter/collector/hba/internal/firmware/fcstat"
	"github.com/hostexporter/host_exporter/collector/hba/internal/rport"
)

// hbaReads returns the files that the collector reads.
func hbaReads() []string {
	reads := fcstat.Reads()
	add := func(dir string, files ...string) {
		for _, f := range files {
			reads = append(reads, dir+f)
		}
	}
	add("/sys/class/scsi_host/host*/",
		"can_queue", "eh_deadline", "host_busy", "nr_hw_queues",
		// lpfc
		"bg_apptag_err", "bg_guard_err", "bg_reftag_err", "fwrev", "lpfc_drvr_version", "modelname",
		"option_rom_version", "protocol", "scsi_stat", "serialnum", "used_rpi", "used_vpi", "used_xri",
		// qla2xxx, qla4xxx
		"beacon", "driver_version", "fw_dump_size", "fw_version", "hba_model", "model_name", "optrom_bios_version",
		"optrom_version", "serial_num", "total_isp_aborts",
		// bfa, smartpqi, hpsa
		"commands_outstanding", "firmware_revision", "firmware_version", "lockup_detected", "model", "serial_number",
		// mpt3sas, mptsas, mpi3mr
		"adp_state", "board_name", "board_tracer", "ioc_reset_count", "reply_qfull_count", "version_bios", "version_fw",
		// megaraid_sas, arcmsr
		"fw_cmds_outstanding", "fw_crash_state", "host_driver_posted_cmd", "host_driver_reset", "host_driver_version",
		"host_fw_model", "host_fw_version",
	)
	add("/sys/class/fc_host/host*/",
		"dev_loss_tmo", "driver_version", "fabric_name", "firmware_version", "max_npiv_vports", "maxframe_size", "model",
		"node_name", "npiv_vports_inuse", "optionrom_version", "port_id", "port_name", "port_type",
		"serial_number", "speed", "statistics/fpin_*", "supported_speeds",
	)
	reads = append(reads, rport.Reads()...)
	add("/sys/class/fc_vports/vport-*/", "port_name", "vport_state")
	add("/sys/class/", "sas_host/host[0-9]*", "iscsi_host/host[0-9]*", "srp_host/host[0-9]*")
	add("/sys/module/*/", "version")
	// The PCI function, below up to two bridges, and the adapter of zfcp.
	for _, function := range []string{"*:*", "*:*/*:*", "*:*/*:*/*:*"} {
		add("/sys/devices/pci*/"+function+"/",
			"aer_dev_correctable", "aer_dev_fatal", "aer_dev_nonfatal",
			"current_link_speed", "current_link_width", "driver", "max_link_speed", "max_link_width")
	}
	add("/sys/devices/css0/*/*/", "failed", "in_recovery")
	return slices.Concat(reads, lunReads(), beyondReads(), zfcpReads())
}
