package hba

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

// collections is how often a host is read whose source hangs.
const collections = 100

// TestDaemonThatHangs has multipathd take every question and answer none, for
// a hundred collections fifteen seconds apart, and then be well again.
func TestDaemonThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newPathsBench(t, "hba.multipath-source.dm")
		var hangs atomic.Bool
		b.daemon(func(question string, conn net.Conn) {
			if hangs.Load() {
				_, _ = io.Copy(io.Discard, conn)
				return
			}
			answers(question, conn)
		})
		b.build("multipath-source=multipathd")
		samples, _ := b.update()
		b.want("at first", samples, `multipathd_up => 1`, `multipath_source_age_seconds{source="multipathd"} => 0`)

		hangs.Store(true)
		goroutines := 0
		for i := range collections {
			<-time.After(15 * time.Second)
			began := time.Now()
			samples, told := b.update()
			took := time.Since(began)
			if most := map[bool]time.Duration{true: time.Second}[i == 0]; took > most {
				t.Errorf("collection %d takes %v", i, took)
			}
			if len(told) == 0 || !strings.Contains(told[len(told)-1].Error()+told[0].Error(), "multipathd.socket") {
				t.Errorf("collection %d: told %v", i, told)
			}
			b.want("hanging", samples, `multipathd_up => 0`, `multipath_path_info{device="mpathc",fc_host="",hctl="",path="vdb",rport="",scsi_host="",sysfs_name="dm-2",target_port=""} => 1`)
			switch i {
			case 0, 15: // about four minutes later: the last answer is still worth something
				b.want(fmt.Sprint("collection ", i), samples, `multipath_path_failed{device="mpatha",path="sdb"} => 1`)
			case 25, 99: // more than five
				b.want(fmt.Sprint("collection ", i), samples, `multipath_path_failed{device="mpatha",path="sdb"}`,
					`multipath_path_health{device="mpatha",health="optimized",path="sdb"} => 1`)
			}
			synctest.Wait()
			if n := runtime.NumGoroutine(); i == 2 {
				goroutines = n
			} else if i > 2 && n > goroutines+2 { // the runtime may have some of its own
				t.Errorf("%d goroutines after collection %d, %d before", n, i, goroutines)
			}
		}
		samples, _ = b.update()
		// A hundred times fifteen seconds, and the one that was waited.
		b.want("after all of them", samples, `multipath_source_age_seconds{source="multipathd"} => 1501`)

		hangs.Store(false)
		for range 2 { // nobody waits for the first good answer; what hangs now has to end before
			<-time.After(15 * time.Second)
			b.update()
			synctest.Wait()
		}
		samples, told := b.update()
		b.want("well again", samples, `multipathd_up => 1`, `multipath_source_age_seconds{source="multipathd"} => 0`,
			`multipath_path_health{device="mpatha",health="failed",path="sdb"} => 1`)
		if len(told) != 1 { // of the sleepy checker
			t.Errorf("told %v", told)
		}
	})
}

// TestKernelThatHangs has device-mapper never return: that is one question,
// however often the host is read, and costs nothing but its own samples.
func TestKernelThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newPathsBench(t, "hba.multipath-source.dm")
		free := make(chan struct{})
		var asked atomic.Int32
		b.host.DeviceMapper = func(name string, table bool) ([]host.Target, error) {
			asked.Add(1)
			<-free
			return kernelAnswers(name, table)
		}
		b.build()
		for i := range collections {
			began := time.Now()
			samples, told := b.update()
			if took := time.Since(began); i == 0 && took != time.Second || i > 0 && took != 0 {
				t.Errorf("collection %d takes %v", i, took)
			}
			if len(told) != 1 || told[0].Error() != "/dev/mapper/control: no answer yet" {
				t.Errorf("told %v", told)
			}
			b.want("hanging", samples, `multipath_path_health{device="mpatha",health="optimized",path="sdb"} => 1`, `multipath_source_age_seconds{source="dm"}`)
			<-time.After(15 * time.Second)
		}
		if n := asked.Load(); n != 1 {
			t.Errorf("asked %d times", n)
		}
		close(free)
		synctest.Wait()
		samples, told := b.update()
		b.want("well again", samples, `multipath_path_health{device="mpatha",health="failed",path="sdb"} => 1`, `multipath_source_age_seconds{source="dm"} => 0`)
		if told != nil {
			t.Errorf("told %v", told)
		}
	})
}
