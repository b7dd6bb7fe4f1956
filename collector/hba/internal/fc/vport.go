package fc

import (
	"github.com/hostexporter/host_exporter/collector/hba/internal/attr"
	"github.com/hostexporter/host_exporter/collector/hba/internal/san"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

// virtualFamilies are the families of virtual ports (NPIV) as the fabric sees
// them.
type virtualFamilies struct{ state *attr.States }

const vportClass = "class/fc_vports"

func newVirtualFamilies(m *metric.Set) virtualFamilies {
	return virtualFamilies{attr.NewStates(m.Gauge("node_hba_fc_vport_state", "Whether the virtual port (NPIV) is in this state.",
		"fc_host", "port_name", "state", "vport"),
		"Active", "Disabled", "Linkdown", "Initializing", "No Fabric Support", "No Fabric Resources",
		"Fabric Logout", "Fabric Rejected WWN", "VPort Failed")}
}

// update emits all virtual ports, by /sys/class/fc_vports/vport-<H>:<C>-<n>,
// where H is the number of the physical port's host.
func (f *virtualFamilies) update(a attr.Reader, hosts *san.Hosts) {
	for _, name := range a.Names(vportClass) {
		if h := hosts.Of(name); h != nil {
			a.State(f.state, []string{h.Name, a.WWN(vportClass, name, "port_name"), "", name}, vportClass, name, "vport_state")
		}
	}
}
