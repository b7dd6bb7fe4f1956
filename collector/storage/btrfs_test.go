package storage

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	procfsbtrfs "github.com/prometheus/procfs/btrfs"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/test/golden"
)

// TestBtrfsAsProcfs holds what is read from sysfs against procfs, on the hosts
// that procfs can read.
func TestBtrfsAsProcfs(t *testing.T) {
	for _, name := range []string{"btrfs", "btrfs.recorded", "btrfs.recorded-ioctls", "btrfs.old-kernel"} {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			h := golden.Load(t, "../../testdata/storage/"+name+".host", root)
			h.Btrfs = nil
			text := collectorText(t, btrfs, h, nil)
			dirs, err := filepath.Glob(root + "/sys/fs/btrfs/*-*")
			if err != nil || len(dirs) == 0 {
				t.Fatal(dirs, err)
			}
			for _, dir := range dirs {
				for _, folder := range []string{"features", "devices"} { // which procfs wants
					if err := os.MkdirAll(filepath.Join(dir, folder), 0o755); err != nil {
						t.Fatal(err)
					}
				}
				want, err := procfsbtrfs.GetStats(dir)
				if err != nil {
					t.Fatal(err)
				}
				if want.UUID == "" {
					want.UUID = filepath.Base(dir)
				}
				checkBtrfs(t, text, want)
			}
		})
	}
}

func checkBtrfs(t *testing.T, text string, want *procfsbtrfs.Stats) {
	has := func(v float64, format string, args ...any) {
		t.Helper()
		line := fmt.Sprintf("node_btrfs_"+format+" ", args...) + strconv.FormatFloat(v, 'f', -1, 64) + "\n"
		if !strings.Contains(text, line) {
			t.Errorf("there is no %s", line)
		}
	}
	has(1, "info{label=%q,uuid=%q}", want.Label, want.UUID)
	has(float64(want.Allocation.GlobalRsvSize), "global_rsv_size_bytes{uuid=%q}", want.UUID)
	if want.CommitStats.Commits > 0 {
		has(float64(want.CommitStats.Commits), "commits_total{uuid=%q}", want.UUID)
		has(float64(want.CommitStats.TotalCommitMs)/1000, "commit_seconds_total{uuid=%q}", want.UUID)
		has(float64(want.CommitStats.LastCommitMs)/1000, "last_commit_seconds{uuid=%q}", want.UUID)
		has(float64(want.CommitStats.MaxCommitMs)/1000, "max_commit_seconds{uuid=%q}", want.UUID)
	}
	for content, stats := range map[string]*procfsbtrfs.AllocationStats{"data": want.Allocation.Data, "metadata": want.Allocation.Metadata, "system": want.Allocation.System} {
		has(float64(stats.ReservedBytes), "reserved_bytes{block_group_type=%q,uuid=%q}", content, want.UUID)
		for mode, layout := range stats.Layouts {
			has(float64(layout.TotalBytes), "size_bytes{block_group_type=%q,mode=%q,uuid=%q}", content, mode, want.UUID)
			has(float64(layout.UsedBytes), "used_bytes{block_group_type=%q,mode=%q,uuid=%q}", content, mode, want.UUID)
			if mode != "raid5" && mode != "raid6" { // procfs takes missing devices for none
				has(layout.Ratio, "allocation_ratio{block_group_type=%q,mode=%q,uuid=%q}", content, mode, want.UUID)
			}
		}
	}
	for device, stats := range want.Devices {
		if stats.Size > 0 {
			has(float64(stats.Size), "device_size_bytes{btrfs_dev_uuid=%q,device=%q,uuid=%q}", "", device, want.UUID)
		}
	}
}

// btrfsHost is a host with btrfs file systems of which some do not answer.
type btrfsHost struct {
	t     *testing.T
	root  string
	c     *btrfsCollector
	set   *metric.Set
	calls atomic.Int32
	hung  map[string]chan struct{} // by mount point; not changed while calls are under way
}

const hungBtrfsID = "00000000-0000-4000-8000-0000000000"

func newBtrfsHost(t *testing.T, systems int) *btrfsHost {
	h := &btrfsHost{t: t, root: t.TempDir(), set: metric.NewSet(), hung: map[string]chan struct{}{}}
	for i := range systems {
		dir := fmt.Sprintf("fs/btrfs/%s%02d/", hungBtrfsID, i)
		writeTree(t, h.root, map[string]string{
			dir + "label":                 "x\n",
			dir + "devices/sda/size":      "2048\n",
			dir + "devinfo/1/error_stats": "write_errs 1\nread_errs 2\nflush_errs 3\ncorruption_errs 4\ngeneration_errs 5\n",
		})
	}
	h.mount(systems)
	sys := sysHost(h.root)
	sys.Btrfs = func(point string, _ bool) (host.Btrfs, error) {
		h.calls.Add(1)
		name := filepath.Base(point)
		if block := h.hung[name]; block != nil {
			<-block
		}
		var fs host.Btrfs
		fs.ID = host.UUID{6: 0x40, 8: 0x80, 15: name[len(name)-1] - '0'}
		fs.Devices = []host.BtrfsDevice{{ID: 1, UUID: host.UUID{15: 1}, Path: "/dev/sda", TotalBytes: 10, UsedBytes: 3}}
		return fs, nil
	}
	h.c = newBtrfs(&collect.Env{Host: sys, Metrics: h.set})
	return h
}

func (h *btrfsHost) mount(systems int) {
	table := "1 0 8:1 / / rw - ext4 /dev/vda rw\n"
	for i := range systems {
		table += fmt.Sprintf("%d 1 0:%d / /mnt/%d rw - btrfs /dev/sda rw\n", i+2, i+40, i)
	}
	writeTree(h.t, h.root, map[string]string{"1/mountinfo": table})
}

// update returns how many samples there are of the devices' sizes, of their
// unused space and of their errors, how many errors are told, and how long it
// took.
func (h *btrfsHost) update() (size, unused, errs, skipped int, took time.Duration) {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(h.t.Context(), 5*time.Second)
	defer cancel()
	out := metric.NewSink(h.set)
	out.Reset(metric.Text)
	begin := time.Now()
	if err := h.c.Update(ctx, out); err != nil {
		h.t.Error(err)
	}
	took = time.Since(begin)
	text := string(out.AppendText(nil, nil, func(string) bool { return false }))
	told, _ := out.Errors()
	return strings.Count(text, "\nnode_btrfs_device_size_bytes{"), strings.Count(text, "\nnode_btrfs_device_unused_bytes{"),
		strings.Count(text, "\nnode_btrfs_device_errors_total{"), len(told), took
}

func (h *btrfsHost) want(size, unused, errs, skipped int, took time.Duration) {
	h.t.Helper()
	a, b, c, d, e := h.update()
	if a != size || b != unused || c != errs || d != skipped || e != took {
		h.t.Errorf("sizes %d, unused %d, errors %d, told %d, in %v; want %d, %d, %d, %d, %v", a, b, c, d, e, size, unused, errs, skipped, took)
	}
}

func TestHungBtrfsCostsOneWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newBtrfsHost(t, 5)
		h.hung["1"], h.hung["3"] = make(chan struct{}), make(chan struct{})
		// Of those that never answered, sysfs tells the size of the block device.
		h.want(5, 3, 15, 2, btrfsTimeout)
		for range 10 {
			h.want(5, 3, 15, 2, 0)
		}
		if n := h.calls.Load(); n != 5+10*3 {
			t.Errorf("%d calls", n)
		}
		close(h.hung["1"])
		close(h.hung["3"])
		synctest.Wait()
		h.want(5, 5, 25, 0, 0)
	})
}

// A device that hangs keeps its file system from telling which is which, and
// that is when its errors matter.
func TestHungBtrfsStillTellsErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newBtrfsHost(t, 2)
		h.want(2, 2, 10, 0, 0)
		h.hung["0"] = make(chan struct{})
		h.want(1, 1, 10, 1, btrfsTimeout)
		h.want(1, 1, 10, 1, 0)

		// With another block device it is not known any more which is which.
		writeTree(t, h.root, map[string]string{"fs/btrfs/" + hungBtrfsID + "00/devices/sdb/size": "2048\n"})
		h.want(3, 1, 5, 1, 0)

		close(h.hung["0"])
		synctest.Wait()
		h.want(2, 2, 10, 0, 0)
	})
}

// What is unmounted is forgotten, but for a call that is still out: there must
// not be a second one.
func TestBtrfsForgetsWhatIsUnmounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newBtrfsHost(t, 3)
		h.hung["2"] = make(chan struct{})
		h.want(3, 2, 10, 1, btrfsTimeout)
		h.mount(0)
		h.want(3, 0, 0, 0, 0)
		if keys := slices.Collect(maps.Keys(h.c.prober.probes)); len(keys) != 1 || keys[0] != "0:42" {
			t.Errorf("still known: %v", keys)
		}
		h.mount(3)
		h.want(3, 2, 10, 1, 0)
		if n := h.calls.Load(); n != 5 {
			t.Errorf("%d calls", n)
		}
		close(h.hung["2"])
		synctest.Wait()
		if err := os.RemoveAll(filepath.Join(h.root, "fs/btrfs", hungBtrfsID+"00")); err != nil {
			t.Fatal(err)
		}
		h.want(2, 2, 10, 0, 0)
		if len(h.c.lastAnswers) != 2 {
			t.Errorf("still known: %v", h.c.lastAnswers)
		}
	})
}

func FuzzBtrfsRows(f *testing.F) {
	names := []string{"commits", "last_commit_ms", "max_commit_ms"}
	f.Add([]byte("commits 2\nlast_commit_ms 173\nmax_commit_ms 173\ntotal_commit_ms 208\n"))
	f.Add([]byte("commits\ncommits 1 2\n\n max_commit_ms -1"))
	f.Fuzz(func(t *testing.T, b []byte) {
		rows, err := parseBtrfsRows(b, names)
		for i, found := range rows.has {
			if !found && rows.values[i] != 0 {
				t.Errorf("a value of a row that is not there, in %q", b)
			}
			if found && (i >= len(names) || !strings.Contains(string(b), names[i])) {
				t.Errorf("row %d is not in %q", i, b)
			}
		}
		if err == nil && rows == (btrfsRows{}) {
			t.Errorf("nothing of %q, and no error", b)
		}
	})
}

func BenchmarkBtrfs(b *testing.B) {
	root := b.TempDir()
	h := golden.Load(b, "../../testdata/storage/btrfs.recorded-ioctls.host", root)
	answer, err := h.Btrfs(h.Root.Path("srv/my fs"), true)
	if err != nil {
		b.Fatal(err)
	}
	h.Btrfs = func(string, bool) (host.Btrfs, error) { return answer, nil }
	h.Sys, h.Proc = host.NewTree(root+"/sys").Attributes(), host.NewTree(root+"/proc") // without faults
	benchmarkCollector(b, btrfs, h, nil)
}
