package storage

import (
	"bytes"
	"context"
	"errors"
	"syscall"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

var xfs = collect.Spec{
	Name:            "xfs",
	Help:            "What mounted XFS file systems have done: extents, trees, directories, inodes, reads and writes.",
	Reads:           []string{"/sys/fs/xfs/*/stats/stats"},
	NoDataIsSuccess: true,
	Build:           collect.Plain(newXFS),
}

// xfsCollector reads /sys/fs/xfs/DEVICE/stats/stats, a row of counters for
// each part of the file system:
//
//	extent_alloc 1 1600 0 0
//	abt 0 0 0 0
//	blk_map 0 101 1 2 1 104 0
//
// Most are 32 bits wide in the kernel, and wrap. See fs/xfs/xfs_stats.h in the
// kernel, https://docs.kernel.org/admin-guide/xfs.html for the folder, and
// https://xfs.org/index.php/Runtime_Stats for what they count.
type xfsCollector struct {
	sys  *host.Reader
	rows []xfsRow
}

// An xfsRow pairs a row of the file with the families that its first columns
// fill. A kernel may have more columns.
type xfsRow struct {
	name    string
	columns []*metric.Family
}

const xfsDir = "fs/xfs"

func newXFS(env *collect.Env) *xfsCollector {
	counter := func(name, help string) *metric.Family {
		return env.Metrics.Counter("node_xfs_"+name+"_total", help, "device")
	}
	return &xfsCollector{
		sys: env.Host.Sys.Reader(),
		rows: []xfsRow{
			{"extent_alloc", []*metric.Family{
				counter("extent_allocation_extents_allocated", "Extents of blocks that were allocated."),
				counter("extent_allocation_blocks_allocated", "Blocks that were allocated."),
				counter("extent_allocation_extents_freed", "Extents of blocks that were freed."),
				counter("extent_allocation_blocks_freed", "Blocks that were freed."),
			}},
			{"abt", []*metric.Family{
				counter("allocation_btree_lookups", "Lookups in the trees of free space."),
				counter("allocation_btree_compares", "Comparisons that lookups in the trees of free space took."),
				counter("allocation_btree_records_inserted", "Records added to the trees of free space."),
				counter("allocation_btree_records_deleted", "Records taken from the trees of free space."),
			}},
			{"blk_map", []*metric.Family{
				counter("block_mapping_reads", "Block mappings that were looked up for reading."),
				counter("block_mapping_writes", "Block mappings that were looked up or made for writing."),
				counter("block_mapping_unmaps", "Times that blocks were unmapped from a file."),
				counter("block_mapping_extent_list_insertions", "Entries added to the extent lists of inodes."),
				counter("block_mapping_extent_list_deletions", "Entries taken from the extent lists of inodes."),
				counter("block_mapping_extent_list_lookups", "Lookups in the extent lists of inodes."),
				counter("block_mapping_extent_list_compares", "Comparisons that lookups in the extent lists of inodes took."),
			}},
			{"bmbt", []*metric.Family{
				counter("block_map_btree_lookups", "Lookups in the trees of mapped blocks."),
				counter("block_map_btree_compares", "Comparisons that lookups in the trees of mapped blocks took."),
				counter("block_map_btree_records_inserted", "Records added to the trees of mapped blocks."),
				counter("block_map_btree_records_deleted", "Records taken from the trees of mapped blocks."),
			}},
			{"dir", []*metric.Family{
				counter("directory_operation_lookup", "Names looked up in directories and not found in the kernel's cache of names."),
				counter("directory_operation_create", "Entries made in directories."),
				counter("directory_operation_remove", "Entries removed from directories."),
				counter("directory_operation_getdents", "Calls that list a directory."),
			}},
			{"ig", []*metric.Family{
				counter("inode_operation_attempts", "Inodes looked up in the cache of inodes."),
				counter("inode_operation_found", "Inodes that the cache of inodes had."),
				counter("inode_operation_recycled", "Inodes that the cache of inodes had, but was just giving up."),
				counter("inode_operation_missed", "Inodes that the cache of inodes did not have."),
				counter("inode_operation_duplicates", "Inodes that somebody else brought into the cache at the same time."),
				counter("inode_operation_reclaims", "Inodes that the cache of inodes gave up to free memory."),
				counter("inode_operation_attribute_changes", "Times that the attributes of an inode were changed."),
			}},
			{"rw", []*metric.Family{
				counter("write_calls", "Calls that write to a file."),
				counter("read_calls", "Calls that read from a file."),
			}},
			{"vnodes", []*metric.Family{
				counter("vnode_active", "Inodes in memory that are not on the list of free ones: it falls as well as it rises."),
				counter("vnode_allocate", "Times that an inode in memory was allocated."),
				counter("vnode_get", "Times that an inode in memory was fetched."),
				counter("vnode_hold", "Times that an inode in memory was held."),
				counter("vnode_release", "Times that an inode in memory was released."),
				counter("vnode_reclaim", "Times that an inode in memory was reclaimed."),
				counter("vnode_remove", "Times that an inode in memory was removed."),
			}},
		},
	}
}

func (c *xfsCollector) Update(_ context.Context, out *metric.Sink) error {
	devices, err := c.sys.Names(xfsDir)
	if err != nil {
		return collect.OrNoData(err)
	}
	found := false
	for _, device := range devices {
		if device == "stats" || device == "debug" { // the sum of all file systems, and switches
			continue
		}
		b, err := c.sys.Read(xfsDir, device, "stats/stats")
		switch {
		case err == nil:
			found = true
			c.emit(b, device, out)
		case !host.Gone(err) && !errors.Is(err, syscall.ENOTDIR): // gone: unmounted meanwhile
			found = true
			out.Error(err)
		}
	}
	if !found {
		return collect.ErrNoData
	}
	return nil
}

// emit goes through the rows of a file. One that is broken costs its own
// samples only, and rows that later kernels add are passed over.
func (c *xfsCollector) emit(b []byte, device string, out *metric.Sink) {
	known, n := 0, 0
	for rest := b; len(rest) > 0; {
		var line []byte
		line, rest = scan.Line(rest)
		n++
		row, values := c.row(line)
		if row == nil {
			continue
		}
		known++
		if !row.emit(values, device, out) {
			out.Error(c.sys.At(host.Bad(n, "a name and a number for each column", line)))
		}
	}
	if known == 0 {
		out.Error(c.sys.At(host.Bad(1, "rows of XFS statistics", b)))
	}
}

// row returns which row a line is, and the rest of the line.
func (c *xfsCollector) row(line []byte) (*xfsRow, []byte) {
	name, values, _ := bytes.Cut(line, []byte(" "))
	for i := range c.rows {
		if c.rows[i].name == string(name) {
			return &c.rows[i], values
		}
	}
	return nil, nil
}

// emit reports whether there is a number for each column; if not, it emits
// none of them.
func (row *xfsRow) emit(values []byte, device string, out *metric.Sink) bool {
	var numbers [8]uint64
	for i := range row.columns {
		var field []byte
		var ok bool
		field, values = scan.Field(values)
		if numbers[i], ok = scan.Uint(field); !ok {
			return false
		}
	}
	for i, f := range row.columns {
		out.Emit(f, float64(numbers[i]), device)
	}
	return true
}
