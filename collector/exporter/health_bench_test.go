package exporter

import (
	"net/http/httptest"
	"testing"

	"github.com/hostexporter/host_exporter/collector/internal/test/golden"
)

// BenchmarkHealth scrapes a recorded host with and without the metric of the health
// rules.
func BenchmarkHealth(b *testing.B) {
	for _, bc := range []struct {
		name    string
		metrics bool
	}{{"off", false}, {"on", true}} {
		b.Run(bc.name, func(b *testing.B) {
			e := newExporter(b, Config{host: golden.Load(b, "../../testdata/hosts/san.host", golden.TempDir(b)), HealthMetrics: bc.metrics})
			b.ReportAllocs()
			for b.Loop() {
				e.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/metrics", nil))
			}
		})
	}
}
