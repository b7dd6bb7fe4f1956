package memory

import (
	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

const nodeDir = "devices/system/node"

// A nodeList has the NUMA nodes of /sys/devices/system/node. They may come and go
// with memory and CPUs that are plugged.
type nodeList struct {
	listing host.Listing
	nodes   []numaNode
}

// A numaNode is a node: its directory is node0, its number 0.
type numaNode struct{ dir, number string }

// read brings the list up to date. It returns collect.ErrNoData if there is no node.
func (l *nodeList) read(sys *host.Reader) error {
	changed, err := sys.List(&l.listing, nodeDir)
	if err != nil {
		return collect.OrNoData(err)
	}
	if changed {
		l.update()
	}
	if len(l.nodes) == 0 {
		return collect.ErrNoData
	}
	return nil
}

func (l *nodeList) update() {
	l.nodes = l.nodes[:0]
	for _, e := range l.listing.Entries {
		if len(e.Name) > len("node") && e.Name[:len("node")] == "node" {
			number := e.Name[len("node"):]
			if _, ok := scan.Uint([]byte(number)); ok {
				l.nodes = append(l.nodes, numaNode{e.Name, number})
			}
		}
	}
}
