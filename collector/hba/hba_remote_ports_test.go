package hba

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/hostexporter/host_exporter/collector/hba/internal/firmware"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/test/golden"
)

// newFabricBench returns a host of some ports that see some targets each, with
// some devices on each target.
func newFabricBench(tb testing.TB, hosts, targets, luns int) *golden.Workbench {
	tb.Helper()
	b := golden.NewWorkbench(tb, hba(new(firmware.Shared)).Build, map[string][]string{"statistics": {"none"}})
	for h := range hosts {
		b.Sys(fmt.Sprintf("class/scsi_host/host%d/proc_name", h), "lpfc\n")
		b.Sys(fmt.Sprintf("class/fc_host/host%d/port_state", h), "Online\n")
		for n := range targets {
			name := fmt.Sprintf("rport-%d:0-%d", h, n)
			device := fmt.Sprintf("devices/pci0000:3a/0000:3a:00.0/0000:3b:00.0/host%d/%s/fc_remote_ports/%s", h, name, name)
			for file, content := range map[string]string{
				"port_state": "Online", "roles": "FCP Target", "port_id": fmt.Sprintf("0x01%04x", n), "scsi_target_id": fmt.Sprint(n),
				"port_name": fmt.Sprintf("0x50060e80%04x%04x", h, n), "node_name": "0x50060e8012345601", "dev_loss_tmo": "30", "fast_io_fail_tmo": "5",
				"statistics/fpin_dn": "0x0", "statistics/fpin_li": "0x0", "statistics/fpin_cn": "0x0",
			} {
				b.Sys(device+"/"+file, content+"\n")
			}
			b.SysLink("class/fc_remote_ports/"+name, "../../"+device)
			for lun := range luns {
				b.Sys(fmt.Sprintf("class/scsi_device/%d:0:%d:%d/x", h, n, lun), "")
			}
		}
	}
	return b
}

// TestManyRemotePorts counts targets and samples. A scrape allocates for ports
// only, not for remote ports.
func TestManyRemotePorts(t *testing.T) {
	b := newFabricBench(t, 2, 64, 8)
	samples, errs := b.Update()
	if errs != nil {
		t.Fatal(errs)
	}
	counts := map[string]int{}
	for series := range samples {
		if name, _, _ := strings.Cut(series, "{"); strings.HasPrefix(name, "node_hba_fc_remote") {
			counts[strings.TrimPrefix(name, "node_hba_fc_remote_")]++
		}
	}
	for name, want := range map[string]int{
		"port_info": 128, "port_state": 128 * 6, "port_luns": 128, "port_dev_loss_timeout_seconds": 128, "port_fast_io_fail_enabled": 128,
		"port_fast_io_fail_timeout_seconds": 128, "port_fpin_notifications_total": 128 * 3, "ports": 4,
	} {
		if counts[name] != want {
			t.Errorf("%s has %d samples, want %d", name, counts[name], want)
		}
	}
	golden.SameSamples(t, map[string]float64{"luns": samples[`node_hba_fc_remote_port_luns{fc_host="host1",port_name="50060e800001003f",rport="rport-1:0-63"}`]}, map[string]float64{"luns": 8})
	few := newFabricBench(t, 2, 1, 0)
	few.Update()
	base := testing.AllocsPerRun(20, func() {
		few.Out.Reset(metric.Text)
		_ = few.Collector.Update(context.Background(), few.Out)
	})
	newFabricBench(t, 2, 64, 0).Allocs(base + 8)
}

// BenchmarkRemotePorts reads 32 ports that see 64 targets each, which is more
// than hosts have.
func BenchmarkRemotePorts(b *testing.B) {
	for _, targets := range []int{0, 8, 64} {
		b.Run(fmt.Sprintf("32x%d", targets), func(b *testing.B) { newFabricBench(b, 32, targets, 8).Steady() })
	}
}
