package storage

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/flight"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

func TestHungMountsCostOneWait(t *testing.T) {
	for _, hanging := range []int{1, 4, 30, 900} {
		t.Run(strconv.Itoa(hanging), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := newMountHost(t, nil, filesystemOptions{})
				hungPaths := numbered("/hung", hanging)
				m.mounts(interleave(hungPaths, numbered("/good", 100))...)
				release := m.hangAt(hungPaths...)

				good, hung, took := m.update()
				if len(good) != 100 || len(hung) != hanging {
					t.Errorf("the first scrape: %d good, %d hung", len(good), len(hung))
				}
				if took != 4*time.Second {
					t.Errorf("the first scrape took %v", took)
				}
				goroutines := runtime.NumGoroutine()
				for range 100 {
					good, hung, took = m.update()
					if len(good) != 100 || len(hung) != hanging || took != 0 {
						t.Fatalf("the next scrape: %d good, %d hung, %v", len(good), len(hung), took)
					}
				}
				if n := runtime.NumGoroutine(); n > goroutines+2 { // other tests may start some
					t.Errorf("%d goroutines, then %d", goroutines, n)
				}
				if n := int(m.inProgress.Load()); n != hanging {
					t.Errorf("%d calls are in progress, want %d", n, hanging)
				}

				m.free(hungPaths...)
				close(release)
				synctest.Wait()
				good, hung, took = m.update()
				if len(good) != 100+hanging || len(hung) != 0 || took != 0 {
					t.Errorf("after the release: %d good, %d hung, %v", len(good), len(hung), took)
				}
				if n := m.callsTo("/hung0"); n != 2 {
					t.Errorf("a mount that hung was probed %d times, want 2", n)
				}
			})
		})
	}
}

func TestMountHangsAgain(t *testing.T) {
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

// TestSlowMounts has mounts that answer after a second: after their grace, and
// before the timeout.
func TestSlowMounts(t *testing.T) {
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

// TestRemount replaces a hung mount by another at the same mount point, as an
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
			t.Errorf("%d probes, want 3 with that of the old mount, which hangs", n)
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
			t.Errorf("%d probes, want 1", n)
		}
	})
}

// TestHungMountsAreBounded has more hung mounts than places for calls. All
// mounts answer at first, then most of them hang.
func TestHungMountsAreBounded(t *testing.T) {
	const places = 64 // half of them for mounts
	synctest.Test(t, func(t *testing.T) {
		m := newMountHost(t, boundedHost(places), filesystemOptions{})
		hungPaths := numbered("/hung", 3*places)
		m.mounts(append(append([]string{"/"}, hungPaths...), "/last")...)
		if good, _, _ := m.update(); len(good) != len(hungPaths)+2 {
			t.Errorf("%d good", len(good))
		}
		release := m.hangAt(hungPaths...)
		defer close(release)
		for range 3 {
			m.update()
			if n := int(m.inProgress.Load()); n > places/2 {
				t.Errorf("%d calls are in progress, want at most %d", n, places/2)
			}
			text := string(m.out.AppendText(nil, nil, nil))
			if !strings.Contains(text, `node_filesystem_size_bytes{device="/dev/sda",device_error="",fstype="ext4",mountpoint="/"} 7`) {
				t.Error("the root file system is missing")
			}
			if !strings.Contains(text, `device_error="not asked, too many mounts hang"`) {
				t.Error("mounts that are not probed have no device_error")
			}
		}
	})
}

// TestLocalMountsBeforeRemoteOnes starts the exporter while more mounts of a
// server hang than there are places for calls. The local mounts, which come
// later in the table, are measured at the first scrape and at the later ones.
func TestLocalMountsBeforeRemoteOnes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMountHost(t, boundedHost(16), filesystemOptions{})
		hungPaths := numbered("/hung", 100)
		var table strings.Builder
		for i, p := range append(slices.Clone(hungPaths), numbered("/good", 10)...) {
			device, fsType := "/dev/sda", "ext4"
			if i < len(hungPaths) {
				device, fsType = "server:/export", "nfs4"
			}
			fmt.Fprintf(&table, "%d 1 0:%d / %s rw - %s %s rw\n", 100+i, i, p, fsType, device)
		}
		writeTree(m, m.root, map[string]string{"1/mountinfo": table.String()})
		release := m.hangAt(hungPaths...)
		for range 3 {
			if good, _, _ := m.update(); len(good) != 10 {
				t.Errorf("%d good, want 10", len(good))
			}
		}
		if n := int(m.inProgress.Load()); n == 0 || n > 8 {
			t.Errorf("%d calls are in progress, want at most 8", n)
		}
		m.free(hungPaths...)
		close(release)
		synctest.Wait()
		if good, hung, _ := m.update(); len(good) != 110 || len(hung) != 0 {
			t.Errorf("after the release: %d good, %d hung", len(good), len(hung))
		}
	})
}

// boundedHost is a host with a number of places for calls.
func boundedHost(places int) *host.Host {
	return &host.Host{Root: host.NewTree("/"), Calls: flight.NewPool(places)}
}

func TestPanicAffectsItsMountOnly(t *testing.T) {
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
