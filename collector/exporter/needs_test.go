package exporter

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/hostexporter/host_exporter/collector/internal/capability"
	"github.com/hostexporter/host_exporter/collector/internal/seal"
	"github.com/hostexporter/host_exporter/collector/internal/test/testfile"
)

// TestNeeds finds the paths that a configuration needs, where links lead out of its
// folders.
func TestNeeds(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", "/run/systemd/notify")
	t.Setenv("DBUS_SYSTEM_BUS_ADDRESS", "")
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	at := func(elem ...string) string { return filepath.Join(append([]string{dir}, elem...)...) }
	write := func(path, text string) {
		t.Helper()
		testfile.Dir(t, filepath.Dir(at(path)))
		if err := os.WriteFile(at(path), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	link := func(target, path string) {
		t.Helper()
		write(path, "")
		if err := os.Remove(at(path)); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(target, at(path)); err != nil {
			t.Fatal(err)
		}
	}
	write("proc/1/mountinfo", "21 1 0:21 / "+at("proc")+" rw - proc proc rw,gid=4,hidepid=invisible\n30 1 0:30 / /mnt/b\\040t rw - btrfs /dev/sda rw\n31 1 0:31 / /mnt/xfs rw - xfs /dev/sdb rw\n")
	write("mnt/b t/x", "")
	write("mnt/xfs/x", "")
	write("sys/class/x", "")
	write("run/udev/data/b8:0", "")
	write("usr/lib/os-release", "NAME=x\n")
	link("/usr/lib/os-release", "etc/os-release") // absolute, within the root
	write("etc/selinux/config", "SELINUX=disabled\n")
	write("run/multipathd.pid", "1\n")
	write("conf/main.yml", "include: [conf.d/*.yml, extra/one.yml]\ncollectors:\n  textfile:\n    directory: ["+at("text", "*", "metrics")+", "+at("single", "a.prom")+"]\n")
	write("conf/conf.d/10.yml", "collectors: {}\n")
	link("../elsewhere/one.yml", "conf/extra/one.yml")
	write("conf/elsewhere/one.yml", "collectors: {}\n")
	write("text/job/metrics/a.prom", "a 1\n")
	write("text/outside.prom", "b 1\n")
	link("../../../linked/c.prom", "text/job/metrics/c.prom")
	write("linked/c.prom", "c 1\n")
	write("single/a.prom", "d 1\n")
	write("tls/web.yml", "tls_server_config:\n  cert_file: live/cert.pem\n  key_file: "+at("keys", "key.pem")+"\n")
	link("../archive/cert1.pem", "tls/live/cert.pem")
	write("tls/archive/cert1.pem", "")
	write("keys/key.pem", "")

	settings, flags := NewSettings()
	settings.DisableDefaults = true
	for _, f := range flags {
		if slices.Contains([]string{"collector.os", "collector.selinux", "collector.diskstats", "collector.btrfs", "collector.textfile", "collector.filesystem", "collector.rapl"}, f.Name) {
			if err := f.Set("true"); err != nil {
				t.Fatal(err)
			}
		}
	}
	e, err := New(Config{
		Settings: settings, File: at("conf", "main.yml"), MetricsPath: "/metrics", Sandbox: "auto",
		Paths: Paths{Procfs: at("proc"), Sysfs: at("sys"), Rootfs: dir, UdevData: at("run", "udev", "data")},
	})
	if err != nil {
		t.Fatal(err)
	}
	e.webConfigFile = at("tls", "web.yml")
	have := e.needs(e.current.Load())
	want := []string{
		"/proc", at("proc"), at("sys"), at("run/udev/data"), at("usr/lib"), at("etc/selinux"),
		at("conf"), at("conf/conf.d"), at("conf/extra"), at("conf/elsewhere"),
		at("text"), at("text/job/metrics"), at("linked"), at("single"), at("single/a.prom"),
		at("tls"), at("tls/live"), at("tls/archive"), at("keys"),
	}
	slices.Sort(want)
	if !slices.Equal(have.Read, want) {
		t.Errorf("to read:\n%q, want\n%q", have.Read, want)
	}
	if want := []string{at("mnt/b t")}; !slices.Equal(have.List, want) {
		t.Errorf("to list: %q, want %q", have.List, want)
	}
	if want := []capability.Capability{capability.DACReadSearch}; !slices.Equal(have.Capabilities, want) || have.AbstractSockets {
		t.Errorf("%+v", have)
	}
	privileged, err := capability.Read()
	_, hidden := have.Exceptions[seal.Landlock]
	if err != nil || hidden != privileged.Permitted.Has(capability.SysPtrace) {
		t.Errorf("hidden processes: %+v, %v", have.Exceptions, err)
	}
}

// TestNeedsOfFilesAtTheTop allows single files there, and not all of /etc.
func TestNeedsOfFilesAtTheTop(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	testfile.Dir(t, filepath.Join(dir, "etc"))
	file := filepath.Join(dir, "etc/os-release")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	settings, _ := NewSettings()
	e, err := New(Config{Settings: settings, MetricsPath: "/metrics", Sandbox: "auto", Paths: Paths{Procfs: "/proc", Sysfs: "/sys", Rootfs: dir}})
	if err != nil {
		t.Fatal(err)
	}
	have := e.needs(e.current.Load()).Read
	if !slices.Contains(have, file) || slices.Contains(have, filepath.Dir(file)) {
		t.Errorf("%q", have)
	}
}

func TestLiteralPrefix(t *testing.T) {
	for pattern, want := range map[string]string{
		"/srv/a": "/srv/a", "/srv/*/m": "/srv", "/srv/a*/m": "/srv", "/srv/x/*.prom": "/srv/x", "*": ".", "a/*": "a", "/*": "/", `/a\*b`: "/",
	} {
		if have := literalPrefix(pattern); have != want {
			t.Errorf("%s: %s, want %s", pattern, have, want)
		}
	}
}
