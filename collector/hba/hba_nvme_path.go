package hba

import (
	"slices"

	"github.com/hostexporter/host_exporter/collector/hba/internal/attr"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/nvmefs"
)

// hbaNVMePaths are the families about the paths to namespaces that several
// controllers share: nvme3c4n1 is the path over controller 4 to nvme3n1.
type hbaNVMePaths struct {
	info       *metric.Family
	ana        *metric.Family
	health     *metric.Family
	usable     *metric.Family
	path, head []attr.File // diagnostics

	listing    host.Listing
	subsystems []*nvmeSubsystem
	leads      map[string]*nvmeSubsystem // by controller
	heads      map[string]*nvmeHead      // by name
	stray      []*nvmeHead               // of subsystems that are not listed
}

type nvmeSubsystem struct {
	name   string
	inode  uint64
	folder host.Listing
	heads  []*nvmeHead

	controllers, wanted int // now
}

// A nvmePath is what does not change while a path is there.
type nvmePath struct {
	name, head, id string
	diag           bool
}

// A nvmeHead is a namespace as the block device that is used, with what its
// paths are now.
type nvmeHead struct {
	name string
	diag bool

	paths  [len(nvmeHealths)]int
	total  int
	usable [len(nvmeComponents)][]string
	has    [len(nvmeComponents)]bool
}

// A nvmeHealth is the verdict on a path. The words are those for the paths of
// dm-multipath; NVMe does not have all of them.
type nvmeHealth int

const (
	nvmeFailed nvmeHealth = iota
	nvmeOffline
	nvmeBlocked
	nvmeStandby
	nvmePathMarginal
	nvmeNonOptimized
	nvmeOptimized
)

var nvmeHealths = [...]string{"failed", "offline", "blocked", "standby", "marginal", "non_optimized", "optimized"}

// nvmeComponents are what a path leads over.
var nvmeComponents = [...]string{"controller", "initiator_port", "target_port", "fabric"}

func newHBANVMePaths(m *metric.Set) hbaNVMePaths {
	return hbaNVMePaths{
		info:   m.Gauge("node_hba_nvme_path_info", "A path to a namespace over a controller, as 1.", "controller", "device", "nsid", "path", "subsystem"),
		ana:    m.Gauge("node_hba_nvme_path_ana_state", "The state of asymmetric namespace access (ANA) that the target reports of the path, as 1.", "device", "path", "state"),
		health: m.Gauge("node_hba_nvme_paths", "Paths to the namespace that are as well as this.", "device", "health"),
		usable: m.Gauge("node_hba_nvme_usable_components", "Different controllers, ports and fabrics that usable paths to the namespace lead over; one is no redundancy.", "component", "device"),
		path: []attr.File{
			{Name: "command_retry_count", Family: m.Counter("node_hba_nvme_path_command_retries_total", "Commands that were tried again on the path.", "device", "path")},
			{Name: "command_error_count", Family: m.Counter("node_hba_nvme_path_command_errors_total", "Commands that failed on the path.", "device", "path")},
			{Name: "multipath_failover_count", Family: m.Counter("node_hba_nvme_path_failovers_total", "Times that I/O left the path for another.", "device", "path")},
		},
		head: []attr.File{
			{Name: "io_requeue_no_usable_path_count", Family: m.Counter("node_hba_nvme_requeues_no_usable_path_total", "I/O that had to wait because no path to the namespace was usable.", "device")},
			{Name: "io_fail_no_available_path_count", Family: m.Counter("node_hba_nvme_failures_no_available_path_total", "I/O that failed because there was no path to the namespace.", "device")},
		},
	}
}

// begin finds the subsystems, with their controllers and namespaces.
func (f *hbaNVMePaths) begin(a attr.Reader) {
	changed := a.List(&f.listing, nvmefs.SubsystemDir) || f.leads == nil
	if changed {
		f.enlist()
	}
	for _, s := range f.subsystems {
		changed = a.List(&s.folder, nvmefs.SubsystemDir, s.name) || changed
		s.controllers, s.wanted = 0, 0
	}
	if changed {
		f.resolve(a)
	}
	for _, h := range f.heads {
		h.total, h.paths, h.has = 0, [len(nvmeHealths)]int{}, [len(nvmeComponents)]bool{}
		for i := range h.usable {
			h.usable[i] = h.usable[i][:0]
		}
	}
}

// enlist takes up the subsystems that there are now.
func (f *hbaNVMePaths) enlist() {
	var all []*nvmeSubsystem
	for _, e := range f.listing.Entries {
		if !nvmefs.IsSubsystem(e.Name) {
			continue
		}
		i := slices.IndexFunc(f.subsystems, func(s *nvmeSubsystem) bool { return s.name == e.Name && s.inode == e.Inode })
		if i >= 0 {
			all = append(all, f.subsystems[i])
		} else {
			all = append(all, &nvmeSubsystem{name: e.Name, inode: e.Inode})
		}
	}
	f.subsystems = all
}

// resolve finds out what belongs to which subsystem.
func (f *hbaNVMePaths) resolve(a attr.Reader) {
	f.leads, f.heads, f.stray = map[string]*nvmeSubsystem{}, map[string]*nvmeHead{}, nil
	for _, s := range f.subsystems {
		s.heads = s.heads[:0]
		for _, e := range s.folder.Entries {
			switch {
			case nvmefs.IsController(e.Name):
				f.leads[e.Name] = s
			case nvmefs.IsHead(e.Name):
				h := &nvmeHead{name: e.Name, diag: a.Sys.Exists(nvmefs.SubsystemDir, s.name, e.Name, "diag")}
				s.heads, f.heads[e.Name] = append(s.heads, h), h
			}
		}
	}
}

// subsystemOf returns the name of a controller's subsystem.
func (f *hbaNVMePaths) subsystemOf(controller string) string {
	if s := f.leads[controller]; s != nil {
		return s.name
	}
	return ""
}

// count takes note of a controller.
func (f *hbaNVMePaths) count(controller string, wanted bool) {
	if s := f.leads[controller]; s != nil {
		s.controllers++
		if wanted {
			s.wanted++
		}
	}
}

// update emits the paths over a controller.
func (f *hbaNVMePaths) update(a attr.Reader, c *nvmeController) {
	if a.List(&c.folder, nvmefs.ClassDir, c.name) {
		f.find(a, c)
	}
	subsystem := f.subsystemOf(c.name)
	for i := range c.paths {
		p := &c.paths[i]
		if p.id == "" {
			p.id = a.Label(nvmefs.ClassDir, c.name, p.name, "nsid")
		}
		state, ok := "", false
		if b, there := a.Text(nvmefs.ClassDir, c.name, p.name, "ana_state"); there {
			if state, ok = anaState(b); !ok {
				a.Out.Error(a.Sys.At(host.Bad(1, "an ANA state", b)))
			}
		}
		a.Out.Emit(f.info, 1, c.name, p.head, p.id, p.name, subsystem)
		if state != "" {
			a.Out.Emit(f.ana, 1, p.head, p.name, state)
		}
		f.of(p.head).add(c, verdict(c.state, state))
		if p.diag {
			for _, d := range f.path {
				if v, ok := a.Uint(nvmefs.ClassDir, c.name, p.name, "diag", d.Name); ok {
					a.Out.Emit(d.Family, float64(v), p.head, p.name)
				}
			}
		}
	}
}

// find finds the paths over a controller.
func (f *hbaNVMePaths) find(a attr.Reader, c *nvmeController) {
	c.paths, c.diag = c.paths[:0], false
	for _, e := range c.folder.Entries {
		if e.Name == "diag" {
			c.diag = true
		}
		if head, ok := nvmefs.HeadOf(e.Name); ok {
			c.paths = append(c.paths, nvmePath{
				name: e.Name, head: head,
				diag: a.Sys.Exists(nvmefs.ClassDir, c.name, e.Name, "diag"),
			})
		}
	}
}

// of returns the namespace of a name.
func (f *hbaNVMePaths) of(name string) *nvmeHead {
	h := f.heads[name]
	if h == nil {
		h = &nvmeHead{name: name}
		f.heads[name] = h
		f.stray = append(f.stray, h)
	}
	return h
}
