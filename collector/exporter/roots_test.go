package exporter

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/test/testfile"
)

func TestRoots(t *testing.T) {
	dir := t.TempDir()
	empty, proc := filepath.Join(dir, "empty"), filepath.Join(dir, "proc")
	for _, d := range []string{empty, filepath.Join(proc, "self"), filepath.Join(dir, "sys/class"), filepath.Join(dir, "root/etc")} {
		testfile.Dir(t, d)
	}
	for path, want := range map[string]string{
		proc:       "",
		"":         "",
		empty:      "--path.procfs=" + empty + ": want a procfs, have an empty directory: mount the host's /proc there (docker run -v /proc:" + empty + ":ro) or correct the flag",
		dir + "/x": "no such file or directory: mount the host's /proc there",
	} {
		if err := procfsError(path); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: have %v, want %s", path, err, want)
		}
	}
	if w := rootWarnings(host.Paths{Sysfs: filepath.Join(dir, "sys"), Rootfs: filepath.Join(dir, "root")}); w != nil {
		t.Errorf("have %v, want no warning", w)
	}
	w := rootWarnings(host.Paths{Sysfs: empty, Rootfs: empty})
	if len(w) != 2 || w[0].flag != "--path.sysfs" || !strings.Contains(w[0].hint, "docker run -v /sys:"+empty+":ro") || w[1].flag != "--path.rootfs" {
		t.Errorf("have %v", w)
	}
}
