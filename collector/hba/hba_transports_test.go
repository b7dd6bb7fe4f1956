package hba

import (
	"fmt"
	"testing"

	"github.com/hostexporter/host_exporter/collector/hba/internal/firmware"
	"github.com/hostexporter/host_exporter/collector/internal/test/golden"
)

// BenchmarkTransports reads what is behind the hosts while nothing comes or goes.
func BenchmarkTransports(b *testing.B) {
	for _, c := range []struct {
		name string
		fill func(*golden.Workbench)
	}{
		{"iscsi-100-sessions", func(s *golden.Workbench) { fillISCSI(s, 100) }},
		{"nvme-8-controllers-32-namespaces", func(s *golden.Workbench) { fillNVMe(s, 8, 32) }},
		{"sas-44-phys-24-disks", fillSAS},
		{"nothing", func(*golden.Workbench) {}},
	} {
		b.Run(c.name, func(b *testing.B) {
			s := golden.NewWorkbench(b, hba(new(firmware.Shared)).Build, map[string][]string{"statistics": {"none"}, "luns": {"none"}})
			s.Sys("class/scsi_host/host0/proc_name", "mpt3sas\n")
			s.Sys("class/scsi_host/host0/state", "running\n")
			c.fill(s)
			s.Steady()
		})
	}
}

// TestSteadyAllocations limits what a scrape allocates while nothing comes or
// goes.
func TestSteadyAllocations(t *testing.T) {
	for _, c := range []struct {
		name string
		fill func(*golden.Workbench)
		max  float64
	}{
		{"iscsi", func(s *golden.Workbench) { fillISCSI(s, 20) }, 60},
		{"nvme", func(s *golden.Workbench) { fillNVMe(s, 8, 32) }, 60},
		{"sas", fillSAS, 60},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := golden.NewWorkbench(t, hba(new(firmware.Shared)).Build, map[string][]string{"statistics": {"none"}, "luns": {"none"}})
			s.Sys("class/scsi_host/host0/proc_name", "mpt3sas\n")
			s.Sys("class/scsi_host/host0/state", "running\n")
			c.fill(s)
			s.Update() // settles
			s.Allocs(c.max)
		})
	}
}

func fill(b *golden.Workbench, dir string, files map[string]string) {
	for name, content := range files {
		b.Sys(dir+"/"+name, content+"\n")
	}
}

func fillISCSI(b *golden.Workbench, sessions int) {
	for i := 1; i <= sessions; i++ {
		name := fmt.Sprintf("session%d", i)
		dir := "devices/pci0000:00/0000:00:01.0/host0/" + name + "/iscsi_session/" + name
		fill(b, dir, map[string]string{
			"state": "LOGGED_IN", "target_state": "SCANNED", "recovery_tmo": "120", "ifacename": "default", "tpgt": "1",
			"initiatorname": "iqn.1993-08.org.debian:01:host", "targetname": fmt.Sprintf("iqn.1992-04.com.example:array%d", i%4),
		})
		b.SysLink("class/iscsi_session/"+name, "../../"+dir)
		fill(b, fmt.Sprintf("class/iscsi_connection/connection%d:0", i), map[string]string{
			"state": "up", "persistent_address": "192.0.2.1", "persistent_port": "3260",
		})
	}
}

func fillNVMe(b *golden.Workbench, controllers, namespaces int) {
	for c := range controllers {
		dir := fmt.Sprintf("class/nvme/nvme%d", c)
		fill(b, dir, map[string]string{
			"state": "live", "transport": "tcp", "cntrltype": "io", "subsysnqn": "nqn.1992-08.com.example:sn.1", "queue_count": "17", "kato": "5",
			"ctrl_loss_tmo": "600", "reconnect_delay": "10", "fast_io_fail_tmo": "off",
			"address": fmt.Sprintf("traddr=192.0.2.%d,trsvcid=4420,src_addr=192.0.2.%d", c+1, c+101),
		})
		b.SysLink(fmt.Sprintf("class/nvme-subsystem/nvme-subsys0/nvme%d", c), fmt.Sprintf("../../nvme/nvme%d", c))
		for n := range namespaces {
			fill(b, fmt.Sprintf("%s/nvme0c%dn%d", dir, c, n+1), map[string]string{"nsid": fmt.Sprint(n + 1), "ana_state": "optimized", "size": "1"})
		}
	}
	for n := range namespaces {
		b.Sys(fmt.Sprintf("class/nvme-subsystem/nvme-subsys0/nvme0n%d/size", n+1), "1\n")
	}
}

func fillSAS(b *golden.Workbench) {
	phy := func(name string) {
		fill(b, "class/sas_phy/"+name, map[string]string{
			"negotiated_linkrate": "12.0 Gbit", "maximum_linkrate_hw": "12.0 Gbit", "enable": "1", "device_type": "edge expander",
			"sas_address": "0x500304801111113f", "phy_identifier": "1",
		})
	}
	for i := range 8 {
		phy(fmt.Sprintf("phy-0:%d", i))
	}
	for i := range 36 {
		phy(fmt.Sprintf("phy-0:0:%d", i))
	}
	for i := range 24 {
		port, end, unit := fmt.Sprintf("port-0:0:%d", i), fmt.Sprintf("end_device-0:0:%d", i), fmt.Sprintf("0:0:%d:0", i)
		b.Sys("class/sas_port/"+port+"/num_phys", "1\n")
		b.Sys("class/sas_port/"+port+"/device/"+end+"/uevent", "")
		b.Sys("class/sas_port/"+port+"/device/"+fmt.Sprintf("phy-0:0:%d", i)+"/uevent", "")
		fill(b, "class/sas_device/"+end, map[string]string{"sas_address": "0x5000cca0aa000001", "enclosure_identifier": "0x500304801111113f", "bay_identifier": fmt.Sprint(i)})
		b.Sys("class/sas_end_device/"+end+"/device/target0:0:1/"+unit+"/uevent", "")
		b.Sys("class/scsi_disk/"+unit+"/uevent", "")
		device := "devices/pci0000:00/0000:00:02.0/host0/target0:0:1/" + unit
		b.Sys(device+"/block/sd"+string(rune('a'+i))+"/uevent", "")
		b.Sys(device+"/state", "running\n")
		b.Sys(device+"/access_state", "active/optimized\n")
		b.SysLink(device+"/scsi_device/"+unit+"/device", "../../../"+unit)
		b.SysLink("class/scsi_device/"+unit, "../../"+device+"/scsi_device/"+unit)
	}
}
