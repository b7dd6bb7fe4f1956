package metric

import (
	"fmt"
	"testing"
)

// BenchmarkEmit measures runs of 10,000 samples with the same series each time,
// by the number of labels.
func BenchmarkEmit(b *testing.B) {
	const families, devices = 20, 500
	for n, value := range []string{"sd%03d", "cpu%d", "0x500a0980%08x"} {
		b.Run(fmt.Sprint(n+1), func(b *testing.B) {
			set := NewSet()
			var all []*Family
			for i := range families {
				all = append(all, set.Counter(fmt.Sprintf("node_disk_counter%d_total", i), "Operations.", []string{"device", "mode", "state"}[:n+1]...))
			}
			values := make([][]string, devices)
			for d := range values {
				for range n + 1 {
					values[d] = append(values[d], fmt.Sprintf(value, d))
				}
			}
			run, last := NewSink(set), NewSink(set)
			for b.Loop() {
				run.Reset(Text)
				run.Guard(families*devices, last)
				for d, labels := range values {
					for i, f := range all {
						v := float64(d*7919 + i*104729)
						if i%4 == 0 {
							v /= 1000
						}
						run.Emit(f, v, labels...)
					}
				}
				run.Finish()
				run, last = last, run
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/families/devices, "ns/sample")
		})
	}
}
