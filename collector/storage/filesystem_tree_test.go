package storage

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/go-kit/log"
	"golang.org/x/sys/unix"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
	"github.com/hostexporter/host_exporter/collector/internal/test/testfile"
)

func TestPathPrefixes(t *testing.T) {
	for in, want := range map[string][]string{
		"/":      {"/"},
		"/a":     {"/", "/a"},
		"/a/b c": {"/", "/a", "/a/b c"},
		"/a/":    {"/", "/a", "/a/"},
	} {
		if have := slices.Collect(pathPrefixes(in)); !slices.Equal(have, want) {
			t.Errorf("%q: have %q, want %q", in, have, want)
		}
	}
}

func TestMountTree(t *testing.T) {
	tree := newMountTree([]treeMount{
		{1, 1, "/", "0:1"}, // its own parent
		{20, 1, "/", "8:1"},
		{30, 20, "/x", "0:31"},
		{31, 30, "/x/a", "0:32"},
		{32, 30, "/x", "0:33"},
		{40, 20, "/y", "8:2"},
		{50, 999, "/orphan", "8:3"},
		{60, 61, "/cycle", "8:4"},
		{61, 60, "/cycle", "8:5"},
	})
	for name, want := range map[string]string{
		"/": "8:1", "/x": "0:33", "/x/a": "0:33", "/x/a/b": "0:33", "/xa": "8:1", "/y/z": "8:2", "/orphan/a": "8:3", "/cycle": "8:1",
	} {
		if have := tree.device(name); have != want {
			t.Errorf("%s leads to %q, want %q", name, have, want)
		}
	}
	if i := newMountTree(nil).lookup("/"); i != -1 {
		t.Errorf("mount %d of none", i)
	}
	if have := newMountTree([]treeMount{{60, 61, "/", "8:4"}, {61, 60, "/", "8:5"}}).device("/"); have != "" {
		t.Errorf("a cycle leads to %q", have)
	}
}

// TestMountTreeOnThisHost resolves each mount point of this host, and compares
// the file system with that which the kernel finds there.
func TestMountTreeOnThisHost(t *testing.T) {
	inMountNamespace(t, testMountTree)
}

// mountTmpfs mounts a file system of a size at a directory, which it makes.
func mountTmpfs(t *testing.T, dir string, megabytes int) {
	t.Helper()
	testfile.Dir(t, dir)
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%dm", megabytes)); err != nil {
		t.Skipf("mounting is refused: %v", err)
	}
	t.Cleanup(func() { forceUnmount(dir) })
}

func testMountTree(t *testing.T) {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		t.Skip(err)
	}
	root := t.TempDir()
	x, y, home := filepath.Join(root, "x"), filepath.Join(root, "y"), filepath.Join(root, "home")
	mountTmpfs(t, x, 3)
	mountTmpfs(t, filepath.Join(x, "a"), 5)
	mountTmpfs(t, x, 9) // over the first one
	if err := os.Mkdir(filepath.Join(x, "a"), 0o755); err != nil {
		t.Fatal(err)
	}
	mountTmpfs(t, y, 7)
	mountTmpfs(t, filepath.Join(y, "a"), 8)
	mountTmpfs(t, home, 11)

	// The kernel and the tree agree on the mount at each mount point.
	b, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	var mounts []treeMount
	for rest := b; len(rest) > 0; {
		var line []byte
		line, rest = scan.Line(rest)
		l, err := parseMountInfo(line)
		if err != nil {
			t.Fatal(err)
		}
		mounts = append(mounts, newTreeMount(&l))
	}
	tree := newMountTree(mounts)
	for _, m := range mounts {
		var st unix.Statx_t
		if err := unix.Statx(unix.AT_FDCWD, m.point, unix.AT_NO_AUTOMOUNT, unix.STATX_MNT_ID, &st); err != nil || st.Mask&unix.STATX_MNT_ID == 0 {
			continue
		}
		if i := tree.lookup(m.point); i < 0 || uint64(mounts[i].id) != st.Mnt_id {
			t.Errorf("%s leads to mount %d, the kernel finds %d", m.point, mounts[max(i, 0)].id, st.Mnt_id)
		}
	}

	// Process 1 has the mounts without that which covers home.
	proc := filepath.Join(t.TempDir(), "proc")
	writeTree(t, proc, map[string]string{"1/mountinfo": string(b)})
	if err := os.Symlink("/proc/self", filepath.Join(proc, "self")); err != nil {
		t.Fatal(err)
	}
	mountTmpfs(t, home, 13)
	for _, rootfs := range []string{"/", root + "/host"} {
		if rootfs != "/" {
			if err := os.Mkdir(rootfs, 0o755); err != nil {
				t.Fatal(err)
			}
			if err := unix.Mount("/", rootfs, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
				t.Skip(err)
			}
			t.Cleanup(func() { forceUnmount(rootfs) })
		}
		set := metric.NewSet()
		c, err := newFilesystem(&collect.Env{Host: host.Live(host.Paths{Procfs: proc, Rootfs: rootfs}), Metrics: set, Log: log.NewNopLogger()},
			filesystemOptions{mountPoints: collect.Filter{Include: collect.Pattern("^" + root + "/(x|y|home)")}, fsTypes: defaultFSTypes(), timeout: collect.Duration(collect.DefaultTimeout), workers: 4})
		if err != nil {
			t.Fatal(err)
		}
		out := metric.NewSink(set)
		out.Reset(metric.Text)
		if err := c.Update(context.Background(), out); err != nil {
			t.Fatal(err)
		}
		var have []string
		for _, m := range c.table.mounts {
			st, err := m.result()
			if err != nil {
				have = append(have, fmt.Sprint(strings.TrimPrefix(m.point, root), " ", err))
			} else {
				have = append(have, fmt.Sprint(strings.TrimPrefix(m.point, root), " ", int64(st.Blocks)*blockSize(st)>>20))
			}
		}
		slices.Sort(have)
		want := []string{"/home hidden by another mount", "/x 9", "/y 7", "/y/a 8"}
		if !slices.Equal(have, want) {
			t.Errorf("root at %s: have %q, want %q", rootfs, have, want)
		}
	}
}
