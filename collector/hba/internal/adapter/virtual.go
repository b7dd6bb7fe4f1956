package adapter

import (
	"strings"

	"github.com/hostexporter/host_exporter/collector/hba/internal/attr"
	"github.com/hostexporter/host_exporter/collector/hba/internal/san"
	"github.com/hostexporter/host_exporter/collector/hba/internal/scsihost"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

// hypervisor stands for the adapter of hosts whose adapters only the hypervisor
// knows. However many of them a virtual machine has, they lead through it.
const hypervisor = "hypervisor"

// virtualFamilies are the families of adapters of a logical partition on PowerVM,
// which a virtual I/O server (VIOS) serves.
type virtualFamilies struct {
	info  *metric.Family
	known map[string]*knownServer // by host
}

// A knownServer is what serves a host, as it was last known: without a login to
// it the driver knows nothing.
type knownServer struct {
	dir string
	server
}

// A server is a virtual I/O server, with what it serves the host with.
type server struct{ partition, device, port, slot string }

func newVirtualFamilies(m *metric.Set) virtualFamilies {
	return virtualFamilies{
		known: map[string]*knownServer{},
		info: m.Gauge("node_hba_virtual_adapter_info", "A virtual adapter of PowerVM, as 1, with the partition (VIOS) that serves it.",
			"partition", "port_location", "scsi_host", "server_device", "slot"),
	}
}

func (f *virtualFamilies) update(a attr.Reader, h *san.Host) {
	if s := f.server(a, h.Host); s != (server{}) {
		a.Out.Emit(f.info, 1, s.partition, s.port, h.Name, s.device, s.slot)
	}
}

// server returns what serves a host. It is empty for other kinds of hosts.
func (f *virtualFamilies) server(a attr.Reader, h *scsihost.Host) server {
	var files [4]string
	switch h.Driver {
	case "ibmvfc": // drivers/scsi/ibmvscsi/ibmvfc.c
		files = [...]string{"partition_name", "device_name", "port_loc_code", "drc_name"}
	case "ibmvscsi":
		files = [4]string{"partition_name"}
	default:
		return server{}
	}
	k := f.known[h.Name]
	if k == nil || k.dir != h.Dir {
		k = &knownServer{dir: h.Dir}
		f.known[h.Name] = k
	}
	for i, known := range [...]*string{&k.partition, &k.device, &k.port, &k.slot} {
		if files[i] == "" {
			continue
		}
		if now := a.Label(scsihost.SCSI, h.Name, files[i]); now != "" {
			*known = now
		}
	}
	return k.server
}

// Near returns the near end of the ways from a virtual host: the partition that
// serves it and the physical port there, or else the hypervisor.
func (s *Adapters) Near(a attr.Reader, h *san.Host) (near san.Near) {
	if isOfHypervisor(h.Host) {
		return san.Near{Adapter: hypervisor}
	}
	v := s.virtual.server(a, h.Host)
	return san.Near{Adapter: v.partition, Port: v.port}
}

// isOfHypervisor reports whether a host is one that a hypervisor made up. That of
// Hyper-V names no driver.
func isOfHypervisor(h *scsihost.Host) bool {
	switch h.Driver {
	case "virtio_scsi", "vmw_pvscsi", "hv_storvsc", "storvsc", "storvsc_host_t", "xen-scsifront", "scsifront":
		return true
	}
	return strings.Contains(h.Dir, "/VMBUS:") || strings.Contains(h.Dir, "/vscsi-")
}
