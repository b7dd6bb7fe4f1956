// Package santopo is the topology of a host's storage network: ports of the
// host, fabrics, target ports, the paths of each LUN, and the file systems on
// them. It is built from the samples of one scrape, and renders as a tree for a
// terminal, as SVG and as JSON. It knows neither sysfs nor HTTP.
package santopo

import (
	"slices"
	"strings"
)

// A Health is the state of a part of the topology.
type Health string

// The states, from good to bad. What has no state of its own is Unknown.
const (
	OK       Health = "ok"
	Unknown  Health = "unknown"
	Degraded Health = "degraded"
	Lost     Health = "lost"
)

var severity = map[Health]int{OK: 0, Unknown: 1, Degraded: 2, Lost: 3}

func worse(a, b Health) Health {
	if severity[b] > severity[a] {
		return b
	}
	return a
}

// A Topology is the storage network as one host sees it. Its parts refer to each
// other by ID.
type Topology struct {
	Health   Health          `json:"health"`
	Summary  []string        `json:"summary"`            // what is not OK, or what there is
	Problems []string        `json:"problems,omitempty"` // collectors that could not read everything
	Ports    []*Port         `json:"ports"`
	Targets  []*Target       `json:"targets"`
	Links    []*Link         `json:"links"`
	LUNs     []*LUN          `json:"luns"`
	Mounts   []*Mount        `json:"mounts"`
	private  map[string]bool // targets that fold with the only LUN behind them
}

// A Port is a port of the host: of a Fibre Channel or SAS adapter, or the network
// interface of sessions.
type Port struct {
	ID         string `json:"id"` // host3, host3 and its SAS port, or interface and address
	Transport  string `json:"transport,omitempty"`
	Driver     string `json:"driver,omitempty"`
	Model      string `json:"model,omitempty"`
	Serial     string `json:"serial,omitempty"`
	PCIAddress string `json:"pci_address,omitempty"`
	Address    string `json:"address,omitempty"` // WWPN
	Lanes      int    `json:"lanes,omitempty"`   // of a SAS port
	State      string `json:"state,omitempty"`
	Fabric     string `json:"fabric,omitempty"`      // WWN of the fabric that the port is logged in to
	Switch     string `json:"switch,omitempty"`      // domain
	SwitchPort string `json:"switch_port,omitempty"` // area
	Health     Health `json:"health"`
}

// A Target is a port of an array: a WWPN, a SAS address, an iSCSI target at a
// portal, or the address of an NVMe subsystem.
type Target struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	Portal string `json:"portal,omitempty"`
	Health Health `json:"health"` // of its best link
}

// A Link is the connection of a port to a target. A lost one stays as long as a
// sample names it.
type Link struct {
	Port   string `json:"port"`
	Target string `json:"target"`
	State  string `json:"state,omitempty"` // of the remote port, the session or the controller
	Health Health `json:"health"`
}

// The kinds of a LUN.
const (
	KindMultipath = "multipath" // a map of device-mapper
	KindNVMe      = "nvme"      // a namespace with paths
	KindDisk      = "disk"      // a SCSI disk without a map
)

// A LUN is a volume with its paths.
type LUN struct {
	ID           string   `json:"id"` // name of the map or the disk
	Kind         string   `json:"kind"`
	Device       string   `json:"device,omitempty"` // in /sys/block
	WWID         string   `json:"wwid,omitempty"`
	Product      string   `json:"product,omitempty"`
	Paths        []*Path  `json:"paths"`
	Total        int      `json:"total_paths"` // also those without details
	Usable       int      `json:"usable_paths"`
	SinglePoints []string `json:"single_points,omitempty"` // components that all usable paths share
	Health       Health   `json:"health"`
	mounts       []string
	counted      bool // has the number of its paths
}

// A Path is a way to a LUN. Health is the word of node_hba_multipath_path_health.
type Path struct {
	Device string `json:"device"`
	HCTL   string `json:"hctl,omitempty"`
	Port   string `json:"port,omitempty"`
	Target string `json:"target,omitempty"`
	Health string `json:"health"`
}

// A Mount is a mounted file system with the LUNs below it.
type Mount struct {
	Mountpoint string   `json:"mountpoint"`
	Device     string   `json:"device"`
	FSType     string   `json:"fstype"`
	LUNs       []string `json:"luns"`
	Health     Health   `json:"health"` // of its worst LUN
}

// healthOfPath returns the state of a path from its health.
func healthOfPath(health string) Health {
	switch health {
	case "optimized", "non_optimized", "standby":
		return OK
	case "marginal":
		return Degraded
	case "failed", "offline", "blocked":
		return Lost
	}
	return Unknown
}

// isUsable reports whether a path takes I/O.
func isUsable(health string) bool {
	return health == "optimized" || health == "non_optimized" || health == "marginal"
}

// A Group is LUNs that lead over the same ports and targets in the same state.
type Group struct {
	LUNs   []*LUN
	Mounts []string
}

// First returns the LUN that stands for all of the group.
func (g *Group) First() *LUN { return g.LUNs[0] }

// Title returns a line about a group.
func (g *Group) Title() string {
	l := g.First()
	if len(g.LUNs) == 1 {
		return l.text() + ": " + l.status()
	}
	return plural(len(g.LUNs), "LUN") + ", " + g.names() + ": each " + l.status()
}

// Name returns the names of the LUNs of a group, in short.
func (g *Group) Name() string {
	if len(g.LUNs) == 1 {
		return g.names()
	}
	return plural(len(g.LUNs), "LUN") + ", " + g.names()
}

// Status returns how many paths each LUN of a group has, and what they share.
func (g *Group) Status() string { return g.First().status() }

// Way returns the ports that the paths of a group at an index lead over.
func (g *Group) Way(i int) string {
	first, last := g.First().Paths[i], g.LUNs[len(g.LUNs)-1].Paths[i]
	if first.Target != last.Target {
		return words(first.Port, "→", first.Target, "…", last.Target)
	}
	return first.Way()
}

// State returns the state of a path.
func (p *Path) State() Health { return healthOfPath(p.Health) }

// maxSingle is the maximum number of LUNs that are not folded into groups.
const maxSingle = 12

// Groups returns the LUNs in groups, the unhealthy ones first. Few LUNs are groups
// of one each.
func (t *Topology) Groups() []*Group {
	var groups []*Group
	index := map[string]*Group{}
	for _, l := range t.LUNs {
		key := l.ID
		if len(t.LUNs) > maxSingle {
			key = t.signature(l)
		}
		g := index[key]
		if g == nil {
			g = &Group{}
			index[key] = g
			groups = append(groups, g)
		}
		g.LUNs = append(g.LUNs, l)
		g.Mounts = append(g.Mounts, l.mounts...)
	}
	slices.SortStableFunc(groups, func(a, b *Group) int { return severity[b.First().Health] - severity[a.First().Health] })
	return groups
}

// targetOf returns the target of a path, and nothing for one that is private: the
// disks of a shelf have a target each.
func (t *Topology) targetOf(p *Path) string {
	if t.private[p.Target] {
		return ""
	}
	return p.Target
}

// SharedLinks returns the links, except those to private targets that are not lost.
func (t *Topology) SharedLinks() []*Link {
	return slices.DeleteFunc(slices.Clone(t.Links), func(l *Link) bool { return t.private[l.Target] && severity[l.Health] < severity[Degraded] })
}

// signature returns a text that is the same for LUNs that fold into one group.
func (t *Topology) signature(l *LUN) string {
	parts := []string{l.Kind, string(l.Health), strings.Join(l.SinglePoints, ",")}
	for _, p := range l.Paths {
		parts = append(parts, p.Port, t.targetOf(p), p.Health)
	}
	if len(l.Paths) == 0 {
		parts = append(parts, plural(l.Usable, "path"), plural(l.Total, "path"))
	}
	return strings.Join(parts, "\x00")
}
