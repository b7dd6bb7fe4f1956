package exporter

import (
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/hostexporter/host_exporter/collector"
	"github.com/hostexporter/host_exporter/collector/internal/test/golden"
)

// blockedFiles are files of five collectors, which a test replaces with pipes
// without a writer: opening one blocks, as reading a stuck device does.
var blockedFiles = map[string]string{
	"loadavg":   "proc/loadavg",
	"meminfo":   "proc/meminfo",
	"netstat":   "proc/net/netstat",
	"diskstats": "proc/diskstats",
	"entropy":   "proc/sys/kernel/random/entropy_avail",
}

// TestBlockedFiles scrapes a recorded host a hundred times, with several
// clients at once, while a file of each of five collectors blocks. Every scrape
// has the samples of all other collectors, and leaves no goroutine, thread or
// file descriptor behind.
func TestBlockedFiles(t *testing.T) {
	root := golden.TempDir(t)
	h := golden.Load(t, "../../testdata/hosts/san.host", root)
	for _, file := range blockedFiles {
		path := filepath.Join(root, file)
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		if err := unix.Mkfifo(path, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	specs := collector.Catalog()
	for i := range specs {
		specs[i].Timeout = time.Second
	}
	e, err := New(Config{MetricsPath: "/metrics", host: h, specs: specs})
	if err != nil {
		t.Fatal(err)
	}
	healthy := okCollectors(get(e, "/metrics", "X-Prometheus-Scrape-Timeout-Seconds", "2").Body.String())
	for name := range blockedFiles {
		if healthy[name] {
			t.Errorf("%s is healthy with a blocked file", name)
		}
	}
	if len(healthy) < 10 {
		t.Fatalf("only %v are healthy", healthy)
	}
	goroutines, threads, fds := usage(t)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 25 {
				begin := time.Now()
				rec := get(e, "/metrics", "X-Prometheus-Scrape-Timeout-Seconds", "2", "Accept-Encoding", "gzip")
				if took := time.Since(begin); took > 2*time.Second {
					t.Errorf("a scrape took %v", took)
				}
				got := okCollectors(decode(t, rec))
				for name := range healthy {
					if !got[name] {
						t.Errorf("%s is missing", name)
					}
				}
			}
		})
	}
	wg.Wait()
	// The runtime keeps threads that it needed once; their number must not grow
	// with the number of scrapes.
	g, th, fd := usage(t)
	if g > goroutines+slots || th > threads+8 || fd > fds {
		t.Errorf("in 100 scrapes %d goroutines became %d, %d threads %d, %d file descriptors %d", goroutines, g, threads, th, fds, fd)
	}

	// A writer unblocks the readers.
	for name, file := range blockedFiles {
		path := filepath.Join(root, file)
		w, err := os.OpenFile(path, os.O_RDWR|unix.O_NONBLOCK, 0)
		if err != nil {
			t.Fatal(err)
		}
		content := golden.Content(t, "../../testdata/hosts/san.host", file)
		if err := os.WriteFile(path+".new", []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(path+".new", path); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if err := w.Close(); err != nil { // the reader sees the end of the file
			t.Fatal(err)
		}
	}
	var missing []string
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); {
		missing = missing[:0]
		got := okCollectors(get(e, "/metrics").Body.String())
		for name := range blockedFiles {
			if !got[name] {
				missing = append(missing, name)
			}
		}
		if len(missing) == 0 {
			return
		}
	}
	t.Errorf("%v have not recovered", missing)
}

// TestHosts compares the exposition of each recorded host with its golden file.
func TestHosts(t *testing.T) {
	files, err := filepath.Glob("../../testdata/hosts/*.host")
	if err != nil || len(files) == 0 {
		t.Fatalf("%v, %v", files, err)
	}
	for _, file := range files {
		root := golden.TempDir(t)
		e, err := New(Config{MetricsPath: "/metrics", host: golden.Load(t, file, root)})
		if err != nil {
			t.Fatal(err)
		}
		text := get(e, "/metrics").Body.String()
		text = unstable.ReplaceAllString(strings.ReplaceAll(text, root, ""), "${1} 0")
		golden.Compare(t, strings.TrimSuffix(file, ".host")+".prom", text)
	}
}

// unstable matches samples that differ between runs or builds.
var unstable = regexp.MustCompile(`(?m)^(node_scrape_collector_duration_seconds\{[^}]*\}|\w+_exporter_build_info).*$`)

// okCollectors returns the names of the collectors in the state ok.
func okCollectors(text string) map[string]bool {
	ok := map[string]bool{}
	for line := range strings.Lines(text) {
		if rest, found := strings.CutPrefix(line, `host_exporter_collector_state{collector="`); found {
			name, rest, _ := strings.Cut(rest, `"`)
			if strings.HasPrefix(rest, `,reason="ok"} 1`) {
				ok[name] = true
			}
		}
	}
	return ok
}

// usage returns the numbers of goroutines, threads and file descriptors.
func usage(t *testing.T) (goroutines, threads, fds int) {
	t.Helper()
	count := func(dir string) int {
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		return len(entries)
	}
	runtime.GC()
	return runtime.NumGoroutine(), count("/proc/self/task"), count("/proc/self/fd")
}
