package checks

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/hostexporter/host_exporter/collector/checks/internal/definition"
	"github.com/hostexporter/host_exporter/collector/checks/internal/merge"
	"github.com/hostexporter/host_exporter/collector/checks/internal/scheduler"
	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

// newStates returns the states of 200 checks that publish 20 series each.
func newStates(t testing.TB) fixedStates {
	var all fixedStates
	for check := range 200 {
		name := fmt.Sprintf("check%03d", check)
		var b strings.Builder
		for family := range 4 {
			fmt.Fprintf(&b, "# TYPE job%d_metric%d gauge\n", check, family)
			for series := range 5 {
				fmt.Fprintf(&b, "job%d_metric%d{queue=\"queue-%d\"} %d.5\n", check, family, series, series*1000)
			}
		}
		all = append(all, scheduler.State{
			Definition: definition.New(name), Interval: time.Minute, Runs: 5, CPU: time.Second, CPUKnown: true,
			HasRun: true, LastRun: time.Unix(1767323045, 0), LastSuccess: time.Unix(1767323045, 0),
			LastOutcome:  scheduler.Outcome{HasExitCode: true, CPUKnown: true, MaxRSS: 1 << 20, Duration: 250 * time.Millisecond},
			HasPublished: true, Series: 20,
			Publication: &merge.Source{Name: name, Families: parseFamilies(t, b.String())},
		})
	}
	return all
}

// BenchmarkCheck scrapes 200 checks of 20 series each. Since the previous scrape none
// of them has published, or 20.
func BenchmarkCheck(b *testing.B) {
	for _, changed := range []int{0, 20} {
		b.Run(fmt.Sprintf("changed=%d", changed), func(b *testing.B) {
			states := newStates(b)
			set := metric.NewSet()
			c := newCheck(&collect.Env{Metrics: set, Reserved: set.Has}, states, new(exportedNames))
			out := metric.NewSink(set)
			var text []byte
			run := func() {
				out.Reset(metric.Text)
				if err := c.Update(context.Background(), out); err != nil {
					b.Fatal(err)
				}
				text = out.AppendText(text[:0], nil, set.Has)
			}
			run()
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				for i := range changed {
					again := *states[i].Publication
					states[i].Publication = &again
				}
				run()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(out.SampleCount()), "ns/sample")
		})
	}
}
