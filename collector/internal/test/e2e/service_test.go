package e2e

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hostexporter/host_exporter/collector/internal/test/testfile"
)

const serviceDir = "../../../../docs/service"

// installUnit copies the unit to a folder, with a program that exists, and with
// drop-ins.
func installUnit(t *testing.T, dropIns ...string) string {
	t.Helper()
	unit, err := os.ReadFile(filepath.Join(serviceDir, "host_exporter.service"))
	if err != nil {
		t.Fatal(err)
	}
	unit = bytes.ReplaceAll(unit, []byte("/usr/local/bin/host_exporter"), []byte("/bin/true"))
	path := filepath.Join(t.TempDir(), "host_exporter.service")
	if err := os.WriteFile(path, unit, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(path+".d", 0o755); err != nil {
		t.Fatal(err)
	}
	for _, dropIn := range dropIns {
		text, err := os.ReadFile(dropIn)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(path+".d", filepath.Base(dropIn)), text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return path
}

// TestServiceUnitOnThisHost verifies the unit with systemd, alone and with each
// drop-in.
func TestServiceUnitOnThisHost(t *testing.T) {
	analyze := program(t, "systemd-analyze")
	dropIns, err := filepath.Glob(filepath.Join(serviceDir, "drop-ins", "*.conf"))
	if err != nil || len(dropIns) == 0 {
		t.Fatal("no drop-ins", err)
	}
	verify := func(name string, dropIns ...string) {
		t.Run(name, func(t *testing.T) {
			out, err := exec.Command(analyze, "verify", "--man=no", "--recursive-errors=no", installUnit(t, dropIns...)).CombinedOutput()
			if err != nil || strings.Contains(string(out), "host_exporter.service") {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
	verify("alone")
	for _, dropIn := range dropIns {
		verify(filepath.Base(dropIn), dropIn)
	}
}

// TestServiceExposureOnThisHost checks how well the unit is confined: alone, with each
// drop-in and with any two. The kernel's clock is in the unit's system calls, which
// keeps it above 1.5.
func TestServiceExposureOnThisHost(t *testing.T) {
	analyze := program(t, "systemd-analyze")
	dropIns, err := filepath.Glob(filepath.Join(serviceDir, "drop-ins", "*.conf"))
	if err != nil || len(dropIns) == 0 {
		t.Fatal("no drop-ins", err)
	}
	check := func(limit float64, dropIns ...string) {
		t.Helper()
		out, err := exec.Command(analyze, "security", "--offline=yes", "--no-pager", installUnit(t, dropIns...)).CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		level := regexp.MustCompile(`Overall exposure level for \S+: ([0-9.]+)`).FindSubmatch(out)
		if level == nil {
			t.Fatalf("no level:\n%s", out)
		}
		exposure, err := strconv.ParseFloat(string(level[1]), 64)
		if err != nil || exposure > limit {
			t.Errorf("%q: have %s, want at most %v\n%s", dropIns, level[1], limit, out)
		}
	}
	check(1.6)
	for i, a := range dropIns {
		check(2.8, a)
		for _, b := range dropIns[i+1:] {
			limit := 3.0
			if filepath.Base(a) == "checks.conf" && (filepath.Base(b) == "ipmi.conf" || filepath.Base(b) == "hba.conf") {
				limit = 3.5 // to change users and CAP_SYS_ADMIN
			}
			check(limit, a, b)
		}
	}
}

// TestServiceCapabilities: what a drop-in grants is in both sets, and it disables the
// private user namespace, in which capabilities have no effect.
func TestServiceCapabilities(t *testing.T) {
	dropIns, _ := filepath.Glob(filepath.Join(serviceDir, "drop-ins", "*.conf"))
	for _, path := range dropIns {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		bounding := regexp.MustCompile(`(?m)^CapabilityBoundingSet=(.+)$`).FindSubmatch(text)
		ambient := regexp.MustCompile(`(?m)^AmbientCapabilities=(.+)$`).FindSubmatch(text)
		switch {
		case bounding == nil && ambient == nil:
		case bounding == nil || ambient == nil || !bytes.Equal(bounding[1], ambient[1]):
			t.Errorf("%s: bounding set %q, ambient %q", path, bounding, ambient)
		case !bytes.Contains(text, []byte("\nPrivateUsers=no\n")):
			t.Errorf("%s: want PrivateUsers=no", path)
		}
	}
}

// TestServiceDropInsAreDocumented checks that each drop-in is in the table of the
// page.
func TestServiceDropInsAreDocumented(t *testing.T) {
	page, err := os.ReadFile("../../../../docs/service.md")
	if err != nil {
		t.Fatal(err)
	}
	dropIns, _ := filepath.Glob(filepath.Join(serviceDir, "drop-ins", "*.conf"))
	for _, path := range dropIns {
		if !bytes.Contains(page, []byte("`"+filepath.Base(path)+"`")) {
			t.Errorf("docs/service.md does not mention %s", path)
		}
	}
}

// TestServiceScripts checks the scripts with sh, and with shellcheck if it is
// installed.
func TestServiceScripts(t *testing.T) {
	for _, name := range []string{"host_exporter.init", "host_exporter.openrc"} {
		script := filepath.Join(serviceDir, name)
		if out, err := exec.Command("sh", "-n", script).CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
		shellcheck, err := exec.LookPath("shellcheck")
		if err != nil {
			continue
		}
		// OpenRC reads variables that the script only sets.
		if out, err := exec.Command(shellcheck, "-s", "sh", "-e", "SC2034", script).CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}
}

// An initScript is the script for SysV init, with files in a folder of its own.
type initScript struct {
	t       *testing.T
	env     []string
	pidFile string
	logFile string
}

func newInitScript(t *testing.T, address, daemon string, options ...string) *initScript {
	dir := t.TempDir()
	s := &initScript{t: t, pidFile: filepath.Join(dir, "pid"), logFile: filepath.Join(dir, "log")}
	s.env = append(os.Environ(), "DEFAULTS=/dev/null", "DAEMON="+daemon, "DAEMON_USER=", "PIDFILE="+s.pidFile,
		"LOGFILE="+s.logFile, "HOST_EXPORTER_OPTS=--web.listen-address="+address+" "+strings.Join(options, " "))
	t.Cleanup(func() {
		cmd := exec.Command(filepath.Join(serviceDir, "host_exporter.init"), "stop") // only the process of the PID file
		cmd.Env = s.env
		_ = cmd.Run()
	})
	return s
}

func (s *initScript) pid() int {
	text, _ := os.ReadFile(s.pidFile)
	pid, _ := strconv.Atoi(strings.TrimSpace(string(text)))
	return pid
}

// want runs a command of the script and checks its exit code.
func (s *initScript) want(code int, command string) {
	s.t.Helper()
	cmd := exec.Command(filepath.Join(serviceDir, "host_exporter.init"), command)
	cmd.Env = s.env
	out, err := cmd.CombinedOutput()
	have := 0
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		have = exit.ExitCode()
	} else if err != nil {
		s.t.Fatal(err)
	}
	if have != code {
		log, _ := os.ReadFile(s.logFile)
		s.t.Fatalf("%s: exit code %d, want %d\n%s%s", command, have, code, out, log)
	}
}

// TestEndToEndInitScript starts, reloads, restarts, kills and stops a service.
func TestEndToEndInitScript(t *testing.T) {
	requireE2E(t)
	program(t, "start-stop-daemon")
	binary, address := build(t), freeAddress(t)
	config := filepath.Join(t.TempDir(), "host_exporter.yml")
	testfile.Write(t, config, "")
	s := newInitScript(t, address, binary, "--config.file="+config)

	s.want(3, "status")
	s.want(7, "reload")
	s.want(0, "stop")
	s.want(2, "dance")
	s.want(0, "start")
	s.want(0, "status")
	get(t, "http://"+address+"/metrics")
	first := s.pid()
	s.want(0, "start") // again: nothing happens
	if s.pid() != first {
		t.Errorf("a second start: have process %d, want %d", s.pid(), first)
	}
	serves := func(want bool) func() bool {
		return func() bool {
			return want == strings.Contains(get(t, "http://"+address+"/metrics"), `host_exporter_collector_state{collector="arp"`)
		}
	}
	for _, arp := range []bool{false, true} {
		testfile.Write(t, config, fmt.Sprintf("collectors: {arp: %v}\n", arp))
		s.want(0, "reload")
		if !eventually(10*time.Second, serves(arp)) {
			t.Errorf("a reload with arp: %v has no effect", arp)
		}
	}
	if s.pid() != first {
		t.Errorf("a reload: have process %d, want %d", s.pid(), first)
	}
	s.want(0, "restart")
	get(t, "http://"+address+"/metrics")
	second := s.pid()
	if second == first {
		t.Error("a restart: the process is the same")
	}
	if err := syscall.Kill(second, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	dead := func() bool {
		status, err := os.ReadFile("/proc/" + strconv.Itoa(second) + "/status")
		return err != nil || bytes.Contains(status, []byte("State:\tZ"))
	}
	if !eventually(10*time.Second, dead) {
		t.Fatal("the process does not end")
	}
	s.want(1, "status")
	s.want(0, "start")
	s.want(0, "stop")
	s.want(3, "status")
}

func TestEndToEndInitScriptRefuses(t *testing.T) {
	requireE2E(t)
	program(t, "start-stop-daemon")
	newInitScript(t, "127.0.0.1:0", "/nonexistent/host_exporter").want(5, "start")
	newInitScript(t, "no address", build(t)).want(1, "start")

	withoutUser := newInitScript(t, "127.0.0.1:0", build(t))
	withoutUser.env = append(withoutUser.env, "DAEMON_USER=host_exporter_no_such_user")
	withoutUser.want(1, "start")

	// The PID file has the number of another process.
	s := newInitScript(t, "127.0.0.1:0", "/nonexistent/host_exporter")
	if err := os.WriteFile(s.pidFile, []byte(strconv.Itoa(os.Getppid())+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	s.want(1, "status")
	s.want(7, "reload")
	s.want(0, "stop")
}
