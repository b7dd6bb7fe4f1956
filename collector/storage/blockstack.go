package storage

import (
	"context"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/nvmefs"
)

var blockstack = collect.Spec{
	Name:              "blockstack",
	Help:              "Block devices on top of each other, and the adapters that each mounted file system needs.",
	DisabledByDefault: true,
	Native:            true,
	Reads: []string{
		"/proc/1/mountinfo", "/proc/self/mountinfo", "/proc/mounts",
		"/sys/block",
		"/sys/dev/block/*",
		"/sys/class/block/*",
		"/sys/class/block/*/partition",
		"/sys/class/block/*/slaves",
		"/sys/class/block/*/dm/uuid",
		"/sys/class/block/*/dm/name",
		"/sys/class/block/*/md/level",
		"/sys/class/block/*/device/state",
	},
	Build: collect.Plain(newBlockstack),
}

// blockstackCollector walks down from each mounted file system, and from each
// device of device-mapper and md, to the disks, by the directories slaves, the
// place of a partition below its disk, and the names of the paths of an NVMe namespace. A disk that nothing is on is not read.
//
// See https://docs.kernel.org/admin-guide/abi-stable.html (sysfs-block).
type blockstackCollector struct {
	sys    *host.Reader
	mounts *mountTable

	info, mount, device, adapters, dependency *metric.Family

	nodes  map[string]*stackNode // of the run
	mapper map[string]string     // kernel name by the name in /dev/mapper
	paths  map[string][]string   // devices of the paths of an NVMe namespace, by its name
}

// A stackNode is a block device with those below it.
type stackNode struct {
	name    string // in /sys/block
	label   string // of device-mapper, or the same
	kind    string // of what joins the parents
	parents []*stackNode
	adapter string // of a disk
	usable  bool   // whether a disk is in a state that takes I/O
	emitted bool
	result  *stackRedundancy // once it is computed
}

func newBlockstack(env *collect.Env) *blockstackCollector {
	m := env.Metrics
	return &blockstackCollector{
		sys:    env.Host.Sys.Reader().Share("block"),
		mounts: newMountTable(env.Host, nil, defaultMountPoints(), defaultFSTypes()),

		info:       m.Gauge("node_block_stack_info", "A block device on another (parent), as 1: kind is what joins the parents, name is in /dev/mapper.", "device", "kind", "name", "parent"),
		mount:      m.Gauge("node_block_stack_mount_info", "The block device that a mounted file system is on, as 1.", "device", "fstype", "mountpoint"),
		device:     m.Gauge("node_block_stack_mount_device_info", "A multipath map or disk that a mounted file system is on, as 1, named as in node_hba_.", "device", "mountpoint"),
		adapters:   m.Gauge("node_block_stack_mount_adapters", "Adapters with a usable path to a mounted file system, of the part of it with the fewest.", "mountpoint"),
		dependency: m.Gauge("node_block_stack_mount_dependency_info", "An adapter that a mounted file system fails with, as 1.", "adapter", "mountpoint"),
	}
}

func (c *blockstackCollector) Update(ctx context.Context, out *metric.Sink) error {
	mounts, err := c.mounts.read(ctx, out)
	if err != nil {
		return err
	}
	c.nodes, c.mapper, c.paths = map[string]*stackNode{}, map[string]string{}, map[string][]string{}
	c.sys.BeginRun(ctx)
	names, err := c.sys.Names("block")
	if err != nil {
		return collect.OrNoData(err)
	}
	for _, name := range names {
		if head, ok := nvmefs.HeadOf(name); ok {
			c.paths[head] = append(c.paths[head], name)
		}
	}
	for _, name := range names {
		if strings.HasPrefix(name, "dm-") || strings.HasPrefix(name, "md") || strings.HasPrefix(name, "bcache") || c.paths[name] != nil {
			c.emit(c.node(name, out), out)
		}
	}
	for _, m := range mounts {
		if name := c.deviceOf(m, out); name != "" {
			c.emitMount(m, c.node(name, out), out)
		}
	}
	return nil
}

// deviceOf returns the kernel name of the block device of a mount, and nothing
// for a file system without one.
func (c *blockstackCollector) deviceOf(m *mount, out *metric.Sink) string {
	if m.major != "0" && m.major != "" {
		target, err := c.sys.Link("dev/block", m.major+":"+m.minor)
		if host.ReportUnlessGone(err, out.Error) {
			return path.Base(target)
		}
		return ""
	}
	// btrfs has a number of its own, and names one of its devices.
	device, ok := strings.CutPrefix(m.device, "/dev/")
	if !ok {
		return ""
	}
	if name, ok := strings.CutPrefix(device, "mapper/"); ok {
		return c.mapper[name]
	}
	if strings.Contains(device, "/") || !c.sys.Exists("class/block", device) {
		return ""
	}
	return device
}

// node returns a device with all below it.
func (c *blockstackCollector) node(name string, out *metric.Sink) *stackNode {
	if n := c.nodes[name]; n != nil {
		return n
	}
	n := &stackNode{name: name, label: name}
	c.nodes[name] = n
	target, err := c.sys.Link("class/block", name)
	if !host.ReportUnlessGone(err, out.Error) {
		return n
	}
	switch _, err := c.sys.Text("class/block", name, "partition"); {
	case err == nil:
		n.kind = "partition"
		n.parents = []*stackNode{c.node(path.Base(path.Dir(target)), out)}
		return n
	case !host.Gone(err):
		out.Error(err)
		return n
	}
	if paths := c.paths[name]; paths != nil {
		n.kind = "multipath"
		for _, p := range paths {
			n.parents = append(n.parents, c.node(p, out))
		}
		return n
	}
	slaves, err := c.sys.Names("class/block", name, "slaves")
	host.ReportUnlessGone(err, out.Error)
	for _, s := range slaves {
		n.parents = append(n.parents, c.node(s, out))
	}
	switch {
	case strings.HasPrefix(name, "dm-"):
		c.readMapper(n, out)
	case len(slaves) == 0:
		c.readDisk(n, target, out)
	case strings.HasPrefix(name, "md"):
		level, err := c.sys.Text("class/block", name, "md/level")
		host.ReportUnlessGone(err, out.Error)
		n.kind = string(level)
	case strings.HasPrefix(name, "bcache"):
		n.kind = "bcache"
	}
	return n
}

func (c *blockstackCollector) readMapper(n *stackNode, out *metric.Sink) {
	if label, err := c.sys.Text("class/block", n.name, "dm/name"); host.ReportUnlessGone(err, out.Error) {
		n.label = string(label)
		c.mapper[n.label] = n.name
	}
	uuid, err := c.sys.Text("class/block", n.name, "dm/uuid")
	switch {
	case !host.ReportUnlessGone(err, out.Error):
	case !mapperUUID.Match(uuid):
		out.Error(c.sys.At(host.Bad(1, "a UUID of device-mapper", uuid)))
	default:
		n.kind = mapperKind(string(uuid))
	}
}

// mapperKind returns the kind of a device of device-mapper from its UUID, whose
// prefix is that of the program that made it.
func mapperKind(uuid string) string {
	prefix, _, _ := strings.Cut(uuid, "-")
	switch {
	case strings.HasPrefix(prefix, "part"):
		return "partition"
	case prefix == "mpath":
		return "multipath"
	case prefix == "LVM":
		return "lvm"
	case prefix == "CRYPT":
		return "crypt"
	}
	return "mapper"
}

var (
	mapperUUID    = regexp.MustCompile(`^[!-~]*$`)
	stateWord     = regexp.MustCompile(`^[a-z][a-z ()-]*$`)
	scsiHostDir   = regexp.MustCompile(`/(host[0-9]+)/.*target[0-9]`)
	controllerDir = regexp.MustCompile(`/(?:nvme|ctl)/(nvme[0-9]+)/`) // of a PCI device, or of a fabric
)

// readDisk reads the adapter of a disk: its SCSI host, its NVMe controller, or
// else the disk itself. Of two hosts in a path the second one is a virtual port.
func (c *blockstackCollector) readDisk(n *stackNode, target string, out *metric.Sink) {
	n.adapter, n.usable = n.name, true
	if m := scsiHostDir.FindStringSubmatch(target); m != nil {
		n.adapter = m[1]
		hosts := strings.Split(target[:strings.LastIndex(target, "/target")], "/")
		for _, dir := range hosts {
			if strings.HasPrefix(dir, "host") {
				n.adapter = dir
			}
		}
	} else if m := controllerDir.FindStringSubmatch(target); m != nil {
		n.adapter = m[1]
	}
	state, err := c.sys.Text("class/block", n.name, "device/state")
	switch {
	case err != nil && host.Gone(err): // disks other than SCSI and NVMe have no state
	case !host.ReportUnlessGone(err, out.Error):
		n.adapter = ""
	case !stateWord.Match(state):
		out.Error(c.sys.At(host.Bad(1, "the state of a device", state)))
		n.adapter = ""
	default:
		n.usable = string(state) == "running" || string(state) == "live"
	}
}

// emit emits the edges from a device down to the disks, each once.
func (c *blockstackCollector) emit(n *stackNode, out *metric.Sink) {
	if n.emitted {
		return
	}
	n.emitted = true
	for _, p := range n.parents {
		out.Emit(c.info, 1, n.name, n.kind, n.label, p.name)
		c.emit(p, out)
	}
}

func (c *blockstackCollector) emitMount(m *mount, n *stackNode, out *metric.Sink) {
	c.emit(n, out)
	out.Emit(c.mount, 1, n.name, m.fsType, m.point)
	for _, d := range n.devices() {
		out.Emit(c.device, 1, d.label, m.point)
	}
	r := n.redundancy()
	if !r.known {
		return
	}
	out.Emit(c.adapters, float64(r.count), m.point)
	for _, adapter := range r.dependencies {
		out.Emit(c.dependency, 1, adapter, m.point)
	}
}

// devices returns the multipath maps and the disks that a device is on, each once.
// It returns none if a device vanished, or could not be read.
func (n *stackNode) devices() []*stackNode {
	var all []*stackNode
	seen := map[*stackNode]bool{}
	var walk func(*stackNode) bool
	walk = func(n *stackNode) bool {
		if seen[n] {
			return true
		}
		seen[n] = true
		if n.kind == "multipath" || n.adapter != "" {
			all = append(all, n)
			return true
		}
		if n.kind == "" || len(n.parents) == 0 {
			return false
		}
		for _, p := range n.parents {
			if !walk(p) {
				return false
			}
		}
		return true
	}
	if !walk(n) {
		return nil
	}
	return all
}

// A stackRedundancy says which adapters a device depends on.
type stackRedundancy struct {
	known        bool     // false if a device vanished, or could not be read
	count        int      // adapters of the part with the fewest; 0: it has none left
	adapters     []string // with a usable path
	dependencies []string // adapters without any one of which the device fails
}

// redundancy returns the redundancy of a device, from that of its parents.
func (n *stackNode) redundancy() stackRedundancy {
	if n.result == nil {
		n.result = &stackRedundancy{} // of a device that would be below itself
		r := n.computeRedundancy()
		n.result = &r
	}
	return *n.result
}

func (n *stackNode) computeRedundancy() stackRedundancy {
	if n.adapter != "" {
		r := stackRedundancy{known: true, dependencies: []string{n.adapter}}
		if n.usable {
			r.count, r.adapters = 1, r.dependencies
		}
		return r
	}
	var parents []stackRedundancy
	for _, p := range n.parents {
		r := p.redundancy()
		if !r.known {
			return r
		}
		parents = append(parents, r)
	}
	if len(parents) == 0 || n.kind == "" {
		return stackRedundancy{}
	}
	return joinRedundancy(parents, n.tolerance())
}

// tolerance returns how many parents may fail before the device does. Of the
// members of raid10 it is half, since which ones are mirrors of each other is not
// known.
func (n *stackNode) tolerance() int {
	switch n.kind {
	case "multipath", "raid1":
		return len(n.parents) - 1
	case "raid4", "raid5":
		return 1
	case "raid6":
		return 2
	case "raid10":
		return len(n.parents) / 2
	}
	return 0
}

// joinRedundancy returns the redundancy of a device on parents, which fails if more
// of them than tolerance do.
func joinRedundancy(parents []stackRedundancy, tolerance int) stackRedundancy {
	r := stackRedundancy{known: true}
	failed := 0
	losses := map[string]int{} // parents that fail with an adapter
	for i, p := range parents {
		if p.count == 0 {
			failed++
		}
		if i == 0 || p.count < r.count {
			r.count = p.count
		}
		for _, a := range p.adapters {
			if !slices.Contains(r.adapters, a) {
				r.adapters = append(r.adapters, a)
			}
		}
		if p.count == 0 && tolerance > 0 {
			continue
		}
		for _, a := range p.dependencies {
			losses[a]++
		}
	}
	if tolerance > 0 {
		r.count = len(r.adapters)
	}
	if failed > tolerance {
		r.count = 0
	}
	for _, p := range parents {
		for _, a := range p.dependencies {
			if losses[a] > 0 && losses[a]+failed > tolerance && !slices.Contains(r.dependencies, a) {
				r.dependencies = append(r.dependencies, a)
			}
		}
	}
	if r.count > 1 && len(r.dependencies) > 0 && tolerance > 0 {
		r.count = 1
	}
	return r
}
