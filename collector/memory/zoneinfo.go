package memory

import (
	"bytes"
	"context"
	"strconv"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

var zoneinfo = collect.Spec{
	Name:              "zoneinfo",
	Help:              "Watermarks, sizes and use of each memory zone.",
	Reads:             []string{"/proc/zoneinfo"},
	DisabledByDefault: true,
	Build:             collect.Plain(newZoneinfo),
}

// zoneinfoCollector reads /proc/zoneinfo, a block of lines for each zone:
//
//	Node 0, zone    DMA32
//	  pages free     772917
//	        min      5128
//	        protection: (0, 0, 6912, 6912, 6912)
//	      nr_free_pages 772917
//
// Since Linux 4.8 the statistics of a whole node are in the block of its first
// zone that has memory, and have the label of that zone. See
// https://docs.kernel.org/filesystems/proc.html (section 1.2) and the kernel's
// mm/vmstat.c.
type zoneinfoCollector struct {
	proc       *host.Reader
	fields     map[string]zoneinfoField
	protection *metric.Keyed // by the number of the zone

	zone zoneName // of the current line
}

type zoneinfoField struct {
	family *metric.Family
	gauge  bool
}

func newZoneinfo(env *collect.Env) *zoneinfoCollector {
	m := env.Metrics
	c := &zoneinfoCollector{proc: env.Host.Proc.Reader(), fields: map[string]zoneinfoField{}}
	gauge := func(key, name, what string) {
		c.fields[key] = zoneinfoField{gauge: true,
			family: m.Gauge("node_zoneinfo_"+name, what+", from /proc/zoneinfo.", "node", "zone")}
	}
	counter := func(key, name, what string) {
		c.fields[key] = zoneinfoField{
			family: m.Counter("node_zoneinfo_"+name, what+", from /proc/zoneinfo.", "node", "zone")}
	}
	gauge("nr_free_pages", "nr_free_pages", "Free pages")
	gauge("min", "min_pages", "Free pages below which only urgent allocations succeed")
	gauge("low", "low_pages", "Free pages below which kswapd starts to reclaim")
	gauge("high", "high_pages", "Free pages at which kswapd stops reclaiming")
	gauge("scanned", "scanned_pages", "Pages scanned since the last reclaim, until Linux 4.7")
	gauge("spanned", "spanned_pages", "Pages that the zone spans, with holes")
	gauge("present", "present_pages", "Physical pages of the zone")
	gauge("managed", "managed_pages", "Pages that the page allocator manages")
	gauge("nr_active_anon", "nr_active_anon_pages", "Recently used anonymous pages")
	gauge("nr_inactive_anon", "nr_inactive_anon_pages", "Anonymous pages that may be swapped out next")
	gauge("nr_isolated_anon", "nr_isolated_anon_pages", "Anonymous pages taken off the lists for reclaim")
	gauge("nr_anon_pages", "nr_anon_pages", "Mapped anonymous pages")
	gauge("nr_anon_transparent_hugepages", "nr_anon_transparent_hugepages", "Anonymous transparent huge pages")
	gauge("nr_active_file", "nr_active_file_pages", "Recently used pages of files")
	gauge("nr_inactive_file", "nr_inactive_file_pages", "Pages of files that may be reclaimed next")
	gauge("nr_isolated_file", "nr_isolated_file_pages", "Pages of files taken off the lists for reclaim")
	gauge("nr_file_pages", "nr_file_pages", "Pages of the page cache")
	gauge("nr_slab_reclaimable", "nr_slab_reclaimable_pages", "Slab pages that can be reclaimed")
	gauge("nr_slab_unreclaimable", "nr_slab_unreclaimable_pages", "Slab pages that cannot be reclaimed")
	gauge("nr_mlock_stack", "nr_mlock_stack_pages", "Pages of stacks locked in memory")
	gauge("nr_kernel_stack", "nr_kernel_stacks", "Kernel stacks: KiB since Linux 4.8, a count before")
	gauge("nr_mapped", "nr_mapped_pages", "Pages of files mapped by processes")
	gauge("nr_dirty", "nr_dirty_pages", "Pages that wait to be written back")
	gauge("nr_writeback", "nr_writeback_pages", "Pages under writeback")
	gauge("nr_unevictable", "nr_unevictable_pages", "Pages that cannot be reclaimed")
	gauge("nr_shmem", "nr_shmem_pages", "Pages of shared memory and tmpfs")
	counter("nr_dirtied", "nr_dirtied_total", "Pages dirtied since boot")
	counter("nr_written", "nr_written_total", "Pages written since boot")
	counter("numa_hit", "numa_hit_total", "Pages allocated on the intended node")
	counter("numa_miss", "numa_miss_total", "Pages allocated here although another node was intended")
	counter("numa_foreign", "numa_foreign_total", "Pages intended for this node but allocated on another")
	counter("numa_interleave", "numa_interleave_total", "Pages allocated here by the interleaving policy")
	counter("numa_local", "numa_local_total", "Pages allocated by a CPU of this node")
	counter("numa_other", "numa_other_total", "Pages allocated by a CPU of another node")
	c.protection = m.Keyed(func(key string) *metric.Family {
		return m.Gauge("node_zoneinfo_protection_"+key,
			"Pages kept from allocations that zone "+key+" could serve, from /proc/zoneinfo.", "node", "zone")
	})
	return c
}

func (c *zoneinfoCollector) Update(_ context.Context, out *metric.Sink) error {
	n, headings := 0, 0
	c.zone.set(zoneName{})
	// Not Read: with thousands of CPUs the file has megabytes, mostly on their lists.
	err := c.proc.Lines(func(line []byte) error {
		n++
		if bytes.HasPrefix(line, []byte("Node")) {
			headings++
			zone, _, ok := parseZoneName(line)
			c.zone.set(zone) // to none if it is malformed: its lines are skipped
			if !ok {
				out.Error(c.proc.At(host.Bad(n, "a node and a zone", line)))
			}
		} else if want := c.updateLine(out, line); want != "" {
			out.Error(c.proc.At(host.Bad(n, want, line)))
		}
		return nil
	}, "zoneinfo")
	if err == nil && headings == 0 {
		err = c.proc.At(host.Bad(1, "a node and a zone", nil))
	}
	return collect.OrNoData(err)
}

// updateLine emits a line of the current zone. It returns what is wanted in a
// malformed line, and nothing for one in order.
func (c *zoneinfoCollector) updateLine(out *metric.Sink, line []byte) (want string) {
	if len(c.zone.zone) == 0 {
		return ""
	}
	key, value := scan.Field(line)
	if string(key) == "protection:" {
		if !c.emitProtection(out, value) {
			return "numbers of pages in parentheses"
		}
		return ""
	}
	field, ok := c.fields[string(key)]
	if !ok {
		return ""
	}
	v, ok := scan.Uint(scan.Trim(value))
	if !ok {
		return "a name and a number"
	}
	if field.gauge {
		v = scan.ClampAmount64(v)
	}
	out.Emit(field.family, float64(v), string(c.zone.node), string(c.zone.zone))
	return ""
}

// emitProtection emits the pages of a list such as (0, 3019, 9931). If a part of
// the list is not a number it emits nothing and returns false.
func (c *zoneinfoCollector) emitProtection(out *metric.Sink, list []byte) bool {
	list = scan.Trim(list)
	if len(list) < 3 || list[0] != '(' || list[len(list)-1] != ')' {
		return false
	}
	list = list[1 : len(list)-1]
	for rest, more := list, true; more; {
		var part []byte
		part, rest, more = bytes.Cut(rest, []byte(","))
		if _, ok := scan.Uint(scan.Trim(part)); !ok {
			return false
		}
	}
	for i, rest, more := 0, list, true; more; i++ {
		var part []byte
		part, rest, more = bytes.Cut(rest, []byte(","))
		pages, _ := scan.Uint(scan.Trim(part))
		var key [20]byte
		f := c.protection.Family(strconv.AppendInt(key[:0], int64(i), 10))
		out.Emit(f, float64(pages), string(c.zone.node), string(c.zone.zone))
	}
	return true
}
