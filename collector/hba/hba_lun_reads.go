package hba

// hbaNeeds is what it takes to read all of that.
const hbaNeeds = "CAP_SYS_ADMIN, and /dev/mapper/control, to ask the kernel which paths multipath has given up; without, multipathd is asked on its socket, which takes no privilege. " +
	"With --collector.hba.sfp: CAP_SYS_ADMIN for the transceivers of qla2xxx, root or CAP_DAC_READ_SEARCH for those of zfcp."

// lunReads returns the files that are read of SCSI devices, of the ways to
// them, and of multipath maps.
func lunReads() []string {
	reads := []string{
		"/sys/class/fc_remote_ports/rport-*/port_name",
		"/sys/class/fc_remote_ports/rport-*/port_state",
		"/sys/class/iscsi_session/session*/state",
		"/sys/class/iscsi_session/session*/targetname",
		"/sys/class/sas_device/end_device-*/sas_address",
		"/sys/block/sd*",
		"/sys/block/sr*",
		"/sys/class/scsi_tape/st[0-9]*",
		"/sys/class/scsi_changer/sch[0-9]*",
		"/sys/block/dm-*/dm/name",
		"/sys/block/dm-*/dm/uuid",
		"/sys/block/dm-*/holders/*-*",
		"/sys/block/dm-*/slaves/nvme*",
		"/sys/block/dm-*/slaves/sd*",
		"/sys/block/dm-*/slaves/*/dev",
		"/sys/block/dm-*/slaves/*/device/state",
		"/dev/mapper/control",
		"/run/multipathd.pid",
		"/run/multipathd.socket",
	}
	for _, file := range [...]string{
		"access_state", "device_blocked", "device_busy", "eh_timeout", "generic", "iocounterbits", "iodone_cnt", "ioerr_cnt",
		"iorequest_cnt", "iotmo_cnt", "model", "preferred_path", "queue_depth", "raid_bypass_cnt", "rev", "state", "timeout",
		"type", "vendor", "wwid",
	} {
		reads = append(reads, "/sys/class/scsi_device/*:*/device/"+file)
	}
	return reads
}
