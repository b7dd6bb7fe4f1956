// Package adapter reads what an adapter is, how it is and how it sits in its
// slot: the attributes that every SCSI host has, those of the driver, and those
// of the PCI function. All of them come from memory of the kernel. It knows
// nothing of ports and devices.
package adapter

import (
	"github.com/hostexporter/host_exporter/collector/hba/internal/attr"
	"github.com/hostexporter/host_exporter/collector/hba/internal/san"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

// Adapters are the families of SCSI hosts and their adapters.
type Adapters struct {
	hosts   hostFamilies
	virtual virtualFamilies
	health  healthFamilies
	pcie    pcieFamilies
}

// New declares the families.
func New(m *metric.Set) *Adapters {
	return &Adapters{
		hosts:   newHostFamilies(m),
		virtual: newVirtualFamilies(m),
		health:  newHealthFamilies(m),
		pcie:    newPCIeFamilies(m),
	}
}

// Reads returns the files that Update and Near read.
func Reads() []string {
	var reads []string
	add := func(dir string, files ...string) {
		for _, f := range files {
			reads = append(reads, dir+f)
		}
	}
	add("/sys/class/scsi_host/host*/",
		"can_queue", "eh_deadline", "host_busy", "nr_hw_queues", "state",
		// lpfc
		"bg_apptag_err", "bg_guard_err", "bg_reftag_err", "board_mode", "fwrev", "lpfc_drvr_version", "modelname",
		"option_rom_version", "scsi_stat", "serialnum", "used_rpi", "used_vpi", "used_xri",
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
		// zfcp
		"queue_full",
		// ibmvfc, ibmvscsi
		"device_name", "drc_name", "partition_name", "port_loc_code",
	)
	add("/sys/class/fc_host/host*/", "driver_version", "firmware_version", "model", "optionrom_version", "serial_number")
	add("/sys/module/*/", "version")
	// The PCI function, below up to two bridges, and the adapter of zfcp.
	for _, function := range []string{"*:*", "*:*/*:*", "*:*/*:*/*:*"} {
		add("/sys/devices/pci*/"+function+"/",
			"aer_dev_correctable", "aer_dev_fatal", "aer_dev_nonfatal",
			"current_link_speed", "current_link_width", "max_link_speed", "max_link_width")
	}
	add("/sys/devices/css0/*/*/", "failed", "in_recovery")
	return reads
}

// Update emits the included hosts and their adapters.
func (s *Adapters) Update(a attr.Reader, hosts *san.Hosts) {
	for i := range hosts.Included {
		h := &hosts.Included[i]
		s.hosts.update(a, h)
		s.virtual.update(a, h)
		s.health.update(a, h)
		if !h.IsVirtual() && h.Device != "" {
			s.pcie.update(a, h)
		}
	}
}
