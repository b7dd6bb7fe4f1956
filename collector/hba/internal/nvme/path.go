package nvme

import (
	"slices"

	"github.com/hostexporter/host_exporter/collector/hba/internal/attr"
	"github.com/hostexporter/host_exporter/collector/hba/internal/san"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/nvmefs"
)

// pathFamilies are the families of the paths to namespaces that several
// controllers share: nvme3c4n1 is the path over controller 4 to nvme3n1.
type pathFamilies struct {
	info       *metric.Family
	ana        *metric.Family
	health     *metric.Family
	usable     *metric.Family
	agreement  agreementFamilies
	path, head []attr.File // diagnostics

	listing      host.Listing
	subsystems   []*subsystem
	byController map[string]*subsystem
	heads        map[string]*head // by name
	stray        []*head          // of subsystems that are not listed
	round        uint64
}

type subsystem struct {
	name   string
	inode  uint64
	folder host.Listing
	heads  []*head

	controllers, included int // now
	io                    int // of those that are included: for namespaces
}

// A path is what does not change while a path is there.
type path struct {
	name, head, id string
	diag           bool
}

// A head is a namespace as the block device that is used, with the paths that it
// has now.
type head struct {
	name string
	diag bool

	paths  [san.NumHealths]int
	total  int
	usable [len(components)][]string
	has    [len(components)]bool
	sizes  sizes
}

// components are what a path depends on.
var components = [...]string{"controller", "initiator_port", "target_port", "fabric"}

func newPathFamilies(m *metric.Set) pathFamilies {
	return pathFamilies{
		info:      m.Gauge("node_hba_nvme_path_info", "A path to a namespace over a controller, as 1.", "controller", "device", "nsid", "path", "subsystem"),
		ana:       m.Gauge("node_hba_nvme_path_ana_state", "Asymmetric namespace access state (ANA) of the path that the target reports, as 1.", "device", "path", "state"),
		health:    m.Gauge("node_hba_nvme_paths", "Paths to the namespace, by health.", "device", "health"),
		usable:    m.Gauge("node_hba_nvme_usable_components", "Distinct controllers, ports and fabrics that the usable paths to the namespace depend on.", "component", "device"),
		agreement: newAgreementFamilies(m),
		path: []attr.File{
			{Name: "command_retry_count", Family: m.Counter("node_hba_nvme_path_command_retries_total", "Commands that were retried on the path.", "device", "path")},
			{Name: "command_error_count", Family: m.Counter("node_hba_nvme_path_command_errors_total", "Commands that failed on the path.", "device", "path")},
			{Name: "multipath_failover_count", Family: m.Counter("node_hba_nvme_path_failovers_total", "Times that I/O left the path for another.", "device", "path")},
		},
		head: []attr.File{
			{Name: "io_requeue_no_usable_path_count", Family: m.Counter("node_hba_nvme_requeues_no_usable_path_total", "I/O that had to wait because no path to the namespace was usable.", "device")},
			{Name: "io_fail_no_available_path_count", Family: m.Counter("node_hba_nvme_failures_no_available_path_total", "I/O that failed because there was no path to the namespace.", "device")},
		},
	}
}

// begin lists the subsystems, with their controllers and namespaces.
func (f *pathFamilies) begin(a attr.Reader) {
	changed := a.List(&f.listing, nvmefs.SubsystemDir) || f.byController == nil
	if changed {
		f.match()
	}
	for _, s := range f.subsystems {
		changed = a.List(&s.folder, nvmefs.SubsystemDir, s.name) || changed
		s.controllers, s.included, s.io = 0, 0, 0
	}
	if changed {
		f.resolve(a)
	}
	f.round++
	for _, h := range f.heads {
		h.sizes.begin(f.round)
		h.total, h.paths, h.has = 0, [san.NumHealths]int{}, [len(components)]bool{}
		for i := range h.usable {
			h.usable[i] = h.usable[i][:0]
		}
	}
}

// match keeps the subsystems that are still the same.
func (f *pathFamilies) match() {
	var all []*subsystem
	for _, e := range f.listing.Entries {
		if !nvmefs.IsSubsystem(e.Name) {
			continue
		}
		i := slices.IndexFunc(f.subsystems, func(s *subsystem) bool { return s.name == e.Name && s.inode == e.Inode })
		if i >= 0 {
			all = append(all, f.subsystems[i])
		} else {
			all = append(all, &subsystem{name: e.Name, inode: e.Inode})
		}
	}
	f.subsystems = all
}

// resolve finds out which subsystem controllers and namespaces belong to.
func (f *pathFamilies) resolve(a attr.Reader) {
	f.byController, f.heads, f.stray = map[string]*subsystem{}, map[string]*head{}, nil
	for _, s := range f.subsystems {
		s.heads = s.heads[:0]
		for _, e := range s.folder.Entries {
			switch {
			case nvmefs.IsController(e.Name):
				f.byController[e.Name] = s
			case nvmefs.IsHead(e.Name):
				h := &head{name: e.Name, diag: a.Sys.Exists(nvmefs.SubsystemDir, s.name, e.Name, "diag"), sizes: newSizes(len(f.heads))}
				s.heads, f.heads[e.Name] = append(s.heads, h), h
			}
		}
	}
}

// subsystemOf returns the name of a controller's subsystem.
func (f *pathFamilies) subsystemOf(controller string) string {
	if s := f.byController[controller]; s != nil {
		return s.name
	}
	return ""
}

// count counts a controller.
func (f *pathFamilies) count(c *controller) {
	if s := f.byController[c.name]; s != nil {
		s.controllers++
		if !c.included {
			return
		}
		s.included++
		if c.transport.Type == "io" || c.transport.Type == "" {
			s.io++
		}
	}
}

// update emits the paths over a controller.
func (f *pathFamilies) update(a attr.Reader, c *controller) {
	if a.List(&c.folder, nvmefs.ClassDir, c.name) {
		f.find(a, c)
	}
	subsystem := f.subsystemOf(c.name)
	for i := range c.paths {
		p := &c.paths[i]
		if p.id == "" {
			p.id = a.Label(nvmefs.ClassDir, c.name, p.name, "nsid")
		}
		b, ok := a.Text(nvmefs.ClassDir, c.name, p.name, "ana_state")
		state := anaLabel(a, b, ok)
		a.Out.Emit(f.info, 1, c.name, p.head, p.id, p.name, subsystem)
		if state != "" {
			a.Out.Emit(f.ana, 1, p.head, p.name, state)
		}
		h := f.of(p.head)
		h.add(c, c.health(state))
		h.sizes.readPath(a, c.name, p.name)
		if p.diag {
			for _, d := range f.path {
				if v, ok := a.Uint(nvmefs.ClassDir, c.name, p.name, "diag", d.Name); ok {
					a.Out.Emit(d.Family, float64(v), p.head, p.name)
				}
			}
		}
	}
}

// anaLabel returns a state of asymmetric access that was just read as a label
// value, which is empty where there is none.
func anaLabel(a attr.Reader, b []byte, ok bool) (state string) {
	if !ok {
		return ""
	}
	if state, ok = anaState(b); !ok {
		a.Out.Error(a.Sys.At(host.Bad(1, "an ANA state", b)))
	}
	return state
}

// find finds the paths over a controller.
func (f *pathFamilies) find(a attr.Reader, c *controller) {
	c.paths, c.diag = c.paths[:0], false
	for _, e := range c.folder.Entries {
		if e.Name == "diag" {
			c.diag = true
		}
		if head, ok := nvmefs.HeadOf(e.Name); ok {
			c.paths = append(c.paths, path{
				name: e.Name, head: head,
				diag: a.Sys.Exists(nvmefs.ClassDir, c.name, e.Name, "diag"),
			})
		}
	}
}

// of returns the namespace of a name.
func (f *pathFamilies) of(name string) *head {
	h := f.heads[name]
	if h == nil {
		h = &head{name: name, sizes: newSizes(len(f.heads))}
		f.heads[name] = h
		f.stray = append(f.stray, h)
	}
	return h
}
