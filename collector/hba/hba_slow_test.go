package hba

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-kit/log"
	"golang.org/x/sys/unix"

	"github.com/hostexporter/host_exporter/collector/hba/internal/firmware"
	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/test/golden"
	"github.com/hostexporter/host_exporter/collector/internal/test/testfile"
)

// slowOn asks for everything that is slow.
var slowOn = map[string][]string{
	"sfp": {"true"}, "temperature": {"true"}, "sas-phy-errors": {"true"}, "enclosure-status": {"true"},
	"resources-max": {"true"}, "zfcp-utilization": {"true"}, "statistics": {"none"},
}

// A slowHost has an adapter of each kind that can be asked slowly.
type slowHost struct {
	*host.Host
	t    *testing.T
	root string
	spec collect.Spec

	mu    sync.Mutex
	clock time.Time
}

func (s *slowHost) now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.clock
}

func (s *slowHost) later(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clock = s.clock.Add(d)
}

func newSlowHost(t *testing.T) *slowHost {
	t.Helper()
	root, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	s := &slowHost{t: t, root: root, spec: hba(new(firmware.Shared)), clock: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	s.Host = &host.Host{Sys: host.NewTree(root).Attributes(), Now: s.now}
	for number, driver := range map[string]string{"0": "mpt3sas", "1": "zfcp", "2": "lpfc", "3": "qla2xxx"} {
		dir := "devices/css0/0.0.000" + number + "/0.0.190" + number + "/host" + number
		class := dir + "/scsi_host/host" + number
		put(t, root, class+"/proc_name", driver)
		put(t, root, class+"/state", "running")
		for link, target := range map[string]string{"class/scsi_host/host" + number: "../../" + class, class + "/device": "../../../host" + number} {
			testfile.Link(t, filepath.Join(root, link), target)
		}
	}
	put(t, root, "class/sas_phy/phy-0:0/negotiated_linkrate", "12.0 Gbit")
	put(t, root, "class/enclosure/0:0:8:0/Slot 1/type", "device")
	return s
}

// collector builds a collector, as a start or a reload does.
func (s *slowHost) collector(options map[string][]string) (collect.Collector, *metric.Sink) {
	s.t.Helper()
	set := metric.NewSet()
	c, err := s.spec.Build.New(&collect.Env{Host: s.Host, Metrics: set, Log: log.NewNopLogger()}, options)
	if err != nil {
		s.t.Fatal(err)
	}
	return c, metric.NewSink(set)
}

// read reads once, and returns what is served, and what is reported.
func (s *slowHost) read(c collect.Collector, out *metric.Sink) (text, reported string) {
	s.t.Helper()
	out.Reset(metric.Text)
	if err := c.Update(context.Background(), out); err != nil {
		s.t.Fatal(err)
	}
	errs, _ := out.Errors()
	for _, err := range errs {
		reported += err.Error() + "\n"
	}
	return string(out.AppendText(nil, nil, func(string) bool { return false })), reported
}

// slowFiles are the files that cost a command, on the host of the tests.
var slowFiles = []string{
	"class/enclosure/0:0:8:0/Slot 1/fault", "class/enclosure/0:0:8:0/Slot 1/locate", "class/enclosure/0:0:8:0/Slot 1/status",
	"class/sas_phy/phy-0:0/invalid_dword_count", "class/sas_phy/phy-0:0/loss_of_dword_sync_count",
	"class/sas_phy/phy-0:0/phy_reset_problem_count", "class/sas_phy/phy-0:0/running_disparity_error_count",
	"class/scsi_host/host1/utilization", "class/scsi_host/host2/lpfc_xcvr_data", "class/scsi_host/host2/max_rpi",
	"class/scsi_host/host2/max_vpi", "class/scsi_host/host2/max_xri", "class/scsi_host/host3/thermal_temp",
	"devices/css0/0.0.0001/0.0.1901/diagnostics/optical_port", "devices/css0/0.0.0001/0.0.1901/diagnostics/rx_power",
	"devices/css0/0.0.0001/0.0.1901/diagnostics/sfp_invalid", "devices/css0/0.0.0001/0.0.1901/diagnostics/temperature",
	"devices/css0/0.0.0001/0.0.1901/diagnostics/tx_bias", "devices/css0/0.0.0001/0.0.1901/diagnostics/tx_power",
	"devices/css0/0.0.0001/0.0.1901/diagnostics/vcc", "devices/css0/0.0.0003/0.0.1903/host3/sfp",
}

// TestNothingSlowIsOpened has the kernel watch all files that cost a command:
// none is opened unless it is asked for, and all are then.
func TestNothingSlowIsOpened(t *testing.T) {
	if len(slowFiles) != len(firmware.SlowReads()) {
		t.Errorf("%d files, and the data sheet has %d", len(slowFiles), len(firmware.SlowReads()))
	}
	s := newSlowHost(t)
	watch, err := unix.InotifyInit1(unix.IN_NONBLOCK | unix.IN_CLOEXEC)
	if err != nil {
		t.Skip(err)
	}
	defer func() { _ = unix.Close(watch) }()
	for _, name := range slowFiles {
		put(t, s.root, name, "0")
		if _, err := unix.InotifyAddWatch(watch, filepath.Join(s.root, name), unix.IN_OPEN); err != nil {
			t.Fatal(err)
		}
	}
	s.read(s.collector(map[string][]string{"statistics": {"auto"}, "luns": {"all"}}))
	events := make([]byte, 1<<16)
	if n, err := unix.Read(watch, events); err != unix.EAGAIN {
		t.Errorf("%d files were opened (%v)", n/unix.SizeofInotifyEvent, err)
	}
	s.read(s.collector(slowOn))
	if n, err := unix.Read(watch, events); err != nil || n != len(slowFiles)*unix.SizeofInotifyEvent {
		t.Errorf("%d files were opened (%v), want %d", n/unix.SizeofInotifyEvent, err, len(slowFiles))
	}
}

// TestSlowHangs reads a hundred times while a transceiver hangs.
func TestSlowHangs(t *testing.T) {
	s := newSlowHost(t)
	put(t, s.root, "class/scsi_host/host2/max_xri", "2048")
	put(t, s.root, "class/scsi_host/host3/thermal_temp", "47")
	fifo := filepath.Join(s.root, "devices/css0/0.0.0003/0.0.1903/host3/sfp")
	if err := unix.Mkfifo(fifo, 0o644); err != nil {
		t.Fatal(err)
	}
	slowOn := map[string][]string{"sfp": {"true"}, "resources-max": {"true"}, "temperature": {"true"}, "statistics-timeout": {"100ms"}}
	c, out := s.collector(slowOn)
	s.read(c, out)
	before := runtime.NumGoroutine()
	const (
		host2Reads = `node_hba_read_stuck{scsi_host="host2"} 0`
		host2Value = `node_hba_resources_max{resource="xri",scsi_host="host2"} 2048`
	)
	for i := range 100 {
		s.later(15 * time.Second)
		if i%10 == 9 {
			c, out = s.collector(slowOn) // as a reload does
		}
		text, reported := s.read(c, out)
		// The clock may overtake a read of host2, which ends all the same.
		for try := 0; try < 1e4 && !(strings.Contains(text, host2Reads) && strings.Contains(text, host2Value)); try++ {
			runtime.Gosched()
			text, reported = s.read(c, out)
		}
		for _, want := range []string{
			`node_hba_read_stuck{scsi_host="host3"} 1`,
			`node_hba_read_errors_total{reason="timeout",scsi_host="host3"} 1`,
			host2Reads,
			host2Value,
			`node_hba_host_state{scsi_host="host3",state="running"} 1`,
			`node_hba_sas_phy_info{`,
		} {
			if !strings.Contains(text, want) {
				t.Fatalf("reading %d: want %s in\n%s", i, want, text)
			}
		}
		if strings.Contains(text, "node_hba_sfp") || !strings.Contains(reported, "host3/device/sfp: no answer yet") {
			t.Fatalf("reading %d: %s\n%s", i, reported, text)
		}
	}
	for i := 0; runtime.NumGoroutine() > before; i++ { // those of other adapters end
		if i == 1e6 {
			t.Fatalf("%d goroutines, %d before", runtime.NumGoroutine(), before)
		}
		runtime.Gosched()
	}
	if err := os.WriteFile(fifo, make([]byte, 512), 0); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(fifo); err != nil {
		t.Fatal(err)
	}
	for reported := "-"; reported != ""; { // until the reading has ended
		_, reported = s.read(c, out)
		runtime.Gosched()
	}
	s.later(10 * time.Minute)
	for text := ""; !strings.Contains(text, `node_hba_temperature_celsius{scsi_host="host3"} 47`); {
		if text, _ = s.read(c, out); !strings.Contains(text, `node_hba_read_stuck{scsi_host="host3"} 0`) {
			t.Fatalf("still stuck:\n%s", text)
		}
	}
}

func TestSlowOptions(t *testing.T) {
	set := map[string][]string{"slow-interval": {"0s"}}
	if _, err := update(hba(new(firmware.Shared)), &host.Host{Sys: host.NewTree(t.TempDir())}, set); err == nil || !strings.Contains(err.Error(), "slow-interval") {
		t.Errorf("%v", err)
	}
}

// BenchmarkSlow reads the 44 phys of a shelf when their errors, 176 files, are
// asked for and none is due.
func BenchmarkSlow(b *testing.B) {
	for _, on := range []string{"false", "true"} {
		b.Run("sas-phy-errors="+on, func(b *testing.B) {
			s := golden.NewWorkbench(b, hba(new(firmware.Shared)).Build, map[string][]string{"statistics": {"none"}, "luns": {"none"}, "sas-phy-errors": {on}})
			s.Sys("class/scsi_host/host0/proc_name", "mpt3sas\n")
			s.Sys("class/scsi_host/host0/state", "running\n")
			fillSAS(s)
			for i := range 36 {
				for _, file := range []string{"invalid_dword_count", "running_disparity_error_count", "loss_of_dword_sync_count", "phy_reset_problem_count"} {
					s.Sys(fmt.Sprintf("class/sas_phy/phy-0:0:%d/%s", i, file), "0\n")
				}
			}
			s.Steady()
		})
	}
}
