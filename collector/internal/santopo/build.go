package santopo

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/hostexporter/host_exporter/collector/internal/host"
)

// Collectors returns the names of the collectors whose samples a Topology is
// built from.
func Collectors() []string { return []string{"hba", "dmmultipath", OnDemand} }

// OnDemand is the collector that runs for a Topology even where it is not enabled,
// unless it is disabled explicitly.
const OnDemand = "blockstack"

// Substitute is the collector whose samples have the file systems directly on a
// LUN, for when OnDemand is disabled.
const Substitute = "filesystem"

// families are the families that a Topology is built from. Of a state, which has a
// sample for each of its values, only those that are 1 count.
var families = []struct {
	name    string
	isState bool
}{
	{"host_exporter_collector_state", true},
	{"node_hba_info", false},
	{"node_hba_host_state", true},
	{"node_hba_fc_port_info", false},
	{"node_hba_fc_port_state", true},
	{"node_hba_fc_port_login_info", false},
	{"node_hba_fc_remote_port_info", false},
	{"node_hba_fc_remote_port_state", true},
	{"node_hba_srp_remote_port_info", false},
	{"node_hba_srp_remote_port_state", true},
	{"node_hba_iscsi_session_info", false},
	{"node_hba_iscsi_session_state", true},
	{"node_hba_iscsi_port_info", false},
	{"node_hba_iscsi_port_state", true},
	{"node_hba_nvme_controller_info", false},
	{"node_hba_nvme_controller_state", true},
	{"node_hba_nvme_path_info", false},
	{"node_hba_nvme_path_ana_state", true},
	{"node_hba_nvme_paths", false},
	{"node_hba_nvme_usable_components", false},
	{"node_hba_scsi_device_info", false},
	{"node_hba_scsi_device_sas_port_info", false},
	{"node_hba_sas_port_phys", false},
	{"node_hba_scsi_device_state", true},
	{"node_hba_scsi_device_access_state", true},
	{"node_hba_multipath_path_info", false},
	{"node_hba_multipath_path_health", true},
	{"node_hba_multipath_paths", false},
	{"node_hba_multipath_usable_components", false},
	{"node_dmmultipath_device_info", false},
	{"node_block_stack_info", false},
	{"node_block_stack_mount_info", false},
	{"node_filesystem_size_bytes", false},
}

// A builder builds a Topology.
type builder struct {
	*Topology
	samples     *Samples
	ports       map[string]*Port
	hosts       map[string]*Port // by SCSI host
	targets     map[string]*Target
	links       map[[2]string]*Link
	luns        map[string]*LUN
	byDevice    map[string]*LUN   // by name in /sys/block
	sessions    map[string]string // ID of the target by SCSI host and name of the target
	controllers map[string]controller
	sasPorts    map[string]string // ID of the port by the HCTL of a device
	divided     map[string]bool   // SCSI hosts with SAS ports, by ID
}

// A controller is an NVMe controller.
type controller struct {
	port, target string
	address      string // of the target
	state        string
	way          Health // of the remote port of Fibre Channel, empty without one
}

// Topology returns the topology of the storage network.
func (s *Samples) Topology() *Topology {
	b := &builder{
		Topology: &Topology{Ports: []*Port{}, Targets: []*Target{}, Links: []*Link{}, LUNs: []*LUN{}, Mounts: []*Mount{}},
		samples:  s,
		ports:    map[string]*Port{}, hosts: map[string]*Port{}, targets: map[string]*Target{}, links: map[[2]string]*Link{},
		luns: map[string]*LUN{}, byDevice: map[string]*LUN{}, sessions: map[string]string{}, controllers: map[string]controller{},
		sasPorts: map[string]string{}, divided: map[string]bool{},
	}
	b.addProblems()
	b.addHosts()
	b.addSASPorts()
	b.addRemotePorts()
	b.addSessions()
	b.addControllers()
	b.addMaps()
	b.addNamespaces()
	b.addDisks()
	b.addMounts()
	b.finish()
	return b.Topology
}

// each calls fn for every sample of a family.
func (b *builder) each(family string, fn func(row)) {
	for _, r := range b.samples.tables[family] {
		fn(r)
	}
}

// current returns the current state by the values of labels, of a family with a
// label for the state: one that families calls a state.
func (b *builder) current(family, state string, labels ...string) map[string]string {
	all := map[string]string{}
	b.each(family, func(r row) { all[r.key(labels...)] = r.get(state) })
	return all
}

func (b *builder) addProblems() {
	b.each("host_exporter_collector_state", func(r row) {
		switch reason := r.get("reason"); reason {
		case "ok", "no_data":
		default:
			b.Problems = append(b.Problems, fmt.Sprintf("collector %s: %s", r.get("collector"), reason))
		}
	})
}

// port returns the port with an ID, which it creates if there is none.
func (b *builder) port(id string) *Port {
	p := b.ports[id]
	if p == nil {
		p = &Port{ID: id, Health: Unknown}
		b.ports[id] = p
		b.Ports = append(b.Ports, p)
	}
	return p
}

// host returns the port of a SCSI host.
func (b *builder) host(name string) *Port {
	if p := b.hosts[name]; p != nil {
		return p
	}
	p := b.port(name)
	b.hosts[name] = p
	return p
}

// target returns the ID of a target, which it creates if there is none.
func (b *builder) target(name, portal string) string {
	id := name
	if portal != "" {
		id = name + " " + portal
	}
	if b.targets[id] == nil {
		t := &Target{ID: id, Name: name, Portal: portal}
		b.targets[id] = t
		b.Targets = append(b.Targets, t)
	}
	return id
}

// link returns the link of a port to a target, which it creates if there is none.
func (b *builder) link(port, target string) *Link {
	key := [2]string{port, target}
	l := b.links[key]
	if l == nil {
		l = &Link{Port: port, Target: target}
		b.links[key] = l
		b.Links = append(b.Links, l)
	}
	return l
}

// note sets the state of a link. Of several sessions of a port with a target, the
// worst one counts.
func (l *Link) note(state string, health Health) {
	if l.State == "" || severity[health] > severity[l.Health] {
		l.State, l.Health = state, health
	}
}

// healthOf returns the health that belongs to a word of the kernel.
func healthOf(state string) Health {
	switch state {
	case "online", "up", "running", "logged_in", "live":
		return OK
	case "":
		return Unknown
	case "unknown":
		return Unknown
	case "marginal", "diagnostics", "recovery":
		return Degraded
	}
	return Lost
}

func (b *builder) addHosts() {
	state := b.current("node_hba_host_state", "state", "scsi_host")
	addresses := map[string]row{}
	b.each("node_hba_iscsi_port_info", func(r row) { addresses[r.get("scsi_host")] = r })
	network := b.current("node_hba_iscsi_port_state", "state", "scsi_host")
	b.each("node_hba_info", func(r row) {
		name := r.get("scsi_host")
		id, s := name, state[name]
		if a, ok := addresses[name]; ok {
			id = cmp.Or(strings.TrimSpace(a.get("interface")+" "+a.get("address")), name)
			s = cmp.Or(network[name], s)
		}
		p := b.port(id)
		b.hosts[name] = p
		p.Transport, p.Driver, p.Model, p.Serial, p.PCIAddress = r.get("transport"), r.get("driver"), r.get("model"), r.get("serial"), r.get("pci_address")
		p.State, p.Health = s, healthOf(s)
	})
	state = b.current("node_hba_fc_port_state", "state", "fc_host")
	b.each("node_hba_fc_port_info", func(r row) {
		p := b.host(r.get("fc_host"))
		p.Transport = cmp.Or(p.Transport, "fc")
		p.Address = r.get("port_name")
		p.State = state[r.get("fc_host")]
		p.Health = healthOf(p.State)
	})
	b.each("node_hba_fc_port_login_info", func(r row) {
		p := b.host(r.get("fc_host"))
		p.Fabric, p.Switch, p.SwitchPort = r.get("fabric_name"), r.get("domain"), r.get("area")
	})
}

// addSASPorts adds the ports of SAS adapters that lead to devices. They stand for
// their SCSI host: two cables to one shelf are two ports.
func (b *builder) addSASPorts() {
	lanes := map[string]int{}
	b.each("node_hba_sas_port_phys", func(r row) { lanes[r.key("scsi_host", "sas_port")] = int(r.value) })
	b.each("node_hba_scsi_device_sas_port_info", func(r row) {
		host := b.host(r.get("scsi_host"))
		id := host.ID + " " + r.get("sas_port")
		if b.ports[id] == nil {
			p := b.port(id)
			*p = *host
			p.ID, p.Lanes = id, lanes[r.key("scsi_host", "sas_port")]
			b.divided[host.ID] = true
		}
		b.sasPorts[r.get("hctl")] = id
	})
}

// portOf returns the ID of the port that leads to a SCSI device, or "".
func (b *builder) portOf(r row) string {
	if id := b.sasPorts[r.get("hctl")]; id != "" {
		return id
	}
	if h := cmp.Or(r.get("fc_host"), r.get("scsi_host")); h != "" {
		return b.host(h).ID
	}
	return ""
}

func (b *builder) addRemotePorts() {
	state := b.current("node_hba_fc_remote_port_state", "state", "fc_host", "rport")
	b.each("node_hba_fc_remote_port_info", func(r row) {
		name, roles := r.get("port_name"), r.get("roles")
		if name == "" || roles != "" && !strings.Contains(roles, "_target") {
			return // an initiator, or a switch
		}
		s := state[r.key("fc_host", "rport")]
		b.link(b.host(r.get("fc_host")).ID, b.target(name, "")).note(s, healthOf(s))
	})
	state = b.current("node_hba_srp_remote_port_state", "state", "scsi_host", "rport")
	b.each("node_hba_srp_remote_port_info", func(r row) {
		s := state[r.key("scsi_host", "rport")]
		b.link(b.host(r.get("scsi_host")).ID, b.target(r.get("port_id"), "")).note(s, healthOf(s))
	})
}

func (b *builder) addSessions() {
	state := b.current("node_hba_iscsi_session_state", "state", "session")
	b.each("node_hba_iscsi_session_info", func(r row) {
		s := state[r.get("session")]
		target := b.target(r.get("target"), r.get("portal"))
		b.sessions[r.key("scsi_host", "target")] = target
		b.link(b.host(r.get("scsi_host")).ID, target).note(s, healthOf(s))
	})
}

func (b *builder) addControllers() {
	state := b.current("node_hba_nvme_controller_state", "state", "device")
	byAddress := map[string]*Port{}
	for _, p := range b.Ports {
		if p.Address != "" {
			byAddress[p.Address] = p
		}
	}
	b.each("node_hba_nvme_controller_info", func(r row) {
		if r.get("controller_type") == "discovery" {
			return
		}
		name, transport, address := r.get("device"), r.get("transport"), r.get("traddr")
		var p *Port
		switch near := r.get("host_traddr"); {
		case r.get("fc_host") != "":
			p = b.host(r.get("fc_host"))
		case transport == "fc" && byAddress[near] != nil:
			p = byAddress[near]
		case transport == "fc":
			p = b.port(cmp.Or(near, name))
		case transport == "pcie":
			p = b.port(name)
			p.PCIAddress = address
		default:
			near = cmp.Or(r.get("src_addr"), near)
			p = b.port(cmp.Or(strings.TrimSpace(r.get("host_iface")+" "+near), name))
		}
		p.Transport = cmp.Or(p.Transport, transport)
		target := ""
		switch {
		case address == "": // a loop, which has no way to be lost
			b.controllers[name] = controller{port: p.ID, state: cmp.Or(state[name], "unknown")}
			p.State, p.Health = state[name], healthOf(state[name])
			return
		case transport == "fc":
			target = b.target(address, "")
		case r.get("trsvcid") != "":
			target = b.target(r.get("subsysnqn"), address+":"+r.get("trsvcid"))
		default:
			target = b.target(cmp.Or(r.get("subsysnqn"), name), address)
		}
		l := b.link(p.ID, target)
		b.controllers[name] = controller{p.ID, target, address, cmp.Or(state[name], "unknown"), l.Health}
		l.note(state[name], healthOf(state[name]))
	})
}

// lun returns the LUN with an ID, which it creates if there is none.
func (b *builder) lun(id, kind, device string) *LUN {
	l := b.luns[id]
	if l == nil {
		l = &LUN{ID: id, Kind: kind, Paths: []*Path{}}
		b.luns[id] = l
		b.LUNs = append(b.LUNs, l)
	}
	if device != "" {
		l.Device = device
		b.byDevice[device] = l
	}
	return l
}

// add adds a path to a LUN, and the link that it uses.
func (b *builder) add(l *LUN, p *Path) {
	l.Paths = append(l.Paths, p)
	if p.Port != "" && p.Target != "" && b.links[[2]string{p.Port, p.Target}] == nil {
		b.link(p.Port, p.Target).Health = Unknown
	}
}

// targetOf returns the target of a SCSI device.
func (b *builder) targetOf(r row) string {
	name := r.get("target_port")
	if id := b.sessions[r.get("scsi_host")+"\x00"+name]; id != "" {
		return id
	}
	if name == "" {
		return ""
	}
	return b.target(name, "")
}

var nvmeDisk = regexp.MustCompile(`^(nvme[0-9]+)n[0-9]+$`)

func (b *builder) addMaps() {
	b.each("node_dmmultipath_device_info", func(r row) {
		b.lun(r.get("device"), KindMultipath, r.get("sysfs_name")).WWID = strings.TrimPrefix(r.get("uuid"), "mpath-")
	})
	health := b.current("node_hba_multipath_path_health", "health", "device", "path")
	b.each("node_hba_multipath_path_info", func(r row) {
		p := &Path{Device: r.get("path"), HCTL: r.get("hctl"), Health: cmp.Or(health[r.key("device", "path")], "unknown")}
		p.Port = b.portOf(r)
		c, ok := controller{}, false
		if m := nvmeDisk.FindStringSubmatch(p.Device); m != nil {
			c, ok = b.controllers[m[1]]
		}
		if ok && c.address == r.get("target_port") {
			p.Port, p.Target = c.port, c.target
		} else {
			p.Target = b.targetOf(r)
		}
		b.add(b.lun(r.get("device"), KindMultipath, r.get("sysfs_name")), p)
	})
	b.each("node_hba_multipath_paths", func(r row) {
		l := b.lun(r.get("device"), KindMultipath, r.get("sysfs_name"))
		l.count(int(r.value), r.get("health"))
	})
	b.addSinglePoints("node_hba_multipath_usable_components")
}

// count counts paths with a health.
func (l *LUN) count(n int, health string) {
	l.counted = true
	l.Total += n
	if isUsable(health) {
		l.Usable += n
	}
	if n > 0 {
		l.Health = worse(cmp.Or(l.Health, OK), healthOfPath(health))
	}
}

func (b *builder) addSinglePoints(family string) {
	b.each(family, func(r row) {
		if l := b.luns[r.get("device")]; l != nil && r.value == 1 && r.get("component") != "controller" {
			l.SinglePoints = append(l.SinglePoints, r.get("component"))
		}
	})
}

func (b *builder) addNamespaces() {
	ana := b.current("node_hba_nvme_path_ana_state", "state", "device", "path")
	isPath := map[string]bool{}
	for _, l := range b.LUNs {
		for _, p := range l.Paths {
			isPath[p.Device] = true
		}
	}
	marginal := map[string]bool{}
	b.each("node_hba_nvme_paths", func(r row) {
		if r.get("health") == "marginal" && r.value > 0 {
			marginal[r.get("device")] = true
		}
	})
	b.each("node_hba_nvme_path_info", func(r row) {
		name := r.get("device")
		if isPath[name] {
			return // below a multipath map
		}
		l := b.lun(name, KindNVMe, name)
		l.Product = r.get("subsystem")
		p := &Path{Device: r.get("path")}
		c, ok := b.controllers[r.get("controller")]
		if ok {
			p.Port, p.Target = c.port, c.target
		}
		p.Health = c.pathHealth(ana[r.key("device", "path")], marginal[name])
		b.add(l, p)
	})
	b.each("node_hba_nvme_paths", func(r row) {
		if name := r.get("device"); !isPath[name] {
			b.lun(name, KindNVMe, name).count(int(r.value), r.get("health"))
		}
	})
	b.addSinglePoints("node_hba_nvme_usable_components")
}

// pathHealth returns the health of a path of a namespace over a controller, by the
// rule that node_hba_nvme_paths has: the first that applies, from bad to good. The
// state of a marginal controller is unknown, like that of a fenced one; they
// differ by whether the namespace has marginal paths.
func (c controller) pathHealth(ana string, marginal bool) string {
	switch {
	case c.state != "live" && (c.state != "unknown" || !marginal), ana == "persistent_loss":
		return "offline"
	case c.way == Lost:
		return "blocked"
	case ana == "inaccessible", ana == "change":
		return "standby"
	case c.state == "unknown", c.way == Degraded:
		return "marginal"
	case ana == "non_optimized":
		return "non_optimized"
	}
	return "optimized"
}

func (b *builder) addDisks() {
	state := b.current("node_hba_scsi_device_state", "state", "hctl")
	access := b.current("node_hba_scsi_device_access_state", "state", "hctl")
	b.each("node_hba_scsi_device_info", func(r row) {
		product := strings.TrimSpace(r.get("vendor") + " " + r.get("model"))
		if l := b.luns[r.get("multipath")]; l != nil && l.Kind == KindMultipath {
			l.Product = product
			if l.WWID == "" {
				l.WWID = r.get("wwid")
			}
			return
		}
		if r.get("type") != "disk" || r.get("device") == "" {
			return
		}
		l := b.lun(r.get("device"), KindDisk, r.get("device"))
		l.WWID, l.Product = r.get("wwid"), product
		p := &Path{Device: r.get("device"), HCTL: r.get("hctl"), Port: b.portOf(r), Target: b.targetOf(r)}
		switch state[p.HCTL] {
		case "running":
			p.Health = "optimized"
			switch access[p.HCTL] {
			case "standby", "unavailable", "transitioning":
				p.Health = "standby"
			case "active_non_optimized", "non_optimized":
				p.Health = "non_optimized"
			}
		case "":
			p.Health = "unknown"
		case "blocked", "quiesce", "created_blocked":
			p.Health = "blocked"
		default:
			p.Health = "offline"
		}
		l.count(1, p.Health)
		b.add(l, p)
	})
}

// addMounts adds the mounted file systems that are on a LUN. Without the samples
// of the collector blockstack, these are only the ones directly on it.
func (b *builder) addMounts() {
	if b.samples.tables["node_block_stack_mount_info"] == nil {
		b.each("node_filesystem_size_bytes", func(r row) {
			name, isMapper := strings.CutPrefix(r.get("device"), "/dev/mapper/")
			l := b.luns[name]
			if !isMapper {
				l = b.byDevice[strings.TrimPrefix(r.get("device"), "/dev/")]
			}
			if l != nil {
				b.mount(r, []*LUN{l})
			}
		})
		return
	}
	parents := map[string][]string{}
	b.each("node_block_stack_info", func(r row) {
		parents[r.get("device")] = append(parents[r.get("device")], r.get("parent"))
	})
	b.each("node_block_stack_mount_info", func(r row) {
		var luns []*LUN
		seen := map[string]bool{}
		var walk func(device string)
		walk = func(device string) {
			if seen[device] {
				return
			}
			seen[device] = true
			if l := b.byDevice[device]; l != nil {
				luns = append(luns, l)
				return
			}
			for _, p := range parents[device] {
				walk(p)
			}
		}
		walk(r.get("device"))
		if len(luns) > 0 {
			b.mount(r, luns)
		}
	})
}

func (b *builder) mount(r row, luns []*LUN) {
	m := &Mount{Mountpoint: r.get("mountpoint"), Device: r.get("device"), FSType: r.get("fstype"), Health: OK}
	for _, l := range luns {
		m.LUNs = append(m.LUNs, l.ID)
		l.mounts = append(l.mounts, m.Mountpoint)
	}
	b.Mounts = append(b.Mounts, m)
}

// finish derives the states of the whole from its parts.
func (b *builder) finish() {
	slices.SortStableFunc(b.Ports, func(x, y *Port) int { return host.CompareNatural(x.ID, y.ID) })
	slices.SortStableFunc(b.LUNs, func(x, y *LUN) int { return host.CompareNatural(x.ID, y.ID) })
	b.Health = OK
	b.finishLinks()
	b.removeDivided()
	b.sortLinks()
	best := map[string]Health{}
	used := map[string]bool{}
	for _, l := range b.Links {
		if h, ok := best[l.Target]; !ok || severity[l.Health] < severity[h] {
			best[l.Target] = l.Health
		}
		used[l.Port] = true
	}
	for _, t := range b.Targets {
		t.Health = cmp.Or(best[t.ID], Unknown)
	}
	for _, l := range b.LUNs {
		l.finish()
	}
	b.findPrivate()
	for _, m := range b.Mounts {
		for _, id := range m.LUNs {
			m.Health = worse(m.Health, b.luns[id].Health)
		}
	}
	b.summarize(used)
}

// removeDivided removes the SCSI hosts that their SAS ports stand for, unless
// a device is on the host itself.
func (b *builder) removeDivided() {
	for _, l := range b.LUNs {
		for _, p := range l.Paths {
			delete(b.divided, p.Port)
		}
	}
	b.Ports = slices.DeleteFunc(b.Ports, func(p *Port) bool { return b.divided[p.ID] })
}

// finish derives the health of a LUN from the counts of its paths. One that has
// none left is lost. Paths on standby are as good as their array means them to be.
func (l *LUN) finish() {
	switch {
	case !l.counted:
		l.Total, l.Health = len(l.Paths), Unknown
	case l.Total == 0:
		l.Health = Lost
	case l.Usable == 0 && l.Health == OK: // standby only
		l.Health = Degraded
	case l.Usable == 0 && l.Health != Unknown:
		l.Health = Lost
	case l.Health == Lost, l.Usable == 1 && l.Kind != KindDisk:
		l.Health = Degraded
	default:
		l.Health = cmp.Or(l.Health, Unknown)
	}
}

// findPrivate finds the targets with only one LUN behind them, where there are
// many LUNs.
func (b *builder) findPrivate() {
	if len(b.LUNs) <= maxSingle {
		return
	}
	luns := map[string]string{}
	b.private = map[string]bool{}
	for _, l := range b.LUNs {
		for _, p := range l.Paths {
			other, ok := luns[p.Target]
			luns[p.Target] = l.ID
			b.private[p.Target] = p.Target != "" && (!ok || other == l.ID && b.private[p.Target])
		}
	}
}

// sortLinks sorts the links by port, and the targets by the first port that they
// are linked with: so that few lines of the picture cross.
func (b *builder) sortLinks() {
	position := map[string]int{}
	for i, p := range b.Ports {
		position[p.ID] = i
	}
	slices.SortStableFunc(b.Links, func(x, y *Link) int {
		return cmp.Or(position[x.Port]-position[y.Port], host.CompareNatural(x.Target, y.Target))
	})
	targets := map[string]int{}
	for i, l := range b.Links {
		if _, ok := targets[l.Target]; !ok {
			targets[l.Target] = i
		}
	}
	slices.SortStableFunc(b.Targets, func(x, y *Target) int { return targets[x.ID] - targets[y.ID] })
}

// finishLinks sets the health of links without a state of their own to that of
// the paths over them.
func (b *builder) finishLinks() {
	paths := map[[2]string]mix{}
	for _, l := range b.LUNs {
		for _, p := range l.Paths {
			key := [2]string{p.Port, p.Target}
			paths[key] = paths[key].add(healthOfPath(p.Health))
		}
	}
	for _, l := range b.Links {
		if l.State == "" {
			l.Health = paths[[2]string{l.Port, l.Target}].health()
		}
	}
}

// A mix is the health of several parts that are one together: lost if all are,
// degraded if some are.
type mix struct {
	count int
	lost  int
	worst Health
}

func (m mix) add(h Health) mix {
	m.count++
	if h == Lost {
		m.lost++
	}
	m.worst = worse(cmp.Or(m.worst, OK), h)
	return m
}

func (m mix) health() Health {
	switch {
	case m.count == 0:
		return Unknown
	case m.lost > 0 && m.lost < m.count:
		return Degraded
	}
	return m.worst
}

// summarize sets the health of the whole, and the sentences about it. A port that
// never had a link is not used, and no concern.
func (b *builder) summarize(used map[string]bool) {
	var ports, targets, luns, mounts tally
	for _, p := range b.Ports {
		if p.Health == Lost && !used[p.ID] {
			ports.unused++
		}
		ports.add(p.Health)
		if used[p.ID] && p.Health != OK && p.Health != Unknown {
			b.Health = worse(b.Health, Degraded)
		}
	}
	for _, t := range b.Targets {
		targets.add(t.Health)
	}
	for _, l := range b.Links {
		if l.Health == Lost || l.Health == Degraded {
			b.Health = worse(b.Health, Degraded)
		}
	}
	for _, l := range b.LUNs {
		luns.add(l.Health)
		if l.Health != Unknown {
			b.Health = worse(b.Health, l.Health)
		}
	}
	for _, m := range b.Mounts {
		mounts.add(m.Health)
	}
	for _, part := range []struct {
		tally
		name string
	}{{ports, "port"}, {targets, "target port"}, {luns, "LUN"}, {mounts, "file system"}} {
		if text := part.text(part.name); text != "" {
			b.Summary = append(b.Summary, text)
		}
	}
	if len(b.Ports)+len(b.LUNs) == 0 {
		b.Health = Unknown
		b.Summary = []string{"this host has no storage network that the collector hba knows"}
	}
}

// A tally counts parts by health.
type tally struct{ total, degraded, lost, unused int }

func (t *tally) add(h Health) {
	t.total++
	switch h {
	case Degraded:
		t.degraded++
	case Lost:
		t.lost++
	}
}

func (t *tally) text(name string) string {
	if t.total == 0 {
		return ""
	}
	s := plural(t.total, name)
	var not []string
	if n := t.lost - t.unused; n > 0 {
		not = append(not, strconv.Itoa(n)+" lost")
	}
	if t.degraded > 0 {
		not = append(not, strconv.Itoa(t.degraded)+" degraded")
	}
	if t.unused > 0 {
		not = append(not, strconv.Itoa(t.unused)+" without a link")
	}
	if not == nil {
		return s
	}
	return s + " (" + strings.Join(not, ", ") + ")"
}

func plural(n int, name string) string {
	if n == 1 {
		return "1 " + name
	}
	return strconv.Itoa(n) + " " + name + "s"
}
