package storage

import (
	"fmt"
	"maps"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prometheus/procfs"

	"github.com/hostexporter/host_exporter/collector/internal/test/golden"
)

// newMountstatsWorkbench returns a host with the files of a recorded one.
func newMountstatsWorkbench(t testing.TB, archive string) *golden.Workbench {
	t.Helper()
	b := golden.NewWorkbench(t, mountstats.Build, nil)
	for _, file := range []string{"mountinfo", "mountstats"} {
		content := golden.Content(t, testdata+"/"+archive, "proc/self/"+file)
		b.Proc("self/"+file, content)
		b.Proc("1/"+file, content) // where procfs finds it
	}
	return b
}

// TestMountstatsMatchesProcfs compares values with those of procfs. It gives
// some values as 0 that the kernel does not have.
func TestMountstatsMatchesProcfs(t *testing.T) {
	for _, archive := range []string{"mountstats.host", "mountstats.same-export.host"} {
		b := newMountstatsWorkbench(t, archive)
		have, errs := b.Update()
		if errs != nil {
			t.Fatal(errs)
		}
		golden.SameSamples(t, have, wantMountstats(t, filepath.Join(b.Root, "proc")))
	}
}

func wantMountstats(t *testing.T, root string) map[string]float64 {
	t.Helper()
	fs, err := procfs.NewFS(root)
	if err != nil {
		t.Fatal(err)
	}
	process, err := fs.Proc(1)
	if err != nil {
		t.Fatal(err)
	}
	mounts, err := process.MountStats()
	if err != nil {
		t.Fatal(err)
	}
	infos, err := process.MountInfo()
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]float64{}
	for i, m := range mounts {
		s, ok := m.Stats.(*procfs.MountStatsNFS)
		if !ok {
			continue
		}
		export := strings.ReplaceAll(m.Device, `\`, `\\`)
		labels := fmt.Sprintf(`export="%s",mountaddr="%s",protocol="%s"`, export, infos[i].SuperOptions["addr"], s.Transport[0].Protocol)
		point := fmt.Sprintf(`export="%s",mountaddr="%s",mountpoint="%s",protocol="%s"`, export, infos[i].SuperOptions["addr"], strings.ReplaceAll(m.Mount, `\`, `\\`), s.Transport[0].Protocol)
		want["node_mountstats_nfs_mountpoint_info{"+point+"}"] = 1
		if _, ok := want["node_mountstats_nfs_age_seconds_total{"+labels+"}"]; !ok {
			maps.Copy(want, wantNFSMount(s, labels))
		}
	}
	return want
}

func wantNFSMount(s *procfs.MountStatsNFS, labels string) map[string]float64 {
	want := map[string]float64{}
	set := func(name, more string, v uint64) { want["node_mountstats_nfs_"+name+"{"+labels+more+"}"] = float64(v) }
	set("age_seconds_total", "", uint64(s.Age.Seconds()))
	set("read_bytes_total", "", s.Bytes.Read)
	set("write_bytes_total", "", s.Bytes.Write)
	set("direct_read_bytes_total", "", s.Bytes.DirectRead)
	set("direct_write_bytes_total", "", s.Bytes.DirectWrite)
	set("total_read_bytes_total", "", s.Bytes.ReadTotal)
	set("total_write_bytes_total", "", s.Bytes.WriteTotal)
	set("read_pages_total", "", s.Bytes.ReadPages)
	set("write_pages_total", "", s.Bytes.WritePages)
	e := s.Events
	for name, v := range map[string]uint64{
		"inode_revalidate": e.InodeRevalidate, "dnode_revalidate": e.DnodeRevalidate, "data_invalidate": e.DataInvalidate,
		"attribute_invalidate": e.AttributeInvalidate, "vfs_open": e.VFSOpen, "vfs_lookup": e.VFSLookup, "vfs_access": e.VFSAccess,
		"vfs_update_page": e.VFSUpdatePage, "vfs_read_page": e.VFSReadPage, "vfs_read_pages": e.VFSReadPages,
		"vfs_write_page": e.VFSWritePage, "vfs_write_pages": e.VFSWritePages, "vfs_getdents": e.VFSGetdents, "vfs_setattr": e.VFSSetattr,
		"vfs_flush": e.VFSFlush, "vfs_fsync": e.VFSFsync, "vfs_lock": e.VFSLock, "vfs_file_release": e.VFSFileRelease,
		"truncation": e.Truncation, "write_extension": e.WriteExtension, "silly_rename": e.SillyRename, "short_read": e.ShortRead,
		"short_write": e.ShortWrite, "jukebox_delay": e.JukeboxDelay, "pnfs_read": e.PNFSRead, "pnfs_write": e.PNFSWrite,
	} {
		set("event_"+name+"_total", "", v)
	}
	for i, x := range s.Transport {
		more := fmt.Sprintf(`,transport="%d"`, i)
		set("transport_bind_total", more, x.Bind)
		set("transport_sends_total", more, x.Sends)
		set("transport_receives_total", more, x.Receives)
		set("transport_bad_transaction_ids_total", more, x.BadTransactionIDs)
		set("transport_backlog_queue_total", more, x.CumulativeBacklog)
		set("transport_maximum_rpc_slots", more, x.MaximumRPCSlotsUsed)
		set("transport_sending_queue_total", more, x.CumulativeSendingQueue)
		set("transport_pending_queue_total", more, x.CumulativePendingQueue)
		if x.Protocol != "udp" {
			set("transport_connect_total", more, x.Connect)
			set("transport_idle_time_seconds", more, x.IdleTimeSeconds)
		}
	}
	for _, o := range s.Operations {
		more := fmt.Sprintf(",operation=%q", o.Operation)
		set("operations_requests_total", more, o.Requests)
		set("operations_transmissions_total", more, o.Transmissions)
		set("operations_major_timeouts_total", more, o.MajorTimeouts)
		set("operations_sent_bytes_total", more, o.BytesSent)
		set("operations_received_bytes_total", more, o.BytesReceived)
		for name, ms := range map[string]uint64{
			"queue": o.CumulativeQueueMilliseconds, "response": o.CumulativeTotalResponseMilliseconds, "request": o.CumulativeTotalRequestMilliseconds,
		} {
			want["node_mountstats_nfs_operations_"+name+"_time_seconds_total{"+labels+more+"}"] = float64(ms) / 1000
		}
	}
	return want
}

// manyNFSMounts returns a host with mounts that share exports, as pods of
// Kubernetes do.
func manyNFSMounts(t testing.TB, mounts, exports int) *golden.Workbench {
	t.Helper()
	var info, stats strings.Builder
	text := golden.Content(t, testdata+"/mountstats.host", "proc/self/mountstats")
	_, body, ok := strings.Cut(text, "statvers=1.1\n")
	if !ok {
		t.Fatal("no statistics in mountstats.host")
	}
	for i := range mounts {
		export, point := fmt.Sprintf("filer:/export/%d", i%exports), fmt.Sprintf("/var/lib/kubelet/pods/%d/volumes/data", i)
		fmt.Fprintf(&info, "%d 27 0:%d / %s rw,relatime shared:%d - nfs4 %s rw,vers=4.2,hard,proto=tcp,addr=192.0.2.1\n", 100+i, i%exports, point, i, export)
		fmt.Fprintf(&stats, "device %s mounted on %s with fstype nfs4 statvers=1.1\n%s", export, point, body)
	}
	b := golden.NewWorkbench(t, mountstats.Build, nil)
	b.Proc("self/mountinfo", info.String())
	b.Proc("self/mountstats", stats.String())
	return b
}

func TestMountstatsAllocates(t *testing.T) { manyNFSMounts(t, 100, 10).Allocs(0) }

func BenchmarkMountstats(b *testing.B) {
	b.Run("1000-mounts-of-1-export", func(b *testing.B) { manyNFSMounts(b, 1000, 1).Steady() })
	b.Run("100-mounts-of-100-exports", func(b *testing.B) { manyNFSMounts(b, 100, 100).Steady() })
}

// TestMountstatsForgetsMounts checks that labels of mounts that are gone are
// forgotten.
func TestMountstatsForgetsMounts(t *testing.T) {
	b := manyNFSMounts(t, 20, 10)
	b.Update()
	c := b.Collector.(*mountstatsCollector)
	if have := fmt.Sprint(len(c.mounts.known), len(c.mounts.fileSystems)); have != "20 10" {
		t.Errorf("mounts and file systems: %s", have)
	}
	b.Proc("self/mountinfo", "")
	b.Proc("self/mountstats", "")
	if _, errs := b.Update(); errs != nil {
		t.Error(errs)
	}
	if have := fmt.Sprint(len(c.mounts.known), len(c.mounts.fileSystems)); have != "0 0" {
		t.Errorf("mounts and file systems after unmounting: %s", have)
	}
}

// FuzzMountstats checks that no lines cause a panic or a duplicate sample.
func FuzzMountstats(f *testing.F) {
	f.Add(golden.Content(f, testdata+"/mountstats.transports.host", "proc/self/mountstats"))
	f.Add(golden.Content(f, testdata+"/mountstats.server-name.host", "proc/self/mountstats"))
	const device = "device a:/ mounted on /a with fstype nfs statvers=1.1\n"
	f.Add(device + "\txprt: tcp\n" + device + "\txprt: tcp\n\txprt: udp 1 2 3 4 5 6 7 8 9 10\n\tper-op\n A: 1 2 3 4 5 6 7 8\n A: 1 2 3 4 5 6 7 8\n")
	f.Fuzz(func(t *testing.T, stats string) {
		b := golden.NewWorkbench(t, mountstats.Build, nil)
		var info strings.Builder
		for line := range strings.Lines(stats) {
			if d, ok := parseNFSDevice([]byte(strings.TrimSuffix(line, "\n"))); ok {
				fmt.Fprintf(&info, "1 1 0:1 / %s rw - %s %s rw,addr=::1\n", d.point, d.fsType, d.export)
			}
		}
		b.Proc("self/mountinfo", info.String())
		b.Proc("self/mountstats", stats)
		b.Update()
	})
}
