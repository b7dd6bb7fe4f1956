package storage

import (
	"bytes"
	"errors"
	"strconv"
	"strings"
	"testing"

	procfsxfs "github.com/prometheus/procfs/xfs"
	"golang.org/x/sys/unix"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/test/fault"
	"github.com/hostexporter/host_exporter/collector/internal/test/golden"
)

const xfsStats = `extent_alloc 1 1600 0 0
abt 0 0 0 0
blk_map 0 101 1 2 1 104 0
bmbt 0 0 0 0
dir 1 1 0 0
trans 2 88 0
ig 4 0 0 4 0 0 0
log 3 10 0 8 3
push_ail 90 0 292 10 0 0 0 0 0 0
xstrat 1 0
rw 100 0
attr 1 0 0 0
icluster 0 1 2
vnodes 4 0 0 0 0 0 0 0
buf 38 27 14 13 0 24 0 10 24
abtb2 1 2 0 0 0 0 0 0 0 0 0 0 0 0 0
abtc2 4 7 1 1 0 0 0 0 0 0 0 0 0 0 0
bmbt2 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0
ibt2 2 2 0 0 0 0 0 0 0 0 0 0 0 0 0
fibt2 1 1 0 0 0 0 0 0 0 0 0 0 0 0 0
rmapbt 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0
refcntbt 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0
rmapbt_mem 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0
rcbagbt 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0
qm 0 0 0 0 0 0 0 0 0
xpc 6553600 6553600 0
defer_relog 0
debug 0
`

// FuzzXFS compares with procfs on files that procfs accepts.
func FuzzXFS(f *testing.F) {
	f.Add([]byte(xfsStats))
	f.Add([]byte("rw 4294967295 1\nvnodes 1 2 3 4 5 6 7\nzoned 1 2 3\ngc xpc 7\n"))
	f.Add([]byte("extent_alloc 1 2 3 4\nextent_alloc 5\n\n dir 1\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		set := metric.NewSet()
		c := newXFS(&collect.Env{Host: sysHost("/none"), Metrics: set})
		c.sys.Exists("fuzzed") // errors have the last path of the reader
		out := metric.NewSink(set)
		out.Reset(metric.Text)
		c.emit(b, "sda", out)
		errs, _ := out.Errors()
		want, err := procfsxfs.ParseStats(bytes.NewReader(b))
		if err != nil || len(errs) > 0 || out.SampleCount() < 39 || bytes.Count(b, []byte("\n")) > 40 || bytes.ContainsAny(b, "\v\f\r\x85\xa0") {
			return
		}
		text := out.AppendText(nil, nil, reservesNothing)
		for name, v := range map[string]uint32{
			"extent_allocation_blocks_freed":       want.ExtentAllocation.BlocksFreed,
			"allocation_btree_lookups":             want.AllocationBTree.Lookups,
			"block_mapping_extent_list_insertions": want.BlockMapping.ExtentListInsertions,
			"block_mapping_extent_list_compares":   want.BlockMapping.ExtentListCompares,
			"block_map_btree_records_deleted":      want.BlockMapBTree.RecordsDeleted,
			"directory_operation_getdents":         want.DirectoryOperation.Getdents,
			"inode_operation_recycled":             want.InodeOperation.Recycle,
			"inode_operation_attribute_changes":    want.InodeOperation.AttributeChange,
			"write_calls":                          want.ReadWrite.Write,
			"read_calls":                           want.ReadWrite.Read,
			"vnode_hold":                           want.Vnode.Hold,
			"vnode_remove":                         want.Vnode.Remove,
		} {
			line := "node_xfs_" + name + `_total{device="sda"} `
			if v == 0 && !bytes.Contains(text, []byte("\n"+line)) {
				continue // procfs has zeros for what the file lacks
			}
			if !bytes.Contains(text, append(strconv.AppendUint([]byte("\n"+line), uint64(v), 10), '\n')) {
				t.Errorf("%s: want %d of %q\n%s", name, v, b, text)
			}
		}
	})
}

func BenchmarkXFS(b *testing.B) {
	n := golden.NewWorkbench(b, xfs.Build, nil)
	for i := range 8 {
		n.Sys("fs/xfs/dm-"+strconv.Itoa(i)+"/stats/stats", xfsStats)
	}
	n.Steady()
}

// TestXFSUnreadableFile has two file systems, of which the statistics of one
// cannot be read: that costs its own samples only.
func TestXFSUnreadableFile(t *testing.T) {
	h := golden.Load(t, "../../testdata/storage/xfs.host", t.TempDir())
	var faults fault.Files
	faults.Set(h.Sys.Path("fs/xfs/dm-0/stats/stats"), unix.EIO)
	h.Sys = faults.Inject(h.Sys)
	set := metric.NewSet()
	out := metric.NewSink(set)
	out.Reset(metric.Text)
	if err := newXFS(&collect.Env{Host: h, Metrics: set}).Update(t.Context(), out); err != nil {
		t.Error(err)
	}
	text := string(out.AppendText(nil, nil, nil))
	if !strings.Contains(text, `node_xfs_read_calls_total{device="sda1"}`) || strings.Contains(text, "dm-0") {
		t.Errorf("have\n%s", text)
	}
	if errs, _ := out.Errors(); len(errs) != 1 || !errors.Is(errs[0], unix.EIO) {
		t.Errorf("errors: %v", errs)
	}
}
