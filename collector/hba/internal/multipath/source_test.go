package multipath

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

// TestDaemonIsTheSource has the kernel refuse, so that multipathd is queried.
func TestDaemonIsTheSource(t *testing.T) {
	for _, mode := range []string{"auto", "multipathd"} {
		b := newBench(t, "hba.multipath-source.dm")
		queries := 0
		b.host.DeviceMapper = func(string, bool) ([]host.Target, error) {
			queries++
			return nil, &os.PathError{Op: "open", Path: "/dev/mapper/control", Err: unix.EACCES}
		}
		b.daemon(answer)
		b.build(withSource(mode))
		for range 2 {
			samples, errs := b.update()
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
			if len(errs) != 1 || !strings.HasSuffix(errs[0].Error(), `/run/multipathd.socket: mpathb: sdc: want a state of a checker, have "sleepy"`) {
				t.Errorf("%s: errors %v", mode, errs)
			}
		}
		if want := map[string]int{"auto": 1}[mode]; queries != want {
			t.Errorf("%s: %d queries of the kernel, want %d", mode, queries, want)
		}
	}
}

// TestWithoutPaths has no family of paths with multipath-paths off, and the
// health of maps all the same.
func TestWithoutPaths(t *testing.T) {
	b := newBench(t, "hba.multipath-source.dm")
	b.daemon(answer)
	b.build(Options{source: "multipathd"})
	samples, _ := b.update()
	for series := range samples {
		if strings.Contains(series, `path="`) {
			t.Error(series)
		}
	}
	b.want("without paths", samples, `multipath_paths{device="mpatha",health="failed",sysfs_name="dm-0"} => 1`, `multipathd_up => 1`)
}

// TestDaemonBesideTheKernel only pings the daemon.
func TestDaemonBesideTheKernel(t *testing.T) {
	b := newBench(t, "hba.multipath-source.dm")
	b.host.DeviceMapper = kernelWithFailedPath
	b.daemon(func(query string, conn net.Conn) {
		if query != "show daemon" {
			t.Errorf("query %s", query)
		}
		answer(query, conn)
	})
	b.build(DefaultOptions())
	samples, errs := b.update()
	b.want("both", samples, `multipathd_up => 1`, `multipath_path_failed{device="mpatha",path="sdb"} => 1`)
	if count(samples, "multipathd_checker_state") > 0 || errs != nil {
		t.Errorf("%v, %v", samples, errs)
	}
	b.daemon(func(_ string, conn net.Conn) { reply(conn, "timeout\n") })
	b.build(withSource("multipathd"))
	samples, errs = b.update()
	b.want("a malformed answer", samples, `multipathd_up => 1`, `multipath_path_failed{device="mpatha",path="sdb"}`)
	if len(errs) != 1 || !strings.Contains(errs[0].Error(), `want maps in JSON, have "timeout\n"`) {
		t.Errorf("errors %v", errs)
	}
	b.daemon(func(string, net.Conn) {}) // hangs up
	b.build(DefaultOptions())
	samples, errs = b.update()
	b.want("without an answer", samples, `multipathd_up => 0`, `multipath_path_failed{device="mpatha",path="sdb"} => 1`)
	if len(errs) != 1 {
		t.Errorf("errors %v", errs)
	}
}

// TestDaemonDoesNotRun does not connect to a daemon that does not run, because
// that could start it.
func TestDaemonDoesNotRun(t *testing.T) {
	for _, c := range []struct {
		files, mode, up string
		errs            int
	}{
		{"", "auto", "", 0},
		{"run/multipathd.socket", "auto", "0", 0},
		{"run/multipathd.socket", "sysfs", "", 0},
		{"", "multipathd", "0", 1},
		{"run/multipathd.socket", "multipathd", "0", 1},
	} {
		b := newBench(t, "hba.multipath-source.dm")
		b.host.Dial = func(context.Context, string, string) (net.Conn, error) {
			t.Errorf("%+v: connected", c)
			return nil, unix.ECONNREFUSED
		}
		if c.files != "" {
			b.file(c.files)
		}
		b.build(withSource(c.mode))
		samples, errs := b.update()
		b.want(fmt.Sprint(c), samples, "multipathd_up => "+c.up)
		if len(errs) != c.errs {
			t.Errorf("%+v: errors %v", c, errs)
		}
	}
}

// TestNoQueryWithoutMaps is about hosts with adapters and no multipath.
func TestNoQueryWithoutMaps(t *testing.T) {
	for _, mode := range []string{"auto", "sysfs", "dm"} {
		b := newBench(t, "hba.luns-sas")
		b.daemon(func(string, net.Conn) { t.Errorf("%s: multipathd is queried", mode) })
		b.host.DeviceMapper = func(string, bool) ([]host.Target, error) {
			t.Errorf("%s: the kernel is queried", mode)
			return nil, nil
		}
		b.build(withSource(mode))
		if samples, _ := b.update(); len(samples) > 0 {
			t.Errorf("%s: %v", mode, samples)
		}
	}
}

func TestOptions(t *testing.T) {
	o := withSource("both")
	if err := o.Check(); err == nil || err.Error() != `multipath-source: want auto, sysfs, dm or multipathd, have "both"` {
		t.Error(err)
	}
}
