package hardware

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-kit/log"
	"golang.org/x/sys/unix"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

func TestParseHwmonFile(t *testing.T) {
	for _, test := range []struct{ name, kind, sensor, element string }{
		{"temp1_input", "temp", "temp1", "input"},
		{"temp01_max_hyst", "temp", "temp1", "max_hyst"},
		{"pwm2_auto_point5_pwm", "pwm", "pwm2", "auto_point5_pwm"},
		{"pwm3", "pwm", "pwm3", ""},
		{"in0_min", "in", "in0", "min"},
		{"intrusion0_alarm", "intrusion", "intrusion0", "alarm"},
		{"temp", "temp", "temp0", ""},
		{"update_interval", "update_interval", "update_interval0", ""},
		{"beep_enable", "beep_enable", "beep_enable0", ""},
		{"vrm", "vrm", "vrm0", ""},

		{name: ""},
		{name: "name"},
		{name: "1_input"},
		{name: "temp1_"},
		{name: "temp1x_input"},
		{name: "temp_input"},
		{name: "Temp1_input"},
		{name: "tempo1_input"},
		{name: "power"},       // a folder, of power management
		{name: "power_state"}, // of the PCI device
		{name: "in1_reset_history"},
		{name: "temp99999999999999999999_input"},
	} {
		f, ok := parseHwmonFile(test.name)
		if ok != (test.kind != "") || ok && (f.kind != test.kind || f.sensor != test.sensor || f.element != test.element) {
			t.Errorf("%q: %+v, %v", test.name, f, ok)
		}
	}
}

// FuzzHwmonFiles wants names that are valid and that no two files share,
// whatever a driver calls its files and sensors.
func FuzzHwmonFiles(f *testing.F) {
	f.Add("temp1_input\ntemp1_Input\ntemp1\ntemp01_input\ntemp1_label", "a")
	f.Add("freq1_input\nfreq1_label\nfreq2_input\nfreq2_label\nfreq2_freq_mhz\nfreq2\nfreq_freq_mhz", "clk")
	f.Add("fan1_beep\nfan1_beep_enabled\nfan1_Beep\nfan1_max\nfan1_max_rpm\nfan1_max_2\nfan1_MAX", "freq2")
	f.Add("temp1_max\ntemp1_Max\ntemp1_max_celsius_2\nenergy1_a_joule_total\nenergy1_a", "\xff")
	f.Fuzz(func(t *testing.T, names, text string) {
		var listings [2]host.Listing
		for i, name := range strings.Split(names, "\n") {
			listings[i%2].Entries = append(listings[i%2].Entries, host.DirEntry{Name: name})
		}
		all := func(string) bool { return true }
		files := hwmonFiles(listings, [2]string{"a", "b"}, all)
		var labels []hwmonLabel
		for _, file := range files {
			if file.element == "label" {
				labels = append(labels, hwmonLabel{file.sensor, text})
			}
		}
		set, seen := metric.NewSet(), map[[2]string]string{}
		for _, e := range hwmonElements(files, labels) {
			key := [2]string{e.family, e.sensor}
			if other, ok := seen[key]; ok {
				t.Errorf("%s and %s are both %v", other, e.file, key)
			}
			seen[key] = e.file
			declared := set.Gauge
			if e.counter {
				declared = set.Counter
			}
			if got := declared(e.family, e.help, "chip", "sensor").Name(); got != e.family {
				t.Errorf("%s becomes %s, which is not a name", e.file, e.family)
			}
			if e.divisor == 0 {
				t.Errorf("%s has no unit", e.file)
			}
		}
	})
}

// A bench is a sysfs with chips, and a clock.
type bench struct {
	t     testing.TB
	root  string
	late  atomic.Int64 // how far the clock has gone; chips that hang read it, too
	unit  *collect.Unit
	hwmon *hwmonCollector
}

func newBench(t testing.TB, timeout time.Duration) *bench {
	t.Helper()
	b := &bench{t: t, root: t.TempDir()}
	h := &host.Host{Sys: host.NewTree(b.root).Attributes(), Now: func() time.Time { return time.Unix(1e9, b.late.Load()) }}
	spec := hwmon
	spec.Timeout = timeout
	spec.Build = collect.Plain(func(env *collect.Env) *hwmonCollector {
		var err error
		if b.hwmon, err = newHwmon(env, hwmonOptions{}); err != nil {
			t.Fatal(err)
		}
		return b.hwmon
	})
	var err error
	b.unit, err = collect.NewUnit(spec, h, log.NewNopLogger(), func(string) bool { return false }, nil)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *bench) folder(chip int) string {
	return filepath.Join(b.root, fmt.Sprintf("devices/platform/chip.%d/hwmon/hwmon%d", chip, chip))
}

func (b *bench) add(chip int, files map[string]string) {
	b.t.Helper()
	folder := b.folder(chip)
	class := filepath.Join(b.root, "class/hwmon")
	for _, err := range []error{
		os.MkdirAll(folder, 0o755),
		os.MkdirAll(class, 0o755),
		os.Symlink(fmt.Sprintf("../../../chip.%d", chip), filepath.Join(folder, "device")),
		os.Symlink(fmt.Sprintf("../../devices/platform/chip.%d/hwmon/hwmon%d", chip, chip), filepath.Join(class, fmt.Sprint("hwmon", chip))),
	} {
		if err != nil {
			b.t.Fatal(err)
		}
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(content+"\n"), 0o644); err != nil {
			b.t.Fatal(err)
		}
	}
}

// hang makes a sensor whose reading blocks until answer is called.
func (b *bench) hang(chip int, file string) (answer func(string)) {
	b.t.Helper()
	path := filepath.Join(b.folder(chip), file)
	if err := unix.Mkfifo(path, 0o644); err != nil {
		b.t.Fatal(err)
	}
	return func(text string) { // opening waits for the reader
		if err := os.WriteFile(path, []byte(text), 0); err != nil {
			b.t.Fatal(err)
		}
	}
}

func (b *bench) read() (text string, reason collect.State) {
	b.t.Helper()
	r := b.unit.Begin(metric.Text)
	result, ok := r.Wait(context.Background(), r.Deadline())
	if !ok {
		b.t.Fatal("the collector is late")
	}
	return string(b.unit.AppendText(nil, nil)), result.State
}

func (b *bench) want(reason collect.State, lines ...string) {
	b.t.Helper()
	text, have := b.read()
	if have != reason {
		b.t.Errorf("state %s, %v, want %s", have, b.unit.Status().Err, reason)
	}
	n := strings.Count(text, "node_hwmon_temp_celsius{")
	for _, l := range lines {
		if !strings.Contains(text, l+"\n") {
			b.t.Errorf("no %s in\n%s", l, text)
		}
	}
	if n != len(lines) {
		b.t.Errorf("%d temperatures, want %d:\n%s", n, len(lines), text)
	}
}

// A chip that hangs costs its own samples, and time once. When it answers
// after all, what it said is served, as long as it is fresh.
func TestHwmonSlowChip(t *testing.T) {
	b := newBench(t, 2*time.Second)
	b.add(1, map[string]string{"temp1_input": "41000"})
	b.add(2, nil)
	b.add(3, map[string]string{"temp1_input": "43000"})
	answer := b.hang(2, "temp1_input")
	first := `node_hwmon_temp_celsius{chip="platform_chip_1",sensor="temp1"} 41`
	second := `node_hwmon_temp_celsius{chip="platform_chip_2",sensor="temp1"} `
	third := `node_hwmon_temp_celsius{chip="platform_chip_3",sensor="temp1"} 43`

	b.want(collect.Partial, first, third)
	started := time.Now()
	for range 5 {
		b.want(collect.Partial, first, third)
	}
	if took := time.Since(started); took > time.Second {
		t.Errorf("five scrapes beside a chip that is known to hang took %v", took)
	}

	finished := func() {
		t.Helper()
		chip := b.chip(2)
		select {
		case <-chip.run.Done():
		case <-time.After(10 * time.Second):
			t.Fatal("the chip's run does not end")
		}
	}
	answer("42000\n")
	finished()
	b.want(collect.OK, first, second+"42", third) // from the run that was late; a new one hangs
	b.want(collect.OK, first, second+"42", third)
	answer("42500\n")
	finished()
	b.want(collect.OK, first, second+"42.5", third)
	b.late.Add(int64(hwmonFresh))
	b.want(collect.Partial, first, third)

	// It recovers: the run that hung ends, and the next one is read in time.
	answer("42900\n")
	finished()
	path := filepath.Join(b.folder(2), "temp1_input")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("44000\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	b.read() // may be too busy to see the end of the new run
	<-b.chip(2).run.Done()
	b.want(collect.OK, first, second+"44", third)
}

// chip returns the collector's chip of a number.
func (b *bench) chip(n int) *hwmonChip {
	b.t.Helper()
	return b.hwmon.chips[n-1]
}

// A newcomer gets the label that is left; a chip keeps its own when the one
// that it had to make way for is gone.
func TestHwmonLabelsStay(t *testing.T) {
	b := newBench(t, time.Minute)
	b.add(1, map[string]string{"name": "x", "temp1_input": "1000"})
	link := func(n int) string { return filepath.Join(b.root, fmt.Sprintf("class/hwmon/hwmon%d", n)) }
	second := filepath.Join(b.root, "devices/platform/chip.1/hwmon/hwmon0")
	for _, err := range []error{
		os.MkdirAll(second, 0o755),
		os.Symlink("../../../chip.1", filepath.Join(second, "device")),
		os.WriteFile(filepath.Join(second, "name"), []byte("a\n"), 0o644),
		os.WriteFile(filepath.Join(second, "temp1_input"), []byte("2000\n"), 0o644),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	old := `node_hwmon_temp_celsius{chip="platform_chip_1",sensor="temp1"} 1`
	b.want(collect.OK, old)
	if err := os.Symlink("../../devices/platform/chip.1/hwmon/hwmon0", link(0)); err != nil {
		t.Fatal(err)
	}
	b.want(collect.OK, old, `node_hwmon_temp_celsius{chip="platform_chip_1_a",sensor="temp1"} 2`)
	if err := os.Remove(link(1)); err != nil {
		t.Fatal(err)
	}
	b.want(collect.OK, `node_hwmon_temp_celsius{chip="platform_chip_1_a",sensor="temp1"} 2`)
}

func TestHwmonFiltersExclude(t *testing.T) {
	for _, what := range []string{"chip", "sensor"} {
		options := map[string][]string{what + "-include": {"a"}, what + "-exclude": {"b"}}
		_, err := collect.NewUnit(hwmon, &host.Host{}, log.NewNopLogger(), nil, options)
		if err == nil || !strings.Contains(err.Error(), what+"-include") {
			t.Errorf("%v: %v", options, err)
		}
	}
}

// BenchmarkHwmon reads 10 to 40 chips of 20 sensors of 4 files each.
func BenchmarkHwmon(b *testing.B) {
	for _, chips := range []int{10, 40} {
		b.Run(fmt.Sprint(20*chips, "sensors"), func(b *testing.B) {
			h := newBench(b, time.Minute)
			for chip := range chips {
				files := map[string]string{"name": "coretemp"}
				for n := range 20 {
					sensor := fmt.Sprint("temp", n+1)
					files[sensor+"_input"], files[sensor+"_max"], files[sensor+"_crit"] = "46000", "80000", "100000"
					files[sensor+"_label"] = fmt.Sprint("Core ", n)
				}
				h.add(chip, files)
			}
			h.read()
			var text []byte
			b.ReportAllocs()
			for b.Loop() {
				r := h.unit.Begin(metric.Text)
				if _, ok := r.Wait(context.Background(), r.Deadline()); !ok {
					b.Fatal("late")
				}
				text = h.unit.AppendText(text[:0], nil)
			}
		})
	}
}
