// Package nvme reads NVMe controllers, each of which is a path to all namespaces
// of a subsystem, and what the paths to a namespace are together. It reads no
// attribute that costs a command to a controller or that holds a secret.
package nvme

import (
	"github.com/hostexporter/host_exporter/collector/hba/internal/attr"
	"github.com/hostexporter/host_exporter/collector/hba/internal/netdev"
	"github.com/hostexporter/host_exporter/collector/hba/internal/san"
	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/nvmefs"
)

// Options say which controllers are included.
type Options struct{ pcie collect.Bool }

// Fields returns the options as flags.
func (o *Options) Fields() []collect.Field {
	return []collect.Field{
		{Name: "nvme-pcie", Value: &o.pcie, Help: "Export NVMe controllers on PCI Express as well as those on a network."},
	}
}

// A Route finds the Fibre Channel ports between this host and a controller by
// their world wide names: the host of the initiator, the fabric that it is in,
// and the remote port that the target is. What is not known is empty.
type Route func(a attr.Reader, initiator, target string) (fcHost, fabric, rport string)

// Links are what the transports know of the ways to controllers.
type Links struct {
	Route Route

	// Rport returns the far end of the way over a remote port of Fibre Channel.
	Rport func(a attr.Reader, name string) san.Way

	// Adapter returns the address of the card that a host of Fibre Channel is on, or
	// "" where that is not known.
	Adapter func(fcHost string) string
}

// Controllers are the families of NVMe controllers. Discovery controllers are
// excluded, and by default those on PCI.
type Controllers struct {
	options Options
	links   Links

	info  *metric.Family
	state *attr.States

	queues      *metric.Family
	keepAlive   *metric.Family
	loss        *metric.Family
	timeouts    [2]attr.File // of fabrics
	diagnostics [3]attr.File
	paths       pathFamilies
	listing     host.Listing
	known       map[string]*controller // by name
	round       uint64

	namespaces map[string]*namespace // by name
	generation uint64                // of the namespaces
	netdevs    netdev.Finder
}

// A controller is what does not change while a controller is there, and its
// state now.
type controller struct {
	name  string
	inode uint64
	round uint64

	fixed     bool // whether the transport could be read
	transport nvmefs.Transport
	raw       string // text of the address
	address   nvmefs.Address

	folder host.Listing
	paths  []path
	diag   bool

	included              bool
	updated               uint64 // round in which what follows was read
	state                 state
	stateKnown            bool
	way                   san.WayState // over the remote port
	fcHost, fabric, rport string

	card string // the network interface at the bottom of the one that the connection is bound to
}

// A state says whether a controller takes I/O.
type state int

const (
	down state = iota
	live
	marginal
)

// New declares the families.
func New(m *metric.Set, o Options, links Links) *Controllers {
	return &Controllers{
		options:    o,
		links:      links,
		known:      map[string]*controller{},
		namespaces: map[string]*namespace{},
		info: m.Gauge("node_hba_nvme_controller_info", "An NVMe controller, as 1, with its address and the Fibre Channel ports on the way.",
			"controller_type", "device", "fc_host", "host_iface", "host_traddr", "rport", "src_addr", "subsysnqn", "subsystem", "traddr", "transport", "trsvcid"),
		state: attr.NewStates(m.Gauge("node_hba_nvme_controller_state", "Whether the NVMe controller is in this state; only a live one takes I/O.",
			"device", "state", "subsystem", "transport"), "new", "live", "resetting", "connecting", "deleting", "dead"),
		queues:    m.Gauge("node_hba_nvme_controller_queues", "Queues of the NVMe controller, with that for administration.", "device"),
		keepAlive: m.Gauge("node_hba_nvme_controller_keep_alive_timeout_seconds", "Time that the NVMe controller waits for a keep-alive command.", "device"),
		loss:      m.Gauge("node_hba_nvme_controller_loss_timeout_seconds", "Time that a lost NVMe controller has to reconnect before it is removed; +Inf for ever.", "device"),
		timeouts: [2]attr.File{
			{Name: "reconnect_delay", Family: m.Gauge("node_hba_nvme_controller_reconnect_delay_seconds", "Time between two attempts to reconnect to a lost NVMe controller.", "device")},
			{Name: "fast_io_fail_tmo", Family: m.Gauge("node_hba_nvme_controller_fast_io_fail_timeout_seconds", "Time that I/O waits for a lost NVMe controller before it fails.", "device")},
		},
		diagnostics: [3]attr.File{
			{Name: "command_error_count", Family: m.Counter("node_hba_nvme_controller_command_errors_total", "Administration commands that the NVMe controller failed.", "device")},
			{Name: "reset_count", Family: m.Counter("node_hba_nvme_controller_resets_total", "Times that the NVMe controller was reset.", "device")},
			{Name: "reconnect_count", Family: m.Counter("node_hba_nvme_controller_reconnects_total", "Times that the host reconnected to the NVMe controller.", "device")},
		},
		paths: newPathFamilies(m),
	}
}

// Reads returns the files that Update, Path and WWID read.
func Reads() []string {
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
		"ana_state", "nsid", "size", "diag/command_error_count", "diag/command_retry_count", "diag/multipath_failover_count")
	add("/sys/class/nvme-subsystem/nvme-subsys*/nvme*n*/diag/", "io_fail_no_available_path_count", "io_requeue_no_usable_path_count")
	add("/sys/class/nvme-subsystem/nvme-subsys*/", "nvme*", "nvme*n*/size")
	reads = append(reads, netdev.Reads()...)
	add("/sys/block/", "nvme*n*")
	add("/sys/block/nvme*n*/", "ana_state", "device/state", "wwid")
	return reads
}

// Update emits the controllers, and the paths over them. It finds the namespaces
// among the block devices of the host for Path, WWID and EachDisk.
func (f *Controllers) Update(a attr.Reader, block []host.DirEntry) {
	f.netdevs.Begin()
	a.List(&f.listing, nvmefs.ClassDir)
	f.paths.begin(a)
	f.round++
	for _, e := range f.listing.Entries {
		if !nvmefs.IsController(e.Name) {
			continue
		}
		c := f.controller(e)
		f.identify(a, c)
		c.included = f.includes(c)
		f.paths.count(c)
		if c.included {
			f.updateController(a, c)
		}
	}
	for name, c := range f.known {
		if c.round != f.round {
			delete(f.known, name)
		}
	}
	f.paths.emit(a)
	f.findNamespaces(a, block)
}

func (f *Controllers) includes(c *controller) bool {
	switch {
	case c.transport.Type == "discovery", c.transport.Name == "":
		return false
	case c.onFabric():
		return true
	}
	return bool(f.options.pcie)
}

// onFabric reports whether a controller is outside this machine.
func (c *controller) onFabric() bool {
	return c.transport.Name != "pcie" && c.transport.Name != "apple-nvme"
}

// controller returns what is known of a controller.
func (f *Controllers) controller(e host.DirEntry) *controller {
	c := f.known[e.Name]
	if c == nil || c.inode != e.Inode {
		c = &controller{name: e.Name, inode: e.Inode}
		f.known[e.Name] = c
	}
	c.round = f.round
	return c
}

// identify reads what a controller is, once.
func (f *Controllers) identify(a attr.Reader, c *controller) {
	if !c.fixed {
		c.transport = nvmefs.ReadTransport(a.Sys, c.name, a.Out.Error)
		c.fixed = c.transport.Name != "" && c.transport.NQN != ""
	}
}

func (f *Controllers) updateController(a attr.Reader, c *controller) {
	word, ok := f.readState(a, c)
	if word != nil {
		labels := [...]string{c.name, "", f.paths.subsystemOf(c.name), c.transport.Name}
		f.state.Emit(a.Out, word, labels[:])
	}
	if !ok {
		return
	}
	f.locate(a, c)
	at := &c.address
	a.Out.Emit(f.info, 1, c.transport.Type, c.name, c.fcHost, at.HostInterface, at.HostTarget, c.rport, at.Source,
		c.transport.NQN, f.paths.subsystemOf(c.name), at.Target, c.transport.Name, at.Service)
	if v, ok := a.Uint(nvmefs.ClassDir, c.name, "queue_count"); ok {
		a.Out.Emit(f.queues, float64(v), c.name)
	}
	if c.onFabric() {
		if v, ok := a.Uint(nvmefs.ClassDir, c.name, "kato"); ok && v > 0 {
			a.Out.Emit(f.keepAlive, float64(v), c.name)
		}
		if v, ok := attr.Parsed(a, "off or seconds", attr.SecondsOrOff, nvmefs.ClassDir, c.name, "ctrl_loss_tmo"); ok {
			a.Out.Emit(f.loss, v, c.name)
		}
		for _, t := range f.timeouts {
			if v, ok := attr.Parsed(a, "off or seconds", attr.UintOrOff, nvmefs.ClassDir, c.name, t.Name); ok && v >= 0 {
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

// readState reads the state of a controller, and returns it as a word of the
// family. It reports false for a controller that went away.
func (f *Controllers) readState(a attr.Reader, c *controller) (word []byte, ok bool) {
	c.updated = f.round
	word, err := a.Sys.Text(nvmefs.ClassDir, c.name, "state")
	if c.stateKnown = err == nil; err != nil {
		host.ReportUnlessGone(err, a.Out.Error)
		return nil, a.Sys.Exists(nvmefs.ClassDir, c.name)
	}
	c.state = down
	switch string(word) {
	case "deleting (no IO)":
		word = []byte("deleting")
	case "marginal": // by a notification of the fabric; used when no other path is left
		c.state = marginal
		word = []byte("unknown")
	case "fencing", "fenced", "unknown state":
		word = []byte("unknown")
	case nvmefs.StateLive:
		c.state = live
	}
	if !f.state.Known(word) {
		a.Out.Error(a.Sys.At(host.Bad(1, "a known state", word)))
	}
	return word, true
}

// locate reads the address of a controller. It reads it again as long as the
// controller is connected over TCP: the source address may change with a
// reconnect. A lost connection has none, and keeps the last one.
func (f *Controllers) locate(a attr.Reader, c *controller) {
	if c.raw == "" || c.state != down && c.transport.Name == "tcp" {
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
		c.fcHost, c.fabric, c.rport = f.links.Route(a, c.address.HostTarget, c.address.Target)
	}
	if c.card = ""; c.address.HostInterface != "" {
		c.card = f.netdevs.Below(a, c.address.HostInterface)
	}
	c.way = san.Open
	if c.rport != "" {
		c.way = f.links.Rport(a, c.rport).State
	}
}

// initiator returns the end of the connection that is in this host, as far as it
// is known: two VLANs of one network card are one.
func (c *controller) initiator() string {
	for _, end := range [...]string{c.card, c.address.HostTarget, c.address.Source} {
		if end != "" {
			return end
		}
	}
	return ""
}
