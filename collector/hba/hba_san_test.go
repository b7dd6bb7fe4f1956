package hba

import (
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/go-kit/log"
	"golang.org/x/sys/unix"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/test/golden"
	"github.com/hostexporter/host_exporter/collector/internal/test/growth"
	"github.com/hostexporter/host_exporter/collector/internal/test/testfile"
)

func TestSANOptions(t *testing.T) {
	for name, value := range map[string]string{"luns": "some", "max-luns": "-1", "multipath-source": "both"} {
		_, err := update(Collectors()[1], &host.Host{Sys: host.NewTree(t.TempDir())}, map[string][]string{name: {value}})
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s=%s: %v", name, value, err)
		}
	}
}

// sanTree creates the tree of a host with LUNs behind several paths.
func sanTree(tb testing.TB, luns, paths int) string {
	tb.Helper()
	root := golden.TempDir(tb)
	if err := growth.WriteSAN(root, luns, paths); err != nil {
		tb.Fatal(err)
	}
	return root
}

func sanCollector(tb testing.TB, root string, options map[string][]string) (collect.Collector, *metric.Sink) {
	h := &host.Host{Sys: host.NewTree(root).Attributes(), Now: func() time.Time { return time.Unix(1e9, 0) }}
	set := metric.NewSet()
	c, err := Collectors()[1].Build.New(&collect.Env{Host: h, Metrics: set, Log: log.NewNopLogger()}, options)
	if err != nil {
		tb.Fatal(err)
	}
	return c, metric.NewSink(set)
}

// TestSANAllocations tests that devices and maps that stay as they are cost no
// allocations.
func TestSANAllocations(t *testing.T) {
	measure := func(luns int, how string) float64 {
		c, out := sanCollector(t, sanTree(t, luns, 4), map[string][]string{"statistics": {"none"}, "luns": {how}})
		return testing.AllocsPerRun(64, func() { // in which each device and map has its turns
			out.Reset(metric.Text)
			if err := c.Update(t.Context(), out); err != nil {
				t.Error(err)
			}
			if errs, _ := out.Errors(); errs != nil {
				t.Error(errs)
			}
		})
	}
	for _, how := range []string{"none", "summary", "all"} {
		if few, many := measure(2, how), measure(20, how); many > few+1 { // one is of the runtime, now and then
			t.Errorf("luns=%s: %v allocations for 2 LUNs and %v for 20", how, few, many)
		}
	}
}

// TestVirtualPortsAreOnePort tests that two virtual ports on one physical port
// count as one initiator port.
func TestVirtualPortsAreOnePort(t *testing.T) {
	b := golden.NewWorkbench(t, Collectors()[1].Build, map[string][]string{"statistics": {"none"}})
	link := func(path, target string) {
		path = filepath.Join(b.Root, "sys", path)
		testfile.Link(t, path, target)
	}
	const physical = "devices/pci0000:3a/0000:3b:00.0/host3"
	for i, dir := range []string{physical, physical + "/vport-3:0-0/host7", physical + "/vport-3:0-1/host8"} {
		name := filepath.Base(dir)
		for class, file := range map[string][2]string{"scsi_host": {"state", "running"}, "fc_host": {"port_name", fmt.Sprintf("0x10000090fa00000%d", i)}} {
			b.Sys(filepath.Join(dir, class, name, file[0]), file[1])
			link(filepath.Join("class", class, name), "../../"+filepath.Join(dir, class, name))
		}
		b.Sys(filepath.Join(dir, "scsi_host", name, "proc_name"), "lpfc")
		if i == 0 {
			continue
		}
		hctl, device := name[len("host"):]+":0:0:0", fmt.Sprintf("sd%c", 'a'+i)
		lun := filepath.Join(dir, "target"+hctl[:5], hctl)
		b.Sys(lun+"/state", "running")
		link("class/scsi_device/"+hctl, "../../"+lun+"/scsi_device/"+hctl)
		link(lun+"/scsi_device/"+hctl+"/device", "../../../"+hctl)
		link("block/"+device, "../"+lun+"/block/"+device)
		link("block/dm-0/slaves/"+device, "../../../"+lun+"/block/"+device)
	}
	b.Sys("block/dm-0/dm/name", "mpatha")
	b.Sys("block/dm-0/dm/uuid", "mpath-1")
	samples, errs := b.Update()
	if errs != nil {
		t.Error(errs)
	}
	for component, want := range map[string]float64{"initiator_port": 1, "adapter": 1} {
		series := `node_hba_multipath_usable_components{component="` + component + `",device="mpatha",sysfs_name="dm-0"}`
		if got, ok := samples[series]; !ok || got != want {
			t.Errorf("%s is %v, %v", series, got, ok)
		}
	}
}

// TestUnhealthyDevicesAreExported follows a device beyond max-luns that has one
// timeout: it is exported for 15 minutes.
func TestUnhealthyDevicesAreExported(t *testing.T) {
	root := sanTree(t, 3, 1)
	now := time.Unix(1e9, 0)
	set := metric.NewSet()
	out := metric.NewSink(set)
	h := &host.Host{Sys: host.NewTree(root).Attributes(), Now: func() time.Time { return now }}
	c, err := Collectors()[1].Build.New(&collect.Env{Host: h, Metrics: set, Log: log.NewNopLogger()},
		map[string][]string{"statistics": {"none"}, "max-luns": {"1"}})
	if err != nil {
		t.Fatal(err)
	}
	omitted := func(want int) {
		t.Helper()
		out.Reset(metric.Text)
		if err := c.Update(t.Context(), out); err != nil {
			t.Fatal(err)
		}
		series := fmt.Sprintf("\nnode_hba_scsi_devices_omitted{scsi_host=\"host0\"} %d\n", want)
		if text := string(out.AppendText(nil, nil, func(string) bool { return false })); !strings.Contains(text, series) {
			t.Errorf("want %s in\n%s", series, text)
		}
	}
	omitted(2)
	put(t, root, "class/scsi_device/0:0:0:2/device/iotmo_cnt", "0x1")
	omitted(1)
	now = now.Add(15 * time.Minute)
	omitted(1)
	now = now.Add(time.Second)
	omitted(2)
}

// BenchmarkSAN reads the disks of an array over several paths.
func BenchmarkSAN(parent *testing.B) {
	for _, size := range []struct{ luns, paths int }{{100, 4}, {1000, 4}, {2000, 8}} {
		root := "" // created when it is first needed, below the folder of all of them
		for _, luns := range []string{"summary", "all", "none"} {
			parent.Run(fmt.Sprintf("luns=%d/paths=%d/%s", size.luns, size.paths, luns), func(b *testing.B) {
				if root == "" {
					root = sanTree(parent, size.luns, size.paths)
				}
				c, out := sanCollector(b, root, map[string][]string{"luns": {luns}, "statistics": {"none"}})
				before, first := heap(), time.Now()
				if err := c.Update(b.Context(), out); err != nil {
					b.Fatal(err)
				}
				cold := time.Since(first)
				b.ReportAllocs()
				start := cpu()
				for b.Loop() {
					out.Reset(metric.Text)
					if err := c.Update(b.Context(), out); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64((cpu()-start).Microseconds())/1000/float64(b.N), "ms-cpu")
				b.ReportMetric(float64(cold.Milliseconds()), "ms-first")
				b.ReportMetric(float64(out.SampleCount()), "samples")
				b.ReportMetric(float64(heap()-before)/(1<<20), "MiB-kept")
				runtime.KeepAlive(c)
				runtime.KeepAlive(out)
			})
		}
	}
}

// cpu returns the CPU time of the process.
func cpu() time.Duration {
	var u unix.Rusage
	_ = unix.Getrusage(unix.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// heap returns the size of the heap in bytes.
func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
