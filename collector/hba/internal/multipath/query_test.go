package multipath

import (
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hostexporter/host_exporter/collector/internal/host"
)

// scrapes is how often a host is read whose source hangs.
const scrapes = 100

// TestDaemonThatHangs has multipathd accept every query and answer none, for a
// hundred scrapes fifteen seconds apart, and then recover.
func TestDaemonThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, "hba.multipath-source.dm")
		var hangs atomic.Bool
		b.daemon(func(query string, conn net.Conn) {
			if hangs.Load() {
				_, _ = io.Copy(io.Discard, conn)
				return
			}
			answer(query, conn)
		})
		b.build(withSource("multipathd"))
		samples, _ := b.update()
		b.want("at first", samples, `multipathd_up => 1`, `multipath_source_age_seconds{source="multipathd"} => 0`)

		hangs.Store(true)
		goroutines := 0
		for i := range scrapes {
			<-time.After(15 * time.Second)
			began := time.Now()
			samples, errs := b.update()
			took := time.Since(began)
			if most := map[bool]time.Duration{true: time.Second}[i == 0]; took > most {
				t.Errorf("scrape %d takes %v", i, took)
			}
			if len(errs) == 0 || !strings.Contains(errs[len(errs)-1].Error()+errs[0].Error(), "multipathd.socket") {
				t.Errorf("scrape %d: errors %v", i, errs)
			}
			b.want("hanging", samples, `multipathd_up => 0`, `multipath_path_info{device="mpathc",fc_host="",hctl="",path="vdb",rport="",scsi_host="",sysfs_name="dm-2",target_port=""} => 1`)
			switch i {
			case 0, 15: // about four minutes later: the last answer is still in use
				b.want(fmt.Sprint("scrape ", i), samples, `multipath_path_failed{device="mpatha",path="sdb"} => 1`)
			case 25, 99: // more than five
				b.want(fmt.Sprint("scrape ", i), samples, `multipath_path_failed{device="mpatha",path="sdb"}`,
					`multipath_path_health{device="mpatha",health="optimized",path="sdb"} => 1`)
			}
			synctest.Wait()
			if n := runtime.NumGoroutine(); i == 2 {
				goroutines = n
			} else if i > 2 && n > goroutines+2 { // the runtime may have some of its own
				t.Errorf("%d goroutines after scrape %d, %d before", n, i, goroutines)
			}
		}
		samples, _ = b.update()
		// A hundred times fifteen seconds, and the one second of waiting.
		b.want("after all of them", samples, `multipath_source_age_seconds{source="multipathd"} => 1501`)

		hangs.Store(false)
		for range 2 { // no scrape waits for the first good answer, and what hangs must end before it
			<-time.After(15 * time.Second)
			b.update()
			synctest.Wait()
		}
		samples, errs := b.update()
		b.want("recovered", samples, `multipathd_up => 1`, `multipath_source_age_seconds{source="multipathd"} => 0`,
			`multipath_path_health{device="mpatha",health="failed",path="sdb"} => 1`)
		if len(errs) != 1 { // about the sleepy checker
			t.Errorf("errors %v", errs)
		}
	})
}

// TestKernelThatHangs has device-mapper never return: that is one query, however
// often the host is read, and costs only its own samples.
func TestKernelThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, "hba.multipath-source.dm")
		free := make(chan struct{})
		var queries atomic.Int32
		b.host.DeviceMapper = func(name string, table bool) ([]host.Target, error) {
			queries.Add(1)
			<-free
			return kernelWithFailedPath(name, table)
		}
		b.build(DefaultOptions())
		for i := range scrapes {
			began := time.Now()
			samples, errs := b.update()
			if took := time.Since(began); i == 0 && took != time.Second || i > 0 && took != 0 {
				t.Errorf("scrape %d takes %v", i, took)
			}
			if len(errs) != 1 || errs[0].Error() != "/dev/mapper/control: no answer yet" {
				t.Errorf("errors %v", errs)
			}
			b.want("hanging", samples, `multipath_path_health{device="mpatha",health="optimized",path="sdb"} => 1`, `multipath_source_age_seconds{source="dm"}`)
			<-time.After(15 * time.Second)
		}
		if n := queries.Load(); n != 1 {
			t.Errorf("%d queries", n)
		}
		close(free)
		synctest.Wait()
		samples, errs := b.update()
		b.want("recovered", samples, `multipath_path_health{device="mpatha",health="failed",path="sdb"} => 1`, `multipath_source_age_seconds{source="dm"} => 0`)
		if errs != nil {
			t.Errorf("errors %v", errs)
		}
	})
}
