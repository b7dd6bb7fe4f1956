package exporter

import (
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/hostexporter/host_exporter/collector/internal/test/testfile"
)

func TestControlGroupTasks(t *testing.T) {
	const v2 = "30 1 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n"
	const v1 = "31 1 0:27 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n32 1 0:28 / /sys/fs/cgroup/pids rw shared:5 - cgroup cgroup rw,pids\n"
	for _, c := range []struct {
		name  string
		files map[string]string
		want  int
	}{
		{"no control groups", nil, math.MaxInt32},
		{"the unit's own limit", map[string]string{
			"proc/self/cgroup": "0::/system.slice/x.service\n", "proc/self/mountinfo": v2,
			"sys/fs/cgroup/system.slice/x.service/pids.max": "128\n", "sys/fs/cgroup/system.slice/x.service/pids.current": "8\n",
			"sys/fs/cgroup/system.slice/pids.max": "max\n", "sys/fs/cgroup/system.slice/pids.current": "300\n",
		}, 120},
		{"a lower limit above", map[string]string{
			"proc/self/cgroup": "0::/system.slice/x.service\n", "proc/self/mountinfo": v2,
			"sys/fs/cgroup/system.slice/x.service/pids.max": "128\n", "sys/fs/cgroup/system.slice/x.service/pids.current": "8\n",
			"sys/fs/cgroup/system.slice/pids.max": "350\n", "sys/fs/cgroup/system.slice/pids.current": "300\n",
		}, 50},
		{"a container", map[string]string{
			"proc/self/cgroup": "0::/\n", "proc/self/mountinfo": "30 1 0:26 /../.. /sys/fs/cgroup ro - cgroup2 cgroup rw\n",
			"sys/fs/cgroup/pids.max": "100\n", "sys/fs/cgroup/pids.current": "1\n",
		}, 99},
		{"a container in the namespace of the host", map[string]string{
			"proc/self/cgroup": "0::/docker/abc\n", "proc/self/mountinfo": "30 1 0:26 /docker/abc /sys/fs/cgroup ro - cgroup2 cgroup rw\n",
			"sys/fs/cgroup/pids.max": "100\n", "sys/fs/cgroup/pids.current": "10\n",
		}, 90},
		{"version 1 beside version 2", map[string]string{
			"proc/self/cgroup": "9:memory:/m\n8:pids:/p/q\n0::/u\n", "proc/self/mountinfo": v1 + v2,
			"sys/fs/cgroup/pids/p/q/pids.max": "64\n", "sys/fs/cgroup/pids/p/q/pids.current": "4\n",
			"sys/fs/cgroup/pids/p/pids.max": "max\n",
		}, 60},
		{"malformed", map[string]string{
			"proc/self/cgroup": "0\n::\n0::/x\n", "proc/self/mountinfo": "a b\n - \n" + v2,
			"sys/fs/cgroup/x/pids.max": "many\n",
		}, math.MaxInt32},
	} {
		root := t.TempDir()
		for name, text := range c.files {
			path := filepath.Join(root, name)
			testfile.Write(t, path, text)
		}
		if have := controlGroupTasks(root); have != c.want {
			t.Errorf("%s: have %d, want %d", c.name, have, c.want)
		}
	}
}

func TestTaskLimitOfTheKernel(t *testing.T) {
	root := t.TempDir()
	testfile.Dir(t, filepath.Join(root, "proc/sys/kernel"))
	for name, text := range map[string]string{"sys/kernel/threads-max": "400\n", "sys/kernel/pid_max": "32768\n", "loadavg": "0.20 0.18 0.12 1/250 11206\n"} {
		if err := os.WriteFile(filepath.Join(root, "proc", name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if have := taskLimit(root); have != 150 {
		t.Errorf("have %d, want 150", have)
	}
}
