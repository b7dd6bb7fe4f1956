package memory

import (
	"context"
	"strconv"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

var buddyinfo = collect.Spec{
	Name:              "buddyinfo",
	Help:              "Free memory blocks of each zone by size.",
	Reads:             []string{"/proc/buddyinfo"},
	DisabledByDefault: true,
	Build:             collect.Plain(newBuddyinfo),
}

// buddyinfoCollector reads /proc/buddyinfo, whose lines count the free blocks of
// a zone: of 1 page, 2 pages, 4 pages and so on.
//
//	Node 0, zone   Normal  39139  49368  22850   8627   5415   2778   1129    284     79     25     38
//
// See https://docs.kernel.org/filesystems/proc.html (section 1.2).
type buddyinfoCollector struct {
	proc   *host.Reader
	blocks *metric.Family
}

func newBuddyinfo(env *collect.Env) *buddyinfoCollector {
	return &buddyinfoCollector{
		proc: env.Host.Proc.Reader(),
		blocks: env.Metrics.Gauge("node_buddyinfo_blocks",
			"Free blocks of 2^size pages in the zone, from /proc/buddyinfo.", "node", "zone", "size"),
	}
}

func (c *buddyinfoCollector) Update(_ context.Context, out *metric.Sink) error {
	b, err := c.proc.Read("buddyinfo")
	if err != nil {
		return collect.OrNoData(err)
	}
	if len(scan.Trim(b)) == 0 {
		return c.proc.At(host.Bad(1, "a zone and its free blocks", b))
	}
	var line []byte
	for n := 1; len(b) > 0; n++ {
		line, b = scan.Line(b)
		zone, ok := parseBuddyinfoLine(line)
		if !ok {
			out.Error(c.proc.At(host.Bad(n, "a zone and its free blocks", line)))
			continue
		}
		for order, blocks := range zone.blocks[:zone.orders] {
			out.Emit(c.blocks, float64(blocks), string(zone.node), string(zone.zone), strconv.Itoa(order))
		}
	}
	return nil
}

// maxOrders is more than the orders of any kernel: 64-KiB pages have 14 orders.
const maxOrders = 32

// A buddyinfoZone is a line of /proc/buddyinfo. Its labels point into the line.
type buddyinfoZone struct {
	zoneName
	blocks [maxOrders]uint64
	orders int
}

func parseBuddyinfoLine(line []byte) (z buddyinfoZone, ok bool) {
	name, rest, ok := parseZoneName(line)
	if !ok {
		return z, false
	}
	z.zoneName = name
	for field, rest := scan.Field(rest); len(field) > 0; field, rest = scan.Field(rest) {
		if z.orders == maxOrders {
			return z, false
		}
		if z.blocks[z.orders], ok = scan.Amount64(field); !ok {
			return z, false
		}
		z.orders++
	}
	return z, z.orders > 0
}

// A zoneName names a zone of a NUMA node.
type zoneName struct{ node, zone []byte }

// set copies a name into the memory of z.
func (z *zoneName) set(name zoneName) {
	z.node, z.zone = append(z.node[:0], name.node...), append(z.zone[:0], name.zone...)
}

// parseZoneName parses the start of a line of /proc/buddyinfo and of a heading in
// /proc/zoneinfo, such as "Node 0, zone   Normal".
func parseZoneName(line []byte) (name zoneName, rest []byte, ok bool) {
	field, rest := scan.Field(line)
	if string(field) != "Node" {
		return name, nil, false
	}
	field, rest = scan.Field(rest)
	if len(field) == 0 || field[len(field)-1] != ',' {
		return name, nil, false
	}
	name.node = field[:len(field)-1]
	if _, ok := scan.Uint(name.node); !ok {
		return name, nil, false
	}
	field, rest = scan.Field(rest)
	if string(field) != "zone" {
		return name, nil, false
	}
	name.zone, rest = scan.Field(rest)
	return name, rest, len(name.zone) > 0
}
