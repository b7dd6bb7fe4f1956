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
	"github.com/hostexporter/host_exporter/collector/internal/scan"
	"github.com/hostexporter/host_exporter/collector/internal/test/golden"
	"github.com/hostexporter/host_exporter/collector/internal/test/testfile"
)

// TestBtrfsMatchesProcfs compares the samples from sysfs with procfs, on the
// recorded hosts that procfs supports.
func TestBtrfsMatchesProcfs(t *testing.T) {
	for _, name := range []string{"btrfs", "btrfs.recorded", "btrfs.recorded-ioctls", "btrfs.old-kernel"} {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			h := golden.Load(t, testdata+"/"+name+".host", root)
			h.Btrfs = nil
			text := collectorText(t, btrfs, h, nil)
			dirs, err := filepath.Glob(root + "/sys/fs/btrfs/*-*")
			if err != nil || len(dirs) == 0 {
				t.Fatal(dirs, err)
			}
			for _, dir := range dirs {
				for _, name := range []string{"features", "devices"} { // procfs requires them
					testfile.Dir(t, filepath.Join(dir, name))
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
			t.Errorf("missing: %s", line)
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
			if mode != "raid5" && mode != "raid6" { // procfs does not count missing devices
				has(layout.Ratio, "allocation_ratio{block_group_type=%q,mode=%q,uuid=%q}", content, mode, want.UUID)
			}
		}
	}
	for device, stats := range want.Devices {
		if stats.Size > 0 {
			has(float64(stats.Size), "device_size_bytes{device=%q,uuid=%q}", device, want.UUID)
		}
	}
}

// A btrfsHost is a host with btrfs file systems, some of which hang.
type btrfsHost struct {
	t             *testing.T
	root          string
	c             *btrfsCollector
	set           *metric.Set
	calls         atomic.Int32
	releaseByName map[string]chan struct{} // by mount point; not changed while calls are in progress
}

const btrfsIDPrefix = "00000000-0000-4000-8000-0000000000"

func newBtrfsHost(t *testing.T, systems int) *btrfsHost {
	h := &btrfsHost{t: t, root: t.TempDir(), set: metric.NewSet(), releaseByName: map[string]chan struct{}{}}
	for i := range systems {
		dir := fmt.Sprintf("fs/btrfs/%s%02d/", btrfsIDPrefix, i)
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
		if block := h.releaseByName[name]; block != nil {
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

// A btrfsUpdate is the outcome of a scrape: numbers of samples, the number of
// reported errors, and the duration.
type btrfsUpdate struct {
	sizes, unused, deviceErrors, errs int
	took                              time.Duration
}

func (h *btrfsHost) update() btrfsUpdate {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(h.t.Context(), 5*time.Second)
	defer cancel()
	out := metric.NewSink(h.set)
	out.Reset(metric.Text)
	start := time.Now()
	if err := h.c.Update(ctx, out); err != nil {
		h.t.Error(err)
	}
	took := time.Since(start)
	text := string(out.AppendText(nil, nil, reservesNothing))
	errs, _ := out.Errors()
	return btrfsUpdate{
		strings.Count(text, "\nnode_btrfs_device_size_bytes{"), strings.Count(text, "\nnode_btrfs_device_unused_bytes{"),
		strings.Count(text, "\nnode_btrfs_device_errors_total{"), len(errs), took,
	}
}

func (h *btrfsHost) want(sizes, unused, deviceErrors, errs int, took time.Duration) {
	h.t.Helper()
	want := btrfsUpdate{sizes, unused, deviceErrors, errs, took}
	if have := h.update(); have != want {
		h.t.Errorf("have %+v, want %+v", have, want)
	}
}

func TestHungBtrfsCostsOneWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newBtrfsHost(t, 5)
		h.releaseByName["1"], h.releaseByName["3"] = make(chan struct{}), make(chan struct{})
		// For a file system that never answered, the sizes are those of the
		// block devices.
		h.want(5, 3, 15, 2, btrfsTimeout)
		for range 10 {
			h.want(5, 3, 15, 2, 0)
		}
		if n := h.calls.Load(); n != 5+10*3 {
			t.Errorf("%d calls", n)
		}
		close(h.releaseByName["1"])
		close(h.releaseByName["3"])
		synctest.Wait()
		h.want(5, 5, 25, 0, 0)
	})
}

// TestHungBtrfsKeepsErrors has a hung file system that answered before: the
// errors of its devices are exported as long as its block devices do not
// change.
func TestHungBtrfsKeepsErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newBtrfsHost(t, 2)
		h.want(2, 2, 10, 0, 0)
		h.releaseByName["0"] = make(chan struct{})
		h.want(1, 1, 10, 1, btrfsTimeout)
		h.want(1, 1, 10, 1, 0)

		// With another block device the IDs of the last answer may be wrong.
		writeTree(t, h.root, map[string]string{"fs/btrfs/" + btrfsIDPrefix + "00/devices/sdb/size": "2048\n"})
		h.want(3, 1, 5, 1, 0)

		close(h.releaseByName["0"])
		synctest.Wait()
		h.want(2, 2, 10, 0, 0)
	})
}

// TestBtrfsDropsUnmounted checks that only the probe of an unmounted file
// system with a call in progress is kept, so that the file system does not get
// a second call.
func TestBtrfsDropsUnmounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newBtrfsHost(t, 3)
		h.releaseByName["2"] = make(chan struct{})
		h.want(3, 2, 10, 1, btrfsTimeout)
		h.mount(0)
		h.want(3, 0, 0, 0, 0)
		if keys := slices.Collect(maps.Keys(h.c.prober.probes)); len(keys) != 1 || keys[0] != "0:42" {
			t.Errorf("the probes of %v are kept", keys)
		}
		h.mount(3)
		h.want(3, 2, 10, 1, 0)
		if n := h.calls.Load(); n != 5 {
			t.Errorf("%d calls", n)
		}
		close(h.releaseByName["2"])
		synctest.Wait()
		if err := os.RemoveAll(filepath.Join(h.root, "fs/btrfs", btrfsIDPrefix+"00")); err != nil {
			t.Fatal(err)
		}
		h.want(2, 2, 10, 0, 0)
		if len(h.c.lastAnswers) != 2 {
			t.Errorf("the answers %v are kept", h.c.lastAnswers)
		}
	})
}

func FuzzBtrfsRows(f *testing.F) {
	names := []string{"commits", "last_commit_ms", "max_commit_ms"}
	f.Add([]byte("commits 2\nlast_commit_ms 173\nmax_commit_ms 173\ntotal_commit_ms 208\n"))
	f.Add([]byte("commits\ncommits 1 2\n\n max_commit_ms -1"))
	f.Fuzz(func(t *testing.T, b []byte) {
		rows, err := parseBtrfsRows(b, names, scan.Uint)
		for i, ok := range rows.has {
			if !ok && rows.values[i] != 0 {
				t.Errorf("%q: row %d has a value and is not found", b, i)
			}
			if ok && (i >= len(names) || !strings.Contains(string(b), names[i])) {
				t.Errorf("%q: row %d is found", b, i)
			}
		}
		if err == nil && rows == (btrfsRows{}) {
			t.Errorf("%q: no row and no error", b)
		}
	})
}

func BenchmarkBtrfs(b *testing.B) {
	root := b.TempDir()
	h := golden.Load(b, testdata+"/btrfs.recorded-ioctls.host", root)
	answer, err := h.Btrfs(h.Root.Path("srv/my fs"), true)
	if err != nil {
		b.Fatal(err)
	}
	h.Btrfs = func(string, bool) (host.Btrfs, error) { return answer, nil }
	h.Sys, h.Proc = host.NewTree(root+"/sys").Attributes(), host.NewTree(root+"/proc") // without faults
	benchmarkCollector(b, btrfs, h, nil)
}
