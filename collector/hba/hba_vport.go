package hba

import (
	"strings"

	"github.com/hostexporter/host_exporter/collector/hba/internal/attr"
	"github.com/hostexporter/host_exporter/collector/hba/internal/scsihost"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

// hbaVports are the families of virtual ports (NPIV) as the fabric sees them.
type hbaVports struct{ state *attr.States }

const vportClass = "class/fc_vports"

func newHBAVports(m *metric.Set) hbaVports {
	return hbaVports{attr.NewStates(m.Gauge("node_hba_fc_vport_state", "Whether the virtual port (NPIV) is in this state.",
		"fc_host", "port_name", "state", "vport"),
		"Active", "Disabled", "Linkdown", "Initializing", "No Fabric Support", "No Fabric Resources",
		"Fabric Logout", "Fabric Rejected WWN", "VPort Failed")}
}

// update emits all virtual ports, by /sys/class/fc_vports/vport-<H>:<C>-<n>,
// where H is the number of the physical port's host.
func (f *hbaVports) update(a attr.Reader, chosen []*scsihost.Host) {
	names, err := a.Sys.Names(vportClass)
	if err != nil {
		if !host.Gone(err) {
			a.Out.Error(err)
		}
		return
	}
	for _, name := range names {
		number, _, ok := strings.Cut(strings.TrimPrefix(name, "vport-"), ":")
		if !ok {
			continue
		}
		for _, h := range chosen {
			if h.Name[len("host"):] == number {
				a.State(f.state, []string{h.Name, a.WWN(vportClass, name, "port_name"), "", name}, vportClass, name, "vport_state")
			}
		}
	}
}
