package storage

import (
	"slices"
	"testing"
)

func TestStackRedundancy(t *testing.T) {
	disk := func(adapter string) *stackNode { return &stackNode{adapter: adapter, usable: true} }
	failed := func(adapter string) *stackNode { return &stackNode{adapter: adapter} }
	on := func(kind string, parents ...*stackNode) *stackNode { return &stackNode{kind: kind, parents: parents} }
	loop := on("lvm")
	loop.parents = []*stackNode{loop}
	for _, c := range []struct {
		name         string
		node         *stackNode
		known        bool
		count        int
		dependencies []string
	}{
		{"disk", disk("a"), true, 1, []string{"a"}},
		{"failed disk", failed("a"), true, 0, []string{"a"}},
		{"map over two adapters", on("multipath", disk("a"), disk("b"), disk("a"), disk("b")), true, 2, nil},
		{"map with usable paths over one", on("multipath", disk("a"), failed("b"), disk("a")), true, 1, []string{"a"}},
		{"map without usable paths", on("multipath", failed("a"), failed("b")), true, 0, nil},
		{"volume on two maps", on("lvm", on("multipath", disk("a"), disk("b"), disk("c")), on("multipath", disk("a"), disk("b"))), true, 2, nil},
		{"volume on a map and a disk", on("lvm", on("multipath", disk("a"), disk("b")), disk("b")), true, 1, []string{"b"}},
		{"volume on a failed disk", on("lvm", disk("a"), failed("b")), true, 0, []string{"a", "b"}},
		{"mirror of two adapters", on("raid1", disk("a"), disk("b")), true, 2, nil},
		{"mirror on one adapter", on("raid1", disk("a"), disk("a")), true, 1, []string{"a"}},
		{"mirror with a failed member", on("raid1", disk("a"), failed("b")), true, 1, []string{"a"}},
		{"stripes", on("raid0", disk("a"), disk("b")), true, 1, []string{"a", "b"}},
		{"raid5 of three adapters", on("raid5", disk("a"), disk("b"), disk("c")), true, 3, nil},
		{"raid5 with two members on one", on("raid5", disk("a"), disk("b"), disk("b")), true, 1, []string{"b"}},
		{"raid6 with two members on one", on("raid6", disk("a"), disk("b"), disk("b"), disk("c")), true, 3, nil},
		{"degraded raid5", on("raid5", disk("a"), failed("b"), disk("c")), true, 1, []string{"a", "c"}},
		{"a device that vanished", on("lvm", disk("a"), &stackNode{}), false, 0, nil},
		{"a device below itself", loop, false, 0, nil},
	} {
		r := c.node.redundancy()
		slices.Sort(r.dependencies)
		if r.known != c.known || r.count != c.count || !slices.Equal(r.dependencies, c.dependencies) {
			t.Errorf("%s: want %v, %d, %v, have %v, %d, %v", c.name, c.known, c.count, c.dependencies, r.known, r.count, r.dependencies)
		}
	}
}
