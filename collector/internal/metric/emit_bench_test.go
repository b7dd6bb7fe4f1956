package metric

import (
	"fmt"
	"testing"
)

// BenchmarkEmit measures runs of 10,000 samples and their text, by the number of
// labels: with the same series each time, and with another first one.
func BenchmarkEmit(b *testing.B) {
	for n, value := range []string{"sd%03d", "cpu%d", "0x500a0980%08x"} {
		for _, kind := range []string{"same", "changed"} {
			b.Run(fmt.Sprintf("%d/%s", n+1, kind), func(b *testing.B) { benchmarkEmit(b, n+1, value, kind == "changed") })
		}
	}
}

func benchmarkEmit(b *testing.B, labelCount int, value string, changes bool) {
	const families, devices = 20, 500
	set := NewSet()
	var all []*Family
	for i := range families {
		all = append(all, set.Counter(fmt.Sprintf("node_disk_counter%d_total", i), "Operations.", []string{"device", "mode", "state"}[:labelCount]...))
	}
	labels := make([][]string, devices)
	for d := range labels {
		for range labelCount {
			labels[d] = append(labels[d], fmt.Sprintf(value, d))
		}
	}
	run, last := NewSink(set), NewSink(set)
	var text []byte
	for turn := 0; b.Loop(); turn++ {
		if changes {
			labels[0][0] = []string{"a", "b"}[turn%2]
		}
		run.Reset(Text)
		run.Guard(families*devices, last)
		for d, l := range labels {
			for i, f := range all {
				v := float64(d*7919 + i*104729)
				if i%4 == 0 {
					v /= 1000
				}
				run.Emit(f, v, l...)
			}
		}
		run.Finish()
		text = run.AppendText(text[:0], nil, noneReserved)
		run, last = last, run
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/families/devices, "ns/sample")
}
