// On 32 bit, go-fuse does not compile.
//go:build !386 && !arm && !mips && !mipsle

package storage

import (
	"context"
	"fmt"
	"io"
	stdlog "log"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-kit/log"
	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

// TestHungMountsOnThisHost probes real mounts that hang. It runs in a process
// with a mount namespace of its own, so that no other process can hang on these
// mounts, and the kernel removes them when the process ends.
func TestHungMountsOnThisHost(t *testing.T) {
	if f, err := os.OpenFile("/dev/fuse", os.O_RDWR, 0); err != nil {
		t.Skip(err)
	} else if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	inMountNamespace(t, testHungMounts)
}

// A hangingFS answers statfs after its release.
type hangingFS struct {
	fuse.RawFileSystem
	release <-chan struct{}
}

func (f hangingFS) StatFs(_ <-chan struct{}, _ *fuse.InHeader, out *fuse.StatfsOut) fuse.Status {
	<-f.release
	out.Blocks, out.Bsize, out.Frsize = 7, 4096, 4096
	return fuse.OK
}

// mountFUSE mounts a file system at dir. At the end of the test it unmounts it
// by force, even if a call hangs.
func mountFUSE(t *testing.T, dir string, release <-chan struct{}) {
	t.Helper()
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	s, err := fuse.NewServer(hangingFS{fuse.NewDefaultRawFileSystem(), release}, dir, &fuse.MountOptions{
		FsName: "hanging", Name: "hanging", DirectMountStrict: true, Logger: stdlog.New(io.Discard, "", 0),
	})
	if err != nil {
		t.Skipf("mounting is refused: %v", err)
	}
	go s.Serve()
	t.Cleanup(func() { forceUnmount(dir) })
	if err := s.WaitMount(); err != nil {
		t.Fatal(err)
	}
}

func testHungMounts(t *testing.T) {
	const hanging, healthy = 30, 10
	root := t.TempDir()
	immediate := make(chan struct{})
	close(immediate)
	release, never := make(chan struct{}), make(chan struct{})
	for i := range hanging {
		mountFUSE(t, filepath.Join(root, fmt.Sprint("hung", i)), release)
	}
	mountFUSE(t, filepath.Join(root, "lost"), never)
	for i := range healthy {
		mountFUSE(t, filepath.Join(root, fmt.Sprint("good", i)), immediate)
	}
	t.Cleanup(func() {
		forceUnmount(filepath.Join(root, "lost"))
		close(never)
	})

	// Process 1 is in another namespace; the collector falls back to its own.
	proc := filepath.Join(t.TempDir(), "proc")
	if err := os.Mkdir(proc, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/proc/self", filepath.Join(proc, "self")); err != nil {
		t.Fatal(err)
	}
	h := host.Live(host.Paths{Procfs: proc, Rootfs: "/"})
	u, err := collect.NewUnit(filesystem, h, log.NewNopLogger(), reservesNothing, map[string][]string{
		"mount-timeout": {"1s"}, "mount-points-include": {"^" + root + "/"},
	})
	if err != nil {
		t.Fatal(err)
	}

	start := time.Now()
	good, hung := collectMounts(t, u)
	if took := time.Since(start); took < time.Second || took > 3*time.Second {
		t.Errorf("the first scrape took %v, want about a second", took)
	}
	if good != healthy || hung != hanging+1 {
		t.Errorf("the first scrape has %d good and %d hung mounts", good, hung)
	}

	goroutines, threads := runtime.NumGoroutine(), threadCount(t)
	start = time.Now()
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 25 {
				if good, hung := collectMounts(t, u); good != healthy || hung != hanging+1 {
					t.Errorf("%d good and %d hung", good, hung)
				}
			}
		})
		wg.Go(func() {
			for range 25 {
				r := u.Begin(metric.Metrics)
				if _, ok := r.Wait(context.Background(), r.Deadline()); !ok {
					t.Error("late")
				}
			}
		})
	}
	wg.Wait()
	if took := time.Since(start); took > 10*time.Second {
		t.Errorf("200 scrapes took %v: they wait for hung mounts again", took)
	}
	// The FUSE servers are in this process, and each may start another reader
	// when it is busy. There must not be another goroutine for each scrape.
	if n := runtime.NumGoroutine(); n > goroutines+healthy+hanging {
		t.Errorf("%d goroutines, then %d", goroutines, n)
	}
	if n := threadCount(t); n > threads+8 {
		t.Errorf("%d threads, then %d", threads, n)
	}

	close(release)
	forceUnmount(filepath.Join(root, "lost"))
	for deadline := time.Now().Add(20 * time.Second); ; {
		good, hung := collectMounts(t, u)
		if good == healthy+hanging && hung == 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("after the release: %d good and %d hung", good, hung)
		}
	}
}

// collectMounts scrapes, and returns the numbers of mounts that answer and that
// hang.
func collectMounts(t *testing.T, u *collect.Unit) (good, hung int) {
	r := u.Begin(metric.Text)
	result, ok := r.Wait(context.Background(), r.Deadline())
	if !ok || !result.State.Success() {
		t.Errorf("late, or failed: %s", result.State)
	}
	text := string(u.AppendText(nil, nil))
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "node_filesystem_size_bytes{") && strings.HasSuffix(line, " 28672\n") {
			good++
		}
		if strings.HasPrefix(line, "node_filesystem_device_error{") && strings.Contains(line, `device_error="mountpoint timeout"`) {
			hung++
		}
	}
	return good, hung
}

func threadCount(t *testing.T) int {
	t.Helper()
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		t.Fatal(err)
	}
	return len(tasks)
}
