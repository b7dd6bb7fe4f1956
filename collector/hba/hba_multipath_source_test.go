package hba

import (
	"context"
	"fmt"
	"net"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/hostexporter/host_exporter/collector/internal/host"
)

// TestDaemonIsTheSource has the kernel refuse, so that multipathd is asked.
func TestDaemonIsTheSource(t *testing.T) {
	for _, mode := range []string{"auto", "multipathd"} {
		b := newPathsBench(t, "hba.multipath-source.dm")
		asked := 0
		b.host.DeviceMapper = func(string, bool) ([]host.Target, error) {
			asked++
			return nil, &os.PathError{Op: "open", Path: "/dev/mapper/control", Err: unix.EACCES}
		}
		b.daemon(answers)
		b.build("multipath-source=" + mode)
		for range 2 {
			samples, told := b.update()
			b.want(mode, samples,
				`multipathd_up => 1`,
				`multipath_path_failed{device="mpatha",path="sda"} => 0`,
				`multipath_path_failed{device="mpatha",path="sdb"} => 1`,
				`multipath_path_failed{device="mpathb",path="sdc"}`,
				`multipath_path_failed{device="mpathb",path="sdd"} => 0`,
				`multipath_path_health{device="mpatha",health="failed",path="sdb"} => 1`,
				`multipath_path_health{device="mpathb",health="optimized",path="sdc"} => 1`,
				`multipath_path_health{device="mpathb",health="marginal",path="sdd"} => 1`,
				`multipath_paths{device="mpatha",health="failed",sysfs_name="dm-0"} => 1`,
				`multipath_group_state{device="mpatha",group="2",state="enabled"} => 1`,
				`multipath_group_state{device="mpatha",group="2",state="active"} => 0`,
				`multipath_group_state{device="mpathb",group="1",state="active"}`,
				`multipath_queue_if_no_path{device="mpatha"} => 1`,
				`multipath_queue_if_no_path{device="mpathb"} => 0`,
				`multipath_queueing_io{device="mpatha"}`,
				`multipathd_checker_state{device="mpatha",path="sdb",state="io_timeout"} => 1`,
				`multipathd_checker_state{device="mpathb",path="sdd",state="ghost"} => 1`,
				`multipathd_path_marginal{device="mpatha",path="sda"} => 0`,
				`multipathd_path_marginal{device="mpatha",path="sdb"} => 1`,
				`multipathd_path_priority{device="mpatha",path="sda"} => 50`,
				`multipathd_path_priority{device="mpatha",path="sdb"}`,
				`multipathd_path_faults_total{device="mpatha"} => 3`,
				`multipathd_switch_group_total{device="mpatha"} => 4`,
				`multipathd_map_loads_total{device="mpatha"} => 2`,
				`multipathd_queueing_seconds_total{device="mpatha"} => 60`,
				`multipathd_queue_timeouts_total{device="mpatha"} => 1`,
				`multipathd_path_faults_total{device="mpathb"} => 0`,
				`multipathd_switch_group_total{device="mpathb"}`,
				`multipathd_path_faults_total{device="gone"}`,
				`multipath_source_age_seconds{source="sysfs"} => 0`,
				`multipath_source_age_seconds{source="dm"}`,
			)
			if n := count(samples, "multipath_source_age_seconds"); n != 2 {
				t.Errorf("%s: %d sources", mode, n)
			}
			if n := count(samples, "multipathd_checker_state"); n != 3 {
				t.Errorf("%s: %d checkers", mode, n)
			}
			if len(told) != 1 || !strings.HasSuffix(told[0].Error(), `/run/multipathd.socket: mpathb: sdc: want a state of a checker, have "sleepy"`) {
				t.Errorf("%s: told %v", mode, told)
			}
		}
		if want := map[string]int{"auto": 1}[mode]; asked != want {
			t.Errorf("%s: the kernel was asked %d times, want %d", mode, asked, want)
		}
	}
}

// TestPathsAreLeftOut has no family of paths with multipath-paths off, and
// verdicts all the same.
func TestPathsAreLeftOut(t *testing.T) {
	b := newPathsBench(t, "hba.multipath-source.dm")
	b.daemon(answers)
	b.build("multipath-source=multipathd", "multipath-paths=false")
	samples, _ := b.update()
	for series := range samples {
		if strings.Contains(series, `path="`) {
			t.Error(series)
		}
	}
	b.want("without paths", samples, `multipath_paths{device="mpatha",health="failed",sysfs_name="dm-0"} => 1`, `multipathd_up => 1`)
}

// TestDaemonBesideTheKernel is only asked whether it is there.
func TestDaemonBesideTheKernel(t *testing.T) {
	b := newPathsBench(t, "hba.multipath-source.dm")
	b.host.DeviceMapper = kernelAnswers
	b.daemon(func(question string, conn net.Conn) {
		if question != "show daemon" {
			t.Errorf("asked to %s", question)
		}
		answers(question, conn)
	})
	b.build()
	samples, told := b.update()
	b.want("both", samples, `multipathd_up => 1`, `multipath_path_failed{device="mpatha",path="sdb"} => 1`)
	if count(samples, "multipathd_checker_state") > 0 || told != nil {
		t.Errorf("%v, %v", samples, told)
	}
	b.daemon(func(_ string, conn net.Conn) { reply(conn, "timeout\n") })
	b.build("multipath-source=multipathd")
	samples, told = b.update()
	b.want("an odd answer", samples, `multipathd_up => 1`, `multipath_path_failed{device="mpatha",path="sdb"}`)
	if len(told) != 1 || !strings.Contains(told[0].Error(), `want maps in JSON, have "timeout\n"`) {
		t.Errorf("told %v", told)
	}
	b.daemon(func(string, net.Conn) {}) // hangs up
	b.build()
	samples, told = b.update()
	b.want("without an answer", samples, `multipathd_up => 0`, `multipath_path_failed{device="mpatha",path="sdb"} => 1`)
	if len(told) != 1 {
		t.Errorf("told %v", told)
	}
}

// TestWhetherTheDaemonIsUp is about one that does not run: it is not connected
// to, because that could start it.
func TestWhetherTheDaemonIsUp(t *testing.T) {
	for _, c := range []struct {
		files, mode, up string
		told            int
	}{
		{"", "auto", "", 0},
		{"run/multipathd.socket", "auto", "0", 0},
		{"run/multipathd.socket", "sysfs", "", 0},
		{"", "multipathd", "0", 1},
		{"run/multipathd.socket", "multipathd", "0", 1},
	} {
		b := newPathsBench(t, "hba.multipath-source.dm")
		b.host.Dial = func(context.Context, string, string) (net.Conn, error) {
			t.Errorf("%+v: connected", c)
			return nil, unix.ECONNREFUSED
		}
		if c.files != "" {
			b.file(c.files)
		}
		b.build("multipath-source=" + c.mode)
		samples, told := b.update()
		b.want(fmt.Sprint(c), samples, "multipathd_up => "+c.up)
		if len(told) != c.told {
			t.Errorf("%+v: told %v", c, told)
		}
	}
}

// TestNobodyIsAskedWithoutMaps is about hosts with adapters and no multipath.
func TestNobodyIsAskedWithoutMaps(t *testing.T) {
	for _, mode := range []string{"auto", "sysfs", "dm"} {
		b := newPathsBench(t, "hba.luns-sas")
		b.daemon(func(string, net.Conn) { t.Errorf("%s: multipathd is asked", mode) })
		b.host.DeviceMapper = func(string, bool) ([]host.Target, error) {
			t.Errorf("%s: the kernel is asked", mode)
			return nil, nil
		}
		b.build("multipath-source=" + mode)
		if samples, _ := b.update(); len(samples) > 0 {
			t.Errorf("%s: %v", mode, samples)
		}
	}
}

func TestMultipathSourceOption(t *testing.T) {
	_, err := update(Collectors()[1], &host.Host{Sys: host.NewTree(t.TempDir())}, map[string][]string{"multipath-source": {"both"}})
	if err == nil || !strings.Contains(err.Error(), `multipath-source: want auto, sysfs, dm or multipathd, have "both"`) {
		t.Error(err)
	}
}
