package main

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

func release() string {
	b, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	return strings.TrimSpace(string(b))
}

func print(both [2]*exporter, floor, theirs *floor) {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	a, b := both[0], both[1]
	fmt.Fprintf(w, "\t%s\t%s\tratio\t\n", a.name, b.name)
	row := func(what, format string, of func(*exporter) float64) {
		ratio := "-"
		if of(b) != 0 && of(a) != 0 {
			ratio = fmt.Sprintf("%.2f", of(a)/of(b))
		}
		fmt.Fprintf(w, "%s\t"+format+"\t"+format+"\t%s\t\n", what, of(a), of(b), ratio)
	}
	ms := func(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e6 }
	row("samples", "%.0f", func(e *exporter) float64 { return float64(e.samples) })
	row("bytes, compressed", "%.0f", func(e *exporter) float64 { return float64(e.bytes) })
	row("user CPU ms/scrape", "%.3f", func(e *exporter) float64 { return ms(e.user) })
	row("system CPU ms/scrape", "%.3f", func(e *exporter) float64 { return ms(e.system) })
	row("CPU ms/scrape", "%.3f", func(e *exporter) float64 { return ms(e.total) })
	row("system calls/scrape", "%.0f", func(e *exporter) float64 { return e.calls })
	row("files read", "%.0f", func(e *exporter) float64 { return float64(len(e.files)) })
	row("resident MiB", "%.1f", func(e *exporter) float64 { return e.rss })
	row("private MiB", "%.1f", func(e *exporter) float64 { return e.private })
	row("latency p50 ms", "%.2f", func(e *exporter) float64 { return ms(quantile(e.latency, 0.50)) })
	row("latency p99 ms", "%.2f", func(e *exporter) float64 { return ms(quantile(e.latency, 0.99)) })
	w.Flush()
	if len(floor.files) > 0 {
		fmt.Printf("\nfloor: %.3f ms of CPU to open, read and close the %d files that host_exporter reads once; host_exporter takes %.2f times that\n",
			ms(floor.cpu), len(floor.files), float64(a.total)/float64(floor.cpu))
		fmt.Printf("the same for the %d files that the peer reads: %.3f ms; host_exporter takes %.2f times that, the peer %.2f times\n",
			len(theirs.files), ms(theirs.cpu), float64(a.total)/float64(theirs.cpu), float64(b.total)/float64(theirs.cpu))
	}
}

func quantile(d []time.Duration, q float64) time.Duration {
	if len(d) == 0 {
		return 0
	}
	d = slices.Sorted(slices.Values(d))
	return d[int(q*float64(len(d)-1))]
}
