package dm

import (
	"strings"

	"github.com/hostexporter/host_exporter/collector/internal/host"
)

// A Topology reads again and again which multipath maps exist, and the block
// devices below and above them. Unlike Maps it does not read the states of the
// paths, and it caches what does not change: a map that stays costs one small
// file and two directories. It is not for concurrent use.
type Topology struct {
	nodes map[string]*node // by kernel name
	round uint64
	maps  []*Multipath
}

// A Multipath is a multipath map with the block devices below and above it. The
// pointer stays the same as long as the map exists.
type Multipath struct {
	Name         string // as in /dev/mapper
	SysfsName    string // dm-N
	UUID         string // with its prefix mpath-
	Paths        []host.DirEntry
	PathsChanged bool            // since the call before; true for a new map
	Holders      []host.DirEntry // devices above it: partitions, volumes
}

// WWID returns what the map is named for: the world wide identifier of its LUN,
// as multipath writes it.
func (m *Multipath) WWID() string { return strings.TrimPrefix(m.UUID, uuidPrefix) }

// A node is a device-mapper device, multipath or not.
type node struct {
	Multipath
	inode           uint64
	hasUUID         bool // whether it had a UUID, which then does not change
	isMultipath     bool // by its UUID
	slaves, holders host.Listing
	round           uint64 // in which it was last listed
}

// NewTopology returns a Topology without maps.
func NewTopology() *Topology { return &Topology{nodes: map[string]*node{}} }

// Maps returns the multipath maps among the block devices listed in /sys/block,
// in their order. It reports a file that cannot be read, unless its device is
// gone, and leaves out the map. The result is valid until the next call.
func (t *Topology) Maps(sys *host.Reader, block []host.DirEntry, report func(error)) []*Multipath {
	t.round++
	t.maps = t.maps[:0]
	for _, e := range block {
		if !strings.HasPrefix(e.Name, namePrefix) {
			continue
		}
		n := t.nodes[e.Name]
		if n == nil || n.inode != e.Inode {
			n = &node{Multipath: Multipath{SysfsName: e.Name}, inode: e.Inode}
			t.nodes[e.Name] = n
		}
		n.round = t.round
		if n.read(sys, report) {
			t.maps = append(t.maps, &n.Multipath)
		}
	}
	for name, n := range t.nodes {
		if n.round != t.round {
			delete(t.nodes, name)
		}
	}
	return t.maps
}

// read updates a node. It reports whether the node is a multipath map.
func (n *node) read(sys *host.Reader, report func(error)) bool {
	if !n.hasUUID { // a device without a UUID can get one later
		uuid, err := readUUID(sys, n.SysfsName)
		if !host.ReportUnlessGone(err, report) {
			return false
		}
		n.hasUUID, n.isMultipath = len(uuid) > 0, strings.HasPrefix(string(uuid), uuidPrefix)
		n.UUID = string(uuid)
	}
	if !n.isMultipath {
		return false
	}
	name, err := readName(sys, n.SysfsName)
	if !host.ReportUnlessGone(err, report) {
		return false
	}
	if n.Name != string(name) {
		n.Name = string(name)
	}
	changed, err := sys.List(&n.slaves, blockDir, n.SysfsName, "slaves")
	if !host.ReportUnlessGone(err, report) {
		return false
	}
	n.PathsChanged = changed
	_, err = sys.List(&n.holders, blockDir, n.SysfsName, "holders")
	host.ReportUnlessGone(err, report)
	n.Paths, n.Holders = n.slaves.Entries, n.holders.Entries
	return true
}
