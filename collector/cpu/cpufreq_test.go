package cpu

import (
	"context"
	"testing"
	"time"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

// TestSlowCPUsAreReadSideBySide makes every reading slow by the clock, and
// wants the same samples as if it were not.
func TestSlowCPUsAreReadSideBySide(t *testing.T) {
	for _, cpus := range []int{2, 32, 100} {
		h := liveLike(bigHost(t, cpus))
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
				t.Errorf("%d CPUs, side by side:\n%s\nwant:\n%s", cpus, got, want)
			}
			if errs, _ := sink.Errors(); len(errs) > 0 {
				t.Error(errs)
			}
		}
	}
}

// TestHardwareFrequencyGivesWay leaves node_cpu_frequency_hertz to the cpu
// collector where that has it.
func TestHardwareFrequencyGivesWay(t *testing.T) {
	root := bigHost(t, 2)
	write(t, root, "sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_cur_freq", "1\n")
	for _, taken := range []bool{false, true} {
		set := metric.NewSet()
		env := &collect.Env{Host: liveLike(root), Metrics: set, Reserved: func(name string) bool { return taken && name == "node_cpu_info" }}
		if err := newCPUFreq(env).Update(context.Background(), metric.NewSink(set)); err != nil {
			t.Fatal(err)
		}
		if set.Has("node_cpu_frequency_hertz") == taken {
			t.Errorf("node_cpu_frequency_hertz: declared %v while taken %v", !taken, taken)
		}
	}
}
