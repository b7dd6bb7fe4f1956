package hardware

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
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
		{name: "power"},       // a directory, of power management
		{name: "power_state"}, // of a PCI device
		{name: "in1_reset_history"},
		{name: "temp99999999999999999999_input"},
	} {
		f, ok := parseHwmonFile(test.name)
		if ok != (test.kind != "") || ok && (f.kind != test.kind || f.sensor != test.sensor || f.element != test.element) {
			t.Errorf("%q: %+v, %v", test.name, f, ok)
		}
	}
}

// FuzzHwmonFiles expects valid and unique names for all names of files and
// sensors.
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
			declare := set.Gauge
			if e.counter {
				declare = set.Counter
			}
			if got := declare(e.family, e.help, "chip", "sensor").Name(); got != e.family {
				t.Errorf("%s becomes %s, which is not a name", e.file, e.family)
			}
			if e.divisor == 0 {
				t.Errorf("%s has no unit", e.file)
			}
		}
	})
}

// A hwmonBench is a collector on a sysfs with chips, and a clock.
type hwmonBench struct {
	t       testing.TB
	root    string
	elapsed atomic.Int64 // on the clock, in nanoseconds; runs that hang read it too
	unit    *collect.Unit
	hwmon   *hwmonCollector
}

func newHwmonBench(t testing.TB, timeout time.Duration) *hwmonBench {
	t.Helper()
	b := &hwmonBench{t: t, root: t.TempDir()}
	h := &host.Host{Sys: host.NewTree(b.root).Attributes(), Now: func() time.Time { return time.Unix(1e9, b.elapsed.Load()) }}
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

func (b *hwmonBench) chipDir(chip int) string {
	return filepath.Join(b.root, fmt.Sprintf("devices/platform/chip.%d/hwmon/hwmon%d", chip, chip))
}

func (b *hwmonBench) addChip(chip int, files map[string]string) {
	b.t.Helper()
	dir := b.chipDir(chip)
	class := filepath.Join(b.root, "class/hwmon")
	for _, err := range []error{
		os.MkdirAll(dir, 0o755),
		os.MkdirAll(class, 0o755),
		os.Symlink(fmt.Sprintf("../../../chip.%d", chip), filepath.Join(dir, "device")),
		os.Symlink(fmt.Sprintf("../../devices/platform/chip.%d/hwmon/hwmon%d", chip, chip), filepath.Join(class, fmt.Sprint("hwmon", chip))),
	} {
		if err != nil {
			b.t.Fatal(err)
		}
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content+"\n"), 0o644); err != nil {
			b.t.Fatal(err)
		}
	}
}

// addHungSensor adds a sensor whose reading blocks until answer is called.
func (b *hwmonBench) addHungSensor(chip int, file string) (answer func(string)) {
	b.t.Helper()
	path := filepath.Join(b.chipDir(chip), file)
	if err := unix.Mkfifo(path, 0o644); err != nil {
		b.t.Fatal(err)
	}
	return func(text string) { // opening waits for the reader
		if err := os.WriteFile(path, []byte(text), 0); err != nil {
			b.t.Fatal(err)
		}
	}
}

func (b *hwmonBench) read() (text string, state collect.State) {
	b.t.Helper()
	r := b.unit.Begin(metric.Text)
	result, ok := r.Wait(context.Background(), r.Deadline())
	if !ok {
		b.t.Fatal("the collector missed its deadline")
	}
	return string(b.unit.AppendText(nil, nil)), result.State
}

func (b *hwmonBench) expect(state collect.State, lines ...string) {
	b.t.Helper()
	text, have := b.read()
	if have != state {
		b.t.Errorf("state %s, %v, want %s", have, b.unit.Status().Err, state)
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

// TestHwmonSlowChip expects that a chip that hangs costs only its own samples,
// and the time of one scrape, and that its late answer is served up to a
// maximum age.
func TestHwmonSlowChip(t *testing.T) {
	b := newHwmonBench(t, 2*time.Second)
	b.addChip(1, map[string]string{"temp1_input": "41000"})
	b.addChip(2, nil)
	b.addChip(3, map[string]string{"temp1_input": "43000"})
	answer := b.addHungSensor(2, "temp1_input")
	first := `node_hwmon_temp_celsius{chip="platform_chip_1",sensor="temp1"} 41`
	second := `node_hwmon_temp_celsius{chip="platform_chip_2",sensor="temp1"} `
	third := `node_hwmon_temp_celsius{chip="platform_chip_3",sensor="temp1"} 43`

	b.expect(collect.Partial, first, third)
	started := time.Now()
	for range 5 {
		b.expect(collect.Partial, first, third)
	}
	if took := time.Since(started); took > time.Second {
		t.Errorf("five scrapes with a pending chip took %v", took)
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
	b.expect(collect.OK, first, second+"42", third) // from the late run; a new one hangs
	b.expect(collect.OK, first, second+"42", third)
	answer("42500\n")
	finished()
	b.expect(collect.OK, first, second+"42.5", third)
	b.elapsed.Add(int64(maxHwmonReadingAge))
	b.expect(collect.Partial, first, third)

	// The chip recovers: the run that hung ends, and the next one is in time.
	answer("42900\n")
	finished()
	path := filepath.Join(b.chipDir(2), "temp1_input")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("44000\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	b.read() // may miss the end of the new run on a busy machine
	<-b.chip(2).run.Done()
	b.expect(collect.OK, first, second+"44", third)
}

// chip returns the collector's chip with a number.
func (b *hwmonBench) chip(n int) *hwmonChip {
	b.t.Helper()
	return b.hwmon.chips[n-1]
}

// TestHwmonSharedDevice expects that the labels of two chips of one device have
// their names, whichever was there first, and that a chip alone has none.
func TestHwmonSharedDevice(t *testing.T) {
	b := newHwmonBench(t, time.Minute)
	b.addChip(1, map[string]string{"name": "x", "temp1_input": "1000"})
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
	b.expect(collect.OK, `node_hwmon_temp_celsius{chip="platform_chip_1",sensor="temp1"} 1`)
	if err := os.Symlink("../../devices/platform/chip.1/hwmon/hwmon0", link(0)); err != nil {
		t.Fatal(err)
	}
	b.expect(collect.OK,
		`node_hwmon_temp_celsius{chip="platform_chip_1_a",sensor="temp1"} 2`,
		`node_hwmon_temp_celsius{chip="platform_chip_1_x",sensor="temp1"} 1`)
	if err := os.Remove(link(1)); err != nil {
		t.Fatal(err)
	}
	b.expect(collect.OK, `node_hwmon_temp_celsius{chip="platform_chip_1",sensor="temp1"} 2`)
}

func TestUniqueHwmonLabels(t *testing.T) {
	type chip struct{ base, name, dir string }
	for _, test := range []struct {
		chips []chip
		want  string
	}{
		{[]chip{{"a", "x", "hwmon1"}, {"b", "x", "hwmon2"}}, "a b"},
		{[]chip{{"a", "x", "hwmon1"}, {"a", "y", "hwmon2"}}, "a_x a_y"},
		{[]chip{{"a", "x", "hwmon1"}, {"a", "x", "hwmon2"}}, "a_hwmon1 a_hwmon2"},
		{[]chip{{"a", "x", "hwmon1"}, {"a", "", "hwmon2"}}, "a_x a_hwmon2"},
		{[]chip{{"a", "x", "hwmon1"}, {"a", "x", "hwmon2"}, {"a", "y", "hwmon3"}}, "a_hwmon1 a_hwmon2 a_y"},
		// The base of one chip is the extended label of another.
		{[]chip{{"a", "x", "hwmon1"}, {"a", "y", "hwmon2"}, {"a_x", "z", "hwmon3"}}, "a_hwmon1 a_y a_x"},
	} {
		for range 2 {
			var chips []*hwmonChip
			for _, c := range test.chips {
				chips = append(chips, &hwmonChip{entry: host.DirEntry{Name: c.dir}, base: c.base, name: c.name})
			}
			labels := uniqueHwmonLabels(chips)
			if have := strings.Join(labels, " "); have != test.want {
				t.Errorf("%v: have %s, want %s", test.chips, have, test.want)
			}
			slices.Reverse(test.chips)
			words := strings.Fields(test.want)
			slices.Reverse(words)
			test.want = strings.Join(words, " ")
		}
	}
}

// BenchmarkHwmon reads 10 and 40 chips of 20 sensors with 4 files each.
func BenchmarkHwmon(b *testing.B) {
	for _, chips := range []int{10, 40} {
		b.Run(fmt.Sprint(20*chips, "sensors"), func(b *testing.B) {
			h := newHwmonBench(b, time.Minute)
			for chip := range chips {
				files := map[string]string{"name": "coretemp"}
				for n := range 20 {
					sensor := fmt.Sprint("temp", n+1)
					files[sensor+"_input"], files[sensor+"_max"], files[sensor+"_crit"] = "46000", "80000", "100000"
					files[sensor+"_label"] = fmt.Sprint("Core ", n)
				}
				h.addChip(chip, files)
			}
			h.read()
			var text []byte
			b.ReportAllocs()
			for b.Loop() {
				r := h.unit.Begin(metric.Text)
				if _, ok := r.Wait(context.Background(), r.Deadline()); !ok {
					b.Fatal("missed deadline")
				}
				text = h.unit.AppendText(text[:0], nil)
			}
		})
	}
}

// TestHwmonSlowChipInFirstScrape has a chip that takes longer than a later
// scrape would wait.
func TestHwmonSlowChipInFirstScrape(t *testing.T) {
	t.Parallel()
	b := newHwmonBench(t, 5*time.Second)
	b.addChip(1, nil)
	answer := b.addHungSensor(1, "temp1_input")
	time.AfterFunc(maxHwmonTotalWait+500*time.Millisecond, func() { answer("41000\n") })
	b.expect(collect.OK, `node_hwmon_temp_celsius{chip="platform_chip_1",sensor="temp1"} 41`)
}

// TestHwmonNameIsReadAgain has a chip without a device, whose label is its name.
func TestHwmonNameIsReadAgain(t *testing.T) {
	b := newHwmonBench(t, 2*time.Second)
	dir := filepath.Join(b.root, "class/hwmon/hwmon0")
	if err := os.MkdirAll(filepath.Join(dir, "name"), 0o755); err != nil { // reading it fails
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "temp1_input"), []byte("41000\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	b.expect(collect.Failed)
	b.expect(collect.Failed)
	if err := os.Remove(filepath.Join(dir, "name")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "name"), []byte("cpu_thermal\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	b.expect(collect.OK, `node_hwmon_temp_celsius{chip="cpu_thermal",sensor="temp1"} 41`)
}
