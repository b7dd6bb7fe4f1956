package growth

import "fmt"

// WriteSAN writes the sysfs of a host with four Fibre Channel ports, two array ports
// behind each, and LUNs with several paths, in multipath maps.
func WriteSAN(sysfs string, luns, paths int) error {
	t := tree{root: sysfs}
	for h := range 4 {
		dir := fmt.Sprintf("devices/pci0000:3a/0000:3a:00.0/0000:3b:00.%d/host%d", h, h)
		for class, files := range map[string]map[string]string{
			"scsi_host": {"proc_name": "lpfc", "state": "running"},
			"fc_host":   {"port_name": fmt.Sprintf("0x10000090fa00000%d", h), "fabric_name": fmt.Sprintf("0x100050eb1a00000%d", h%2), "port_state": "Online"},
		} {
			place := fmt.Sprintf("%s/%s/host%d", dir, class, h)
			t.link(fmt.Sprintf("class/%s/host%d", class, h), "../../"+place)
			for file, content := range files {
				t.put(place+"/"+file, content)
			}
		}
	}
	for p := range paths {
		h := p % 4
		rport := fmt.Sprintf("rport-%d:0-%d", h, p/4)
		dir := fmt.Sprintf("devices/pci0000:3a/0000:3a:00.0/0000:3b:00.%d/host%d/%s", h, h, rport)
		place := dir + "/fc_remote_ports/" + rport
		t.link("class/fc_remote_ports/"+rport, "../../"+place)
		t.put(place+"/port_name", fmt.Sprintf("0x500a09810000000%x", p))
		t.put(place+"/port_state", "Online")
		for l := range luns {
			hctl := fmt.Sprintf("%d:0:%d:%d", h, p/4, l)
			device := fmt.Sprintf("sd%c%d", 'a'+p, l)
			dev := fmt.Sprintf("%s/target%d:0:%d/%s", dir, h, p/4, hctl)
			t.link("class/scsi_device/"+hctl, "../../"+dev+"/scsi_device/"+hctl)
			t.link(dev+"/scsi_device/"+hctl+"/device", "../../../"+hctl)
			for file, content := range map[string]string{
				"state": "running", "type": "0", "vendor": "NETAPP  ", "model": "LUN C-Mode      ", "rev": "9141",
				"wwid": fmt.Sprintf("naa.600a0980383030537a%014x", l), "iocounterbits": "32", "ioerr_cnt": "0x2", "iotmo_cnt": "0x0",
				"access_state": "active/optimized", "preferred_path": "1", "iorequest_cnt": "0x20", "iodone_cnt": "0x20",
				"queue_depth": "32", "device_busy": "0", "device_blocked": "0", "timeout": "120", "eh_timeout": "10",
			} {
				t.put(dev+"/"+file, content)
			}
			t.link(dev+"/block/"+device+"/device", "../../../"+hctl)
			t.put(dev+"/block/"+device+"/size", "2097152")
			t.put(dev+"/block/"+device+"/queue/scheduler", "[mq-deadline] kyber none")
			t.link("block/"+device, "../"+dev+"/block/"+device)
			t.link(fmt.Sprintf("block/dm-%d/slaves/%s", l, device), "../../../"+dev+"/block/"+device)
		}
	}
	for l := range luns {
		dm := fmt.Sprintf("block/dm-%d/", l)
		t.put(dm+"dm/name", fmt.Sprintf("mpath%d", l))
		t.put(dm+"dm/uuid", fmt.Sprintf("mpath-3600a0980383030537a%014x", l))
		t.put(dm+"dm/suspended", "0")
		t.put(dm+"size", "2097152")
		t.link(dm+"holders/dm-9999", "../../dm-9999")
	}
	return t.err
}

// makePaths makes n paths, four to each LUN.
func makePaths(s *Scene, n int) error {
	s.options["hba"] = map[string][]string{"statistics": {"none"}}
	return WriteSAN(s.root+"/sys", (n+3)/4, min(n, 4))
}
