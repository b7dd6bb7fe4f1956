package doctor

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/test/testfile"
)

func tree(t *testing.T, files map[string]os.FileMode) host.Paths {
	t.Helper()
	root := t.TempDir()
	for name, mode := range files {
		path := filepath.Join(root, name)
		testfile.Write(t, path, "1\n")
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	return host.Paths{Procfs: root + "/proc", Sysfs: root + "/sys", Rootfs: root, UdevData: root + "/udev"}
}

func TestHostPath(t *testing.T) {
	p := host.Paths{Procfs: "/host/proc", Sysfs: "/host/sys", Rootfs: "/host", UdevData: "/host/udev"}
	for path, want := range map[string]string{
		"/proc/stat": "/host/proc/stat", "/sys/class/*/x": "/host/sys/class/*/x", "/run/udev/data/b8:0": "/host/udev/b8:0",
		"/etc/os-release": "/host/etc/os-release", "/process": "/host/process",
	} {
		if have := HostPath(p, path); have != want {
			t.Errorf("%s is at %s, want %s", path, have, want)
		}
	}
	if have := HostPath(host.Paths{}, "/proc/stat"); have != "/proc/stat" {
		t.Errorf("without roots: %s", have)
	}
}

func TestInspect(t *testing.T) {
	paths := tree(t, map[string]os.FileMode{"proc/stat": 0o444, "sys/class/net/a/mtu": 0o444, "sys/class/net/b/mtu": 0o444})
	s := Inspect(paths, []string{"/proc/stat", "/sys/class/net/*/mtu", "/sys/class/gone/*", "/proc/gone"})
	if s.PatternCount != 4 || s.MatchCount != 2 || s.Unreadable != nil {
		t.Errorf("%+v, want 2 of 4 and nothing unreadable", s)
	}
}

func TestUnreadableFiles(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root can read every file")
	}
	paths := tree(t, map[string]os.FileMode{"sys/a/energy": 0o000, "sys/b/energy": 0o000, "sys/c/energy": 0o444, "proc/closed/x": 0o444})
	if err := os.Chmod(paths.Procfs+"/closed", 0o000); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(paths.Procfs+"/closed", 0o755) })
	s := Inspect(paths, []string{"/sys/*/energy", "/proc/closed/x", "/proc/closed/y"})
	if len(s.Unreadable) != 2 || s.Unreadable[0].Path != paths.Sysfs+"/a/energy" || s.Unreadable[0].More != 1 || s.Unreadable[1].Path != paths.Procfs+"/closed" {
		t.Errorf("%+v", s)
	}
}

func TestExplain(t *testing.T) {
	paths := tree(t, map[string]os.FileMode{"sys/owner": 0o400, "sys/none": 0, "proc/1/io": 0o400, "proc/kpagecount": 0o400})
	for path, want := range map[string]struct{ why, fix string }{
		paths.Sysfs + "/owner":       {"mode 0400, owner ", "CAP_DAC_READ_SEARCH"},
		paths.Sysfs + "/none":        {"mode 0000, owner ", "CAP_DAC_READ_SEARCH"},
		paths.Sysfs + "/gone":        {"no such file", "CAP_DAC_READ_SEARCH"},
		paths.Procfs + "/1/io":       {"mode 0400, owner ", "CAP_SYS_PTRACE"},
		paths.Procfs + "/kpagecount": {"mode 0400, owner ", "CAP_DAC_READ_SEARCH"},
	} {
		if f := explain(paths, path); !strings.Contains(f.Why, want.why) || !strings.Contains(f.Fix, want.fix) {
			t.Errorf("%+v, want %+v", f, want)
		}
	}
}

func TestCapabilities(t *testing.T) {
	if have := Capabilities(); have == "" || strings.Contains(have, "unknown") {
		t.Errorf("capabilities %q", have)
	}
}
