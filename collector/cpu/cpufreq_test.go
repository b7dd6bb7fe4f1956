package cpu

import (
	"context"
	"testing"
	"time"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

// TestSlowCPUsAreReadConcurrently makes every reading slow by the clock, and
// expects the same samples as without.
func TestSlowCPUsAreReadConcurrently(t *testing.T) {
	for _, cpus := range []int{2, 32, 100} {
		h := hostAt(bigHost(t, cpus))
		update, sink := updater(t, cpufreq, h)
		update()
		want := string(sink.AppendText(nil, nil, func(string) bool { return false }))

		var now time.Time
		h.Now = func() time.Time {
			now = now.Add(time.Second)
			return now
		}
		update, sink = updater(t, cpufreq, h)
		for range 2 {
			update()
			if got := string(sink.AppendText(nil, nil, func(string) bool { return false })); got != want {
				t.Errorf("%d CPUs, read concurrently:\n%s\nwant:\n%s", cpus, got, want)
			}
			if errs, _ := sink.Errors(); len(errs) > 0 {
				t.Error(errs)
			}
		}
	}
}

// TestHardwareFrequencyIsLeftToCPUInfo declares node_cpu_frequency_hertz only if
// the cpu collector does not.
func TestHardwareFrequencyIsLeftToCPUInfo(t *testing.T) {
	root := bigHost(t, 2)
	write(t, root, "sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_cur_freq", "1\n")
	for _, elsewhere := range []bool{false, true} {
		set := metric.NewSet()
		env := &collect.Env{Host: hostAt(root), Metrics: set, Declared: func(name string) bool { return elsewhere && name == "node_cpu_info" }}
		if err := newCPUFreq(env).Update(context.Background(), metric.NewSink(set)); err != nil {
			t.Fatal(err)
		}
		if set.Has("node_cpu_frequency_hertz") == elsewhere {
			t.Errorf("node_cpu_frequency_hertz: declared %v, by cpu %v", !elsewhere, elsewhere)
		}
	}
}
