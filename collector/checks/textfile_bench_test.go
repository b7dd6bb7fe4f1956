package checks

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

// newTextfile1000 returns a file of ten families with 100 series each.
func newTextfile1000(file int) string {
	var b strings.Builder
	for family := range 10 {
		name := fmt.Sprintf("job%d_metric%d", file, family)
		fmt.Fprintf(&b, "# HELP %s Value of a job.\n# TYPE %s gauge\n", name, name)
		for series := range 100 {
			fmt.Fprintf(&b, "%s{job=\"job%d\",queue=\"queue-%d\"} %d.5\n", name, file, series, series*1000)
		}
	}
	return b.String()
}

// BenchmarkTextfile scrapes 10 files of 1000 series each. Since the previous scrape none
// of them has changed, one, or all (as without a cache).
func BenchmarkTextfile(b *testing.B) {
	for _, changed := range []int{0, 1, 10} {
		b.Run(fmt.Sprintf("changed=%d", changed), func(b *testing.B) {
			bench := newTextfileBench(b)
			for i := range 10 {
				bench.write(b, fmt.Sprintf("%d.prom", i), newTextfile1000(i))
			}
			var text []byte
			run := func() {
				bench.out.Reset(metric.Text)
				if err := bench.Update(context.Background(), bench.out); err != nil {
					b.Fatal(err)
				}
				text = bench.out.AppendText(text[:0], nil, func(string) bool { return false })
			}
			run()
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				for _, f := range bench.files[:changed] {
					delete(bench.cache, f.path)
				}
				run()
			}
		})
	}
}
