package scrape

import (
	"strconv"
	"time"
)

// TimeoutHeader is where Prometheus says how long it waits for a scrape, in
// seconds.
const TimeoutHeader = "X-Prometheus-Scrape-Timeout-Seconds"

// Deadline returns when a scrape that began at start has to be answered,
// given the value of TimeoutHeader: a tenth of the time, but no more than half
// a second, is kept back for rendering and the network. It is zero when the
// header is not a positive number of seconds.
func Deadline(start time.Time, header string) time.Time {
	seconds, err := strconv.ParseFloat(header, 64)
	if err != nil || !(seconds > 0) || seconds > 24*3600 {
		return time.Time{}
	}
	budget := time.Duration(seconds * float64(time.Second))
	return start.Add(budget - min(budget/10, time.Second/2))
}
