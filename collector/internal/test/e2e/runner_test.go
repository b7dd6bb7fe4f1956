package e2e

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/hostexporter/host_exporter/collector/internal/test/testfile"
)

const twoProcesses = `
checks:
  counts: {command: [/bin/echo, "1"], interval: 1s, timeout: 1s, format: number, metric: e2e_counts}
  runs: {command: [/bin/sleep, "7654321"], at: '@reboot', timeout: 10m, slow: true, format: exit}
`

// statusOf returns a field of /proc/PID/status.
func statusOf(t *testing.T, pid int, field string) string {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`(?m)^` + field + `:\s*(.*)$`).FindSubmatch(b)
	if m == nil {
		t.Fatalf("no %s in\n%s", field, b)
	}
	return string(m[1])
}

// ended reports whether a process has ended.
func ended(pid int) bool {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	return err != nil || strings.Contains(string(b), "State:\tZ")
}

// TestEndToEndReplacedServe reloads a configuration that the sandbox of the serving
// process does not allow, while clients scrape: no scrape and no state of a check is
// lost, and checks run on.
func TestEndToEndReplacedServe(t *testing.T) {
	e := newExporter(t, twoProcesses)
	before := e.until(30*time.Second, "a check runs", func(s samples) bool { v, _ := s.get("e2e_counts"); return v == 1 && e.has("sleep 7654321") })
	first := e.serving()
	if first == 0 {
		t.Fatalf("want one serving process: %q", e.processes())
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var scrapes atomic.Int64
	failed := make(chan error, 2)
	for range cap(failed) {
		go func() {
			// A connection that was made before a reload may be answered by the process
			// before: it must not be one of those for the scrape after the reload.
			client := http.Client{Transport: &http.Transport{}}
			defer client.CloseIdleConnections()
			for ctx.Err() == nil {
				resp, err := client.Get(e.url + "/metrics")
				var body []byte
				if err == nil {
					body, err = io.ReadAll(resp.Body)
					resp.Body.Close()
				}
				if err == nil && !strings.Contains(string(body), "\ne2e_counts 1\n") {
					err = fmt.Errorf("%s: a scrape without the check:\n%s", resp.Status, body)
				}
				if err != nil {
					failed <- err
					return
				}
				scrapes.Add(1)
			}
			failed <- nil
		}()
	}
	for i := range 5 {
		// A folder that no process before may read.
		dir := t.TempDir()
		testfile.Write(t, filepath.Join(dir, "job.prom"), fmt.Sprintf("e2e_job %d\n", i))
		e.reload(twoProcesses + "collectors: {textfile: {directory: [" + dir + "]}}\n")
		if s, _ := e.scrape(); s.Exposition["e2e_job"] == nil {
			t.Errorf("reload %d has no effect", i)
		}
	}
	stop()
	for range cap(failed) {
		if err := <-failed; err != nil {
			t.Error(err)
		}
	}
	t.Logf("%d scrapes", scrapes.Load())
	s, _ := e.scrape()
	was, _ := before.get("host_check_runs_total", "check", "counts")
	if now, _ := s.get("host_check_runs_total", "check", "counts"); now < was {
		t.Errorf("%v runs before, %v after", was, now)
	}
	if ok, _ := s.get("host_exporter_config_last_reload_successful"); ok != 1 || !e.has("sleep 7654321") {
		t.Errorf("the last reload: %v, %q", ok, e.left())
	}
	if !eventually(20*time.Second, func() bool { return ended(first) && e.serving() != 0 }) {
		t.Errorf("want one serving process: %q", e.processes())
	}
	// A file with an error changes nothing in either process.
	e.write("checks: {counts: {command: relative}}\ncollectors: {arp: false}\n")
	if err := e.post(); err == nil || !strings.Contains(err.Error(), ":1:") {
		t.Errorf("have error %v", err)
	}
	s, _ = e.scrape()
	if _, arp := s.get("host_exporter_collector_state", "collector", "arp"); !arp || !s.hasCheck("counts") {
		t.Error("a file with an error has an effect")
	}
	if ok, _ := s.get("host_exporter_config_last_reload_successful"); ok != 0 {
		t.Error("the failed reload is not exported")
	}
}

// TestEndToEndServeHasNothing looks at the two processes: the one that serves has no
// privileges that it does not need, and a second one of its user cannot look into it.
func TestEndToEndServeHasNothing(t *testing.T) {
	e := newExporter(t, "collectors: {textfile: false, filesystem: false}\ndisable-defaults: true\n"+twoProcesses)
	e.until(30*time.Second, "a check runs", func(s samples) bool { v, _ := s.get("e2e_counts"); return v == 1 })
	serve := e.serving()
	// To read the configuration file again, it keeps CAP_DAC_READ_SEARCH.
	for field, want := range map[string]string{"NoNewPrivs": "1", "Seccomp": "2", "CapEff": "0{15}[04]", "CapPrm": "0{15}[04]", "CapAmb": "0{16}"} {
		if have := statusOf(t, serve, field); !regexp.MustCompile("^" + want + "$").MatchString(have) {
			t.Errorf("%s of the serving process is %s, want %s", field, have, want)
		}
	}
	for _, pid := range []int{serve, e.process.Pid} {
		// The kernel gives files of a process that is not dumpable to root.
		if os.Geteuid() != 0 {
			if _, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid)); !errors.Is(err, os.ErrPermission) {
				t.Errorf("process %d can be looked into: %v", pid, err)
			}
		}
	}
	smaps, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", e.process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	anonymous := regexp.MustCompile(`RssAnon:\s*(\d+) kB`).FindSubmatch(smaps)
	if anonymous == nil {
		t.Skip("the kernel has no RssAnon")
	}
	t.Logf("the runner has %s KiB of private memory", anonymous[1])
	if len(anonymous[1]) > 4 || string(anonymous[1]) > "8192" && len(anonymous[1]) == 4 {
		t.Errorf("the runner has %s KiB, want at most 8192", anonymous[1])
	}
}

// TestEndToEndEnds ends each of the two processes, and sees to the other one.
func TestEndToEndEnds(t *testing.T) {
	requireE2E(t)
	for _, tc := range []struct {
		name   string
		end    func(runner, serve int) error
		code   int
		killed bool
	}{
		{"SIGTERM for the runner", func(runner, _ int) error { return syscall.Kill(runner, syscall.SIGTERM) }, 0, false},
		{"SIGTERM for both", func(runner, serve int) error {
			return errors.Join(syscall.Kill(serve, syscall.SIGTERM), syscall.Kill(runner, syscall.SIGTERM))
		}, 0, false},
		{"SIGINT for the runner", func(runner, _ int) error { return syscall.Kill(runner, syscall.SIGINT) }, 0, false},
		{"SIGKILL for the serving process", func(_, serve int) error { return syscall.Kill(serve, syscall.SIGKILL) }, 1, false},
		{"SIGKILL for the runner", func(runner, _ int) error { return syscall.Kill(runner, syscall.SIGKILL) }, -1, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			address := freeAddress(t)
			e := &exporter{t: t, url: "http://" + address, file: filepath.Join(t.TempDir(), "host_exporter.yml"), marker: "E2E_MARKER=" + address}
			e.write(strings.ReplaceAll(twoProcesses, "timeout: 10m", "timeout: 10m, env: {E2E_MARKER: '"+address+"'}"))
			cmd := exec.Command(build(t), "--config.file="+e.file, "--web.listen-address="+address, "--checks.user=")
			var log strings.Builder
			cmd.Stderr = &log
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			e.process = cmd.Process
			defer func() { _ = cmd.Process.Kill() }()
			e.until(30*time.Second, "checks run", func(s samples) bool { v, _ := s.get("e2e_counts"); return v == 1 && e.has("sleep 7654321") })
			serve := e.serving()
			if err := tc.end(cmd.Process.Pid, serve); err != nil {
				t.Fatal(err)
			}
			err := cmd.Wait()
			if cmd.ProcessState.ExitCode() != tc.code {
				t.Errorf("exit code %d, want %d: %v\n%s", cmd.ProcessState.ExitCode(), tc.code, err, &log)
			}
			if !eventually(10*time.Second, func() bool { return ended(serve) }) {
				t.Error("the serving process is left")
			}
			var left []string
			if !eventually(20*time.Second, func() bool { left = e.left(); return len(left) == 0 }) {
				t.Errorf("processes are left: %q", left)
			}
		})
	}
}

// TestEndToEndUsers runs the two processes and a check as three users.
func TestEndToEndUsers(t *testing.T) {
	requireE2E(t)
	if os.Geteuid() != 0 {
		t.Skip("not root")
	}
	address := freeAddress(t)
	dir := t.TempDir()
	if err := os.Chmod(filepath.Dir(dir), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	e := &exporter{t: t, url: "http://" + address, file: filepath.Join(dir, "host_exporter.yml"), marker: "E2E_MARKER=none"}
	e.write(`
checks:
  user: {command: [/usr/bin/id, -u], interval: 1s, timeout: 1s, format: number, metric: e2e_user}
  root: {command: [/usr/bin/id, -u], interval: 1s, timeout: 1s, format: number, metric: e2e_root, user: root}
  capable: {shell: 'grep CapEff /proc/self/status | cut -c 23-24', interval: 1s, timeout: 1s, format: number, metric: e2e_capable, user: root, capabilities: [CAP_KILL]}
`)
	e.process = run(t, build(t), "--config.file="+e.file, "--web.listen-address="+address, "--checks.user=65534", "--runtime.user=daemon").Process
	s := e.until(30*time.Second, "the checks run", func(s samples) bool {
		_, a := s.get("e2e_user")
		_, b := s.get("e2e_root")
		_, c := s.get("e2e_capable")
		return a && b && c
	})
	for name, want := range map[string]float64{"e2e_user": 65534, "e2e_root": 0, "e2e_capable": 20} {
		if have, _ := s.get(name); have != want {
			t.Errorf("%s is %v, want %v", name, have, want)
		}
	}
	if have := statusOf(t, e.serving(), "Uid"); !strings.HasPrefix(have, "1\t1") {
		t.Errorf("users of the serving process: %s, want that of daemon", have)
	}
}

// TestEndToEndAmbientCapabilities runs the exporter as the drop-ins hba and checks do
// together: an ordinary user with ambient capabilities. Checks have none of them, and
// the serving process has only what a collector needs.
func TestEndToEndAmbientCapabilities(t *testing.T) {
	requireE2E(t)
	if os.Geteuid() != 0 {
		t.Skip("not root")
	}
	address := freeAddress(t)
	dir := t.TempDir()
	for _, d := range []string{filepath.Dir(dir), dir} {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	e := &exporter{t: t, url: "http://" + address, file: filepath.Join(dir, "host_exporter.yml"), marker: "E2E_MARKER=none"}
	const print = `'awk "/^Cap(Inh|Prm|Eff|Bnd|Amb)/ { if (\$2 != \"0000000000000000\") n++ } END { print n + 0 }" /proc/self/status'`
	e.write(`
checks:
  own: {shell: ` + print + `, interval: 1s, timeout: 1s, format: number, metric: e2e_own}
  root: {shell: ` + print + `, interval: 1s, timeout: 1s, format: number, metric: e2e_root, user: root}
  both: {shell: ` + print + `, interval: 1s, timeout: 1s, format: number, metric: e2e_both, capabilities: [CAP_SYS_ADMIN]}
`)
	binary := filepath.Join(dir, "host_exporter")
	if out, err := exec.Command("install", "-m", "755", build(t), binary).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	ambient := []uintptr{unix.CAP_DAC_READ_SEARCH, unix.CAP_SYS_ADMIN, unix.CAP_SETUID, unix.CAP_SETGID, unix.CAP_SETPCAP, unix.CAP_KILL, unix.CAP_CHOWN, unix.CAP_DAC_OVERRIDE, unix.CAP_FOWNER}
	cmd := exec.Command(binary, "--config.file="+e.file, "--web.listen-address="+address, "--checks.user=65534", "--collector.disable-defaults", "--collector.hba")
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 1, Gid: 1}, AmbientCaps: ambient}
	var log strings.Builder
	cmd.Stderr = &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	e.process = cmd.Process
	defer func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
		if t.Failed() {
			t.Log(log.String())
		}
	}()
	s := e.until(30*time.Second, "the checks run", func(s samples) bool {
		_, a := s.get("e2e_own")
		_, b := s.get("e2e_root")
		_, c := s.get("e2e_both")
		return a && b && c
	})
	for name, want := range map[string]float64{"e2e_own": 0, "e2e_root": 0, "e2e_both": 5} {
		if have, _ := s.get(name); have != want {
			t.Errorf("%s: %v sets are not empty, want %v", name, have, want)
		}
	}
	// Of the collector hba: CAP_DAC_READ_SEARCH and CAP_SYS_ADMIN.
	if have := statusOf(t, e.serving(), "CapEff"); have != "0000000000200004" {
		t.Errorf("the serving process has the capabilities %s", have)
	}
}
