package command

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/hostexporter/host_exporter/collector/checks/internal/cgroup"
)

// TestStartInGroupOnThisHost starts a process in a control group, where the host allows
// groups, and returns to its own.
func TestStartInGroupOnThisHost(t *testing.T) {
	root := ""
	for _, dir := range []string{"/sys/fs/cgroup/unified", "/sys/fs/cgroup"} {
		if _, err := os.Stat(dir + "/cgroup.subtree_control"); err == nil {
			root = dir
			break
		}
	}
	if root == "" {
		t.Skip("no version 2 hierarchy")
	}
	top, err := os.MkdirTemp(root, "host_exporter-test-*")
	if err != nil {
		t.Skip(err)
	}
	home, group := filepath.Join(top, "home"), filepath.Join(top, "group")
	groupOf := func(pid string) string {
		t.Helper()
		b, err := os.ReadFile("/proc/" + pid + "/cgroup")
		if err != nil {
			t.Fatal(err)
		}
		dir, err := cgroup.OwnDir(b, root)
		if err != nil {
			t.Fatal(err)
		}
		return dir
	}
	before := groupOf("self")
	defer func() {
		if err := cgroup.Enter(before); err != nil {
			t.Error(err)
		}
		for _, dir := range []string{home, group, top} {
			if err := os.Remove(dir); err != nil {
				t.Error(err)
			}
		}
	}()
	for _, dir := range []string{home, group} {
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	r := &request{GroupDir: group, HomeDir: home}
	pid, err := r.forkExec("/bin/sleep", []string{"sleep", "1000"}, 0, 1, 2)
	if err != nil {
		t.Fatal(err)
	}
	if have := groupOf(strconv.Itoa(pid)); have != group {
		t.Errorf("it is in %s, want %s", have, group)
	}
	if have := groupOf("self"); have != home {
		t.Errorf("this process is in %s, want %s", have, home)
	}
	_ = unix.Kill(pid, unix.SIGKILL)
	if _, err := unix.Wait4(pid, nil, 0, nil); err != nil {
		t.Error(err)
	}
	// A program that cannot be started leaves this process at home, too.
	if _, err := r.forkExec("/no/such/program", []string{"x"}); err == nil || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("have error %v", err)
	}
	if have := groupOf("self"); have != home {
		t.Errorf("this process is in %s, want %s", have, home)
	}
}
