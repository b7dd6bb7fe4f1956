package health

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/hostexporter/host_exporter/collector/internal/expect"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/test/exposition"
)

const testdata = "../../../testdata/"

// samplesOf returns the samples of an exposition.
func samplesOf(t testing.TB, text string) metric.Samples {
	t.Helper()
	samples, err := exposition.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return samples
}

// judge returns the report of a configuration's rules on some samples.
func judge(t testing.TB, c *Config, samples metric.Samples) *Report {
	t.Helper()
	rules := c.Rules()
	e := rules.Begin()
	if e != nil {
		e.Observe(samples)
	}
	return rules.Report(e, func(string, string) expect.Source { return expect.Source{Requested: true, Declared: true} })
}

func shipped(t testing.TB) *Config {
	t.Helper()
	c, err := NewConfig()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// ruleTests has each rule with a recorded host on which it finds problems, or
// samples if there is no such host, and with one on which it has something to
// judge and finds nothing.
var ruleTests = []struct {
	rule, unhealthy string
	problems        []string
	healthy         string
}{
	{"multipath-no-path", "hba/hba.maps-queueing.prom", []string{"Multipath map mpatha has no usable path."}, "hosts/san.prom"},
	{"multipath-suspended", "storage/dmmultipath.prom", []string{"Multipath map mpathb is suspended."}, "hosts/san.prom"},
	{"multipath-wrong-lun", "hba/hba.luns-health.prom", []string{"Multipath map mpatha has paths to another LUN (1)."}, "hosts/san.prom"},
	{"multipath-single-path", "hba/hba.iscsi-offload.prom", []string{"Multipath map mpatha has one usable path."}, "hosts/san.prom"},
	{"multipath-paths-lost", "hba/hba.luns-health.prom", []string{"Multipath map mpatha has lost paths (1).", "Multipath map mpathb has lost paths (2).", "Multipath map mpathc has lost paths (1)."}, "hosts/san.prom"},
	{"multipath-not-redundant", "hba/hba.iscsi-vlans.prom", []string{"All usable paths of multipath map mpatha depend on one port or fabric."}, "hosts/san.prom"},
	{"multipath-only-non-optimized", `node_hba_multipath_paths{device="a",health="optimized"} 0
node_hba_multipath_paths{device="a",health="non_optimized"} 2
`, []string{"Multipath map a has no optimized path left."}, "hosts/san.prom"},
	{"multipath-size", "hba/hba.maps-nvme-fc.prom", []string{"Multipath map mpathn has paths of another size (2)."}, "hosts/san.prom"},
	{"multipath-missing-path", "hba/hba.maps-missing-path.prom", []string{"Multipath map mpatha lacks paths that the host has (2)."}, "hosts/san.prom"},
	{"multipath-unmapped", "hba/hba.luns-many.prom", []string{"LUNs with several paths have no multipath map (1)."}, "hosts/san.prom"},
	{"fc-port-down", "hba/hba.fcoe.prom", []string{"Fibre Channel port 2000525400cc0001 (host8) is down: linkdown."}, "hba/hba.prom"},
	{"fc-login-stuck", "hba/hba.ports-down.prom", []string{"Fibre Channel port 100000109b000004 (host4) has a link and no login to the fabric."}, "hba/hba.prom"},
	{"fc-adapter-error", "hba/hba.mpi3mr.prom", []string{"The adapter of host1 reports the state unrecoverable."}, "hba/hba.prom"},
	{"fc-vport-failed", "hba/hba.forbidden-reads.prom", []string{"Virtual port 2101000000000002 (vport-3:0-1) on host3 is refused: no_fabric_resources."}, `node_hba_fc_vport_state{fc_host="host3",port_name="2",vport="v",state="no_fabric_resources"} 0
`},
	{"fc-no-targets", "hba/hba.fcoe.prom", []string{"Fibre Channel port 2000525400aa0001 (host6) is online and sees no target."}, "hba/hba.lpfc.prom"},
	{"fc-target-lost", "hba/hba.rports-fcoe@2.prom", []string{"Fibre Channel port host6 has lost target port 2000525400aa0002."}, "hosts/san.prom"},
	{"fc-target-marginal", "hba/hba.rports-sim.prom", []string{"Target port 50060e8010060007 is set aside on host6."}, "hosts/san.prom"},
	{"iscsi-session-down", "hba/hba.iscsi-offload.prom", []string{"iSCSI session2 with iqn.2001-05.com.example:array1 is not logged in: failed."}, "hba/hba.luns-iscsi.prom"},
	{"srp-port-lost", "hba/hba.srp.prom", []string{"SRP port 0002:c903:0000:00ff:0002:c903:0000:00fe of host6 is lost: fail_fast."}, `node_hba_srp_remote_port_state{scsi_host="host6",port_id="1",rport="r",state="lost"} 0
`},
	{"nvme-controller-not-live", "hba/hba.maps-nvme-fc.prom", []string{"NVMe controller nvme1 (fc) is connecting."}, "hba/hba.nvme.prom"},
	{"nvme-no-path", "hba/hba.nvme-fc.prom", []string{"NVMe namespace nvme1n2 has no usable path."}, "hba/hba.nvme.prom"},
	{"nvme-not-redundant", "hba/hba.nvme-tcp-ipv6.prom", []string{"All usable paths to NVMe namespace nvme0n1 depend on one controller, port or fabric."}, "hba/hba.nvme.prom"},
	{"nvme-size", "hba/hba.nvme-native-resize.prom", []string{"NVMe namespace nvme0n1 has paths of another size (1)."}, "hba/hba.nvme-tcp-ipv6.prom"},
	{"nvme-missing-path", "hba/hba.nvme-native-resize.prom", []string{"NVMe namespace nvme0n1 has no path over some controllers of its subsystem (1).", "NVMe namespace nvme0n2 has no path over some controllers of its subsystem (1)."}, "hba/hba.nvme.prom"},
	{"scsi-devices-offline", "hba/hba.iscsi-addresses.prom", []string{"SCSI devices of host16 are transport_offline (1)."}, "hosts/san.prom"},
	{"scsi-host-recovery", "hba/hba.ports-down.prom", []string{"SCSI host host8 is in error recovery."}, "hba/hba.prom"},
	{"hba-read-stuck", "hba/hba.hung.prom", []string{"The firmware of host3 does not answer."}, "hba/hba.prom"},
	{"hba-firmware-dump", "hba/hba.forbidden-reads.prom", []string{"The firmware of host4 crashed and left a dump."}, "hba/hba.sas.prom"},
	{"sfp-alarm", `node_hba_sfp_alarm{fc_host="host1",sensor="rx_power",level="low_alarm"} 1
node_hba_sfp_alarm{fc_host="host2",sensor="rx_power",level="low_alarm"} 1
node_hba_fc_port_state{fc_host="host2",port_name="1",state="online"} 0
`, []string{"The SFP of host1 is beyond its limits: rx_power, low_alarm."}, "hba/hba.t2.qla2xxx.prom"},
	{"hba-pcie-degraded", "hba/hba.forbidden-reads.prom", []string{"The PCI Express link of host4 is slower than the adapter can be."}, "hba/hba.sas.prom"},
	{"enclosure-fault", "hba/hba.t2.sas.prom", []string{"Enclosure 0:0:8:0 senses a fault in Slot 02.", "Enclosure 0:0:8:0 senses a fault in Slot 04."}, `node_hba_enclosure_slot_fault_sensed{component="Slot 01",enclosure="0"} 0
`},
	{"infiniband-port-down", "hba/infiniband.prom", []string{"InfiniBand port 2 of mlx5_0 is down."}, "hba/infiniband.efa.prom"},
	{"file-system-read-only", "storage/filesystem.prom", []string{"The file system at /data/big disk (/dev/sdb) became read-only."}, "hosts/san.prom"},
	{"file-system-hangs", "storage/filesystem.hung-mounts.prom", []string{"The file system at /nas/one (nas:/one) does not answer.", "The file system at /nas/two (nas:/two) does not answer."}, "hosts/san.prom"},
	{"file-system-error", "hosts/san.prom", []string{"The file system at /usr/lib/modules (modules) cannot be read: stale file handle."}, "storage/filesystem.fuse.prom"},
	{"file-system-full", "storage/filesystem@2.prom", []string{"The file system at / (/dev/mapper/vg-root) is full: 0.0 % available."}, "hosts/san.prom"},
	{"file-system-almost-full", `node_filesystem_avail_bytes{mountpoint="/a",device="d"} 4
node_filesystem_size_bytes{mountpoint="/a",device="d"} 100
node_filesystem_avail_bytes{mountpoint="/b",device="d"} 0
node_filesystem_size_bytes{mountpoint="/b",device="d"} 100
node_filesystem_readonly{mountpoint="/b",device="d"} 1
`, []string{"The file system at /a (d) is almost full: 4.0 % available."}, "hosts/san.prom"},
	{"file-system-inodes", "storage/filesystem.fuse.prom", []string{"The file system at /mnt/full (server:/) is out of inodes: 0.0 % free."}, "hosts/san.prom"},
	{"file-system-few-inodes", `node_filesystem_files_free{mountpoint="/a",device="d"} 4
node_filesystem_files{mountpoint="/a",device="d"} 100
`, []string{"The file system at /a (d) is almost out of inodes: 4.0 % free."}, "hosts/san.prom"},
	{"raid-degraded", "storage/mdadm.member-failure@2.prom", []string{"The array md0 lacks disks."}, "storage/mdadm.container.prom"},
	{"raid-disk-failed", "storage/mdadm.journal-failed.prom", []string{"The array md0 has failed disks (1)."}, "storage/mdadm.pending.prom"},
	{"zfs-pool", "storage/zfs.pool-export@3.prom", []string{"ZFS pool tank2 is degraded."}, "storage/zfs.openzfs.prom"},
	{"btrfs-errors", "storage/btrfs.device-change@2.prom", []string{"btrfs counted errors of sdc (1)."}, `node_btrfs_device_errors_total{device="sda",type="read"} 0
`},
	{"bcachefs-device", "storage/bcachefs.malformed-values.prom", []string{"Device 0 of bcachefs 00000000-0000-4000-8000-000000000001 is ro."}, "storage/bcachefs.prom"},
	{"ext4-errors", "storage/ext4.old-kernel.prom", []string{"The ext4 file system on sda1 has errors (1)."}, "storage/ext4.prom"},
	{"drbd-not-up-to-date", "storage/drbd.below-zero.prom", []string{"The remote disk of drbd0 is not up to date."}, "storage/drbd.failover.prom"},
	{"drbd-disconnected", "storage/drbd.failover@2.prom", []string{"drbd0 is not connected, or is resyncing."}, "storage/drbd.failover.prom"},
	{"bond-down", "network/bonding.lacp-recorded.prom", []string{"No interface of bond bond1 is up."}, "network/bonding.prom"},
	{"bond-degraded", "network/bonding.colon.prom", []string{"Bond bond1 has 1 of 2 interfaces up."}, "network/bonding.removal.prom"},
	{"conntrack-full", "network/conntrack.prom", []string{"The connection tracking table is filled to 99.9 %."}, "network/conntrack.wrap.prom"},
	{"memory-uncorrectable", "hardware/edac.prom", []string{"Memory controller 1 had errors since boot that could not be corrected (2)."}, "hardware/edac.reload.prom"},
	{"temperature-critical", "hardware/hwmon.humidity.prom", []string{"Sensor temp2 of acpitz is at its critical temperature."}, "hardware/hwmon.prom"},
	{"sensor-alarm", "hardware/hwmon.flags.prom", []string{"Sensor curr1 of ina3221 has a fault or an alarm of a critical limit."}, "hardware/hwmon.prom"},
	{"sensor-limit", "hardware/hwmon.flags.prom", []string{"Sensor power1 of ina3221 is beyond a limit."}, "hardware/hwmon.nvme.prom"},
	{"unit-failed", "kernel/systemd.all.prom", []string{"The unit broken.service failed."}, "kernel/systemd.changes.prom"},
	{"clock-not-synchronized", "kernel/timex.prom", []string{"The clock is not synchronized."}, "hosts/san.prom"},
	{"file-handles", `node_filefd_allocated 95
node_filefd_maximum 100
`, []string{"95.0 % of the file handles are in use."}, "hosts/san.prom"},
	{"memory-low", `node_memory_MemAvailable_bytes 2
node_memory_MemTotal_bytes 100
`, []string{"2.0 % of the memory is available."}, "hosts/san.prom"},
	{"os-support-ended", `node_os_support_end_timestamp_seconds 1
node_time_seconds 2
`, []string{"The operating system gets no more updates."}, "kernel/os.nixos.prom"},
	{"expectation-not-met", `host_exporter_expectation_missing{name="bond",missing="node_bonding_active{master=\"bond0\"} == 2"} 1
`, []string{`Expectation bond is not met: want node_bonding_active{master="bond0"} == 2.`}, `host_exporter_expectation_ok{name="bond"} 1
`},
	{"expectation-unknown", `host_exporter_expectation_unknown{name="bond",collector="bonding",reason="timeout"} 1
`, []string{"Expectation bond has no result: collector bonding has the state timeout."}, `host_exporter_expectation_ok{name="bond"} 1
`},
	{"check-suspended", "checks/check.prom", []string{"Check smart is suspended."}, `host_check_suspended{check="a"} 0
`},
	{"check-failing", "checks/check.prom", []string{"The last run of check boot failed.", "The last run of check raid failed.", "The last run of check smart failed."}, `host_check_up{check="a"} 1
`},
	{"collector-failing", `host_exporter_collector_state{collector="hba",reason="timeout"} 1
`, []string{"Collector hba fails: timeout."}, "hosts/san.prom"},
	{"collector-partial", "hosts/san.prom", []string{"Collector filesystem could not read everything."}, `host_exporter_collector_state{collector="hba",reason="ok"} 1
`},
	{"configuration-refused", `host_exporter_config_last_reload_successful 0
`, []string{"The configuration file has an error, so the previous configuration is in effect."}, `host_exporter_config_last_reload_successful 1
`},
	{"text-file-not-served", "checks/textfile.stale.prom", []string{"The text file /m/broken.prom is stale or refused.", "The text file /m/nightly.prom is stale or refused."}, `host_exporter_textfile_stale{file="/m/a.prom"} 0
`},
}

// textOf returns the text of a recorded host, or the samples themselves.
func textOf(t testing.TB, text string) string {
	t.Helper()
	if !strings.HasSuffix(text, ".prom") {
		return text
	}
	b, err := os.ReadFile(testdata + text)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// only returns the configuration with one of its rules, so that others hide
// nothing.
func only(c *Config, name string) *Config {
	return &Config{rules: slices.DeleteFunc(slices.Clone(c.rules), func(r *Rule) bool { return r.Name != name })}
}

func TestRules(t *testing.T) {
	tested, all := map[string]bool{}, shipped(t)
	for _, tc := range ruleTests {
		tested[tc.rule] = true
		c := only(all, tc.rule)
		r := judge(t, c, samplesOf(t, textOf(t, tc.unhealthy)))
		var have []string
		for _, p := range r.Problems {
			have = append(have, p.Text)
		}
		if !slices.Equal(have, tc.problems) || len(r.Failed) != 1 {
			t.Errorf("%s on %s:\nhave %q\nwant %q", tc.rule, tc.unhealthy, have, tc.problems)
		}
		r = judge(t, c, samplesOf(t, textOf(t, tc.healthy)))
		if len(r.Passed) != 1 || len(r.Problems) > 0 {
			t.Errorf("%s on %s: passed %v, problems %v", tc.rule, tc.healthy, r.Passed, r.Problems)
		}
		r = judge(t, c, samplesOf(t, ""))
		if len(r.Problems)+len(r.Passed)+len(r.Failed)+len(r.Unjudged) > 0 {
			t.Errorf("%s without samples: %+v", tc.rule, r)
		}
	}
	for _, r := range all.rules {
		if !tested[r.Name] {
			t.Errorf("%s has no test", r.Name)
		}
	}
}

// TestRecordedHosts judges whole recordings by all rules.
func TestRecordedHosts(t *testing.T) {
	const okHost = "HOST OK - no problems | critical=0;;0 warning=0;0 info=0\n"
	for host, want := range map[string]string{
		// Every map has lost its path over the port that is down. The recording has no
		// remote ports.
		"hba/hba.luns-linkdown.prom": `HOST WARNING - 7 warnings: Multipath map mpatha has one usable path. | critical=0;;0 warning=7;0 info=0
warning: Multipath map mpatha has one usable path.
warning: Multipath map mpathb has one usable path.
warning: Multipath map mpathc has one usable path.
warning: Fibre Channel port 2000525400cc0001 (host8) is down: linkdown.
warning: Fibre Channel port 2000525400aa0001 (host6) is online and sees no target.
warning: Fibre Channel port 2000525400bb0001 (host7) is online and sees no target.
warning: SCSI devices of host6 are transport_offline (3).
`,
		// Two maps have no usable path, two have one left, and one has lost one of
		// several. Of the first four only the worst is said.
		"hba/hba.luns-health.prom": `HOST CRITICAL - 3 critical, 5 warnings: Multipath map mpathc has no usable path. | critical=3;;0 warning=5;0 info=0
critical: Multipath map mpathc has no usable path.
critical: Multipath map mpathe has no usable path.
critical: Multipath map mpatha has paths to another LUN (1).
warning: Multipath map mpathb has one usable path.
warning: Multipath map mpathd has one usable path.
warning: Multipath map mpatha has lost paths (1).
warning: SCSI devices of host3 are offline (1).
warning: SCSI devices of host3 are transport_offline (1).
`,
		"hba/hba.lpfc.prom":            okHost,
		"hba/hba.iscsi.prom":           okHost,
		"hba/hba.maps-nvme-pcie.prom":  okHost,
		"storage/mdadm.container.prom": okHost,
		"hardware/hwmon.nvme.prom":     okHost,
		"kernel/systemd.changes.prom":  okHost,
		"storage/filesystem.fuse.prom": `HOST CRITICAL - 3 critical: The file system at /mnt/full (server:/) is full: 0.0 % available. | critical=3;;0 warning=0;0 info=0
critical: The file system at /mnt/full (server:/) is full: 0.0 % available.
critical: The file system at /mnt/below-zero (x) is full: 0.0 % available.
critical: The file system at /mnt/full (server:/) is out of inodes: 0.0 % free.
`,
		// The ports of the targets, which are on the same machine, see none themselves.
		"hosts/san.prom": `HOST WARNING - 4 warnings, 1 note: Fibre Channel port 2000525400aa0002 (host9) is online and sees no target. | critical=0;;0 warning=4;0 info=1
warning: Fibre Channel port 2000525400aa0002 (host9) is online and sees no target.
warning: Fibre Channel port 2000525400bb0002 (host10) is online and sees no target.
warning: Fibre Channel port 2000525400cc0002 (host11) is online and sees no target.
warning: The file system at /usr/lib/modules (modules) cannot be read: stale file handle.
info: Collector filesystem could not read everything.
`,
	} {
		have, err := judge(t, shipped(t), samplesOf(t, textOf(t, host))).Format("nagios", "host")
		if err != nil || string(have) != want {
			t.Errorf("%s: %v\n%s\nwant\n%s", host, err, have, want)
		}
	}
}
