package nvme

import (
	"path/filepath"
	"strings"

	"github.com/hostexporter/host_exporter/collector/hba/internal/attr"
	"github.com/hostexporter/host_exporter/collector/hba/internal/san"
	"github.com/hostexporter/host_exporter/collector/hba/internal/scsihost"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/nvmefs"
)

const blockClass = "block"

// A namespace is a block device that is a namespace. Where the multipathing of
// NVMe itself is switched off, it is below a controller, and one of several
// for what the controllers share; otherwise it is below a subsystem.
type namespace struct {
	inode    uint64
	round    uint64
	located  bool
	parent   string // controller or subsystem
	pci      string // address of the PCI function; empty where there is none
	included bool   // whether any controller of it is
	noANA    bool   // there is no ANA state

	identified bool
	wwid       string
}

// findNamespaces finds the namespaces among the block devices, and what they are.
func (f *Controllers) findNamespaces(a attr.Reader, block []host.DirEntry) {
	for _, e := range block {
		if !strings.HasPrefix(e.Name, "nvme") || !nvmefs.IsHead(e.Name) {
			continue
		}
		n := f.namespaces[e.Name]
		if n == nil || n.inode != e.Inode {
			n = &namespace{inode: e.Inode}
			f.namespaces[e.Name] = n
			f.generation++
		}
		n.round = f.round
		f.locateNamespace(a, e.Name, n)
		if included := f.hasIncluded(n.parent); included != n.included {
			n.included = included
			f.generation++
		}
		if n.included {
			f.identifyNamespace(a, e.Name, n)
		}
	}
	for name, n := range f.namespaces {
		if n.round != f.round {
			delete(f.namespaces, name)
			f.generation++
		}
	}
}

// locateNamespace finds out once where a namespace is in the device tree:
//
//	../devices/pci0000:40/0000:40:01.1/0000:41:00.0/nvme/nvme0/nvme0n1
//	../devices/virtual/nvme-fabrics/ctl/nvme0/nvme0n1
//	../devices/virtual/nvme-subsystem/nvme-subsys0/nvme0n1
func (f *Controllers) locateNamespace(a attr.Reader, name string, n *namespace) {
	if n.located {
		return
	}
	link, err := a.Sys.Link(blockClass, name)
	if err != nil {
		return
	}
	n.located, n.parent = true, filepath.Base(filepath.Dir(link))
	for part := range strings.SplitSeq(link, "/") {
		if scsihost.IsPCI(part) {
			n.pci = part // the last one; those above are bridges
		}
	}
}

// hasIncluded reports whether a controller is included, or any of a subsystem.
func (f *Controllers) hasIncluded(parent string) bool {
	if c := f.known[parent]; c != nil {
		return c.included
	}
	for _, s := range f.paths.subsystems {
		if s.name == parent {
			return s.included > 0
		}
	}
	return false
}

// identifyNamespace reads the identifier of a namespace, which does not change.
func (f *Controllers) identifyNamespace(a attr.Reader, name string, n *namespace) {
	if n.identified {
		return
	}
	before := a.ErrorCount()
	n.wwid = a.WWID(n.wwid, blockClass, name, "wwid")
	n.identified = a.ErrorCount() == before
	f.generation++
}

// WWID returns the world wide identifier of a block device, and whether it is an
// NVMe namespace.
func (f *Controllers) WWID(a attr.Reader, block string) (wwid string, ok bool) {
	if !nvmefs.IsHead(block) {
		return "", false
	}
	n := f.namespaces[block]
	if n == nil {
		return "", true
	}
	f.identifyNamespace(a, block, n)
	return n.wwid, true
}

// EachDisk calls fn for each namespace of the included controllers that has a
// world wide identifier. One of a subsystem is one disk however many paths it has.
func (f *Controllers) EachDisk(fn func(name, wwid string)) {
	for name, n := range f.namespaces {
		if n.included && n.wwid != "" {
			fn(name, n.wwid)
		}
	}
}

// Generation returns a number that is another one after the namespaces changed.
func (f *Controllers) Generation() uint64 { return f.generation }

// Path returns a block device as a path of a multipath map, and whether it is an
// NVMe namespace. A path over an excluded controller is a path like others.
func (f *Controllers) Path(a attr.Reader, block host.DirEntry) (p san.Path, ok bool) {
	if !nvmefs.IsHead(block.Name) {
		return p, false
	}
	n := f.namespaces[block.Name]
	if n == nil {
		return pathByState(a, block.Name), true
	}
	c := f.known[n.parent]
	if c == nil {
		if h := f.paths.heads[block.Name]; h != nil && h.total > 0 {
			return san.Path{StateKnown: true, Health: h.best()}, true
		}
		return pathByState(a, block.Name), true
	}
	if c.updated != f.round {
		f.readState(a, c)
		f.locate(a, c)
	}
	p = san.Path{StateKnown: c.stateKnown, Health: c.health(f.ana(a, block.Name, n)), FCHost: c.fcHost, SCSIHost: c.fcHost, Rport: c.rport}
	if !p.StateKnown {
		p.Health = san.PathOptimized
	}
	if !c.onFabric() {
		p.Components[san.Adapter] = scsihost.Card(n.pci)
		return p, true
	}
	p.Components = [san.NumComponents]string{
		san.InitiatorPort: c.initiator(), san.TargetPort: c.address.Target, san.Fabric: c.fabric, san.Adapter: f.links.Adapter(c.fcHost),
	}
	p.TargetPort = c.address.Target
	return p, true
}

// pathByState returns a namespace whose controller is not known as a path.
func pathByState(a attr.Reader, block string) san.Path {
	state, known := a.Text(blockClass, block, "device/state")
	p := san.Path{StateKnown: known, Health: san.PathOptimized}
	if known && string(state) != nvmefs.StateLive {
		p.Health = san.PathOffline
	}
	return p
}

// ana reads the ANA state of a namespace that is below a controller. The kernel
// decides whether there is one when it creates the namespace.
func (f *Controllers) ana(a attr.Reader, block string, n *namespace) string {
	if n.noANA {
		return ""
	}
	b, ok := a.Text(blockClass, block, "ana_state")
	state := anaLabel(a, b, ok)
	n.noANA = state == "" && !a.Sys.Exists(blockClass, block, "ana_state")
	return state
}

// best returns the health of the best path of a namespace, which is that of the
// namespace.
func (h *head) best() san.Health {
	for health := san.NumHealths - 1; health > 0; health-- {
		if h.paths[health] > 0 {
			return health
		}
	}
	return 0
}
