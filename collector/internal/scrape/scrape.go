// Package scrape runs units side by side under one deadline, adds the metrics
// of the run itself and the results of the expectations, and returns everything
// as text or as prometheus.Metrics. It knows neither HTTP nor what collectors
// read.
package scrape

import (
	"strconv"
	"time"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/expect"
	"github.com/hostexporter/host_exporter/collector/internal/health"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

// A Request is one scrape.
type Request struct {
	Units    []*collect.Unit
	Want     metric.Filter // nil: all families
	Deadline time.Time     // zero: only the units' own timeouts apply
	Filtered bool          // Units are not all enabled units
	Expect   *expect.Set   // expectations to evaluate; nil: none
	Health   *Health       // health rules to evaluate; nil: none

	// Observe is called with the samples of each source in turn, before they are
	// rendered. It must not retain them. Nil: nothing observes.
	Observe func(metric.Samples)

	// Buffer is called when all units have finished or are late, before memory
	// is allocated for the response. It returns the buffer to which AppendText
	// appends. Nil: AppendText appends to its argument.
	Buffer func() []byte
}

// Health are the health rules of a scrape.
type Health struct {
	Rules  *health.Rules
	Export bool                 // emit host_exporter_health
	Own    func(metric.Samples) // called with the exporter's own samples, those of expectations included; may be nil
	Report func(*health.Report) // called with the report, before the samples are rendered; may be nil
}

// TimeoutHeader is the HTTP header with the scrape timeout of Prometheus in
// seconds.
const TimeoutHeader = "X-Prometheus-Scrape-Timeout-Seconds"

const minTimeout = 500 * time.Millisecond

// Deadline returns the deadline of a scrape that began at start, given the
// value of TimeoutHeader. It reserves a tenth of the timeout, at most half a
// second, for rendering and the network. A timeout below minTimeout is raised:
// it would only make collectors late that are not. It is zero if the header is
// not a positive number of seconds.
func Deadline(start time.Time, header string) time.Time {
	seconds, err := strconv.ParseFloat(header, 64)
	if err != nil || !(seconds > 0) || seconds > 24*3600 {
		return time.Time{}
	}
	timeout := max(time.Duration(seconds*float64(time.Second)), minTimeout)
	return start.Add(timeout - min(timeout/10, time.Second/2))
}
