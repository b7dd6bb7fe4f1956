package hba

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-kit/log"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/golden"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

func TestGolden(t *testing.T) { golden.Run(t, "../../testdata/hba", Collectors()) }

// dangerous are files that reset or change something, that hold secrets, or
// whose reading costs a command to the firmware, a message in the kernel log or
// a download of megabytes.
var dangerous = []string{
	"issue_lip", "vport_create", "vport_delete", "vport_disable", "reset_statistics", "scan", "rescan", "delete", "host_reset",
	"issue_reset", "issue_logo", "optrom", "optrom_ctl", "nvram", "vpd", "sfp", "fw_dump", "fw_crash_buffer", "dump_system_regs",
	"lpfc_force_rscn", "lpfc_xcvr_data", "max_xri", "max_rpi", "max_vpi", "thermal_temp", "fw_state", "port_speed", "mu_read",
	"reset_host", "BRM_status", "host_trace_buffer", "diag_trigger_master", "hard_reset", "link_reset", "password", "password_in",
	"username", "username_in", "dhchap_secret", "dhchap_ctrl_secret", "invalid_dword_count", "utilization", "requests", "megabytes",
}

func TestNothingDangerousIsRead(t *testing.T) {
	for _, spec := range Collectors() {
		for _, pattern := range spec.Reads {
			for _, name := range dangerous {
				if ok, err := filepath.Match(filepath.Base(pattern), name); ok || err != nil {
					t.Errorf("%s reads %s: %v", spec.Name, pattern, err)
				}
			}
		}
	}
}

// BenchmarkUpdate reads eight ports in each run, in text mode, with an order to
// leave their firmware alone for a while, as in a scrape soon after another.
func BenchmarkUpdate(b *testing.B) {
	root := b.TempDir()
	put := func(path, content string) {
		path = filepath.Join(root, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			b.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content+"\n"), 0o644); err != nil {
			b.Fatal(err)
		}
	}
	for i := range 8 {
		fc, scsi := fmt.Sprintf("class/fc_host/host%d/", i), fmt.Sprintf("class/scsi_host/host%d/", i)
		for file, content := range map[string]string{
			"speed": "32 Gbit", "port_state": "Online", "port_type": "NPort (fabric via point-to-point)", "port_id": "0x050a00",
			"port_name": "0x100000109b000003", "node_name": "0x200000109b000003", "fabric_name": "0x100050eb1a2b3c00",
			"supported_speeds": "8 Gbit, 16 Gbit, 32 Gbit", "supported_classes": "Class 3", "symbolic_name": "Emulex", "dev_loss_tmo": "30",
		} {
			put(fc+file, content)
		}
		for _, pattern := range fibrechannel(nil).Reads {
			if strings.Contains(pattern, "/statistics/") {
				put(fc+"statistics/"+filepath.Base(pattern), "0x1234")
			}
		}
		for file, content := range map[string]string{"proc_name": "lpfc", "state": "running", "can_queue": "1024", "host_busy": "0", "modelname": "LPe35002"} {
			put(scsi+file, content)
		}
	}
	for _, interval := range []string{"10s", "0s"} {
		for _, spec := range Collectors() {
			b.Run(spec.Name+"/min-interval="+interval, func(b *testing.B) {
				h := &host.Host{Sys: host.NewTree(root).Attributes(), Now: func() time.Time { return time.Unix(1e9, 0) }}
				set := metric.NewSet()
				c, err := spec.Build.New(&collect.Env{Host: h, Metrics: set, Log: log.NewNopLogger()},
					map[string][]string{"statistics-min-interval": {interval}})
				if err != nil {
					b.Fatal(err)
				}
				out := metric.NewSink(set)
				b.ReportAllocs()
				for b.Loop() {
					out.Reset(metric.Text)
					if err := c.Update(context.Background(), out); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
