package san

import (
	"testing"

	"github.com/hostexporter/host_exporter/collector/hba/internal/scsihost"
)

func TestHosts(t *testing.T) {
	all := []*scsihost.Host{{Name: "host3"}, {Name: "host4"}, {Name: "host14"}}
	var hosts Hosts
	for range 2 { // a scrape does not see the hosts of the one before
		hosts.Reset(all)
		hosts.Include(all[0], FC)
		hosts.Include(all[2], SAS)
		if len(hosts.Included) != 2 {
			t.Errorf("%d hosts", len(hosts.Included))
		}
	}
	for name, want := range map[string]string{
		"phy-14:0:3": "host14", "phy-3:3": "host3", "rport-14:0-3": "host14", "vport-3:0-1": "host3", "end_device-3:0:1": "host3",
		"3:0:8:0": "host3", "4:0:8:0": "", "phy-4:0": "", "phy": "", "": "",
	} {
		if h := hosts.Of(name); (h != nil) != (want != "") || h != nil && h.Name != want {
			t.Errorf("%q is of %+v, want %q", name, h, want)
		}
	}
	for link, want := range map[string]string{
		"../../devices/platform/host3/session1/iscsi_session/session1":                     "host3",
		"../../devices/pci0000:3a/0000:3b:00.1/host3/vport-3:0-0/host14/session1/session1": "host14",
		"../../devices/platform/host4/session1":                                            "", "../../devices/platform": "", "": "",
	} {
		if h := hosts.Above(link); (h != nil) != (want != "") || h != nil && h.Name != want {
			t.Errorf("%q is below %+v, want %q", link, h, want)
		}
	}
}
