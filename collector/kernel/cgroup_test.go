package kernel

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
	"github.com/hostexporter/host_exporter/collector/internal/test/golden"
)

// cgroupFilesOf returns the files of a recorded group, by name.
func cgroupFilesOf(t testing.TB, group string) map[string]string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(testdata, "cgroup.host"))
	if err != nil {
		t.Fatal(err)
	}
	a, err := golden.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, e := range a.Entries {
		if dir, name := filepath.Split(e.Path); dir == "sys/fs/cgroup/"+group {
			files[name] = string(e.Data)
		}
	}
	return files
}

// cgroupHost writes a tree with a number of services, in slices of 50.
func cgroupHost(t testing.TB, services int, options map[string][]string) *golden.Workbench {
	t.Helper()
	w := golden.NewWorkbench(t, cgroup.Build, options)
	for name, text := range cgroupFilesOf(t, "") {
		w.Sys("fs/cgroup/"+name, text)
	}
	service := cgroupFilesOf(t, "system.slice/systemd-udevd.service/")
	service["io.stat"] = "8:0 rbytes=6640640 wbytes=4608 rios=325 wios=3 dbytes=0 dios=0\n254:0 rbytes=49869824 wbytes=34209792 rios=1252 wios=1078 dbytes=0 dios=0\n"
	service["memory.max"] = "1073741824\n"
	for i := range services {
		for name, text := range service {
			w.Sys(fmt.Sprintf("fs/cgroup/system-%d.slice/daemon-%d.service/%s", i/50, i, name), text)
		}
	}
	w.SysLink("dev/block/8:0", "../../devices/virtual/block/sda")
	w.SysLink("dev/block/254:0", "../../devices/virtual/block/vda")
	return w
}

// TestCgroupSteadyStateDoesNotAllocate has groups with and without some of the
// files.
func TestCgroupSteadyStateDoesNotAllocate(t *testing.T) {
	cgroupHost(t, 100, nil).Allocs(0)
}

// BenchmarkCgroup reads 500 services.
func BenchmarkCgroup(b *testing.B) { cgroupHost(b, 500, nil).Steady() }

func TestCgroupOptions(t *testing.T) {
	for _, options := range []map[string][]string{
		{"depth": {"-1"}},
		{"max-groups": {"-1"}},
		{"path-include": {"("}},
	} {
		if _, err := cgroup.Build.New(&collect.Env{}, options); err == nil {
			t.Errorf("%v is accepted", options)
		}
	}
}

// TestCgroupAmbiguousNames has names that are one label: the bytes are no UTF-8.
func TestCgroupAmbiguousNames(t *testing.T) {
	w := golden.NewWorkbench(t, cgroup.Build, map[string][]string{"depth": {"3"}})
	w.Sys("fs/cgroup/cgroup.controllers", "pids\n")
	for i, group := range []string{"u/a\xfe", "u/a\xff", "u/a\xff/b", "u/c"} {
		w.Sys("fs/cgroup/"+group+"/pids.current", fmt.Sprintln(i))
	}
	for range 2 {
		have, errs := w.Update()
		if errs != nil {
			t.Error(errs)
		}
		golden.SameSamples(t, have, map[string]float64{
			`node_cgroup_pids_current{cgroup="u/a` + "\uFFFD" + `"}`: 0,
			`node_cgroup_pids_current{cgroup="u/c"}`:                 3,
			`node_cgroup_groups_omitted`:                             2,
		})
	}
	if err := os.RemoveAll(filepath.Join(w.Root, "sys/fs/cgroup/u/a\xfe")); err != nil {
		t.Fatal(err)
	}
	have, errs := w.Update()
	if errs != nil {
		t.Error(errs)
	}
	golden.SameSamples(t, have, map[string]float64{
		`node_cgroup_pids_current{cgroup="u/a` + "\uFFFD" + `"}`:   1,
		`node_cgroup_pids_current{cgroup="u/a` + "\uFFFD" + `/b"}`: 2,
		`node_cgroup_pids_current{cgroup="u/c"}`:                   3,
		`node_cgroup_groups_omitted`:                               0,
	})
}

// TestCgroupChurn starts and stops services between scrapes.
func TestCgroupChurn(t *testing.T) {
	w := cgroupHost(t, 0, nil)
	for round := range 20 {
		want := map[string]float64{}
		for i := range 10 {
			name := fmt.Sprintf("s.slice/daemon-%d.service", i)
			if err := os.RemoveAll(filepath.Join(w.Root, "sys/fs/cgroup", name)); err != nil {
				t.Fatal(err)
			}
			if (i+round)%3 > 0 {
				w.Sys("fs/cgroup/"+name+"/pids.current", fmt.Sprintln(i+round))
				want[`node_cgroup_pids_current{cgroup="`+name+`"}`] = float64(i + round)
			}
		}
		samples, errs := w.Update()
		if errs != nil {
			t.Fatal(errs)
		}
		have := map[string]float64{}
		for series, v := range samples {
			if strings.HasPrefix(series, "node_cgroup_pids_current") {
				have[series] = v
			}
		}
		golden.SameSamples(t, have, want)
	}
}

// FuzzCgroupFiles reads any content in place of each file: an error or samples,
// never a panic, and no line of io.stat for a device that it does not name.
func FuzzCgroupFiles(f *testing.F) {
	for _, group := range []string{"", "system.slice/dbus.service/"} {
		for _, text := range cgroupFilesOf(f, group) {
			f.Add(text)
		}
	}
	for _, text := range []string{"max\n", "max\x00", "7:0 7:1 259:0 rbytes=1 wios=4\n", "(unknown) rbytes=1\n", "8:0 depth=max rbytes=5\n", "rbytes=1\n"} {
		f.Add(text)
	}
	set := metric.NewSet()
	devices := &cgroupDevices{names: map[string]string{}}
	files := newCgroupFiles(set, devices)
	if len(files) > maxCgroupFiles {
		f.Fatalf("%d files, and room for %d", len(files), maxCgroupFiles)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for number := range devices.names {
			delete(devices.names, number)
		}
		for field := range strings.FieldsSeq(text) { // no link is looked up
			devices.names[field] = field
		}
		for _, file := range files {
			sink := metric.NewSink(set)
			err := file.emit(sink, "g", []byte(text))
			if err == nil && sink.SampleCount() == 0 && file.name != "io.stat" && string(scan.Trim([]byte(text))) != "max" {
				t.Errorf("%s: neither samples nor an error", file.name)
			}
			sink.VisitSamples("node_cgroup_io_read_bytes_total", nil, func(labels metric.Labels, _ float64) {
				if device := string(labels.Get("device")); !strings.Contains(text, device) || !isDeviceNumber([]byte(device)) {
					t.Errorf("device %q", device)
				}
			})
		}
	})
}

// TestCgroupLive reads the groups of this machine, where it has cgroup v2 or a
// part of it.
func TestCgroupLive(t *testing.T) {
	for _, root := range []string{"fs/cgroup", "fs/cgroup/unified"} {
		set := metric.NewSet()
		c, err := cgroup.Build.New(&collect.Env{Host: host.Live(host.Paths{Procfs: "/proc", Sysfs: "/sys"}), Metrics: set}, map[string][]string{"root": {root}, "depth": {"10"}})
		if err != nil {
			t.Fatal(err)
		}
		sink := metric.NewSink(set)
		if err := c.Update(context.Background(), sink); err != nil {
			t.Log(err)
			continue
		}
		if errs, _ := sink.Errors(); len(errs) > 0 {
			t.Errorf("%s: %v", root, errs)
		}
		if sink.SampleCount() < 2 {
			t.Errorf("%s: %d samples", root, sink.SampleCount())
		}
	}
}
