package dm

import (
	"strings"

	"github.com/hostexporter/host_exporter/collector/internal/host"
)

// A Topology reads which multipath maps there are and what they are made of,
// again and again. Unlike Maps it leaves the states of the paths to its user,
// and remembers what does not change: a map that stays costs one small file and
// two folders. It is not for concurrent use.
type Topology struct {
	sys   *host.Reader
	known map[string]*node // by kernel name
	round uint64
	found []*Multipath
}

// A Multipath is a multipath map with its neighbours. It stays the same as
// long as the map does.
type Multipath struct {
	Name      string // as in /dev/mapper
	SysfsName string // dm-N
	Paths     []host.DirEntry
	Holders   []host.DirEntry // what is on top of it: partitions, volumes
}

type node struct {
	Multipath
	inode           uint64
	decided, wanted bool // whether its UUID was read, and said multipath
	slaves, holders host.Listing
	round           uint64
}

// NewTopology returns a Topology that has not seen any map yet.
func NewTopology(sys host.Tree) *Topology {
	return &Topology{sys: sys.Reader(), known: map[string]*node{}}
}

// Maps returns the multipath maps among the block devices, as listed in
// /sys/block, in their order. What cannot be read is told to skip, and costs
// its map. The result is valid until the next call.
func (t *Topology) Maps(block []host.DirEntry, skip func(error)) []*Multipath {
	t.round++
	t.found = t.found[:0]
	for _, e := range block {
		if !strings.HasPrefix(e.Name, namePrefix) {
			continue
		}
		n := t.known[e.Name]
		if n == nil || n.inode != e.Inode {
			n = &node{Multipath: Multipath{SysfsName: e.Name}, inode: e.Inode}
			t.known[e.Name] = n
		}
		n.round = t.round
		if t.read(n, skip) {
			t.found = append(t.found, &n.Multipath)
		}
	}
	for name, n := range t.known {
		if n.round != t.round {
			delete(t.known, name)
		}
	}
	return t.found
}

// read brings a map up to date. It reports false for what is none.
func (t *Topology) read(n *node, skip func(error)) bool {
	if !n.decided {
		uuid, err := t.sys.Text(blockDir, n.SysfsName, "dm", "uuid")
		if err == nil && !printable(uuid) {
			err = t.sys.At(host.Bad(1, "a UUID", uuid))
		}
		if !told(err, skip) {
			return false
		}
		// A device without a UUID can be given one later.
		n.decided, n.wanted = len(uuid) > 0, strings.HasPrefix(string(uuid), uuidPrefix)
	}
	if !n.wanted {
		return false
	}
	name, err := t.sys.Text(blockDir, n.SysfsName, "dm", "name")
	if err == nil && len(name) == 0 {
		err = t.sys.At(host.Bad(1, "the name of a map", name))
	}
	if !told(err, skip) {
		return false
	}
	if n.Name != string(name) {
		n.Name = string(name)
	}
	if _, err := t.sys.List(&n.slaves, blockDir, n.SysfsName, "slaves"); !told(err, skip) {
		return false
	}
	if _, err := t.sys.List(&n.holders, blockDir, n.SysfsName, "holders"); err != nil {
		told(err, skip)
	}
	n.Paths, n.Holders = n.slaves.Entries, n.holders.Entries
	return true
}
