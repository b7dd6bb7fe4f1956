package hba

import (
	"strings"

	"github.com/hostexporter/host_exporter/collector/hba/internal/attr"
	"github.com/hostexporter/host_exporter/collector/hba/internal/scsihost"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/nvmefs"
)

const rportClass = "class/fc_remote_ports"

// nvmeFibre finds the ports of Fibre Channel that lie between this host and an
// NVMe controller, by their names. It reads nothing where there is no such
// controller.
type nvmeFibre struct {
	hosts []*scsihost.Host
	ready bool
	ports map[string]nvmeFibrePort // by the name of the port in this host

	listing host.Listing
	remote  map[nvmeRemote]string // remote ports by name and number of the host
}

// A nvmeFibrePort is the way of a controller.
type nvmeFibrePort struct {
	host   string // host3
	rport  string // rport-3:0-2
	fabric string // its world wide name
}

type nvmeRemote struct{ number, name string }

func (f *nvmeFibre) begin(hosts []*scsihost.Host) { f.hosts, f.ready = hosts, false }

// port returns the way to an address.
func (f *nvmeFibre) port(a attr.Reader, address nvmefs.Address) nvmeFibrePort {
	if !f.ready {
		f.read(a)
		f.ready = true
	}
	p := f.ports[address.HostTarget]
	if p.host != "" {
		p.rport = f.remote[nvmeRemote{p.host[len("host"):], address.Target}]
	}
	return p
}

func (f *nvmeFibre) read(a attr.Reader) {
	if f.ports == nil {
		f.ports = map[string]nvmeFibrePort{}
	}
	clear(f.ports)
	for _, h := range f.hosts {
		if name := a.WWN(scsihost.FC, h.Name, "port_name"); name != "" {
			f.ports[name] = nvmeFibrePort{host: h.Name, fabric: a.WWN(scsihost.FC, h.Name, "fabric_name")}
		}
	}
	if !a.List(&f.listing, rportClass) && f.remote != nil {
		return
	}
	f.remote = map[nvmeRemote]string{}
	for _, e := range f.listing.Entries {
		number, _, _ := strings.Cut(strings.TrimPrefix(e.Name, "rport-"), ":")
		if name := a.WWN(rportClass, e.Name, "port_name"); name != "" {
			f.remote[nvmeRemote{number, name}] = e.Name
		}
	}
}
