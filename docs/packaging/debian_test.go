package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A chroot is a Debian in a folder.
type chroot struct {
	*testing.T
	root string
}

// newChroot returns a copy of a minimal Debian 12, which the first call makes with
// debootstrap, with the packages of node_exporter in apt's cache. It is kept in the
// user's cache folder.
func newChroot(t *testing.T) chroot {
	t.Helper()
	if !full() {
		t.Skip("TEST_PACKAGING=full runs tests in a chroot of Debian")
	}
	if os.Geteuid() != 0 {
		t.Fatal("needs root, for chroot")
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	base := filepath.Join(cache, "host_exporter-chroot", "bookworm")
	if _, err := os.Stat(base); errors.Is(err, fs.ErrNotExist) {
		if err := os.MkdirAll(filepath.Dir(base), 0o755); err != nil {
			t.Fatal(err)
		}
		c := chroot{t, base + ".new"}
		if err := os.RemoveAll(c.root); err != nil {
			t.Fatal(err)
		}
		c.host("debootstrap", "--variant=minbase", "--include=ca-certificates,init-system-helpers,systemd,adduser,procps", "bookworm", c.root)
		c.run("apt-get update")
		c.run("apt-get install -y --no-install-recommends --download-only prometheus-node-exporter prometheus-node-exporter-collectors")
		if err := os.Rename(c.root, base); err != nil {
			t.Fatal(err)
		}
	}
	c := chroot{t, filepath.Join(t.TempDir(), "root")}
	if err := os.Chmod(filepath.Dir(c.root), 0o755); err != nil {
		t.Fatal(err)
	}
	c.host("cp", "-a", base, c.root)
	return c
}

// host runs a program outside of the chroot.
func (c chroot) host(args ...string) string {
	c.Helper()
	out, err := exec.Command(args[0], args[1:]...).CombinedOutput()
	if err != nil {
		c.Fatalf("%v: %v: %s", args, err, out)
	}
	return string(out)
}

// command prepares a program in the chroot, with a /proc and a /sys that vanish with it.
func (c chroot) command(args ...string) *exec.Cmd {
	script := `mount -t proc proc "$0/proc" && mount -t sysfs sysfs "$0/sys" && exec chroot "$0" "$@"`
	cmd := exec.Command("unshare", append([]string{"--mount", "sh", "-c", script, c.root}, args...)...)
	cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C"}
	return cmd
}

// try runs a line of shell in the chroot.
func (c chroot) try(line string) (string, error) {
	out, err := c.command("sh", "-c", line).CombinedOutput()
	return string(out), err
}

func (c chroot) run(line string) string {
	c.Helper()
	out, err := c.try(line)
	if err != nil {
		c.Fatalf("%s: %v: %s", line, err, out)
	}
	return out
}

func (c chroot) read(name string) string {
	c.Helper()
	text, err := os.ReadFile(filepath.Join(c.root, name))
	if err != nil {
		c.Fatal(err)
	}
	return string(text)
}

func (c chroot) write(name, text string) {
	c.Helper()
	if err := os.WriteFile(filepath.Join(c.root, name), []byte(text), 0o644); err != nil {
		c.Fatal(err)
	}
}

func (c chroot) exists(name string) bool {
	_, err := os.Lstat(filepath.Join(c.root, name))
	return err == nil
}

// want reports an error unless a file has a text.
func (c chroot) want(name, text string) {
	c.Helper()
	if have := c.read(name); have != text {
		c.Errorf("%s: have\n%s\nwant\n%s", name, have, text)
	}
}

// copyIn copies a package into the chroot and returns its path there.
func (c chroot) copyIn(file string) string {
	c.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		c.Fatal(err)
	}
	name := "/root/" + filepath.Base(file)
	c.write(name, string(data))
	return name
}

// start runs a program in the chroot until the test or the returned function ends it.
func (c chroot) start(args ...string) (stop func()) {
	c.Helper()
	var log bytes.Buffer
	cmd := c.command(args...)
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		c.Fatal(err)
	}
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		// unshare, sh, chroot and the program are one process.
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
		if c.Failed() {
			c.Logf("%v: %s", args, log.String())
		}
	}
	c.Cleanup(stop)
	return stop
}

// nativeDeb is the package of this machine's architecture.
func nativeDeb(t *testing.T) string {
	t.Helper()
	return built(t).path(t, "*_"+architectures["deb"][runtime.GOARCH]+".deb")
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// eventually waits until a condition holds.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !condition(); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within a minute", what)
		}
	}
}

func get(address string) (string, bool) {
	response, err := http.Get("http://" + address)
	if err != nil {
		return "", false
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	return string(text), err == nil && response.StatusCode == http.StatusOK
}

// TestLintian and TestRPMLint check the packages by the rules of the distributions.
func TestLintian(t *testing.T) {
	if !full() {
		t.Skip("TEST_PACKAGING=full runs lintian")
	}
	out, err := exec.Command("lintian", "--allow-root", "--fail-on", "error,warning", nativeDeb(t)).CombinedOutput()
	if err != nil {
		t.Errorf("%v: %s", err, out)
	}
}

func TestRPMLint(t *testing.T) {
	if !full() {
		t.Skip("TEST_PACKAGING=full runs rpmlint")
	}
	out, err := exec.Command("rpmlint", "-c", "files/rpm/rpmlint.toml", nativeRPM(t)).CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte("0 errors, 0 warnings")) {
		t.Errorf("%v: %s", err, out)
	}
}

const freshOptions = `HOST_EXPORTER_OPTS="--config.file=/etc/host_exporter/host_exporter.yml --collector.textfile.directory=/var/lib/prometheus/node-exporter"` + "\n"

// TestDebianInstall installs the package where there was none, runs what the unit runs,
// and purges it.
func TestDebianInstall(t *testing.T) {
	c := newChroot(t)
	before := c.listing()
	c.run("dpkg -i " + c.copyIn(nativeDeb(t)))

	c.want("/etc/default/host_exporter", c.read("/usr/share/host_exporter/options")+freshOptions)
	if link, err := os.Readlink(filepath.Join(c.root, "etc/systemd/system/multi-user.target.wants/host_exporter.service")); err != nil || !strings.HasSuffix(link, "/systemd/system/host_exporter.service") {
		t.Errorf("the unit is not enabled: %q, %v", link, err)
	}
	c.run("getent passwd host_exporter-checks")
	if !c.exists("/var/lib/prometheus/node-exporter") {
		t.Error("no folder of text files")
	}
	if out := c.run("systemd-analyze verify --man=no /usr/lib/systemd/system/host_exporter.service"); out != "" {
		t.Errorf("systemd-analyze: %s", out)
	}
	if out := c.run("dpkg --verify host-exporter"); out != "" {
		t.Errorf("dpkg --verify: %s", out)
	}
	unit := c.read("/usr/lib/systemd/system/host_exporter.service")
	if strings.Contains(unit, "/usr/local") || !strings.Contains(unit, "\nExecStart=/usr/bin/host_exporter $HOST_EXPORTER_OPTS\n") {
		t.Errorf("paths of the unit:\n%s", unit)
	}
	c.run("host_exporter check-config --strict /etc/host_exporter/host_exporter.yml")

	address := freePort(t)
	c.start("host_exporter", "--config.file=/etc/host_exporter/host_exporter.yml", "--collector.textfile.directory=/var/lib/prometheus/node-exporter", "--web.listen-address="+address)
	eventually(t, "metrics", func() bool {
		text, ok := get(address + "/metrics")
		return ok && strings.Contains(text, "\nnode_load1 ")
	})

	c.run("dpkg --remove host-exporter")
	c.want("/etc/default/host_exporter", c.read("/etc/default/host_exporter"))
	if c.exists("/usr/bin/host_exporter") || !c.exists("/etc/host_exporter/host_exporter.yml") {
		t.Error("want the program removed and the configuration kept")
	}
	c.run("dpkg --purge host-exporter")
	for _, path := range c.listing() {
		switch _, known := slices.BinarySearch(before, path); {
		case known, strings.HasPrefix(path, "/var/lib/dpkg/"), strings.HasPrefix(path, "/var/log/"), strings.HasPrefix(path, "/root/"),
			// Accounts stay: files may belong to them.
			path == "/etc/passwd-", path == "/etc/group-", path == "/etc/shadow-", path == "/etc/gshadow-", path == "/etc/.pwd.lock",
			// Text files of other programs are in it.
			path == "/var/lib/prometheus", path == "/var/lib/prometheus/node-exporter",
			strings.HasPrefix(path, "/var/lib/systemd/deb-systemd-helper-enabled"):
		default:
			t.Errorf("%s is left after purge", path)
		}
	}
}

// listing returns the paths of the chroot's permanent files, sorted.
func (c chroot) listing() []string {
	c.Helper()
	lines := strings.Fields(c.run("find / -xdev -path /proc -prune -o -path /sys -prune -o -path /run -prune -o -path /tmp -prune -o -print"))
	slices.Sort(lines)
	return lines
}

// repack returns a package of a later version, whose configuration file has another
// line.
func (c chroot) repack(deb, version string) string {
	c.Helper()
	c.run("dpkg-deb -R " + deb + " /root/later && sed -i 's/^Version: .*/Version: " + version + "/' /root/later/DEBIAN/control &&" +
		" echo '# A later version.' >>/root/later/etc/host_exporter/host_exporter.yml && rm /root/later/DEBIAN/md5sums && dpkg-deb -Zgzip -b --root-owner-group /root/later /root/later.deb")
	return "/root/later.deb"
}

// TestDebianUpgrade upgrades the package to a later version of itself, after the
// administrator has changed the configuration and disabled the unit.
func TestDebianUpgrade(t *testing.T) {
	c := newChroot(t)
	deb := c.copyIn(nativeDeb(t))
	c.run("dpkg -i " + deb)
	const config, options = "/etc/host_exporter/host_exporter.yml", "/etc/default/host_exporter"
	c.write(config, "collectors: {arp: false}\n")
	c.write(options, "HOST_EXPORTER_OPTS=--no-collector.cpu\n")
	c.run("systemctl disable host_exporter.service")
	c.run("dpkg --force-confdef --force-confold -i " + c.repack(deb, "99.0.0-1"))
	c.want(config, "collectors: {arp: false}\n")
	c.want(options, "HOST_EXPORTER_OPTS=--no-collector.cpu\n")
	if text := c.read(config + ".dpkg-dist"); !strings.HasSuffix(text, "# A later version.\n") {
		t.Errorf("%s.dpkg-dist: %s", config, text)
	}
	if out, _ := c.try("systemctl is-enabled host_exporter.service"); strings.TrimSpace(out) != "disabled" {
		t.Errorf("the unit is %s", out)
	}
	if out := c.run("dpkg-query -W -f '${Status} ${Version}' host-exporter"); out != "install ok installed 99.0.0-1" {
		t.Error(out)
	}
}

// gone are metrics of Debian's node_exporter 1.5 that host_exporter does not have, with
// the reason.
var gone = map[string]string{
	"go_memstats_lookups_total": "the Go client of Prometheus dropped it: it was always 0",
}

// TestDebianTakesOver replaces Debian's prometheus-node-exporter, with options and with
// the collectors of text files, while a Prometheus scrapes it: the series go on.
func TestDebianTakesOver(t *testing.T) {
	prometheus, err := exec.LookPath("prometheus")
	if !full() || err != nil {
		t.Skip("needs TEST_PACKAGING=full and prometheus")
	}
	c := newChroot(t)
	c.run("apt-get install -y --no-install-recommends prometheus-node-exporter prometheus-node-exporter-collectors")
	address := freePort(t)
	previous := "/etc/default/prometheus-node-exporter"
	args := `ARGS="--web.listen-address=` + address + ` --collector.processes --no-collector.arp \
--collector.diskstats.ignored-devices='^(ram|loop|fd)\\\\d+$'"` + "\n"
	c.write(previous, args)
	c.write("/var/lib/prometheus/node-exporter/backup.prom", "backup_age_seconds 7\n")
	if c.read("/lib/systemd/system/prometheus-node-exporter.service") == "" {
		t.Fatal("no unit")
	}

	data := t.TempDir()
	server := freePort(t)
	config := filepath.Join(data, "prometheus.yml")
	text := "global: {scrape_interval: 1s, scrape_timeout: 1s}\nscrape_configs: [{job_name: node, static_configs: [{targets: ['" + address + "']}]}]\n"
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	p := exec.Command(prometheus, "--config.file="+config, "--storage.tsdb.path="+filepath.Join(data, "tsdb"), "--web.listen-address="+server, "--log.level=error")
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = p.Process.Kill(); _ = p.Wait() }()

	// The arguments as systemd would pass them.
	stop := c.start("setpriv", "--reuid=prometheus", "--regid=prometheus", "--clear-groups", "prometheus-node-exporter",
		"--web.listen-address="+address, "--collector.processes", "--no-collector.arp", `--collector.diskstats.ignored-devices=^(ram|loop|fd)\d+$`)
	names := func() map[string]bool { return instantNames(t, server) }
	var before map[string]bool
	eventually(t, "series of node_exporter", func() bool {
		before = names()
		return before["node_exporter_build_info"] && before["backup_age_seconds"] && before["node_processes_threads"]
	})
	stop()

	out := c.run("apt-get install -y --no-install-recommends " + c.copyIn(nativeDeb(t)))
	t.Log(out)
	if out := c.run("dpkg-query -W -f '${db:Status-Abbrev}${Package}\\n' 'prometheus-node-exporter*' host-exporter | sort"); out !=
		"ii host-exporter\nii prometheus-node-exporter-collectors\nrc prometheus-node-exporter\n" {
		t.Errorf("packages:\n%s", out)
	}
	c.want(previous, args)
	c.want("/etc/default/host_exporter", c.read("/usr/share/host_exporter/options")+`#
# From /etc/default/prometheus-node-exporter:
# --collector.diskstats.device-exclude: --collector.diskstats.ignored-devices is called --collector.diskstats.device-exclude
# --collector.filesystem.mount-points-exclude: a default of Debian's package
# --collector.netdev.device-exclude: a default of Debian's package
# --collector.textfile.directory: a default of Debian's package
HOST_EXPORTER_OPTS="--config.file=/etc/host_exporter/host_exporter.yml \
--web.listen-address=`+address+` \
--collector.processes \
--no-collector.arp \
--collector.diskstats.device-exclude=^(ram|loop|fd)\\\\d+\$ \
--collector.filesystem.mount-points-exclude=^/(dev|proc|run|sys|mnt|media|var/lib/docker/.+|var/lib/containers/storage/.+)(\$|/) \
--collector.netdev.device-exclude=^lo\$ \
--collector.textfile.directory=/var/lib/prometheus/node-exporter"
`)
	// The same, unquoted by hand, as the user that systemd would make up.
	program := []string{"setpriv", "--reuid=61234", "--regid=61234", "--clear-groups", "host_exporter", "--config.file=/etc/host_exporter/host_exporter.yml",
		"--web.listen-address=" + address, "--collector.processes", "--no-collector.arp", `--collector.diskstats.device-exclude=^(ram|loop|fd)\d+$`,
		"--collector.filesystem.mount-points-exclude=^/(dev|proc|run|sys|mnt|media|var/lib/docker/.+|var/lib/containers/storage/.+)($|/)",
		"--collector.netdev.device-exclude=^lo$", "--collector.textfile.directory=/var/lib/prometheus/node-exporter"}
	stop = c.start(program...)
	var after map[string]bool
	eventually(t, "series of host_exporter", func() bool {
		after = names()
		return after["host_exporter_build_info"] && after["up"]
	})
	var missing []string
	for name := range before {
		if !after[name] && gone[name] == "" {
			missing = append(missing, name)
		}
	}
	slices.Sort(missing)
	if len(missing) > 0 {
		t.Errorf("%d of %d names are missing after the upgrade: %s", len(missing), len(before), strings.Join(missing, " "))
	}
	t.Logf("%d names before, %d after", len(before), len(after))

	// The trap: to purge the previous package removes the folder of text files.
	c.run("dpkg --purge prometheus-node-exporter")
	if c.exists("/var/lib/prometheus/node-exporter") {
		t.Error("Debian's package has changed: it keeps the folder of text files. docs/upgrading.md warns of the opposite")
	}
	c.run("systemd-tmpfiles --create host_exporter.conf")
	if !c.exists("/var/lib/prometheus/node-exporter") || !c.exists("/etc/default/host_exporter") {
		t.Error("want the folder of text files again, and the options")
	}
	if text, ok := get(address + "/metrics"); !ok || !strings.Contains(text, "\nnode_load1 ") {
		t.Error("no metrics after the purge of the previous package")
	}
	// The sandbox allows the folder that was there at the start.
	stop()
	c.write("/var/lib/prometheus/node-exporter/backup.prom", "backup_age_seconds 8\n")
	c.start(program...)
	eventually(t, "text files after a restart", func() bool {
		text, _ := get(address + "/metrics")
		return strings.Contains(text, "\nbackup_age_seconds 8\n")
	})
}

// instantNames returns the names of the series that a Prometheus has now.
func instantNames(t *testing.T, server string) map[string]bool {
	t.Helper()
	text, ok := get(server + "/api/v1/query?query=" + url.QueryEscape(`count by (__name__) ({job="node"})`))
	if !ok {
		return nil
	}
	var answer struct {
		Data struct {
			Result []struct {
				Metric map[string]string `json:"metric"`
			} `json:"result"`
		} `json:"data"`
	}
	if err := json.Unmarshal([]byte(text), &answer); err != nil {
		t.Fatal(fmt.Errorf("%s: %w", text, err))
	}
	names := map[string]bool{}
	for _, r := range answer.Data.Result {
		names[r.Metric["__name__"]] = true
	}
	return names
}
