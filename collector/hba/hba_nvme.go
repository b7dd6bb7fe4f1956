package hba

import (
	"github.com/hostexporter/host_exporter/collector/hba/internal/attr"
	"github.com/hostexporter/host_exporter/collector/hba/internal/scsihost"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/nvmefs"
)

// hbaNVMeControllers are the families about NVMe controllers, each of which is
// a path to all the namespaces of a subsystem. Controllers that are only there
// to discover others are left out, and those on PCI unless asked for.
type hbaNVMeControllers struct {
	pcie  bool
	info  *metric.Family
	state *attr.States

	queues      *metric.Family
	keepAlive   *metric.Family
	timeouts    [3]attr.File // of fabrics
	diagnostics [3]attr.File
	paths       hbaNVMePaths
	fibre       nvmeFibre
	listing     host.Listing
	known       map[string]*nvmeController // by name
	round       uint64
}

// A nvmeController is what does not change while a controller is there.
type nvmeController struct {
	name  string
	inode uint64
	round uint64

	fixed     bool // whether the transport could be read
	transport nvmefs.Transport
	raw       string // text of the address
	address   nvmefs.Address

	folder host.Listing
	paths  []nvmePath
	diag   bool

	state nvmeState // now
	port  nvmeFibrePort
}

// A nvmeState says whether a controller takes I/O.
type nvmeState int

const (
	nvmeDown nvmeState = iota
	nvmeLive
	nvmeMarginal
)

func newHBANVMeControllers(m *metric.Set, pcie bool) hbaNVMeControllers {
	return hbaNVMeControllers{
		pcie:  pcie,
		known: map[string]*nvmeController{},
		info: m.Gauge("node_hba_nvme_controller_info", "An NVMe controller, as 1, with where it is and the Fibre Channel ports between.",
			"controller_type", "device", "fc_host", "host_iface", "host_traddr", "rport", "src_addr", "subsysnqn", "subsystem", "traddr", "transport", "trsvcid"),
		state: attr.NewStates(m.Gauge("node_hba_nvme_controller_state", "Whether the NVMe controller is in this state; only a live one takes I/O.",
			"device", "state", "subsystem", "transport"), "new", "live", "resetting", "connecting", "deleting", "dead"),
		queues:    m.Gauge("node_hba_nvme_controller_queues", "Queues of the NVMe controller, with that for administration.", "device"),
		keepAlive: m.Gauge("node_hba_nvme_controller_keep_alive_timeout_seconds", "How long the NVMe controller waits for a sign of life.", "device"),
		timeouts: [3]attr.File{
			{Name: "ctrl_loss_tmo", Family: m.Gauge("node_hba_nvme_controller_loss_timeout_seconds", "How long a lost NVMe controller is tried to reach before it is removed.", "device")},
			{Name: "reconnect_delay", Family: m.Gauge("node_hba_nvme_controller_reconnect_delay_seconds", "How long the host waits between two tries to reach a lost NVMe controller.", "device")},
			{Name: "fast_io_fail_tmo", Family: m.Gauge("node_hba_nvme_controller_fast_io_fail_timeout_seconds", "How long I/O waits for a lost NVMe controller before it fails.", "device")},
		},
		diagnostics: [3]attr.File{
			{Name: "command_error_count", Family: m.Counter("node_hba_nvme_controller_command_errors_total", "Administration commands that the NVMe controller failed.", "device")},
			{Name: "reset_count", Family: m.Counter("node_hba_nvme_controller_resets_total", "Times that the NVMe controller was reset.", "device")},
			{Name: "reconnect_count", Family: m.Counter("node_hba_nvme_controller_reconnects_total", "Times that the host connected to the NVMe controller again.", "device")},
		},
		paths: newHBANVMePaths(m),
	}
}

// nvmeReads returns the files that are read of NVMe.
func nvmeReads() []string {
	var reads []string
	add := func(dir string, files ...string) {
		for _, f := range files {
			reads = append(reads, dir+f)
		}
	}
	add("/sys/class/nvme/nvme*/",
		"address", "cntrltype", "ctrl_loss_tmo", "fast_io_fail_tmo", "kato", "queue_count", "reconnect_delay", "state", "subsysnqn", "transport",
		"diag/command_error_count", "diag/reconnect_count", "diag/reset_count")
	add("/sys/class/nvme/nvme*/nvme*c*n*/",
		"ana_state", "nsid", "diag/command_error_count", "diag/command_retry_count", "diag/multipath_failover_count")
	add("/sys/class/nvme-subsystem/nvme-subsys*/nvme*n*/diag/", "io_fail_no_available_path_count", "io_requeue_no_usable_path_count")
	add("/sys/class/", "nvme-subsystem/nvme-subsys*/nvme*", "fc_remote_ports/rport-*/port_name")
	return reads
}

func (f *hbaNVMeControllers) update(a attr.Reader, hosts []*scsihost.Host) {
	a.List(&f.listing, nvmefs.ClassDir)
	f.paths.begin(a)
	f.fibre.begin(hosts)
	f.round++
	for _, e := range f.listing.Entries {
		if !nvmefs.IsController(e.Name) {
			continue
		}
		c := f.controller(e)
		f.identify(a, c)
		wanted := f.wants(c)
		f.paths.count(c.name, wanted)
		if wanted {
			f.updateController(a, c)
		}
	}
	for name, c := range f.known {
		if c.round != f.round {
			delete(f.known, name)
		}
	}
	f.paths.emit(a)
}

// wants reports whether a controller is looked after.
func (f *hbaNVMeControllers) wants(c *nvmeController) bool {
	switch {
	case c.transport.Type == "discovery", c.transport.Name == "":
		return false
	case c.onFabric():
		return true
	}
	return f.pcie
}

// onFabric reports whether a controller is somewhere else than in this machine.
func (c *nvmeController) onFabric() bool {
	return c.transport.Name != "pcie" && c.transport.Name != "apple-nvme"
}

// controller returns what is remembered of a controller.
func (f *hbaNVMeControllers) controller(e host.DirEntry) *nvmeController {
	c := f.known[e.Name]
	if c == nil || c.inode != e.Inode {
		c = &nvmeController{name: e.Name, inode: e.Inode}
		f.known[e.Name] = c
	}
	c.round = f.round
	return c
}

// identify reads what a controller is, once.
func (f *hbaNVMeControllers) identify(a attr.Reader, c *nvmeController) {
	if !c.fixed {
		c.transport = nvmefs.ReadTransport(a.Sys, c.name, a.Out.Error)
		c.fixed = c.transport.Name != "" && c.transport.NQN != ""
	}
}

func (f *hbaNVMeControllers) updateController(a attr.Reader, c *nvmeController) {
	if !f.updateState(a, c) {
		return
	}
	f.locate(a, c)
	at := &c.address
	a.Out.Emit(f.info, 1, c.transport.Type, c.name, c.port.host, at.HostInterface, at.HostTarget, c.port.rport, at.Source,
		c.transport.NQN, f.paths.subsystemOf(c.name), at.Target, c.transport.Name, at.Service)
	if v, ok := a.Uint(nvmefs.ClassDir, c.name, "queue_count"); ok {
		a.Out.Emit(f.queues, float64(v), c.name)
	}
	if c.onFabric() {
		if v, ok := a.Uint(nvmefs.ClassDir, c.name, "kato"); ok && v > 0 {
			a.Out.Emit(f.keepAlive, float64(v), c.name)
		}
		for _, t := range f.timeouts {
			if v, ok := attr.Parsed(a, "off or seconds", offOrSeconds, nvmefs.ClassDir, c.name, t.Name); ok && v >= 0 {
				a.Out.Emit(t.Family, float64(v), c.name)
			}
		}
	}
	f.paths.update(a, c)
	if c.diag {
		for _, d := range f.diagnostics {
			if v, ok := a.Uint(nvmefs.ClassDir, c.name, "diag", d.Name); ok {
				a.Out.Emit(d.Family, float64(v), c.name)
			}
		}
	}
}

// updateState emits the state of a controller. It reports false for one that
// went away.
func (f *hbaNVMeControllers) updateState(a attr.Reader, c *nvmeController) bool {
	word, err := a.Sys.Text(nvmefs.ClassDir, c.name, "state")
	if err != nil {
		if !host.Gone(err) {
			a.Out.Error(err)
			return true
		}
		return a.Sys.Exists(nvmefs.ClassDir, c.name)
	}
	c.state = nvmeDown
	switch string(word) {
	case "deleting (no IO)":
		word = []byte("deleting")
	case "marginal": // a path that the fabric calls bad, and that is used when there is no other
		c.state = nvmeMarginal
		word = []byte("unknown")
	case "fencing", "fenced", "unknown state":
		word = []byte("unknown")
	case nvmefs.StateLive:
		c.state = nvmeLive
	}
	if !f.state.Known(word) {
		a.Out.Error(a.Sys.At(host.Bad(1, "a state that is known", word)))
	}
	labels := [...]string{c.name, "", f.paths.subsystemOf(c.name), c.transport.Name}
	f.state.Emit(a.Out, word, labels[:])
	return true
}

// locate reads the address of a controller. It is read again as long as the
// controller is connected: the address on this side may be another one after a
// reconnect. A connection that is lost has none, and the last one stays.
func (f *hbaNVMeControllers) locate(a attr.Reader, c *nvmeController) {
	if c.raw == "" || c.state != nvmeDown && c.transport.Name == "tcp" {
		if b, ok := a.Text(nvmefs.ClassDir, c.name, "address"); ok && string(b) != c.raw {
			source := c.address.Source
			c.raw = string(b)
			c.address = nvmefs.ParseAddress(c.raw)
			if c.address.Source == "" {
				c.address.Source = source
			}
		}
	}
	if c.transport.Name == "fc" {
		c.port = f.fibre.port(a, c.address)
	}
}
