package hba

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-kit/log"
	"golang.org/x/sys/unix"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/test/golden"
	"github.com/hostexporter/host_exporter/collector/internal/test/testfile"
)

func TestGolden(t *testing.T) { golden.Run(t, "../../testdata/hba", Collectors()) }

// TestSlicesAreIndependent keeps a slice from importing another, so that a new
// attribute or a new kind of path touches one folder.
func TestSlicesAreIndependent(t *testing.T) {
	slices := []string{"adapter", "fc", "scsi", "multipath", "sas", "srp", "iscsi", "nvme", "blockdev"}
	for _, slice := range slices {
		files, err := filepath.Glob("internal/" + slice + "/*.go")
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %d files, %v", slice, len(files), err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, other := range slices {
				if other != slice && strings.Contains(string(text), "collector/hba/internal/"+other+"\"") {
					t.Errorf("%s imports %s: hand it in from hba.go", file, other)
				}
			}
		}
	}
}

// dangerous are files that reset or change something, that hold secrets, or
// whose reading costs a command to the firmware, a message in the kernel log or
// megabytes.
var dangerous = []string{
	"issue_lip", "vport_create", "vport_delete", "vport_disable", "reset_statistics", "scan", "rescan", "delete", "host_reset",
	"issue_reset", "issue_logo", "optrom", "optrom_ctl", "nvram", "vpd", "sfp", "fw_dump", "fw_crash_buffer", "dump_system_regs",
	"lpfc_force_rscn", "lpfc_xcvr_data", "max_xri", "max_rpi", "max_vpi", "thermal_temp", "fw_state", "port_speed", "mu_read",
	"reset_host", "BRM_status", "host_trace_buffer", "diag_trigger_master", "hard_reset", "link_reset", "password", "password_in",
	"username", "username_in", "dhchap_secret", "dhchap_ctrl_secret", "invalid_dword_count", "utilization", "requests", "megabytes",
	"chap_in_idx", "chap_out_idx", "tls_key", "tls_configured_key", "tls_keyring", "reset_controller", "rescan_controller", "delete_controller",
	"nuse", "running_disparity_error_count", "loss_of_dword_sync_count", "phy_reset_problem_count", "status", "fault", "locate", "power_status",
}

// harmless are files with the name of a dangerous one in another folder, and folders
// that have links to devices and nothing else.
var harmless = []string{
	"/sys/block/*", "/sys/block/dasd*/device/status", "/sys/block/dm-*/slaves/*", "/sys/class/iscsi_host/host*/port_speed",
}

func TestNothingDangerousIsRead(t *testing.T) {
	for _, spec := range Collectors() {
		for _, pattern := range spec.Reads {
			if slices.Contains(harmless, pattern) {
				continue
			}
			for _, name := range dangerous {
				if ok, err := filepath.Match(filepath.Base(pattern), name); ok || err != nil {
					t.Errorf("%s reads %s: %v", spec.Name, pattern, err)
				}
			}
		}
	}
}

// portCollectors returns the collectors that read Fibre Channel ports:
// fibrechannel, and hba.
func portCollectors() []collect.Spec { return Collectors()[:2] }

// TestCollectorsShareAPass runs both collectors at the same time on a port whose
// firmware answers once: a second pass would hang.
func TestCollectorsShareAPass(t *testing.T) {
	root := t.TempDir()
	put(t, root, "class/scsi_host/host3/proc_name", "lpfc")
	put(t, root, "class/fc_host/host3/port_state", "Online")
	for _, c := range []string{"seconds_since_last_reset", "tx_frames"} {
		put(t, root, "class/fc_host/host3/statistics/"+c, "0x7")
	}
	fifo := filepath.Join(root, "class/fc_host/host3/statistics/prim_seq_protocol_err_count")
	if err := unix.Mkfifo(fifo, 0o644); err != nil {
		t.Fatal(err)
	}
	h := &host.Host{Sys: host.NewTree(root).Attributes(), Now: time.Now}
	var running sync.WaitGroup
	var texts [2]string
	for i, spec := range portCollectors() {
		running.Go(func() {
			out, err := update(spec, h, map[string][]string{"statistics-timeout": {"1m"}})
			if err != nil {
				t.Error(err)
			}
			texts[i] = string(out.AppendText(nil, nil, func(string) bool { return false }))
		})
	}
	if err := os.WriteFile(fifo, []byte("0x9\n"), 0); err != nil {
		t.Fatal(err)
	}
	running.Wait()
	for i, want := range []string{
		`node_fibrechannel_tx_frames_total{fc_host="host3"} 7`,
		`node_hba_fc_primitive_sequence_protocol_errors_total{fc_host="host3"} 9`,
	} {
		if !strings.Contains(texts[i], want) {
			t.Errorf("want %s in\n%s", want, texts[i])
		}
	}
}

func update(spec collect.Spec, h *host.Host, options map[string][]string) (*metric.Sink, error) {
	set := metric.NewSet()
	out := metric.NewSink(set)
	c, err := spec.Build.New(&collect.Env{Host: h, Metrics: set, Log: log.NewNopLogger()}, options)
	if err != nil {
		return out, err
	}
	return out, c.Update(context.Background(), out)
}

func TestOptions(t *testing.T) {
	for _, spec := range portCollectors() {
		if _, err := update(spec, &host.Host{Sys: host.NewTree(t.TempDir())}, map[string][]string{"statistics": {"some"}}); err == nil || !strings.Contains(err.Error(), `"some"`) {
			t.Errorf("%s: statistics=some: %v", spec.Name, err)
		}
	}
	both := map[string][]string{"host-include": {"lpfc"}, "host-exclude": {"qla"}}
	if _, err := update(portCollectors()[1], &host.Host{Sys: host.NewTree(t.TempDir())}, both); err == nil || errors.Is(err, collect.ErrNoData) {
		t.Errorf("include and exclude together: %v", err)
	}
}

func put(t testing.TB, root, path, content string) {
	t.Helper()
	path = filepath.Join(root, path)
	testfile.Write(t, path, content+"\n")
}

// BenchmarkUpdate reads eight ports in each run: with the counters of the last
// pass, and with those of a new one.
func BenchmarkUpdate(b *testing.B) {
	root := b.TempDir()
	for i := range 8 {
		fc, scsi := fmt.Sprintf("class/fc_host/host%d/", i), fmt.Sprintf("class/scsi_host/host%d/", i)
		for file, content := range map[string]string{
			"speed": "32 Gbit", "port_state": "Online", "port_type": "NPort (fabric via point-to-point)", "port_id": "0x050a00",
			"port_name": "0x100000109b000003", "node_name": "0x200000109b000003", "fabric_name": "0x100050eb1a2b3c00",
			"supported_speeds": "8 Gbit, 16 Gbit, 32 Gbit", "supported_classes": "Class 3", "symbolic_name": "Emulex", "dev_loss_tmo": "30",
		} {
			put(b, root, fc+file, content)
		}
		for _, pattern := range fibrechannel(nil).Reads {
			if strings.Contains(pattern, "/statistics/") {
				put(b, root, fc+"statistics/"+filepath.Base(pattern), "0x1234")
			}
		}
		for file, content := range map[string]string{"proc_name": "lpfc", "state": "running", "can_queue": "1024", "host_busy": "0", "modelname": "LPe35002"} {
			put(b, root, scsi+file, content)
		}
	}
	for _, interval := range []string{"10s", "0s"} {
		for _, spec := range portCollectors() {
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
