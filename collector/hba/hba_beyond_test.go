package hba

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/hostexporter/host_exporter/collector/hba/internal/fcstat"
)

// BenchmarkBeyond reads what hangs off the hosts, when nothing comes or goes:
// the hosts themselves are few and have few files.
func BenchmarkBeyond(b *testing.B) {
	for _, c := range []struct {
		name string
		fill func(*sysBench)
	}{
		{"iscsi-100-sessions", func(s *sysBench) { fillISCSI(s, 100) }},
		{"nvme-8-controllers-32-namespaces", func(s *sysBench) { fillNVMe(s, 8, 32) }},
		{"sas-44-phys-24-disks", fillSAS},
		{"nothing", func(*sysBench) {}},
	} {
		b.Run(c.name, func(b *testing.B) {
			s := newSysBench(b, hba(new(fcstat.Shared)).Build, map[string][]string{"statistics": {"none"}})
			s.sysFile("class/scsi_host/host0/proc_name", "mpt3sas\n")
			s.sysFile("class/scsi_host/host0/state", "running\n")
			c.fill(s)
			s.steady()
		})
	}
}

// TestSteadyAllocations holds what a reading allocates against what it emits.
func TestSteadyAllocations(t *testing.T) {
	for _, c := range []struct {
		name string
		fill func(*sysBench)
		most float64
	}{
		{"iscsi", func(s *sysBench) { fillISCSI(s, 20) }, 60},
		{"nvme", func(s *sysBench) { fillNVMe(s, 8, 32) }, 60},
		{"sas", fillSAS, 60},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSysBench(t, hba(new(fcstat.Shared)).Build, map[string][]string{"statistics": {"none"}})
			s.sysFile("class/scsi_host/host0/proc_name", "mpt3sas\n")
			s.sysFile("class/scsi_host/host0/state", "running\n")
			c.fill(s)
			s.update() // settles
			s.allocs(c.most)
		})
	}
}

func (b *sysBench) link(name, target string) {
	b.t.Helper()
	name = filepath.Join(b.root, "sys", name)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		b.t.Fatal(err)
	}
	if err := os.Symlink(target, name); err != nil {
		b.t.Fatal(err)
	}
}

func (b *sysBench) files(dir string, files map[string]string) {
	for name, content := range files {
		b.sysFile(dir+"/"+name, content+"\n")
	}
}

func fillISCSI(b *sysBench, sessions int) {
	for i := 1; i <= sessions; i++ {
		name := fmt.Sprintf("session%d", i)
		dir := "devices/pci0000:00/0000:00:01.0/host0/" + name + "/iscsi_session/" + name
		b.files(dir, map[string]string{
			"state": "LOGGED_IN", "target_state": "SCANNED", "recovery_tmo": "120", "ifacename": "default", "tpgt": "1",
			"initiatorname": "iqn.1993-08.org.debian:01:host", "targetname": fmt.Sprintf("iqn.1992-04.com.example:array%d", i%4),
		})
		b.link("class/iscsi_session/"+name, "../../"+dir)
		b.files(fmt.Sprintf("class/iscsi_connection/connection%d:0", i), map[string]string{
			"state": "up", "persistent_address": "192.0.2.1", "persistent_port": "3260",
		})
	}
}

func fillNVMe(b *sysBench, controllers, namespaces int) {
	for c := range controllers {
		dir := fmt.Sprintf("class/nvme/nvme%d", c)
		b.files(dir, map[string]string{
			"state": "live", "transport": "tcp", "cntrltype": "io", "subsysnqn": "nqn.1992-08.com.example:sn.1", "queue_count": "17", "kato": "5",
			"ctrl_loss_tmo": "600", "reconnect_delay": "10", "fast_io_fail_tmo": "off",
			"address": fmt.Sprintf("traddr=192.0.2.%d,trsvcid=4420,src_addr=192.0.2.%d", c+1, c+101),
		})
		b.link(fmt.Sprintf("class/nvme-subsystem/nvme-subsys0/nvme%d", c), fmt.Sprintf("../../nvme/nvme%d", c))
		for n := range namespaces {
			b.files(fmt.Sprintf("%s/nvme0c%dn%d", dir, c, n+1), map[string]string{"nsid": fmt.Sprint(n + 1), "ana_state": "optimized"})
		}
	}
	for n := range namespaces {
		b.sysFile(fmt.Sprintf("class/nvme-subsystem/nvme-subsys0/nvme0n%d/size", n+1), "1\n")
	}
}

func fillSAS(b *sysBench) {
	phy := func(name string) {
		b.files("class/sas_phy/"+name, map[string]string{
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
		b.sysFile("class/sas_port/"+port+"/num_phys", "1\n")
		b.sysFile("class/sas_port/"+port+"/device/"+end+"/uevent", "")
		b.sysFile("class/sas_port/"+port+"/device/"+fmt.Sprintf("phy-0:0:%d", i)+"/uevent", "")
		b.files("class/sas_device/"+end, map[string]string{"sas_address": "0x5000cca0aa000001", "enclosure_identifier": "0x500304801111113f", "bay_identifier": fmt.Sprint(i)})
		b.sysFile("class/sas_end_device/"+end+"/device/target0:0:1/"+unit+"/uevent", "")
		b.sysFile("class/scsi_disk/"+unit+"/uevent", "")
		b.sysFile("class/scsi_device/"+unit+"/device/block/sd"+string(rune('a'+i))+"/uevent", "")
	}
}
