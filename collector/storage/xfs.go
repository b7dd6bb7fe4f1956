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
	Help:            "Operations of mounted XFS file systems: extents, btrees, directories, inodes, reads and writes.",
	Reads:           []string{"/sys/fs/xfs/*/stats/stats"},
	NoDataIsSuccess: true,
	Build:           collect.Plain(newXFS),
}

// xfsCollector reads /sys/fs/xfs/DEVICE/stats/stats, a row of counters for each
// part of the file system:
//
//	extent_alloc 1 1600 0 0
//	abt 0 0 0 0
//	blk_map 0 101 1 2 1 104 0
//
// Most counters have 32 bits, and wrap. See fs/xfs/xfs_stats.h in the kernel,
// https://docs.kernel.org/admin-guide/xfs.html for the directory, and
// https://xfs.org/index.php/Runtime_Stats for the meaning of the counters.
type xfsCollector struct {
	sys  *host.Reader
	rows []xfsRow
}

// An xfsRow is a row of the file with the families of its first columns.
type xfsRow struct {
	name    string
	columns []*metric.Family
}

const (
	xfsDir    = "fs/xfs"
	xfsVnodes = "vnodes"
)

func newXFS(env *collect.Env) *xfsCollector {
	counter := func(name, help string) *metric.Family {
		return env.Metrics.Counter("node_xfs_"+name+"_total", help, "device")
	}
	return &xfsCollector{
		sys: env.Host.Sys.Reader(),
		rows: []xfsRow{
			{"extent_alloc", []*metric.Family{
				counter("extent_allocation_extents_allocated", "Extents of blocks allocated."),
				counter("extent_allocation_blocks_allocated", "Blocks allocated."),
				counter("extent_allocation_extents_freed", "Extents of blocks freed."),
				counter("extent_allocation_blocks_freed", "Blocks freed."),
			}},
			{"abt", []*metric.Family{
				counter("allocation_btree_lookups", "Lookups in the free-space btrees."),
				counter("allocation_btree_compares", "Comparisons of lookups in the free-space btrees."),
				counter("allocation_btree_records_inserted", "Records inserted into the free-space btrees."),
				counter("allocation_btree_records_deleted", "Records deleted from the free-space btrees."),
			}},
			{"blk_map", []*metric.Family{
				counter("block_mapping_reads", "Block mappings looked up for reading."),
				counter("block_mapping_writes", "Block mappings looked up or created for writing."),
				counter("block_mapping_unmaps", "Operations that unmapped blocks from a file."),
				counter("block_mapping_extent_list_insertions", "Entries inserted into the extent lists of inodes."),
				counter("block_mapping_extent_list_deletions", "Entries deleted from the extent lists of inodes."),
				counter("block_mapping_extent_list_lookups", "Lookups in the extent lists of inodes."),
				counter("block_mapping_extent_list_compares", "Comparisons of lookups in the extent lists of inodes."),
			}},
			{"bmbt", []*metric.Family{
				counter("block_map_btree_lookups", "Lookups in the block-map btrees."),
				counter("block_map_btree_compares", "Comparisons of lookups in the block-map btrees."),
				counter("block_map_btree_records_inserted", "Records inserted into the block-map btrees."),
				counter("block_map_btree_records_deleted", "Records deleted from the block-map btrees."),
			}},
			{"dir", []*metric.Family{
				counter("directory_operation_lookup", "Names looked up in directories after a miss in the dentry cache."),
				counter("directory_operation_create", "Entries created in directories."),
				counter("directory_operation_remove", "Entries removed from directories."),
				counter("directory_operation_getdents", "Calls of getdents that list a directory."),
			}},
			{"ig", []*metric.Family{
				counter("inode_operation_attempts", "Lookups in the inode cache."),
				counter("inode_operation_found", "Lookups that hit the inode cache."),
				counter("inode_operation_recycled", "Lookups in the inode cache that found an inode being reclaimed."),
				counter("inode_operation_missed", "Lookups that missed the inode cache."),
				counter("inode_operation_duplicates", "Lookups that missed the inode cache while another one added the inode."),
				counter("inode_operation_reclaims", "Inodes reclaimed from the inode cache to free memory."),
				counter("inode_operation_attribute_changes", "Changes of the attributes of an inode."),
			}},
			{"rw", []*metric.Family{
				counter("write_calls", "Write calls to files."),
				counter("read_calls", "Read calls to files."),
			}},
			{xfsVnodes, []*metric.Family{
				counter("vnode_active", "Inodes in memory that are not on the free list; falls as well as rises."),
				counter("vnode_allocate", "Allocations of an inode in memory."),
				counter("vnode_get", "Calls that got an inode in memory."),
				counter("vnode_hold", "Calls that took a reference to an inode in memory."),
				counter("vnode_release", "Calls that released a reference to an inode in memory."),
				counter("vnode_reclaim", "Reclaims of an inode in memory."),
				counter("vnode_remove", "Removals of an inode in memory."),
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
		if device == "stats" || device == "debug" { // sums over all file systems, and switches
			continue
		}
		b, err := c.sys.Read(xfsDir, device, "stats/stats")
		switch {
		case err == nil:
			found = true
			c.emit(b, device, out)
		case !host.Gone(err) && !errors.Is(err, syscall.ENOTDIR): // else it was unmounted
			found = true
			out.Error(err)
		}
	}
	if !found {
		return collect.ErrNoData
	}
	return nil
}

// emit emits the rows of a file. It reports a malformed row and goes on with
// the next one, and skips unknown rows.
func (c *xfsCollector) emit(b []byte, device string, out *metric.Sink) {
	hasRow := false
	for n, rest := 1, b; len(rest) > 0; n++ {
		var line []byte
		line, rest = scan.Line(rest)
		row, values := c.findRow(line)
		if row == nil {
			continue
		}
		hasRow = true
		if !row.emit(values, device, out) {
			out.Error(c.sys.At(host.Bad(n, "a name and a number for each column", line)))
		}
	}
	if !hasRow {
		out.Error(c.sys.At(host.Bad(1, "rows of XFS statistics", b)))
	}
}

// findRow returns the row of a line, or nil, and the line without its name.
func (c *xfsCollector) findRow(line []byte) (*xfsRow, []byte) {
	name, values, _ := bytes.Cut(line, []byte(" "))
	for i := range c.rows {
		if c.rows[i].name == string(name) {
			return &c.rows[i], values
		}
	}
	return nil, nil
}

// emit emits the values of a row. If one is missing or malformed it emits none
// and reports false.
func (row *xfsRow) emit(values []byte, device string, out *metric.Sink) bool {
	var numbers [8]uint64
	for i := range row.columns {
		var field []byte
		var ok bool
		field, values = scan.Field(values)
		if numbers[i], ok = scan.Counter(field); !ok {
			return false
		}
	}
	if row.name == xfsVnodes {
		numbers[0] = scan.ClampAmount32(numbers[0]) // inodes that are active
	}
	for i, f := range row.columns {
		out.Emit(f, float64(numbers[i]), device)
	}
	return true
}
