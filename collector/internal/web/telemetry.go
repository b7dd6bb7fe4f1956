package web

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

// A telemetry counts scrapes under the names of promhttp. It is safe for
// concurrent use.
type telemetry struct {
	inFlight  atomic.Int64
	mu        sync.Mutex
	responses map[int]uint64 // by status code

	errors       *prometheus.Registry // has the error counters of promhttp
	promhttpUsed atomic.Bool

	requestsTotal, requestsInFlight, errorsTotal *metric.Family
}

func newTelemetry() *telemetry {
	return &telemetry{
		errors: prometheus.NewRegistry(),
		// These exist from the start, so that the first response is an
		// increase.
		responses: map[int]uint64{http.StatusOK: 0, http.StatusInternalServerError: 0, http.StatusServiceUnavailable: 0},
	}
}

// declare declares the families that emit emits.
func (t *telemetry) declare(set *metric.Set) {
	t.requestsTotal = set.Counter("promhttp_metric_handler_requests_total", "Scrapes by HTTP status code.", "code")
	t.requestsInFlight = set.Gauge("promhttp_metric_handler_requests_in_flight", "Scrapes in progress.")
	t.errorsTotal = set.Counter("promhttp_metric_handler_errors_total", "Errors while gathering or encoding metrics for OpenMetrics or protobuf.", "cause")
}

func (t *telemetry) begin() { t.inFlight.Add(1) }

func (t *telemetry) end(code int) {
	t.inFlight.Add(-1)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.responses[code]++
}

func (t *telemetry) emit(out *metric.Sink) {
	t.mu.Lock()
	for _, code := range slices.Sorted(maps.Keys(t.responses)) {
		out.Emit(t.requestsTotal, float64(t.responses[code]), strconv.Itoa(code))
	}
	t.mu.Unlock()
	out.Emit(t.requestsInFlight, float64(t.inFlight.Load()))
	causes := t.causes()
	for _, cause := range []string{"encoding", "gathering"} {
		out.Emit(t.errorsTotal, causes[cause], cause)
	}
}

// causes returns promhttp's error counts by cause, or nil before its first use.
func (t *telemetry) causes() map[string]float64 {
	if !t.promhttpUsed.Load() {
		return nil
	}
	causes := map[string]float64{}
	families, _ := t.errors.Gather() // one counter vector, which does not fail
	for _, f := range families {
		for _, m := range f.GetMetric() {
			causes[m.GetLabel()[0].GetValue()] = m.GetCounter().GetValue()
		}
	}
	return causes
}
