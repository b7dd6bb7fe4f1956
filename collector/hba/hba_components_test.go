package hba

import (
	"fmt"
	"path"
	"strings"
	"testing"

	"github.com/hostexporter/host_exporter/collector/internal/test/golden"
)

// A pathTree creates hosts, and disks that are paths of the map mpatha.
type pathTree struct{ *golden.Workbench }

// class puts a thing at a place in the device tree, and into a class.
func (t pathTree) class(class, dir, name string, files ...string) {
	place := dir + "/" + class + "/" + name
	for i := 0; i < len(files); i += 2 {
		t.Sys(place+"/"+files[i], files[i+1]+"\n")
	}
	t.SysLink("class/"+class+"/"+name, "../../"+place)
}

func (t pathTree) disk(dir, hctl, device string, files ...string) {
	lun := dir + "/" + hctl
	t.class("scsi_device", lun, hctl, "x", "")
	for i := 0; i < len(files); i += 2 {
		t.Sys(lun+"/"+files[i], files[i+1]+"\n")
	}
	t.Sys(lun+"/state", "running\n")
	t.SysLink(lun+"/scsi_device/"+hctl+"/device", "../../../"+path.Base(lun))
	if device != "" {
		t.SysLink("block/"+device, "../"+lun+"/block/"+device)
		t.SysLink("block/dm-0/slaves/"+device, "../../../"+lun+"/block/"+device)
		t.Sys("block/dm-0/dm/name", "mpatha\n")
		t.Sys("block/dm-0/dm/uuid", "mpath-1\n")
	}
}

// TestComponents counts what the paths of a map depend on, by the kinds of
// adapters.
func TestComponents(t *testing.T) {
	vfc := func(servers, ports [2]string) func(pathTree) {
		return func(t pathTree) {
			for i := range 2 {
				dir, host := fmt.Sprintf("devices/vio/3000000%d/host%d", i, i), fmt.Sprintf("host%d", i)
				t.class("scsi_host", dir, host, "proc_name", "ibmvfc", "state", "running", "partition_name", servers[i], "port_loc_code", ports[i])
				t.class("fc_host", dir, host, "port_name", fmt.Sprintf("0xc05076000000000%d", i+1), "port_state", "Online")
				t.disk(dir+fmt.Sprintf("/target%d:0:0", i), fmt.Sprintf("%d:0:0:0", i), fmt.Sprintf("sd%c", 'a'+i))
			}
		}
	}
	iscsi := func(configured [2]string) func(pathTree) {
		return func(t pathTree) {
			for i := range 2 {
				dir, host := fmt.Sprintf("devices/platform/host%d", i), fmt.Sprintf("host%d", i)
				t.class("scsi_host", dir, host, "proc_name", "iscsi_tcp", "state", "running")
				t.class("iscsi_host", dir, host, "netdev", "eth1", "ipaddress", "192.0.2.9", "hwaddress", "default")
				session := fmt.Sprintf("session%d", i+1)
				dir += "/" + session
				t.class("iscsi_session", dir, session, "state", "LOGGED_IN", "targetname", "iqn.2003-01.org.example:a")
				connection := fmt.Sprintf("connection%d:0", i+1)
				t.class("iscsi_connection", dir+"/"+connection, connection, "state", "up", "address", fmt.Sprintf("192.0.2.10%d", i),
					"port", "3260", "persistent_address", configured[i], "persistent_port", "3260")
				t.disk(dir+fmt.Sprintf("/target%d:0:0", i), fmt.Sprintf("%d:0:0:0", i), fmt.Sprintf("sd%c", 'a'+i))
			}
		}
	}
	for name, c := range map[string]struct {
		create func(pathTree)
		want   string
	}{
		"virtual ports of one VIOS":  {vfc([2]string{"vios1", "vios1"}, [2]string{"P2-C1-T1", "P2-C1-T1"}), "initiator_port=1 adapter=1"},
		"virtual ports of two VIOS":  {vfc([2]string{"vios1", "vios2"}, [2]string{"P2-C1-T1", "P3-C1-T1"}), "initiator_port=2 adapter=2"},
		"iSCSI over one NIC":         {iscsi([2]string{"192.0.2.100", "192.0.2.101"}), "initiator_port=1 target_port=2"},
		"iSCSI of a group's address": {iscsi([2]string{"192.0.2.200", "192.0.2.200"}), "initiator_port=1 target_port=2"},
		"virtio": {func(t pathTree) {
			for i := range 2 {
				dir, host := fmt.Sprintf("devices/pci0000:00/0000:00:0%d.0/virtio%d/host%d", i+4, i, i), fmt.Sprintf("host%d", i)
				t.class("scsi_host", dir, host, "proc_name", "virtio_scsi", "state", "running")
				t.disk(dir+fmt.Sprintf("/target%d:0:0", i), fmt.Sprintf("%d:0:0:0", i), fmt.Sprintf("sd%c", 'a'+i))
			}
		}, "initiator_port=2 adapter=1"},
		"SAS behind cascaded expanders": {func(t pathTree) {
			const dir = "devices/pci0000:00/0000:00:04.0/host0"
			t.class("scsi_host", dir, "host0", "proc_name", "mpt3sas", "state", "running")
			t.class("sas_host", dir, "host0", "x", "")
			for i, expanders := range []string{"/port-0:0/expander-0:0/port-0:0:0", "/port-0:0/expander-0:0/port-0:0:9/expander-0:1/port-0:1:0"} {
				end := fmt.Sprintf("end_device-0:%d:0", i)
				t.class("sas_device", dir+expanders+"/"+end, end, "sas_address", fmt.Sprintf("0x5000c5000000000%d", i+1))
				t.disk(dir+expanders+"/"+end+fmt.Sprintf("/target0:0:%d", i), fmt.Sprintf("0:0:%d:0", i), fmt.Sprintf("sd%c", 'a'+i))
			}
		}, "initiator_port=1 target_port=2 adapter=1"},
		"SRP over two ports, and one that is lost": {func(t pathTree) {
			for i, state := range []string{"running", "running", "lost"} {
				dir, host := fmt.Sprintf("devices/pci0000:00/0000:00:03.0/host%d", i), fmt.Sprintf("host%d", i)
				t.class("scsi_host", dir, host, "proc_name", "ib_srp", "state", "running", "local_ib_device", "mlx5_0",
					"local_ib_port", fmt.Sprint(i+1), "dgid", fmt.Sprintf("fe80::%d", i))
				t.class("srp_host", dir, host, "x", "")
				port := fmt.Sprintf("port-%d:1", i)
				t.class("srp_remote_ports", dir+"/"+port, port, "state", state, "port_id", "0002:00ff", "roles", "SRP Target")
				t.disk(dir+fmt.Sprintf("/target%d:0:0", i), fmt.Sprintf("%d:0:0:0", i), fmt.Sprintf("sd%c", 'a'+i))
			}
		}, "initiator_port=2 target_port=2 adapter=1"},
	} {
		tree := pathTree{golden.NewWorkbench(t, Collectors()[1].Build, map[string][]string{"statistics": {"none"}})}
		c.create(tree)
		samples, errs := tree.Update()
		if errs != nil {
			t.Errorf("%s: %v", name, errs)
		}
		var have []string
		for _, component := range []string{"initiator_port", "target_port", "fabric", "adapter"} {
			if n, ok := samples[`node_hba_multipath_usable_components{component="`+component+`",device="mpatha",sysfs_name="dm-0"}`]; ok {
				have = append(have, fmt.Sprintf("%s=%v", component, n))
			}
		}
		if strings.Join(have, " ") != c.want {
			t.Errorf("%s: have %q, want %q", name, have, c.want)
		}
	}
}
