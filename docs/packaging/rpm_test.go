package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func nativeRPM(t *testing.T) string {
	t.Helper()
	return built(t).path(t, "*."+architectures["rpm"][runtime.GOARCH]+".rpm")
}

// TestRPM installs the package into a root folder, with the options of a node_exporter,
// upgrades it, and erases it.
func TestRPM(t *testing.T) {
	c := newChroot(t)
	rpm := func(args ...string) string {
		c.Helper()
		script := `mount -t proc proc "$0/proc" && exec rpm --root "$0" --dbpath /var/lib/rpm "$@" 2>/dev/null`
		return c.host(append([]string{"unshare", "--mount", "sh", "-c", script, c.root}, args...)...)
	}
	if err := os.MkdirAll(filepath.Join(c.root, "etc/sysconfig"), 0o755); err != nil {
		t.Fatal(err)
	}
	c.write("/etc/sysconfig/node_exporter", "NODE_EXPORTER_OPTS='--collector.systemd --no-such-flag'\n")
	// The dependencies are programs of the chroot, which are packages of Debian.
	rpm("-i", "--nodeps", nativeRPM(t))
	c.want("/etc/sysconfig/host_exporter", c.read("/usr/share/host_exporter/options")+`#
# From /etc/sysconfig/node_exporter:
HOST_EXPORTER_OPTS="--config.file=/etc/host_exporter/host_exporter.yml \
--collector.systemd"
# not migrated: --no-such-flag: host_exporter has no such flag
`)
	if out := rpm("-V", "--nodeps", "host-exporter"); out != "" {
		t.Errorf("rpm -V: %s", out)
	}
	if out := rpm("-q", "--whatprovides", "node_exporter"); !strings.HasPrefix(out, "host-exporter-") {
		t.Errorf("node_exporter is provided by %s", out)
	}
	config := "/etc/host_exporter/host_exporter.yml"
	if out := rpm("-q", "--configfiles", "host-exporter"); strings.TrimSpace(out) != config {
		t.Errorf("configuration files: %s", out)
	}
	if out := c.run("systemd-analyze verify --man=no /usr/lib/systemd/system/host_exporter.service"); out != "" {
		t.Errorf("systemd-analyze: %s", out)
	}
	c.write(config, "collectors: {arp: false}\n")
	if err := os.Remove(filepath.Join(c.root, "etc/sysconfig/host_exporter")); err != nil {
		t.Fatal(err)
	}
	rpm("-U", "--nodeps", "--replacepkgs", nativeRPM(t))
	c.want(config, "collectors: {arp: false}\n")
	if c.exists("/etc/sysconfig/host_exporter") {
		t.Error("an upgrade wrote the options again")
	}
	rpm("-e", "--nodeps", "host-exporter")
	if c.exists("/usr/bin/host_exporter") || !c.exists(config+".rpmsave") {
		t.Error("want the program erased, and the changed file kept")
	}
}

// TestArchives lists packages by tar: there are no tools of these distributions here.
func TestArchives(t *testing.T) {
	if _, err := exec.LookPath("bsdtar"); err != nil {
		t.Skip("needs bsdtar")
	}
	for pattern, want := range map[string][]string{
		"*.apk":         {".PKGINFO", ".pre-install", ".post-install", "etc/init.d/host_exporter", "etc/conf.d/host_exporter", "usr/bin/host_exporter"},
		"*.pkg.tar.zst": {".PKGINFO", ".MTREE", ".INSTALL", "usr/lib/systemd/system/host_exporter.service", "usr/bin/host_exporter", "usr/share/licenses/host-exporter/LICENSE"},
	} {
		files, err := filepath.Glob(filepath.Join(built(t).out, pattern))
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: have %q, %v", pattern, files, err)
		}
		out, err := exec.Command("bsdtar", "-tf", files[0]).CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v: %s", files[0], err, out)
		}
		have := "\n" + string(out)
		for _, name := range want {
			if !strings.Contains(have, "\n"+name+"\n") {
				t.Errorf("%s: no %s in%s", pattern, name, have)
			}
		}
	}
}
