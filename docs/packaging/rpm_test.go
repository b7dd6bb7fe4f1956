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
		// The dependencies are programs of the chroot, which are packages of Debian.
		return c.host(append([]string{"rpm", "--root", c.root, "--dbpath", "/var/lib/rpm", "--nodeps"}, args...)...)
	}
	if err := os.MkdirAll(filepath.Join(c.root, "etc/sysconfig"), 0o755); err != nil {
		t.Fatal(err)
	}
	c.write("/etc/sysconfig/node_exporter", "NODE_EXPORTER_OPTS='--collector.systemd --no-such-flag'\n")
	if out := rpm("-i", nativeRPM(t)); out != "" {
		t.Errorf("rpm -i: %s", out)
	}
	c.want("/etc/sysconfig/host_exporter", c.read("/usr/share/host_exporter/options")+`#
# From /etc/sysconfig/node_exporter:
HOST_EXPORTER_OPTS="--config.file=/etc/host_exporter/host_exporter.yml \
--collector.systemd"
# not migrated: --no-such-flag: host_exporter has no such flag
`)
	if out := rpm("-V", "host-exporter"); out != "" {
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
	rpm("-U", "--replacepkgs", nativeRPM(t))
	c.want(config, "collectors: {arp: false}\n")
	rpm("-e", "host-exporter")
	if c.exists("/usr/bin/host_exporter") || !c.exists(config+".rpmsave") || !c.exists("/etc/sysconfig/host_exporter") {
		t.Error("want the program erased, and the changed files kept")
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
