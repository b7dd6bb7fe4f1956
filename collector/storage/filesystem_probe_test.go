package storage

import (
	"context"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

func TestHungMountsCostOneWait(t *testing.T) {
	for _, hanging := range []int{1, 4, 30, 900} {
		t.Run(strconv.Itoa(hanging), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := newMountHost(t, nil, filesystemOptions{})
				bad, fine := numbered("/bad", hanging), numbered("/good", 100)
				m.mounts(interleave(bad, fine)...)
				release := m.hangAt(bad...)

				good, hung, took := m.update()
				if len(good) != 100 || len(hung) != hanging {
					t.Errorf("at first: %d good, %d hung", len(good), len(hung))
				}
				if took != 4*time.Second {
					t.Errorf("the first reading took %v", took)
				}
				goroutines := runtime.NumGoroutine()
				for range 100 {
					good, hung, took = m.update()
					if len(good) != 100 || len(hung) != hanging || took != 0 {
						t.Fatalf("later: %d good, %d hung, %v", len(good), len(hung), took)
					}
				}
				if n := runtime.NumGoroutine(); n > goroutines+2 { // other tests have theirs
					t.Errorf("%d goroutines, then %d", goroutines, n)
				}
				if n := int(m.out0.Load()); n != hanging {
					t.Errorf("%d calls are out, want %d", n, hanging)
				}

				m.free(bad...)
				close(release)
				synctest.Wait()
				good, hung, took = m.update()
				if len(good) != 100+hanging || len(hung) != 0 || took != 0 {
					t.Errorf("after all: %d good, %d hung, %v", len(good), len(hung), took)
				}
				if n := m.callsTo("/bad0"); n != 2 {
					t.Errorf("a mount that hung was asked %d times, want 2", n)
				}
			})
		})
	}
}

func TestAMountThatHangsAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMountHost(t, nil, filesystemOptions{timeout: collect.Duration(time.Second)})
		m.mounts("/", "/nas")
		for range 3 {
			release := m.hangAt("/nas")
			if _, hung, took := m.update(); len(hung) != 1 || took != time.Second {
				t.Errorf("%d hung, %v", len(hung), took)
			}
			if _, hung, took := m.update(); len(hung) != 1 || took != 0 {
				t.Errorf("%d hung, %v", len(hung), took)
			}
			m.free("/nas")
			close(release)
			synctest.Wait()
			if good, hung, took := m.update(); len(good) != 2 || len(hung) != 0 || took != 0 {
				t.Errorf("%d good, %d hung, %v", len(good), len(hung), took)
			}
		}
	})
}

// TestASlowMount answers after a second: late for its turn, but in time.
func TestASlowMount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMountHost(t, nil, filesystemOptions{workers: 1})
		m.mounts(interleave(numbered("/slow", 10), numbered("/good", 10))...)
		release := m.hangAt(numbered("/slow", 10)...)
		time.AfterFunc(time.Second, func() { close(release) })
		if good, hung, took := m.update(); len(good) != 20 || len(hung) != 0 || took != time.Second {
			t.Errorf("%d good, %d hung, %v", len(good), len(hung), took)
		}
	})
}

// TestRemount replaces a mount that hangs by another at the same place, as an
// administrator does when a server is gone for good.
func TestRemount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMountHost(t, nil, filesystemOptions{})
		m.mounts("/#1", "/nas#2")
		release := m.hangAt("/nas")
		m.update()
		m.free("/nas")
		m.mounts("/#1", "/nas#3")
		if good, hung, took := m.update(); len(good) != 2 || len(hung) != 0 || took != 0 {
			t.Errorf("with a new mount: %d good, %d hung, %v", len(good), len(hung), took)
		}
		if n := len(m.c.table.probes); n != 3 {
			t.Errorf("%d probes, want that of the old mount kept while it hangs", n)
		}
		m.mounts("/#1")
		m.update()
		if n := len(m.c.table.probes); n != 2 {
			t.Errorf("%d probes, want 2", n)
		}
		close(release)
		synctest.Wait()
		m.update()
		if n := len(m.c.table.probes); n != 1 {
			t.Errorf("%d probes are left, want 1", n)
		}
	})
}

// TestThreadsAreBounded hangs more mounts than there may be threads for.
func TestThreadsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMountHost(t, nil, filesystemOptions{})
		bad := numbered("/bad", 3*maxHung)
		m.mounts(append(append([]string{"/"}, bad...), "/last")...)
		if good, _, _ := m.update(); len(good) != len(bad)+2 {
			t.Errorf("%d good", len(good))
		}
		release := m.hangAt(bad...)
		defer close(release)
		for range 3 {
			ctx, cancel := context.WithTimeout(context.Background(), collect.DefaultTimeout)
			m.out.Reset(metric.Text)
			if err := m.c.Update(ctx, m.out); err != nil || ctx.Err() != nil {
				t.Error(err, ctx.Err())
			}
			cancel()
			if n := int(m.out0.Load()); n > 2*maxHung+4 {
				t.Errorf("%d calls are out", n)
			}
			if !strings.Contains(string(m.out.AppendText(nil, nil, nil)), `node_filesystem_size_bytes{device="/dev/sda",device_error="",fstype="ext4",mountpoint="/"} 7`) {
				t.Error("the root file system is lost")
			}
		}
		if !strings.Contains(string(m.out.AppendText(nil, nil, nil)), `device_error="not asked, too many mounts hang"`) {
			t.Error("nothing is said of the mounts that are not asked")
		}
	})
}

func TestAPanicIsTheMountsOwn(t *testing.T) {
	h := &host.Host{Root: host.NewTree("/"), Statfs: func(path string) (unix.Statfs_t, error) {
		if path == "/bad" {
			panic("boom")
		}
		return unix.Statfs_t{Bsize: 1, Blocks: 7}, nil
	}}
	m := newMountHost(t, h, filesystemOptions{})
	m.mounts("/", "/bad")
	m.out.Reset(metric.Text)
	if err := m.c.Update(context.Background(), m.out); err != nil {
		t.Fatal(err)
	}
	text := string(m.out.AppendText(nil, nil, nil))
	for _, want := range []string{`size_bytes{device="/dev/sda",device_error="",fstype="ext4",mountpoint="/"} 7`, `device_error="panic: boom"`} {
		if !strings.Contains(text, want) {
			t.Errorf("want %s in\n%s", want, text)
		}
	}
}

// TestRootfs sees the host's mounts from a container, with the host's root file
// system mounted at /host.
