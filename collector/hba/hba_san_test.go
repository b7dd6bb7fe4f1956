package hba

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-kit/log"
	"github.com/hostexporter/host_exporter/collector/hba/internal/lun"
	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

func TestVerdict(t *testing.T) {
	for _, c := range []struct {
		facts pathFacts
		want  string
	}{
		{pathFacts{failed: true, running: true}, "failed"},
		{pathFacts{way: wayBlocked}, "offline"},
		{pathFacts{running: true, way: wayBlocked, access: lun.Standby}, "blocked"},
		{pathFacts{running: true, way: wayMarginal, access: lun.Unavailable}, "standby"},
		{pathFacts{running: true, way: wayMarginal, access: lun.NonOptimized}, "marginal"},
		{pathFacts{running: true, access: lun.NonOptimized}, "non_optimized"},
		{pathFacts{running: true}, "optimized"},
		{pathFacts{running: true, access: lun.OtherAccess}, "optimized"},
	} {
		if got := pathHealths[c.facts.verdict()]; got != c.want {
			t.Errorf("%+v is %s, want %s", c.facts, got, c.want)
		}
	}
}

func TestLUNOptions(t *testing.T) {
	for name, value := range map[string]string{"luns": "some", "max-luns": "-1"} {
		_, err := update(Collectors()[1], &host.Host{Sys: host.NewTree(t.TempDir())}, map[string][]string{name: {value}})
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s=%s: %v", name, value, err)
		}
	}
}

// sanTree makes the tree of a host with four Fibre Channel ports, two array
// ports behind each, and so many LUNs by so many paths, in multipath maps.
func sanTree(tb testing.TB, luns, paths int) string {
	root := tb.TempDir()
	link := func(path, target string) {
		path = filepath.Join(root, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			tb.Fatal(err)
		}
		if err := os.Symlink(target, path); err != nil {
			tb.Fatal(err)
		}
	}
	for h := range 4 {
		dir := fmt.Sprintf("devices/pci0000:3a/0000:3a:00.0/0000:3b:00.%d/host%d", h, h)
		for class, files := range map[string]map[string]string{
			"scsi_host": {"proc_name": "lpfc", "state": "running"},
			"fc_host":   {"port_name": fmt.Sprintf("0x10000090fa00000%d", h), "fabric_name": fmt.Sprintf("0x100050eb1a00000%d", h%2), "port_state": "Online"},
		} {
			place := fmt.Sprintf("%s/%s/host%d", dir, class, h)
			link(fmt.Sprintf("class/%s/host%d", class, h), "../../"+place)
			for file, content := range files {
				put(tb, root, place+"/"+file, content)
			}
		}
	}
	for p := range paths {
		h := p % 4
		rport := fmt.Sprintf("rport-%d:0-%d", h, p/4)
		dir := fmt.Sprintf("devices/pci0000:3a/0000:3a:00.0/0000:3b:00.%d/host%d/%s", h, h, rport)
		place := dir + "/fc_remote_ports/" + rport
		link("class/fc_remote_ports/"+rport, "../../"+place)
		put(tb, root, place+"/port_name", fmt.Sprintf("0x500a09810000000%x", p))
		put(tb, root, place+"/port_state", "Online")
		for l := range luns {
			hctl := fmt.Sprintf("%d:0:%d:%d", h, p/4, l)
			device := fmt.Sprintf("sd%c%d", 'a'+p, l)
			dev := fmt.Sprintf("%s/target%d:0:%d/%s", dir, h, p/4, hctl)
			link("class/scsi_device/"+hctl, "../../"+dev+"/scsi_device/"+hctl)
			link(dev+"/scsi_device/"+hctl+"/device", "../../../"+hctl)
			for file, content := range map[string]string{
				"state": "running", "type": "0", "vendor": "NETAPP  ", "model": "LUN C-Mode      ", "rev": "9141",
				"wwid": fmt.Sprintf("naa.600a0980383030537a%014x", l), "iocounterbits": "32", "ioerr_cnt": "0x2", "iotmo_cnt": "0x0",
				"access_state": "active/optimized",
			} {
				put(tb, root, dev+"/"+file, content)
			}
			link("block/"+device, "../"+dev+"/block/"+device)
			link(fmt.Sprintf("block/dm-%d/slaves/%s", l, device), "../../../"+dev+"/block/"+device)
		}
	}
	for l := range luns {
		dm := fmt.Sprintf("block/dm-%d/", l)
		put(tb, root, dm+"dm/name", fmt.Sprintf("mpath%d", l))
		put(tb, root, dm+"dm/uuid", fmt.Sprintf("mpath-3600a0980383030537a%014x", l))
		link(dm+"holders/dm-9999", "../../dm-9999")
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

// BenchmarkSAN reads what an array of disks looks like to a host.
func BenchmarkSAN(b *testing.B) {
	for _, size := range []struct{ luns, paths int }{{100, 4}, {1000, 4}, {2000, 8}} {
		var root string
		for _, luns := range []string{"summary", "all", "none"} {
			b.Run(fmt.Sprintf("luns=%d/paths=%d/%s", size.luns, size.paths, luns), func(b *testing.B) {
				if root == "" {
					root = sanTree(b, size.luns, size.paths)
				}
				c, out := sanCollector(b, root, map[string][]string{"luns": {luns}, "statistics": {"none"}})
				first := time.Now()
				if err := c.Update(b.Context(), out); err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(float64(time.Since(first).Milliseconds()), "ms-first")
				b.ReportMetric(float64(out.Samples()), "samples")
				b.ReportAllocs()
				for b.Loop() {
					out.Reset(metric.Text)
					if err := c.Update(b.Context(), out); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
