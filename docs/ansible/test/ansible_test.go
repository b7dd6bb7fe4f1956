// Package ansible tests the role in docs/ansible. Its hosts are copies of this machine
// that are gone after the test, with a systemctl that only writes down what it is to do.
package ansible

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

const root = "../../../"

// program skips the test unless it is wanted, and can be done here.
func program(t *testing.T, names ...string) {
	t.Helper()
	if os.Getenv("TEST_ANSIBLE") != "1" {
		t.Skip("takes minutes: set TEST_ANSIBLE=1")
	}
	for _, name := range names {
		if _, err := exec.LookPath(name); err != nil {
			t.Skipf("%s is not installed", name)
		}
	}
	if os.Getuid() != 0 {
		t.Skip("makes mounts: needs root")
	}
}

// A host is a copy of this machine in a mount namespace.
type host struct {
	t    *testing.T
	pid  string // of the process that holds the namespaces
	root string // of the copy, in the namespace
	last string // output of the last play
}

var binary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "ansible-test")
	if err != nil {
		return "", err
	}
	file := filepath.Join(dir, "host_exporter")
	build := exec.Command("go", "build", "-o", file, ".")
	build.Dir = root
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return string(out), err
	}
	return file, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if os.Getenv("TEST_ANSIBLE") == "1" {
		if file, err := binary(); err == nil {
			_ = os.RemoveAll(filepath.Dir(file)) // a temporary directory
		}
	}
	os.Exit(code)
}

// newHost makes a copy of this machine: what is written in it is in memory.
func newHost(t *testing.T) *host {
	t.Helper()
	program(t, "ansible-playbook", "unshare", "nsenter")
	file, err := binary()
	if err != nil {
		t.Fatalf("go build: %v\n%s", err, file)
	}
	dir := t.TempDir()
	role, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	// The role with its links resolved, as an archive has it.
	// The first process has the name by which Ansible knows systemd.
	const script = `set -e
echo systemd >/proc/self/comm
mount -t tmpfs tmpfs "$1"
mkdir "$1/upper" "$1/work" "$1/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" "$1/root"
cd "$1/root"
mount -t proc proc proc
mount --rbind /dev dev
mount --rbind /sys sys
rm -rf test && mkdir -p test/roles run/systemd/system etc/systemd/system
cp -rL "$2/host_exporter" test/roles/
cp "$3" test/host_exporter
cp "$2/test/systemctl" bin/systemctl
rm -rf run/test-systemd etc/host_exporter etc/default/host_exporter usr/local/bin/host_exporter etc/systemd/system/host_exporter.service*
echo ready
cat`
	holder := exec.Command("unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c", script, "sh", dir, role, file)
	stdin, err := holder.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := holder.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	holder.Stderr = &stderr
	if err := holder.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stdin.Close()     // ends cat, and with it the namespaces
		_ = holder.Wait() // whatever its status
	})
	line := make([]byte, 6)
	if _, err := stdout.Read(line); err != nil || string(line) != "ready\n" {
		t.Fatalf("no host: %q %v %s", line, err, stderr.String())
	}
	children, err := os.ReadFile("/proc/" + strconv.Itoa(holder.Process.Pid) + "/task/" + strconv.Itoa(holder.Process.Pid) + "/children")
	if err != nil || len(strings.Fields(string(children))) != 1 {
		t.Fatalf("children %q: %v", children, err)
	}
	h := &host{t: t, pid: strings.Fields(string(children))[0], root: filepath.Join(dir, "root")}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the last play:\n%s", h.last)
		}
	})
	return h
}

// command returns a command that runs on the host.
func (h *host) command(args ...string) *exec.Cmd {
	enter := []string{"--target", h.pid, "--mount", "--pid", "chroot", h.root}
	cmd := exec.Command("nsenter", append(enter, args...)...)
	cmd.Env = []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LANG=C.UTF-8", "ANSIBLE_NOCOLOR=1", "ANSIBLE_LOCALHOST_WARNING=0", "ANSIBLE_RETRY_FILES_ENABLED=0", "ANSIBLE_PIPELINING=1"}
	return cmd
}

// sh runs a script on the host, and returns its output.
func (h *host) sh(script string) string {
	h.t.Helper()
	out, err := h.command("sh", "-c", script).CombinedOutput()
	if err != nil {
		h.t.Fatalf("%s: %v\n%s", script, err, out)
	}
	return string(out)
}

// play runs the role on the host with variables in YAML, and returns the output.
func (h *host) play(variables string, options ...string) (string, error) {
	h.t.Helper()
	playbook := "- hosts: localhost\n  connection: local\n  gather_facts: true\n  gather_subset: [min]\n  vars:\n    ansible_python_interpreter: /usr/bin/python3\n" + indent(variables) + "  roles: [host_exporter]\n"
	write := h.command("tee", "/test/play.yml")
	write.Stdin = strings.NewReader(playbook)
	if out, err := write.CombinedOutput(); err != nil {
		h.t.Fatalf("%v\n%s", err, out)
	}
	out, err := h.command(append([]string{"ansible-playbook", "-i", "localhost,", "/test/play.yml"}, options...)...).CombinedOutput()
	h.last = string(out)
	return h.last, err
}

// mustPlay plays the role, which must not fail, and returns how many tasks changed something.
func (h *host) mustPlay(variables string, options ...string) string {
	h.t.Helper()
	out, err := h.play(variables, options...)
	if err != nil {
		h.t.Fatalf("%v\n%s", err, out)
	}
	m := regexp.MustCompile(`changed=(\d+)`).FindStringSubmatch(out)
	if m == nil {
		h.t.Fatalf("no recap in\n%s", out)
	}
	return m[1]
}

// calls returns the calls of systemctl since the last time.
func (h *host) calls() []string {
	h.t.Helper()
	out := h.sh("cat /run/test-systemd/calls 2>/dev/null; rm -f /run/test-systemd/calls")
	return strings.FieldsFunc(out, func(c rune) bool { return c == '\n' })
}

// options returns the arguments that systemd passes to the service.
func (h *host) options() []string {
	h.t.Helper()
	text := h.sh("cat /etc/default/host_exporter")
	m := regexp.MustCompile(`(?m)^HOST_EXPORTER_OPTS="(.*)"$`).FindStringSubmatch(text)
	if m == nil {
		h.t.Fatalf("no options in %q", text)
	}
	return systemdWords(regexp.MustCompile("\\\\([\"\\\\`$])").ReplaceAllString(m[1], "$1"))
}

// systemdWords splits the value of a variable as systemd does for $NAME in ExecStart:
// at white space, after which quotes and backslashes are removed.
func systemdWords(text string) []string {
	var words []string
	var word strings.Builder
	var quote rune
	backslash, in := false, false
	for _, c := range text {
		switch {
		case backslash:
			word.WriteRune(c)
			backslash = false
		case c == '\\':
			backslash, in = true, true
		case quote != 0 && c == quote:
			quote = 0
		case quote != 0:
			word.WriteRune(c)
		case c == '"' || c == '\'':
			quote, in = c, true
		case c == ' ' || c == '\t':
			if in {
				words = append(words, word.String())
				word.Reset()
			}
			in = false
		default:
			word.WriteRune(c)
			in = true
		}
	}
	if in {
		words = append(words, word.String())
	}
	return words
}

func indent(text string) string {
	var b strings.Builder
	for line := range strings.Lines(strings.TrimSpace(text) + "\n") {
		b.WriteString("    " + line)
	}
	return b.String()
}

// TestLint runs ansible-lint, with its rules for production.
func TestLint(t *testing.T) {
	program(t, "ansible-lint")
	out, err := exec.Command("ansible-lint", "--offline", "--nocolor", "--profile", "production", "../host_exporter").CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

const full = `
host_exporter_binary: /test/host_exporter
host_exporter_web_listen_address: ["127.0.0.1:9100", "[::1]:9100"]
host_exporter_basic_auth_users:
  prometheus: $2y$10$QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi
host_exporter_enabled_collectors:
  systemd: {unit-include: '^(ssh|cron)\.service$', enable-restarts-metrics: true}
  sysctl: {include: ["kernel.pid_max", "vm.swappiness"]}
host_exporter_disabled_collectors: [arp]
host_exporter_textfile_dir: /var/lib/host_exporter/textfile
host_exporter_log_format: json
host_exporter_flags_extra: ["--collector.filesystem.mount-points-exclude=^/(dev|a b|\"q\"|it's)($|/)", "--web.max-requests=10"]
host_exporter_drop_ins: [hba]
host_exporter_unit_settings: {MemoryMax: 256M, ReadWritePaths: [/srv/a, /srv/b]}
host_exporter_config:
  max-series: 100000
  expect:
    root: node_filesystem_size_bytes{mountpoint="/"}
`

// TestInstall installs the service with all kinds of options, twice, then changes parts.
func TestInstall(t *testing.T) {
	h := newHost(t)

	h.mustPlay(full, "--check", "--diff")
	if have := h.sh("ls -d /etc/host_exporter /usr/local/bin/host_exporter /etc/default/host_exporter 2>/dev/null || true"); have != "" {
		t.Errorf("--check made %s", have)
	}

	h.mustPlay(full)
	want := []string{"--config.file=/etc/host_exporter/host_exporter.yml", "--web.config.file=/etc/host_exporter/web.yml",
		"--web.listen-address=127.0.0.1:9100", "--web.listen-address=[::1]:9100", "--log.format=json",
		"--collector.textfile.directory=/var/lib/host_exporter/textfile",
		"--collector.sysctl", "--collector.sysctl.include=kernel.pid_max", "--collector.sysctl.include=vm.swappiness",
		"--collector.systemd", "--collector.systemd.enable-restarts-metrics", `--collector.systemd.unit-include=^(ssh|cron)\.service$`,
		"--no-collector.arp", `--collector.filesystem.mount-points-exclude=^/(dev|a b|"q"|it's)($|/)`, "--web.max-requests=10"}
	if have := h.options(); !slices.Equal(have, want) {
		t.Errorf("options\n%q, want\n%q", have, want)
	}
	if out, err := h.command(append(append([]string{"/usr/local/bin/host_exporter"}, h.options()...), "check-config")...).CombinedOutput(); err != nil {
		t.Errorf("check-config: %v\n%s", err, out)
	}
	if have := h.calls(); !slices.Equal(have, []string{"daemon-reload", "start host_exporter.service", "enable host_exporter.service"}) {
		t.Errorf("calls %q", have)
	}
	for file, mode := range map[string]string{
		"/etc/host_exporter/host_exporter.yml":                     "644 root root",
		"/etc/host_exporter/web.yml":                               "640 root host_exporter",
		"/usr/local/bin/host_exporter":                             "755 root root",
		"/var/lib/host_exporter/textfile":                          "755 root root",
		"/etc/systemd/system/host_exporter.service":                "644 root root",
		"/etc/systemd/system/host_exporter.service.d/hba.conf":     "644 root root",
		"/etc/systemd/system/host_exporter.service.d/ansible.conf": "644 root root",
	} {
		if have := strings.TrimSpace(h.sh("stat -c '%a %U %G' " + file)); have != mode {
			t.Errorf("%s: %s, want %s", file, have, mode)
		}
	}
	if have, want := h.sh("cat /etc/systemd/system/host_exporter.service"), readFile(t, root+"docs/service/host_exporter.service"); have != want {
		t.Error("the unit is not that of docs/service")
	}
	if have := h.sh("grep -v '^#' /etc/systemd/system/host_exporter.service.d/ansible.conf"); have != "[Service]\nMemoryMax=256M\nReadWritePaths=/srv/a\nReadWritePaths=/srv/b\n" {
		t.Errorf("settings %q", have)
	}

	if changed := h.mustPlay(full); changed != "0" {
		t.Errorf("the second time %s tasks changed something", changed)
	}
	if have := h.calls(); len(have) > 0 {
		t.Errorf("calls of the second time %q", have)
	}

	h.mustPlay(strings.Replace(full, "max-series: 100000", "max-series: 200000", 1))
	if have := h.calls(); !slices.Contains(have, "reload host_exporter.service") || slices.Contains(have, "restart host_exporter.service") {
		t.Errorf("a change of the configuration: calls %q", have)
	}
	h.mustPlay(strings.NewReplacer("max-series: 100000", "max-series: 300000", "requests=10", "requests=20", "[hba]", "[]").Replace(full))
	if have := h.calls(); !slices.Contains(have, "restart host_exporter.service") || slices.Contains(have, "reload host_exporter.service") {
		t.Errorf("a change of options: calls %q", have)
	}
	if have := h.sh("ls /etc/systemd/system/host_exporter.service.d"); have != "ansible.conf\n" {
		t.Errorf("drop-ins %q", have)
	}

	h.mustPlay(full + "host_exporter_state: absent")
	if have := h.calls(); !slices.Equal(have, []string{"disable host_exporter.service", "stop host_exporter.service", "daemon-reload"}) {
		t.Errorf("calls of the removal %q", have)
	}
	if have := h.sh("ls -d /etc/host_exporter /usr/local/bin/host_exporter /etc/default/host_exporter /etc/systemd/system/host_exporter.service* 2>/dev/null || true"); have != "" {
		t.Errorf("left behind: %s", have)
	}
	if have := h.sh("ls -d /var/lib/host_exporter/textfile"); have == "" {
		t.Error("text files are gone")
	}
}

// TestRefused checks that a mistake fails before it changes the service.
func TestRefused(t *testing.T) {
	h := newHost(t)
	const good = "host_exporter_binary: /test/host_exporter\nhost_exporter_config: {max-series: 1000}\n"
	h.mustPlay(good)
	before := h.sh("cat /etc/default/host_exporter /etc/host_exporter/host_exporter.yml")
	h.calls()
	for _, c := range []struct{ variables, want string }{
		{"host_exporter_state: gone", "host_exporter_state"},
		{good + "host_exporter_drop_ins: [hbas]", "hbas"},
		{good + "host_exporter_flags_extra: [--collector.hbas]", "unknown long flag"},
		{good + "host_exporter_log_level: loud", "loud"},
		{strings.Replace(good, "max-series: 1000", "max-serie: 1000", 1), "max-serie"},
		{strings.Replace(good, "{max-series: 1000}", `"a: ["`, 1), "standard input"},
	} {
		out, err := h.play(c.variables)
		if err == nil || !strings.Contains(out, c.want) {
			t.Errorf("%s: want a failure with %q, have %v\n%s", c.variables, c.want, err, out)
		}
	}
	if after := h.sh("cat /etc/default/host_exporter /etc/host_exporter/host_exporter.yml"); after != before {
		t.Errorf("the service has changed:\n%s\nbefore:\n%s", after, before)
	}
	if have := h.calls(); slices.Contains(have, "restart host_exporter.service") || slices.Contains(have, "reload host_exporter.service") {
		t.Errorf("calls %q", have)
	}
}

// TestCommunityVariables installs with the variables of the community's role only, in
// place of the node_exporter that runs.
func TestCommunityVariables(t *testing.T) {
	h := newHost(t)
	const variables = `
node_exporter_version: 1.9.1
node_exporter_web_listen_address: ["0.0.0.0:9100"]
node_exporter_web_telemetry_path: /metrics
node_exporter_web_disable_exporter_metrics: true
node_exporter_textfile_dir: /var/lib/node_exporter
node_exporter_tls_server_config: {cert_file: /etc/host_exporter/tls.crt, key_file: /etc/host_exporter/tls.key}
node_exporter_http_server_config: {http2: true}
node_exporter_basic_auth_users: {scraper: secret}
node_exporter_enabled_collectors:
  - ntp
  - systemd
  - textfile: {directory: "{{ node_exporter_textfile_dir }}"}
  - filesystem: {mount-points-exclude: "^/(sys|proc|dev)($|/)"}
node_exporter_disabled_collectors: [arp, bcache]
node_exporter_log_level: warn
host_exporter_binary: /test/host_exporter
`
	h.sh(`printf '[Service]\nExecStart=/usr/local/bin/node_exporter\n' >/etc/systemd/system/node_exporter.service
touch /usr/local/bin/node_exporter; mkdir -p /var/lib/node_exporter; chmod 1775 /var/lib/node_exporter
systemctl enable node_exporter.service; systemctl start node_exporter.service`)
	h.calls()

	out, err := h.play(strings.Replace(variables, "node_exporter_web_listen_address", "ignored", 1))
	if err == nil || !strings.Contains(out, "set host_exporter_replace_node_exporter") {
		t.Errorf("want a failure while node_exporter runs, have %v\n%s", err, out)
	}
	h.calls()

	h.mustPlay(variables + "host_exporter_replace_node_exporter: true")
	want := []string{"--web.config.file=/etc/host_exporter/web.yml", "--web.listen-address=0.0.0.0:9100", "--web.telemetry-path=/metrics", "--web.disable-exporter-metrics",
		"--log.level=warn", "--collector.textfile.directory=/var/lib/node_exporter", "--collector.ntp", "--collector.systemd", "--collector.textfile",
		"--collector.filesystem", "--collector.filesystem.mount-points-exclude=^/(sys|proc|dev)($|/)", "--no-collector.arp", "--no-collector.bcache"}
	if have := h.options(); !slices.Equal(have, want) {
		t.Errorf("options\n%q, want\n%q", have, want)
	}
	have := h.calls()
	stop, restart := slices.Index(have, "stop node_exporter.service"), slices.Index(have, "start host_exporter.service")
	if stop < 0 || restart < stop || !slices.Contains(have, "disable node_exporter.service") {
		t.Errorf("calls %q: want node_exporter stopped before the start", have)
	}
	if left := h.sh("ls /etc/systemd/system/node_exporter.service /usr/local/bin/node_exporter 2>/dev/null || true"); left != "" {
		t.Errorf("left behind: %s", left)
	}
	if mode := h.sh("stat -c %a /var/lib/node_exporter"); mode != "1775\n" {
		t.Errorf("the directory of text files has the mode %s", mode)
	}
	web := h.sh("cat /etc/host_exporter/web.yml")
	for _, want := range []string{"tls_server_config:", "cert_file: /etc/host_exporter/tls.crt", "http2: true", "scraper: $2b$10$"} {
		if !strings.Contains(web, want) {
			t.Errorf("web configuration has no %s:\n%s", want, web)
		}
	}
	if changed := h.mustPlay(variables + "host_exporter_replace_node_exporter: true"); changed != "0" {
		t.Errorf("the second time %s tasks changed something", changed)
	}
}

// TestReplacePackage replaces Debian's node_exporter by a package, and keeps its text files.
func TestReplacePackage(t *testing.T) {
	program(t, "prometheus-node-exporter", "dpkg-deb")
	h := newHost(t)
	h.sh(`mkdir -p /var/lib/prometheus/node-exporter /test/deb/DEBIAN /test/deb/usr/bin /test/deb/lib/systemd/system
touch /var/lib/prometheus/node-exporter/a.prom
cp /test/host_exporter /test/deb/usr/bin/
printf '[Service]\nExecStart=/usr/bin/host_exporter $HOST_EXPORTER_OPTS\n' >/test/deb/lib/systemd/system/host_exporter.service
printf 'Package: host-exporter\nVersion: 1\nArchitecture: all\nMaintainer: test <test@example.com>\nDescription: test\nConflicts: prometheus-node-exporter\nProvides: prometheus-node-exporter\n' >/test/deb/DEBIAN/control
dpkg-deb --build -Znone /test/deb /test/host-exporter_1_all.deb
systemctl start prometheus-node-exporter.service`)
	h.calls()
	const variables = "host_exporter_package: /test/host-exporter_1_all.deb\nhost_exporter_replace_node_exporter: true\nhost_exporter_textfile_dir: /var/lib/prometheus/node-exporter\n"
	h.mustPlay(variables)
	have := h.calls()
	stop, start := slices.Index(have, "stop prometheus-node-exporter.service"), slices.Index(have, "start host_exporter.service")
	if stop < 0 || start < stop {
		t.Errorf("calls %q: want node_exporter stopped before the start", have)
	}
	for name, want := range map[string]bool{"prometheus-node-exporter": false, "host-exporter": true} {
		if status := h.sh("dpkg-query -W -f '${db:Status-Status}' " + name + " || true"); (status == "installed") != want {
			t.Errorf("%s: status %q", name, status)
		}
	}
	h.sh("test -e /var/lib/prometheus/node-exporter/a.prom && test ! -e /etc/systemd/system/host_exporter.service && test ! -e /usr/local/bin/host_exporter")
	if changed := h.mustPlay(variables); changed != "0" {
		t.Errorf("the second time %s tasks changed something", changed)
	}
	h.mustPlay(variables + "host_exporter_state: absent")
	if status := h.sh("dpkg-query -W -f '${db:Status-Status}' host-exporter || true"); status == "installed" {
		t.Error("the package is still installed")
	}
}

func readFile(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
