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

// telemetry counts scrapes under promhttp's names. It is safe for concurrent
// use.
type telemetry struct {
	inFlight  atomic.Int64
	mu        sync.Mutex
	responses map[int]uint64 // by status code

	errors       *prometheus.Registry // where promhttp itself counts its errors
	promhttpUsed atomic.Bool          // whether promhttp was ever used

	requestsTotal, requestsInFlight, errorsTotal *metric.Family
}

func newTelemetry() *telemetry {
	return &telemetry{
		errors: prometheus.NewRegistry(),
		// These are there from the start, so that the first one is an increase.
		responses: map[int]uint64{http.StatusOK: 0, http.StatusInternalServerError: 0, http.StatusServiceUnavailable: 0},
	}
}

// declare has the counts served.
func (t *telemetry) declare(set *metric.Set) {
	t.requestsTotal = set.Counter("promhttp_metric_handler_requests_total", "Scrapes that were answered, by HTTP status code.", "code")
	t.requestsInFlight = set.Gauge("promhttp_metric_handler_requests_in_flight", "Scrapes being served now.")
	t.errorsTotal = set.Counter("promhttp_metric_handler_errors_total", "Errors on the ordinary road: of gathering, and of encoding.", "cause")
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

// causes returns what promhttp counted. Until it was used, that is nothing.
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
