package e2e

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/hostexporter/host_exporter/collector/internal/test/golden"
	"github.com/hostexporter/host_exporter/collector/internal/test/testfile"
)

// A tree is a recorded host whose counters the test increases.
type tree struct {
	root     string
	counters []string // files with one number
	disks    []string
	steps    int
}

// counterFiles matches the paths of files with one counter.
var counterFiles = regexp.MustCompile(`/(statistics/[a-z0-9_]+|io(request|done|err|tmo)_cnt|total_isp_aborts|ioc_reset_count|diag/[a-z_]+)$`)

// newTree returns a host with the files of some recorded hosts.
func newTree(t *testing.T, files ...string) *tree {
	t.Helper()
	x := &tree{root: golden.TempDir(t)}
	for _, dir := range []string{"/proc", "/sys", "/run/udev/data"} {
		if err := os.MkdirAll(x.root+dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, file := range files {
		golden.Load(t, file, x.root)
	}
	seen := map[string]int{}
	err := filepath.WalkDir(x.root+"/sys", func(path string, d os.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.Type().IsRegular() && counterFiles.MatchString(path):
			// A device with errors is unhealthy, and only healthy ones are left out.
			unhealthy := d.Name() == "ioerr_cnt" || d.Name() == "iotmo_cnt"
			if seen[d.Name()]++; !unhealthy || seen[d.Name()]%4 == 1 {
				x.counters = append(x.counters, path)
			}
		case filepath.Base(filepath.Dir(path)) == "block" && !slices.Contains(x.disks, d.Name()):
			x.disks = append(x.disks, d.Name())
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for i, disk := range x.disks {
		if strings.HasPrefix(disk, "dm-") {
			replace(t, fmt.Sprintf("%s/run/udev/data/b8:%d", x.root, i), "E:DM_NAME=vg0-data\nE:DM_UUID=LVM-1\nE:DM_VG_NAME=vg0\nE:DM_LV_NAME=data\n")
		}
	}
	return x
}

// step increases all counters.
func (x *tree) step(t *testing.T) {
	t.Helper()
	x.grow(t)
	var b strings.Builder
	for i, disk := range x.disks {
		n := 100 * x.steps
		fmt.Fprintf(&b, "   8 %d %s %d 0 %d %d %d 0 %d %d 0 %d %d\n", i, disk, n, 8*n, 2*n, n, 8*n, 3*n, n, 5*n)
	}
	replace(t, x.root+"/proc/diskstats", b.String())
}

// grow increases the counters that are files of their own.
func (x *tree) grow(t *testing.T) {
	t.Helper()
	x.steps++
	for _, file := range x.counters {
		b, err := os.ReadFile(file)
		if err != nil {
			continue // not readable for this user
		}
		word := strings.TrimSpace(string(b))
		n, err := strconv.ParseUint(word, 0, 64)
		if err != nil || n > 1<<62 {
			continue
		}
		format := "%d\n"
		if strings.HasPrefix(word, "0x") {
			format = "%#x\n"
		}
		replace(t, file, fmt.Sprintf(format, n+10))
	}
}

// replace replaces a file in one step, so that the exporter cannot read half of
// it.
func replace(t *testing.T, file, content string) {
	t.Helper()
	if err := os.WriteFile(file+".new", []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(file+".new", file); err != nil {
		t.Fatal(err)
	}
}

// mountMap mounts a file system on the first multipath map, which a host recorded
// without one has not: with the links to block devices that every kernel has.
func (x *tree) mountMap(t *testing.T) {
	t.Helper()
	link := func(dir, name, target string) {
		testfile.Dir(t, x.root+"/sys/"+dir)
		if err := os.Symlink(target, x.root+"/sys/"+dir+"/"+name); err != nil && !errors.Is(err, os.ErrExist) {
			t.Fatal(err)
		}
	}
	disks, err := os.ReadDir(x.root + "/sys/block")
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range disks {
		target, err := os.Readlink(x.root + "/sys/block/" + d.Name())
		if err != nil {
			t.Fatal(err)
		}
		link("class/block", d.Name(), "../"+target)
	}
	link("dev/block", "252:0", "../../devices/virtual/block/dm-0")
	table, err := os.ReadFile(x.root + "/proc/1/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	replace(t, x.root+"/proc/1/mountinfo", string(table)+"40 27 252:0 / /data rw - xfs /dev/mapper/mpatha rw\n")
}
