package storage

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-kit/log"
	"github.com/prometheus/procfs/blockdevice"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
	"github.com/hostexporter/host_exporter/collector/internal/test/golden"
	"github.com/hostexporter/host_exporter/collector/internal/test/testfile"
)

// A diskHost is a host whose disks a test may change.
type diskHost struct {
	testing.TB
	root string
	now  time.Time
	set  *metric.Set
	out  *metric.Sink
	c    *diskstatsCollector
}

func newDiskHost(t testing.TB) *diskHost {
	h := &diskHost{TB: t, root: t.TempDir(), now: time.Now(), set: metric.NewSet()}
	env := &collect.Env{
		Host: &host.Host{
			Proc: host.NewTree(h.root + "/proc"), Sys: host.NewTree(h.root + "/sys").Attributes(), Udev: host.NewTree(h.root + "/udev"),
			Now: func() time.Time { return h.now },
		},
		Metrics: h.set,
		Log:     log.NewNopLogger(),
	}
	c, err := newDiskstats(env, diskstatsOptions{devices: defaultDisks()})
	if err != nil {
		t.Fatal(err)
	}
	h.c, h.out = c, metric.NewSink(h.set)
	return h
}

func (h *diskHost) write(path, content string) {
	h.Helper()
	writeTree(h, h.root, map[string]string{path: content})
}

// ageUdev sets the time of the directory of udev to an hour ago.
func (h *diskHost) ageUdev() {
	h.Helper()
	old := h.now.Add(-time.Hour)
	if err := os.Chtimes(filepath.Join(h.root, "udev"), old, old); err != nil {
		h.Fatal(err)
	}
}

func (h *diskHost) update() {
	h.out.Reset(metric.Text)
	if err := h.c.Update(context.Background(), h.out); err != nil {
		h.Fatal(err)
	}
}

// info returns the samples of node_disk_info and the errors of a scrape.
func (h *diskHost) info() string {
	h.Helper()
	h.update()
	text := string(h.out.AppendText(nil, func(n string) bool { return n == "node_disk_info" }, reservesNothing))
	errs, _ := h.out.Errors()
	return fmt.Sprint(text, errs)
}

func (h *diskHost) want(when string, parts ...string) {
	h.Helper()
	info := h.info()
	for _, p := range parts {
		if !strings.Contains(info, p) {
			h.Errorf("%s: want %s in %s", when, p, info)
		}
	}
}

const oneDisk = "   8       0 sda 1 2 3 4 5 6 7 8 9 10 11\n"

func TestDiskFactsRefresh(t *testing.T) {
	h := newDiskHost(t)
	h.write("proc/diskstats", oneDisk)
	h.write("udev/b8:0", "E:ID_REVISION=0001\n")
	h.write("sys/block/sda/queue/rotational", "1\n")
	h.ageUdev()
	h.want("in the first scrape", `revision="0001"`, `rotational="1"`)

	h.write("udev/b8:0", "E:ID_REVISION=0002\n") // udev itself never writes in place
	h.write("sys/block/sda/queue/rotational", "0\n")
	h.ageUdev()
	h.now = h.now.Add(59 * time.Second)
	h.want("within a minute", `revision="0001"`, `rotational="1"`)
	h.now = h.now.Add(time.Second)
	h.want("after a minute", `revision="0002"`, `rotational="0"`)

	h.write("udev/.#b8:0", "E:ID_REVISION=0003\n")
	if err := os.Rename(h.root+"/udev/.#b8:0", h.root+"/udev/b8:0"); err != nil {
		t.Fatal(err)
	}
	h.want("after an update by udev", `revision="0003"`)

	// The directory has just changed: an update in the same tick of the kernel
	// clock would not change its time.
	stamp, err := os.Stat(h.root + "/udev")
	if err != nil {
		t.Fatal(err)
	}
	h.now = stamp.ModTime().Add(dirTimeResolution / 2)
	h.want("in the same tick", `revision="0003"`)
	h.write("udev/b8:0", "E:ID_REVISION=0004\n")
	if err := os.Chtimes(h.root+"/udev", stamp.ModTime(), stamp.ModTime()); err != nil {
		t.Fatal(err)
	}
	h.want("in the same tick", `revision="0004"`)

	h.now = h.now.Add(-24 * time.Hour)
	h.write("udev/b8:0", "E:ID_REVISION=0005\n")
	h.want("after the clock is set back", `revision="0005"`)
}

func TestUnreadableDiskFacts(t *testing.T) {
	h := newDiskHost(t)
	h.write("proc/diskstats", oneDisk)
	h.write("udev/b8:0", "E:ID_REVISION=0001\n")
	h.write("sys/block/sda/queue/rotational", "1\n")
	h.ageUdev()
	h.want("in the first scrape", `revision="0001"`, `rotational="1"`)
	for range 2 {
		h.now = h.now.Add(time.Hour)
		h.write("sys/block/sda/queue/rotational", "maybe\n")
		if err := os.RemoveAll(h.root + "/udev/b8:0"); err != nil {
			t.Fatal(err)
		}
		testfile.Dir(t, h.root+"/udev/b8:0")
		h.want("unreadable", `revision="0001"`, `rotational="1"`, "udev/b8:0", "rotational:1: want an unsigned number")
	}
	// Another disk of the same name does not get the facts.
	h.write("proc/diskstats", strings.Replace(oneDisk, " 0 sda", "16 sda", 1))
	h.want("another disk", `minor="16"`, `revision=""`)
	h.write("proc/diskstats", strings.Replace(oneDisk, "sda", "sdb", 1))
	h.want("another name", `device="sdb"`)
	if len(h.c.byName) != 1 {
		t.Errorf("%d disks are kept, want 1", len(h.c.byName))
	}
}

// TestDisksComeAndGo adds, removes and reorders lines.
func TestDisksComeAndGo(t *testing.T) {
	h := newDiskHost(t)
	for _, names := range []string{"a b c d", "a b c d", "d c b a", "b d", "x b y d", "x", "x a x"} {
		var lines strings.Builder
		for i, n := range strings.Fields(names) {
			fmt.Fprintf(&lines, "8 %d %s %d 0 0 0 0 0 0 0 0 0 0\n", i, n, i)
		}
		h.write("proc/diskstats", lines.String())
		h.update()
		text := string(h.out.AppendText(nil, func(n string) bool { return n == "node_disk_reads_completed_total" }, nil))
		var want strings.Builder
		seen := map[string]bool{}
		for i, n := range strings.Fields(names) {
			if !seen[n] {
				fmt.Fprintf(&want, "node_disk_reads_completed_total{device=%q} %d\n", n, i)
			}
			seen[n] = true
		}
		if !strings.HasSuffix(text, "counter\n"+want.String()) {
			t.Errorf("%s: have\n%s", names, text)
		}
		if len(h.c.byName) != len(seen) || len(h.c.disks) != len(seen) {
			t.Errorf("%s: %d and %d disks are kept", names, len(h.c.byName), len(h.c.disks))
		}
	}
}

func TestDiskstatsMatchesProcfs(t *testing.T) {
	h := newDiskHost(t)
	var b strings.Builder
	for i := range 60 {
		fmt.Fprintf(&b, "%4d %7d dm-%d", i%260, i, i)
		for j := range []int{11, 15, 17}[i%3] {
			fmt.Fprintf(&b, " %d", uint64(i+j)*0x123456789abc>>(i%40))
		}
		b.WriteString("\n")
	}
	h.write("proc/diskstats", b.String())
	h.write("sys/x", "")
	fs, err := blockdevice.NewFS(h.root+"/proc", h.root+"/sys")
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := fs.ProcDiskstats()
	if err != nil {
		t.Fatal(err)
	}
	h.update()
	if len(theirs) != len(h.c.disks) {
		t.Fatalf("%d disks, procfs has %d", len(h.c.disks), len(theirs))
	}
	for i, s := range theirs {
		d := h.c.disks[i]
		want := [diskColumns]uint64{
			s.ReadIOs, s.ReadMerges, s.ReadSectors, s.ReadTicks, s.WriteIOs, s.WriteMerges, s.WriteSectors, s.WriteTicks,
			scan.ClampAmount32(s.IOsInProgress), s.IOsTotalTicks, s.WeightedIOTicks, s.DiscardIOs, s.DiscardMerges, s.DiscardSectors, s.DiscardTicks,
			s.FlushRequestsCompleted, s.TimeSpentFlushing,
		}
		if d.name != s.DeviceName || d.facts.major != strconv.Itoa(int(s.MajorNumber)) || d.facts.minor != strconv.Itoa(int(s.MinorNumber)) ||
			d.line.stats != want || d.line.columns != s.IoStatsCount-3 {
			t.Errorf("have %+v\nprocfs has %+v", d.line, s)
		}
	}
}

// FuzzDiskstats compares with the fields of the line, and with procfs on lines that
// both accept.
func FuzzDiskstats(f *testing.F) {
	root := golden.TempDir(f)
	testfile.Write(f, root+"/proc/diskstats", "")
	testfile.Write(f, root+"/sys/x", "")
	fs, err := blockdevice.NewFS(root+"/proc", root+"/sys")
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte(oneDisk))
	f.Add([]byte("8 0 sda 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18"))
	f.Add([]byte("8 1 sda1 1 2 3 4"))
	f.Add([]byte("8 0 1 -3 4 5 6 7 8 9 0 1 2 1"))
	f.Add([]byte("8 1"))
	f.Fuzz(func(t *testing.T, line []byte) {
		head, rest, err := parseDiskName(line)
		if err != nil || head.name == nil {
			return
		}
		var l diskLine
		if err := l.parse(rest); err != nil {
			return
		}
		if n := l.columns; n != 0 && n < minDiskColumns || n > diskColumns {
			t.Errorf("%q: %d columns", line, n)
		}
		fields := strings.Fields(string(rest))
		for i, v := range l.stats[:l.columns] {
			want, err := strconv.ParseUint(fields[i], 10, 64)
			if signed, bad := strconv.ParseInt(fields[i], 10, 64); err != nil && bad == nil {
				if want = uint64(signed); signed >= math.MinInt32 {
					want = uint64(uint32(signed)) // of 32 bits, printed as signed
				}
			}
			if i == diskInFlight && (int64(want) < 0 || want>>31 == 1) {
				want = 0 // it may fall below zero
			}
			if v != want {
				t.Errorf("%q: column %d: want %d, have %d", line, i, want, v)
			}
		}
		if !golden.IsPlain(string(line)) || bytes.Contains(line, []byte("\n")) {
			return
		}
		testfile.Write(t, root+"/proc/diskstats", string(line)+"\n")
		all, err := fs.ProcDiskstats()
		if err != nil || len(all) != 1 {
			return
		}
		if s := all[0]; s.DeviceName != string(head.name) || s.ReadSectors != l.stats[2] || s.IOsTotalTicks != l.stats[9] || s.DiscardTicks != l.stats[14] {
			t.Errorf("%q: have %s %v, procfs has %+v", line, head.name, l.stats, s)
		}
	})
}

func FuzzUdev(f *testing.F) {
	f.Add([]byte("S:disk/by-id/x\nE:ID_ATA=1\nE:ID_ATA_ROTATION_RATE_RPM=7200\nE:ID_MODEL=a=b\n"))
	f.Add([]byte("E:\nE:=\nE\n:\n"))
	f.Fuzz(func(_ *testing.T, b []byte) { _, _ = parseUdev(b) })
}

func BenchmarkDiskstats(b *testing.B) {
	for _, n := range []int{64, 2000} {
		for _, facts := range []string{"cached", "reread"} {
			b.Run(fmt.Sprintf("%d-disks/facts-%s", n, facts), func(b *testing.B) {
				h := newDiskHost(b)
				var lines strings.Builder
				for i := range n {
					fmt.Fprintf(&lines, " 253 %7d dm-%d 25354637 34367663 1003346126 18492372 28444756 11134226 505697032 63877960 0 9653880 82621804 0 0 0 0 1555 1944\n", i, i)
					h.write(fmt.Sprintf("udev/b253:%d", i), "S:disk/by-id/x\nE:DM_NAME=mpath\nE:DM_UUID=mpath-360\nE:ID_SERIAL=360\nE:ID_WWN=0x600\n")
					h.write(fmt.Sprintf("sys/block/dm-%d/queue/rotational", i), "0\n")
				}
				h.write("proc/diskstats", lines.String())
				h.ageUdev()
				h.update()
				b.ReportAllocs()
				for b.Loop() {
					if facts == "reread" {
						h.now = h.now.Add(time.Hour)
					}
					h.update()
				}
			})
		}
	}
}
