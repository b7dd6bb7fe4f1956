package e2e

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// constrained starts an exporter from a shell script, which sets a limit and ends with
// exec "$@". The environment variable DIR is a folder of the test.
func constrained(t *testing.T, script, config string, flags ...string) *exporter {
	t.Helper()
	requireE2E(t)
	dir := t.TempDir()
	address := freeAddress(t)
	e := &exporter{t: t, url: "http://" + address, file: filepath.Join(dir, "host_exporter.yml")}
	e.write(config)
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	cmd := exec.Command("/bin/sh", append([]string{"-c", script, "sh", build(t), "--config.file=" + e.file, "--web.listen-address=" + address, "--checks.user="}, flags...)...)
	cmd.Env = append(os.Environ(), "DIR="+dir)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	exited := make(chan error, 1)
	go func() { exited <- cmd.Wait() }()
	e.process = cmd.Process
	t.Cleanup(func() {
		var err error
		_ = cmd.Process.Signal(os.Interrupt) // it may have ended
		select {
		case err = <-exited:
		case <-time.After(20 * time.Second):
			err = errors.Join(errors.New("it does not stop"), cmd.Process.Kill())
		}
		text, _ := os.ReadFile(log.Name())
		if err != nil || strings.Contains(string(text), "panic") {
			t.Errorf("the exporter ended with %v\n%s", err, text)
		}
	})
	if !eventually(20*time.Second, func() bool {
		resp, err := http.Get(e.url + "/metrics")
		if err == nil {
			resp.Body.Close()
		}
		return err == nil
	}) {
		text, _ := os.ReadFile(log.Name())
		t.Fatalf("the exporter does not start\n%s", text)
	}
	return e
}

const faultsConfig = "checks:\n  one: {command: [/bin/echo, \"1\"], interval: 1s, timeout: 1s, format: number, metric: e2e_one}\n"

// checkWorks checks that a scrape is whole and that checks run.
func (e *exporter) checkWorks() {
	e.t.Helper()
	e.until(20*time.Second, "all works", func(s samples) bool {
		_, load := s.get("node_load1")
		_, memory := s.get("node_memory_MemTotal_bytes")
		_, check := s.get("e2e_one")
		return load && memory && check
	})
	before, _ := e.scrape()
	runs, _ := before.get("host_check_runs_total", "check", "one")
	e.until(20*time.Second, "a check runs again", func(s samples) bool {
		now, _ := s.get("host_check_runs_total", "check", "one")
		return now > runs
	})
}

// scrapeAtOnce makes many scrapes at once and returns how many had each status; 0
// stands for no response.
func (e *exporter) scrapeAtOnce(clients, scrapes int, encoding string) map[int]int {
	var mu sync.Mutex
	var wg sync.WaitGroup
	status := map[int]int{}
	for range clients {
		wg.Go(func() {
			c := http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableCompression: true}}
			defer c.CloseIdleConnections()
			for range scrapes {
				code := 0
				req, err := http.NewRequest("GET", e.url+"/metrics", nil)
				if err == nil {
					req.Header.Set("Accept-Encoding", encoding)
					var resp *http.Response
					if resp, err = c.Do(req); err == nil {
						if _, err = io.Copy(io.Discard, resp.Body); err == nil {
							code = resp.StatusCode
						}
						resp.Body.Close()
					}
				}
				mu.Lock()
				status[code]++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return status
}

// TestEndToEndFewDescriptors gives the exporter 20 descriptors, and makes more
// connections than that. Collectors fail, and recover when the connections are gone.
func TestEndToEndFewDescriptors(t *testing.T) {
	e := constrained(t, `ulimit -n 20 && exec "$@"`, faultsConfig)
	status := e.scrapeAtOnce(40, 5, "gzip")
	t.Logf("scrapes by status: %v", status)
	if status[http.StatusOK] == 0 {
		t.Error("no scrape had a response")
	}
	// A check needs more descriptors than are left: it fails or runs, and is counted.
	e.until(20*time.Second, "all collectors work", func(s samples) bool {
		_, load := s.get("node_load1")
		_, memory := s.get("node_memory_MemTotal_bytes")
		_, check := s.get("e2e_one")
		failures, _ := s.get("host_check_failures_total", "check", "one", "reason", "spawn")
		return load && memory && (check || failures > 0) && s.sum("node_scrape_collector_success") > 20
	})
}

// withMemory starts an exporter in a control group with a limit of memory in bytes.
func withMemory(t *testing.T, limit int, config string, flags ...string) *exporter {
	t.Helper()
	requireE2E(t)
	root, file := "/sys/fs/cgroup", "memory.max"
	if _, err := os.Stat(filepath.Join(root, "cgroup.controllers")); err != nil { // version 1
		root, file = filepath.Join(root, "memory"), "memory.limit_in_bytes"
	}
	if _, err := os.Stat(root); err != nil {
		root = t.TempDir()
		if err := syscall.Mount("none", root, "cgroup", 0, "memory"); err != nil {
			t.Skipf("no control groups of memory: %v", err)
		}
		t.Cleanup(func() {
			if err := syscall.Unmount(root, 0); err != nil {
				t.Error(err)
			}
		})
	}
	group := filepath.Join(root, fmt.Sprintf("host_exporter-e2e-%d-%s", os.Getpid(), t.Name()))
	if err := os.Mkdir(group, 0o755); err != nil {
		t.Skipf("no control group: %v", err)
	}
	t.Cleanup(func() {
		if !eventually(10*time.Second, func() bool { return syscall.Rmdir(group) == nil }) {
			t.Errorf("%s has processes", group)
		}
	})
	if err := os.WriteFile(filepath.Join(group, file), []byte(strconv.Itoa(limit)), 0o644); err != nil {
		t.Skipf("no limit of memory: %v", err)
	}
	e := constrained(t, `echo $$ > `+group+`/cgroup.procs && exec "$@"`, config, flags...)
	groups, err := os.ReadFile(fmt.Sprintf("/proc/%d/cgroup", e.process.Pid))
	if err != nil || !strings.Contains(string(groups), filepath.Base(group)) {
		t.Fatalf("it is not in %s: %v\n%s", group, err, groups)
	}
	return e
}

// TestEndToEndLittleMemory runs the exporter in a control group of 24 MiB.
func TestEndToEndLittleMemory(t *testing.T) {
	e := withMemory(t, 24<<20, faultsConfig)
	for _, encoding := range []string{"", "gzip", "zstd"} {
		if status := e.scrapeAtOnce(4, 100, encoding); status[http.StatusOK] != 400 {
			t.Errorf("%q: scrapes by status: %v", encoding, status)
		}
	}
	e.checkWorks()
}

// TestEndToEndReadOnlyRoot runs the exporter where no file system can be written.
func TestEndToEndReadOnlyRoot(t *testing.T) {
	requireE2E(t)
	unshare := program(t, "unshare")
	if out, err := exec.Command(unshare, "-m", "mount", "-o", "remount,bind,ro", "/").CombinedOutput(); err != nil {
		t.Skipf("no mount namespace: %v: %s", err, out)
	}
	constrained(t, `exec `+unshare+` -m sh -c 'mount -o remount,bind,ro / && exec "$@"' sh "$@"`, faultsConfig).checkWorks()
}

// TestEndToEndFullDisk runs the exporter with its log and its text files on a full file
// system.
func TestEndToEndFullDisk(t *testing.T) {
	requireE2E(t)
	unshare := program(t, "unshare")
	if out, err := exec.Command(unshare, "-m", "mount", "-t", "tmpfs", "none", "/mnt").CombinedOutput(); err != nil {
		t.Skipf("no mount namespace: %v: %s", err, out)
	}
	script := `exec ` + unshare + ` -m sh -c 'mkdir $DIR/full && mount -t tmpfs -o size=64k none $DIR/full && cd $DIR/full &&
		echo e2e_text 1 > text.prom && { cat /dev/zero > fill 2>/dev/null; exec "$@" --collector.textfile.directory=$DIR/full --log.level=debug > $DIR/full/log 2>&1; }' sh "$@"`
	e := constrained(t, script, faultsConfig)
	e.checkWorks()
	e.until(10*time.Second, "text files are read", func(s samples) bool { _, ok := s.get("e2e_text"); return ok })
}

// TestEndToEndSuspended stops the process for some seconds, as a suspended virtual
// machine. No check runs more often for that, and scrapes are whole at once.
func TestEndToEndSuspended(t *testing.T) {
	e := constrained(t, `exec "$@"`, faultsConfig)
	e.checkWorks()
	before, _ := e.scrape()
	began := time.Now()
	for range 3 {
		if err := e.process.Signal(syscall.SIGSTOP); err != nil {
			t.Fatal(err)
		}
		time.Sleep(3 * time.Second) // how long the process is suspended
		if err := e.process.Signal(syscall.SIGCONT); err != nil {
			t.Fatal(err)
		}
		e.until(5*time.Second, "a scrape is whole", func(s samples) bool {
			_, load := s.get("node_load1")
			state, ok := s.get("host_exporter_collector_state", "collector", "loadavg", "reason", "ok")
			return load && ok && state == 1
		})
	}
	after, _ := e.scrape()
	from, _ := before.get("host_check_runs_total", "check", "one")
	to, _ := after.get("host_check_runs_total", "check", "one")
	if limit := time.Since(began).Seconds() + 2; to-from > limit {
		t.Errorf("%.0f runs in %.0f s of an interval of 1 s", to-from, limit-2)
	}
	e.checkWorks()
}
