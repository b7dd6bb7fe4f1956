package exporter

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

// diskSpec returns a collector of 20 families with values like those of
// diskstats.
func diskSpec(samples int) collect.Spec {
	return toySpec("disks", 0, func() func(*metric.Set, *metric.Sink) error {
		var families []*metric.Family
		var devices []string
		for i := range samples / 20 {
			devices = append(devices, fmt.Sprintf("sd%c%c%c", 'a'+i/676, 'a'+i/26%26, 'a'+i%26))
		}
		return func(set *metric.Set, out *metric.Sink) error {
			for i := len(families); i < 20; i++ {
				families = append(families, set.Counter(fmt.Sprintf("node_disk_counter%d_total", i), "Operations of a disk since boot.", "device"))
			}
			for d, device := range devices {
				for i, f := range families {
					v := float64(d*7919 + i*104729)
					if i%4 == 0 {
						v /= 1000 // as milliseconds become seconds
					}
					out.Emit(f, v, device)
				}
			}
			return nil
		}
	}())
}

// BenchmarkPipeline measures everything between a collector's Emit and the
// socket: per sample, on both roads, plain and compressed. The small case shows
// the fixed costs of a scrape.
func BenchmarkPipeline(b *testing.B) {
	for _, samples := range []int{500, 10_000, 100_000} {
		for _, road := range []struct{ name, accept, encoding string }{
			{"fast", acceptNew, ""},
			{"fast-gzip", acceptNew, "gzip"},
			{"fast-zstd", acceptNew, "zstd"},
			{"ordinary", "application/openmetrics-text;version=1.0.0", ""},
			{"ordinary-gzip", "application/openmetrics-text;version=1.0.0", "gzip"},
		} {
			b.Run(fmt.Sprintf("%s/%d", road.name, samples), func(b *testing.B) {
				e := newExporter(b, Config{specs: []collect.Spec{diskSpec(samples)}})
				req := httptest.NewRequest("GET", "/metrics", nil)
				req.Header.Set("Accept", road.accept)
				req.Header.Set("Accept-Encoding", road.encoding)
				w := &discardWriter{header: http.Header{}}
				e.ServeHTTP(w, req)
				b.ReportAllocs()
				for b.Loop() {
					clear(w.header)
					e.ServeHTTP(w, req)
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(samples), "ns/sample")
			})
		}
	}
}

// A discardWriter is a response that discards its body.
type discardWriter struct {
	header http.Header
	bytes  int
}

func (d *discardWriter) Header() http.Header { return d.header }
func (d *discardWriter) WriteHeader(int)     {}
func (d *discardWriter) Write(b []byte) (int, error) {
	d.bytes += len(b)
	return len(b), nil
}

// TestFastRoadDoesNotAllocatePerSample compares a small scrape with a large
// one: the number of allocations does not depend on the number of samples.
func TestFastRoadDoesNotAllocatePerSample(t *testing.T) {
	allocs := func(samples int) float64 {
		e := newExporter(t, Config{specs: []collect.Spec{diskSpec(samples)}})
		req := httptest.NewRequest("GET", "/metrics", nil)
		req.Header.Set("Accept", acceptNew)
		req.Header.Set("Accept-Encoding", "gzip")
		w := &discardWriter{header: http.Header{}}
		return testing.AllocsPerRun(20, func() { clear(w.header); e.ServeHTTP(w, req) })
	}
	if small, large := allocs(500), allocs(20_000); large-small > 200 {
		t.Errorf("%v allocations for 500 samples, %v for 20000", small, large)
	}
}
