package doctor

import "strings"

// Provider returns what of a host provides a file of the kernel: a module, an option
// of the kernel or a device. It returns "" for files that every kernel has.
func Provider(pattern string) string {
	best, text := 0, ""
	for _, p := range providers() {
		if strings.HasPrefix(pattern, p[0]) && len(p[0]) > best {
			best, text = len(p[0]), p[1]
		}
	}
	return text
}

// providers returns prefixes of paths with what provides them, as the Kconfig files
// and the documentation of the kernel name it.
func providers() [][2]string {
	return [][2]string{
		{"/proc/buddyinfo", "a kernel with CONFIG_PROC_FS; in a container it may be masked"},
		{"/proc/drbd", "the module drbd"},
		{"/proc/fs/nfsd", "the module nfsd, on an NFS server"},
		{"/proc/fs/xfs", "the module xfs, and a kernel with CONFIG_XFS_STATS"},
		{"/proc/mdstat", "the module md_mod"},
		{"/proc/net/bonding", "the module bonding"},
		{"/proc/net/ip_vs", "the module ip_vs"},
		{"/proc/net/rpc/nfs", "the module nfs, on an NFS client"},
		{"/proc/net/rpc/nfsd", "the module nfsd, on an NFS server"},
		{"/proc/net/sockstat6", "IPv6 in the kernel"},
		{"/proc/net/stat/nf_conntrack", "the module nf_conntrack"},
		{"/proc/net/tls_stat", "the module tls"},
		{"/proc/net/xfrm_stat", "a kernel with CONFIG_XFRM_STATISTICS"},
		{"/proc/pressure", "a kernel with CONFIG_PSI, and psi=1 on its command line if CONFIG_PSI_DEFAULT_DISABLED is set"},
		{"/proc/schedstat", "a kernel with CONFIG_SCHEDSTATS"},
		{"/proc/slabinfo", "root, or CAP_DAC_READ_SEARCH"},
		{"/proc/spl", "the module zfs of OpenZFS"},
		{"/proc/sys/net/netfilter", "the module nf_conntrack"},
		{"/sys/block/bcache", "the module bcache"},
		{"/sys/block/dm-", "a device-mapper device, such as one of LVM or multipath"},
		{"/sys/bus/edac", "a memory controller with ECC, and its EDAC driver"},
		{"/sys/class/dmi", "firmware with SMBIOS tables; most virtual machines have them, ARM boards do not"},
		{"/sys/class/drm", "a graphics driver"},
		{"/sys/class/fc_", "a Fibre Channel adapter, and its driver (lpfc, qla2xxx, zfcp, ...)"},
		{"/sys/class/hwmon", "sensors, and their driver"},
		{"/sys/class/infiniband", "an InfiniBand or RoCE adapter, and its driver"},
		{"/sys/class/iscsi_", "the module scsi_transport_iscsi"},
		{"/sys/class/net/bonding_masters", "the module bonding"},
		{"/sys/class/nvme", "an NVMe device, and the module nvme_core"},
		{"/sys/class/power_supply", "a battery or a power adapter"},
		{"/sys/class/powercap", "a CPU with RAPL, and the module intel_rapl_msr; virtual machines have none"},
		{"/sys/class/sas_", "a SAS adapter, and its driver"},
		{"/sys/class/scsi_host", "a SCSI, SAS, RAID or Fibre Channel adapter, and its driver"},
		{"/sys/class/scsi_tape", "a tape drive, and the module st"},
		{"/sys/class/thermal", "a thermal zone of the firmware"},
		{"/sys/class/watchdog", "a watchdog device, and its driver"},
		{"/sys/devices/system/cpu/cpufreq", "a driver that scales the frequency of CPUs; virtual machines have none"},
		{"/sys/devices/system/edac", "a memory controller with ECC, and its EDAC driver"},
		{"/sys/devices/system/node", "a kernel with CONFIG_NUMA"},
		{"/sys/fs/bcache", "the module bcache"},
		{"/sys/fs/bcachefs", "the module bcachefs"},
		{"/sys/fs/btrfs", "a btrfs file system that is mounted"},
		{"/sys/fs/ext4", "an ext4 file system that is mounted"},
		{"/sys/fs/selinux", "SELinux"},
		{"/sys/kernel/mm/ksm", "a kernel with CONFIG_KSM"},
		{"/sys/kernel/tracing", "tracefs, mounted at /sys/kernel/tracing"},
	}
}
